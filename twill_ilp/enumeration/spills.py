r"""Spills: a dependence between groups takes longer.

A dependence of weight :math:`w = d - \delta\,II` has :math:`start_v - start_u \ge w + spill_u`
once its groups are sure to differ: the longest paths get that row.  Where this contradicts them, or
the starts that are left, the two share a group.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from twill_ilp.enumeration.conflict import Conflict
from twill_ilp.ilp import Timeline

if TYPE_CHECKING:
    from twill_ilp.enumeration.node import Node

__all__ = ["Link", "Spills", "propagate_link"]


@dataclass(frozen=True, slots=True)
class Link:
    """A dependence from u to v that has ``weight`` cycles between groups, its spill included.

    ``c`` and ``d`` are the classes of u and v.
    """

    u: int
    v: int
    c: int
    d: int
    weight: int


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
    common = node.groups[link.c] & node.groups[link.d]
    if common:
        if rows[v][u] + weight > 0 or node.last[v] < node.first[u] + weight:
            node.keep_groups(link.c, common)
            node.keep_groups(link.d, common)
    elif rows[u][v] < weight:
        longer = node.paths.with_row(u, v, weight)
        if longer is None:
            raise Conflict(len(node.starts) + link.c)
        node.paths = longer
        node.moved.update(range(len(node.starts)))
