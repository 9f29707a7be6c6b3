r"""Spills: a dependence between groups takes longer.

A dependence of weight :math:`w = d - \delta\,II` has :math:`start_v - start_u \ge w + spill_u`
once its groups are sure to differ: the longest paths get that row.  Where this contradicts them, or
the starts that are left, the two share a group.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from twill_ilp.enumeration.conflict import Conflict, Literal
from twill_ilp.enumeration.frame import from_bit, up_to_bit
from twill_ilp.enumeration.node import Node
from twill_ilp.enumeration.paths import Link, Paths
from twill_ilp.enumeration.together import are_apart, join, why_apart
from twill_ilp.ilp import Timeline

__all__ = ["Spills", "bound_others", "path_needs", "propagate_link"]


class Spills:
    """The links of every node and of every class.

    Dependences between parts have no link: all parts that follow may start later.
    """

    def __init__(self, line: Timeline, class_of: Sequence[int], part: Sequence[int]) -> None:
        graph, ii = line.core.graph, line.core.ii
        index = {op.name: i for i, op in enumerate(graph)}
        self.of_node: list[list[Link]] = [[] for _ in part]
        self.of_class: list[list[Link]] = [[] for _ in line.bonds]
        for e in graph.dependences if "spills" in line.rules else ():
            u, v = index[e.src], index[e.dst]
            c, d = class_of[u], class_of[v]
            if not graph.operations[u].spill or c == d or part[u] != part[v]:
                continue
            weight = e.delay - e.distance * ii + graph.operations[u].spill
            link = Link(u, v, c, d, weight)
            self.of_node[u].append(link)
            self.of_node[v].append(link)
            self.of_class[c].append(link)
            self.of_class[d].append(link)


def propagate_link(node: Node, link: Link) -> None:
    """What groups say of starts, and starts of groups.

    Raises:
        Conflict: the groups differ, and there is no time for that.
    """
    rows = node.paths.rows
    u, v, weight = link.u, link.v, link.weight
    if not are_apart(node, link.c, link.d):
        if rows[v][u] + weight > 0 or node.last[v] < node.first[u] + weight:
            join(node, link.c, link.d, _no_time, link, node.paths)
    elif rows[u][v] < weight:
        longer = node.paths.with_link(link)
        if longer is None:
            raise Conflict((_cycle, link, node.paths))
        node.paths = longer
        node.moved.update(range(len(node.first)))


def bound_others(node: Node, v: int) -> None:
    """Longest paths from and to v."""
    first, last, paths = node.first, node.last, node.paths
    mine_first, mine_last = first[v], last[v]
    for w, weight in paths.after[v]:
        if first[w] < mine_first + weight:
            node.keep(w, from_bit(mine_first + weight), _too_early, paths, v, w)
    for w, weight in paths.before[v]:
        if last[w] > mine_last - weight:
            node.keep(w, up_to_bit(mine_last - weight), _too_late, paths, v, w)


def path_needs(node: Node, paths: Paths, u: int, v: int, need: int) -> Iterator[Literal]:
    """Why the path from u to v takes that many cycles."""
    for link in paths.links(u, v, need):
        yield from why_apart(node, link.c, link.d)


def _no_time(node: Node, _: int, link: Link, paths: Paths) -> Iterator[Literal]:
    """Why the ends of the link are together: apart there is no time for it."""
    u, v, weight = link.u, link.v, link.weight
    if paths.rows[v][u] + weight > 0:
        yield from path_needs(node, paths, v, u, 1 - weight)
    else:
        yield u, up_to_bit(node.last[v] - weight)
        yield v, from_bit(node.last[v] + 1)


def _cycle(node: Node, _: int, link: Link, paths: Paths) -> Iterator[Literal]:
    """Why the link closes a positive cycle."""
    yield from why_apart(node, link.c, link.d)
    yield from path_needs(node, paths, link.v, link.u, 1 - link.weight)


def _too_early(node: Node, removed: int, paths: Paths, v: int, w: int) -> Iterator[Literal]:
    """Why w is not as early as that: v is late enough."""
    latest = removed.bit_length() - 1
    need = latest + 1 - node.first[v]
    weight = paths.oldest(v, w, need).rows[v][w]
    yield v, up_to_bit(latest - weight)
    yield from path_needs(node, paths, v, w, weight)


def _too_late(node: Node, removed: int, paths: Paths, v: int, w: int) -> Iterator[Literal]:
    """Why w is not as late as that: v is early enough."""
    earliest = (removed & -removed).bit_length() - 1
    need = node.last[v] - earliest + 1
    weight = paths.oldest(w, v, need).rows[w][v]
    yield v, from_bit(earliest + weight)
    yield from path_needs(node, paths, w, v, weight)
