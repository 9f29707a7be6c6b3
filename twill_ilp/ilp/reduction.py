r"""The loop that the modulo ILP really has to schedule, at one initiation interval.

Only operations that use a unit compete for anything.  Everything else is a matter of longest
paths, so it is removed before a model is built and put back afterwards:

1. ``W[u, v]``: longest path from u to v under the weights ``delay - distance * II``
   (Floyd-Warshall, O(V^3), exact integers).  ``start(v) - start(u) >= W[u, v]`` for every
   schedule, and any starts of some operations that satisfy these rows extend to all.
2. Operations with ``W[u, v] + W[v, u] = 0`` keep a fixed distance in every schedule: they
   become one *node* whose reservation table is the union of theirs (*rigid* operations).
3. A row between nodes that two others imply is dropped (transitive reduction; unique, because
   after step 2 no cycle has weight 0).

A schedule length L is measured from the first start to the last end, so ``head[v]`` (longest
path that ends where node v starts) and ``tail[v]`` (longest path from there to an end)
confine ``head[v] <= start(v) <= L - tail[v]``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twill_ilp.bounds import positive_cycle
from twill_ilp.errors import OptionError
from twill_ilp.graph import LoopGraph, Usage

__all__ = ["UNREACHABLE", "Core", "Node", "reduce_loop"]

UNREACHABLE = -(1 << 60)
"""Weight of a path that does not exist; twice it still fits a 64-bit integer."""


@dataclass(frozen=True)
class Node:
    """Operations at fixed distances, scheduled as one.

    ``members`` gives (operation's index, its start minus the node's start); ``usage`` is the
    union of their reservation tables, relative to the node's start.
    """

    name: str
    members: tuple[tuple[int, int], ...]
    usage: tuple[Usage, ...]


@dataclass(frozen=True)
class Core:
    """A loop reduced at one II.  Times in cycles; nodes are referred to by index.

    Attributes:
        edges: rows ``start(v) - start(u) >= w`` as (u, v, w).
        between: longest path between nodes, ``UNREACHABLE`` if there is none.
        head, tail: longest paths from any start to the node, and from the node to any end.
        critical_path: longest path from any start to any end, a lower bound on L.
    """

    graph: LoopGraph
    ii: int
    nodes: tuple[Node, ...]
    edges: tuple[tuple[int, int, int], ...]
    between: NDArray[np.int64]
    head: tuple[int, ...]
    tail: tuple[int, ...]
    critical_path: int
    _paths: NDArray[np.int64]

    def expand(self, start: Sequence[int]) -> dict[str, int]:
        """Starts of all operations, the first at 0, from those of the nodes.

        Every removed operation starts as early as the nodes allow; by step 1 this meets every
        dependence and ends within any L that the nodes' windows respect.
        """
        fixed = np.full(len(self.graph), UNREACHABLE, dtype=np.int64)
        for node, at in zip(self.nodes, start, strict=True):
            for index, offset in node.members:
                fixed[index] = at + offset
        first = min((at - head for at, head in zip(start, self.head, strict=True)), default=0)
        after_nodes = (fixed[:, None] + self._paths[:-2, :-2]).max(axis=0)
        times = np.maximum(after_nodes, first + self._paths[-2, :-2])
        times -= times.min()
        return {op.name: int(time) for op, time in zip(self.graph, times, strict=True)}


def reduce_loop(graph: LoopGraph, ii: int) -> Core:
    """Reduce ``graph`` at initiation interval ``ii`` (cycles).

    Raises:
        OptionError: ``ii`` is below RecMII.
    """
    if positive_cycle(graph, ii):
        raise OptionError(f"II={ii} is below RecMII; raise it")
    paths = _longest_paths(graph, ii)
    groups = _rigid_groups(graph, paths)
    leaders = [members[0][0] for members in groups]
    nodes = tuple(_node(graph, members) for members in groups)
    between = paths[np.ix_(leaders, leaders)]
    return Core(
        graph,
        ii,
        nodes,
        edges=tuple(_unimplied(between)),
        between=between,
        head=tuple(int(w) for w in paths[-2, leaders]),
        tail=tuple(int(w) for w in paths[leaders, -1]),
        critical_path=int(paths[-2, -1]),
        _paths=paths,
    )


def _longest_paths(graph: LoopGraph, ii: int) -> NDArray[np.int64]:
    """Longest paths over the operations, then a source and a sink (the last two indices)."""
    count = len(graph)
    index = {op.name: i for i, op in enumerate(graph)}
    paths = np.full((count + 2, count + 2), UNREACHABLE, dtype=np.int64)
    np.fill_diagonal(paths, 0)
    for e in graph.dependences:
        u, v = index[e.src], index[e.dst]
        paths[u, v] = max(paths[u, v], e.delay - e.distance * ii)
    paths[-2, :count] = 0
    paths[:count, -1] = [op.cycles for op in graph]
    for via in range(count):
        np.maximum(paths, paths[:, via, None] + paths[None, via, :], out=paths)
    paths[paths < UNREACHABLE // 2] = UNREACHABLE
    return paths


def _rigid_groups(graph: LoopGraph, paths: NDArray[np.int64]) -> list[list[tuple[int, int]]]:
    """Unit-using operations in groups of fixed distance: (index, offset from the earliest)."""
    groups: list[list[tuple[int, int]]] = []
    for i, op in enumerate(graph):
        if not op.usage:
            continue
        for members in groups:
            leader = members[0][0]
            if paths[leader, i] + paths[i, leader] == 0:
                members.append((i, int(paths[leader, i])))
                break
        else:
            groups.append([(i, 0)])
    return [_from_earliest(members) for members in groups]


def _from_earliest(members: list[tuple[int, int]]) -> list[tuple[int, int]]:
    earliest = min(offset for _, offset in members)
    return sorted(((i, offset - earliest) for i, offset in members), key=lambda m: m[1])


def _node(graph: LoopGraph, members: list[tuple[int, int]]) -> Node:
    usage = tuple(
        Usage(row.unit, row.cycles, row.start + offset, row.amount)
        for index, offset in members
        for row in graph.operations[index].usage
    )
    return Node(graph.operations[members[0][0]].name, tuple(members), usage)


def _unimplied(between: NDArray[np.int64]) -> list[tuple[int, int, int]]:
    """Transitive reduction of the longest-path closure: O(V^3)."""
    needed = between > UNREACHABLE
    np.fill_diagonal(needed, False)
    for via in range(len(between)):
        detour = between[:, via, None] + between[None, via, :]
        detour[via, :] = detour[:, via] = UNREACHABLE * 2
        needed &= detour < between
    return [(int(u), int(v), int(between[u, v])) for u, v in np.argwhere(needed)]
