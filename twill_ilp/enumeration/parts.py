r"""Parts of a loop whose starts do not bind each other, and the windows that this leaves.

Longest paths in both directions tie two nodes to each other; in one direction they do not: where v
only has to come some time after u, it may come any number of iterations later.  A value that takes
up room has a deadline, a path back from its uses, so that the lives of all such values lie within
one part.  Hence a schedule stays one if a part starts a multiple of II later and so do all parts
that have to follow it: slots, groups and lives do not change.

Every part is therefore scheduled for itself.  One node of it, its root, starts in
:math:`[0, II)`, and one root of all, the *pinned* one, in cycle 0, since all may be rotated
together.  :func:`joined_starts` then moves the parts to where every dependence holds.
"""

from __future__ import annotations

from collections.abc import Sequence

from twill_ilp.graph import LoopGraph
from twill_ilp.ilp.reduction import UNREACHABLE, Node

__all__ = ["joined_starts", "part_of", "part_windows"]


def part_of(paths: Sequence[Sequence[int]]) -> list[int]:
    """The part of every node: the first node that it is tied to in both directions.

    Args:
        paths: longest paths, ``paths[u][v]`` in cycles.
    """
    return [
        next(u for u in range(len(paths)) if min(paths[u][v], paths[v][u]) > UNREACHABLE)
        for v in range(len(paths))
    ]


def part_windows(
    paths: Sequence[Sequence[int]],
    part: Sequence[int],
    nodes: Sequence[Node],
    ii: int,
    pin: int | None = None,
) -> list[tuple[int, int]]:
    """First and last start of every node (cycles) in schedules with the roots in their places.

    Args:
        pin: the node that starts in cycle 0; ``None``: the one with the most work.
    """
    work = [max((row.cycles * row.amount for row in node.usage), default=0) for node in nodes]
    order = sorted(range(len(nodes)), key=lambda v: (v != pin, -work[v]))
    root = {part[v]: v for v in reversed(order)}
    last = {u: ii - 1 for u in root.values()} | {order[0]: 0}
    return [(paths[root[p]][v], last[root[p]] - paths[v][root[p]]) for v, p in enumerate(part)]


def joined_starts(
    graph: LoopGraph, ii: int, part: Sequence[int], start: Sequence[int], spill: Sequence[int]
) -> dict[str, int]:
    """Starts (cycles) of a schedule from those within the parts.

    Args:
        spill: what each dependence takes longer, cycles, in the graph's order.
    """
    index = {op.name: i for i, op in enumerate(graph)}
    moved = dict.fromkeys(part, 0)
    late = True
    while late:  # parts follow each other in one direction only, so this ends
        late = False
        for e, longer in zip(graph.dependences, spill, strict=True):
            u, v = index[e.src], index[e.dst]
            least = start[u] + moved[part[u]] + e.delay + longer - e.distance * ii
            short = least - start[v] - moved[part[v]]
            if part[u] != part[v] and short > 0:
                moved[part[v]] -= -short // ii * ii
                late = True
    return {op.name: start[v] + moved[part[v]] for v, op in enumerate(graph)}
