r"""Traffic: register words that cross groups, each value once per group that reads it.

What is sure to cross stays within the limit; and what would exceed it does not cross, so that a
reader stays out of groups that are known not to be its sender's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from twill_ilp.enumeration.conflict import Conflict, Literal, largest
from twill_ilp.enumeration.node import Node, is_single
from twill_ilp.ilp import Timeline

__all__ = ["Traffic", "limit_traffic"]


class Traffic:
    """Values in registers, and who reads them.

    Attributes:
        limit: most register words that cross groups per iteration; ``None``: any number.
        values: classes of sender and reader, and the value's operation.
        words: register words of every operation's value.
    """

    def __init__(self, line: Timeline, class_of: Sequence[int], limit: int | None) -> None:
        graph = line.core.graph
        index = {op.name: i for i, op in enumerate(graph)}
        self.limit = limit
        self.words = [op.registers for op in graph]
        reads = [(index[e.src], index[e.dst]) for e in graph.dependences]
        self.values = sorted({(class_of[u], class_of[v], u) for u, v in reads if self.words[u]})


def limit_traffic(node: Node) -> None:
    """Values that are sure to cross are within the limit, and no others cross beyond it.

    Raises:
        Conflict: they are not.
    """
    traffic = node.case.traffic
    if traffic.limit is None:
        return
    crossing = _crossing(node)
    left = traffic.limit - sum(traffic.words[u] for u, _ in crossing)
    if left < 0:
        raise Conflict((_too_much, -1))
    count = len(node.first)
    for c, d, u in traffic.values:
        if c == d or traffic.words[u] <= left:
            continue
        sender, reader = node.sets[count + c], node.sets[count + d]
        paid = sum(group for v, group in crossing if v == u)
        node.keep(count + d, sender | paid, _not_to, u, c)
        if is_single(reader) and not reader & paid:
            node.keep(count + c, reader, _not_from, u, d)


def _crossing(node: Node) -> dict[tuple[int, int], tuple[int, int]]:
    """Values that are sure to cross, with the group that reads them; and both classes."""
    count = len(node.first)
    crossing: dict[tuple[int, int], tuple[int, int]] = {}
    for c, d, u in node.case.traffic.values:
        reader = node.sets[count + d]
        if is_single(reader) and not reader & node.sets[count + c]:
            crossing.setdefault((u, reader), (c, d))
    return crossing


def _not_to(node: Node, removed: int, value: int, c: int) -> Iterator[Literal]:
    """Why a reader is not in groups where the sender, of class c, is not either."""
    yield len(node.first) + c, removed
    yield from _too_much(node, removed, value)


def _not_from(node: Node, _: int, value: int, d: int) -> Iterator[Literal]:
    """Why a sender is in the known group of a reader, of class d."""
    x = len(node.first) + d
    yield x, ~node.sets[x]
    yield from _too_much(node, node.sets[x], value)


def _too_much(node: Node, groups: int, value: int) -> Iterator[Literal]:
    """Why too much crosses beside a value (-1: none) into one of those groups."""
    traffic, count = node.case.traffic, len(node.first)
    assert traffic.limit is not None
    room = traffic.limit - (traffic.words[value] if value >= 0 else 0)
    others = [
        (traffic.words[u], (c, d, group))
        for (u, group), (c, d) in _crossing(node).items()
        if u != value or not groups & group
    ]
    for c, d, group in largest(others, room):
        yield count + c, group
        yield count + d, ~group
