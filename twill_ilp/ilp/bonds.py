r"""Which operations must share a warp group, and which dependences are sure to be spilled.

A dependence (u, v) of weight :math:`w = d - \delta\,II` takes :math:`w + spill_u` between groups.
Where every schedule has :math:`start_v - start_u < w + spill_u`, that is, where the longest path
back from v to u closes a positive cycle with it, the two share a group: they are *bonded*.  So are
all operations of variable latency, a value in registers and its readers if it is more than may
cross groups, and, where that is asked for, operations that are too wide for two groups.

The other way round, groups that are known to differ make the delay longer before any model is
built.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import pairwise
from math import inf

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from twill_ilp.graph import Dependence, LoopGraph
from twill_ilp.machine import Machine
from twill_ilp.rules import Rules, designates

__all__ = ["bonded", "split_bond", "surely_spilled", "too_wide_apart"]


def surely_spilled(
    graph: LoopGraph, rules: Rules, partition: Mapping[str, int] | None = None
) -> tuple[Dependence, ...]:
    """The dependences, with the spill of those whose ends are known to be in two groups.

    Not a graph: with spills, operations of one iteration may wait for each other.

    Args:
        partition: the group of every operation; without one, only the designated group is known.
    """
    if "spills" not in rules:
        return graph.dependences
    side = partition or {op.name: int(designates(op, rules)) for op in graph}

    def spilled(e: Dependence) -> Dependence:
        spill = graph.by_name[e.src].spill if side[e.src] != side[e.dst] else 0
        return replace(e, delay=e.delay + spill) if spill else e

    return tuple(map(spilled, graph.dependences))


def bonded(
    graph: LoopGraph,
    ii: int,
    rules: Rules,
    paths: NDArray[np.int64],
    traffic: int | None = None,
    also: Iterable[tuple[int, int]] = (),
) -> tuple[tuple[int, ...], ...]:
    """Classes of operations (by index, ascending) that share a group in every schedule.

    Args:
        paths: longest paths between starts, cycles; rows and columns in the graph's order.
        traffic: most register words that may cross groups, if that is limited.
        also: other pairs that share a group.
    """
    largest = 0 if "no-cross-warp" in rules else traffic
    index = {op.name: i for i, op in enumerate(graph)}
    links: nx.Graph[int] = nx.Graph()
    links.add_nodes_from(range(len(graph)))
    links.add_edges_from(pairwise(i for i, op in enumerate(graph) if designates(op, rules)))
    links.add_edges_from(also)
    for e in graph.dependences:
        u, v, op = index[e.src], index[e.dst], graph.by_name[e.src]
        longer = e.delay - e.distance * ii + op.spill
        if "spills" in rules and op.spill and int(paths[v, u]) + longer > 0:
            links.add_edge(u, v)
        if largest is not None and op.registers > largest:
            links.add_edge(u, v)
    return tuple(tuple(sorted(part)) for part in nx.connected_components(links))


def too_wide_apart(graph: LoopGraph, machine: Machine, rules: Rules) -> Iterator[tuple[int, int]]:
    """Operations of the other groups for two of which warps, or groups, are too few."""
    designated = [op.warps for op in graph if designates(op, rules)]
    free = sorted((op.warps, i) for i, op in enumerate(graph) if not designates(op, rules))
    room = inf if machine.warps is None or "warps" not in rules else machine.warps
    most = inf if rules.max_groups is None else rules.max_groups - bool(designated)
    for warps, i in free[:-1]:
        widest, j = free[-1]
        if most < 2 or warps + widest > room - max(designated, default=0):
            yield i, j


def split_bond(
    graph: LoopGraph,
    rules: Rules,
    classes: Iterable[Iterable[int]],
    partition: Mapping[str, int] | None,
) -> str:
    """Two bonded operations that cannot share a group, in words; or ``""``."""
    for members in classes:
        ops = [graph.operations[v] for v in members]
        for op in ops[1:]:
            if designates(op, rules) != designates(ops[0], rules):
                return (
                    f"{ops[0].name} and {op.name} must share a group, as no spill or value can "
                    "pass between them, and only one of them has a variable latency"
                )
            if partition and partition[op.name] != partition[ops[0].name]:
                return (
                    f"{ops[0].name} and {op.name} must share a group, as no spill or value can "
                    "pass between them"
                )
    return ""
