"""A layered drawing of a dependence graph: layers, order within them, and places.

The method of Sugiyama, Tagawa and Toda, "Methods for visual understanding of hierarchical
system structures", IEEE SMC 11(2), 1981: long edges get a *bend* in every layer they cross,
barycentres order the layers, and then every node moves towards its neighbours.  Pure data, no
matplotlib.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

import networkx as nx

from twill_ilp.graph import LoopGraph

__all__ = ["Layout", "layers_of", "layout"]

SWEEPS = 12
BEND = 5.0  # points: width of a bend
GAP = 6.0  # points between two neighbours
STRAIGHT = 4.0  # weight of a bend against that of an operation, when places are chosen


@dataclass(frozen=True)
class Layout:
    """Where everything is.

    Attributes:
        layer: of every operation, 0 at the top.
        x: centre of every operation, in points from the left end.
        routes: for every dependence the x at which it crosses every layer between its ends, from
            top to bottom; empty if there is none.
        width: of the whole drawing, points.
        layers: their number.
    """

    layer: Mapping[str, int]
    x: Mapping[str, float]
    routes: tuple[tuple[float, ...], ...]
    width: float
    layers: int


def layers_of(graph: LoopGraph) -> dict[str, int]:
    """Longest path from the top over the dependences of distance 0: O(V + E).

    Operations that wait for nobody in their iteration stand just above their first reader.
    Those that have to start together (a cycle without delay) share a layer.
    """
    within: nx.DiGraph[str] = nx.DiGraph()
    within.add_nodes_from(op.name for op in graph)
    within.add_edges_from((e.src, e.dst) for e in graph.dependences if e.distance == 0)
    together = nx.condensation(within)
    layer: dict[int, int] = {}
    for node in nx.topological_sort(together):
        layer[node] = max((layer[u] + 1 for u in together.predecessors(node)), default=0)
    for node in together:
        readers = [layer[v] for v in together.successors(node)]
        if readers and not list(together.predecessors(node)):
            layer[node] = min(readers) - 1
    return {name: layer[node] for node in together for name in together.nodes[node]["members"]}


def layout(graph: LoopGraph, widths: Mapping[str, float]) -> Layout:
    """Places for operations of these widths (points)."""
    layer = layers_of(graph)
    names = [op.name for op in graph]
    rows: list[list[int]] = [[] for _ in range(max(layer.values()) + 1)]
    for v, name in enumerate(names):
        rows[layer[name]].append(v)
    size = [widths[name] for name in names]
    links: list[tuple[int, int]] = []
    bends: list[list[int]] = []
    number = {name: v for v, name in enumerate(names)}
    for e in graph.dependences:
        upper, lower = sorted((e.src, e.dst), key=lambda name: layer[name])
        crossed = range(layer[upper] + 1, layer[lower])
        bends.append(list(range(len(size), len(size) + len(crossed))))
        for bend, row in zip(bends[-1], crossed, strict=True):
            rows[row].append(bend)
            size.append(BEND)
        if layer[upper] < layer[lower]:
            links += pairwise([number[upper], *bends[-1], number[lower]])
    rows = _ordered(rows, links, len(size))
    x = _placed(rows, links, size, len(names))
    left = min((x[v] - size[v] / 2 for row in rows for v in row), default=0.0)
    right = max((x[v] + size[v] / 2 for row in rows for v in row), default=0.0)
    return Layout(
        layer,
        {name: x[v] - left for v, name in enumerate(names)},
        tuple(tuple(x[bend] - left for bend in route) for route in bends),
        right - left,
        len(rows),
    )


def _ordered(
    rows: list[list[int]], links: Sequence[tuple[int, int]], nodes: int
) -> list[list[int]]:
    """The order with the fewest crossings that sweeps of barycentres come across."""
    above, below = _neighbours(links, nodes)
    position = [0.0] * nodes
    best, fewest = rows, _crossings(rows, links, nodes)
    for sweep in range(SWEEPS):
        down = sweep % 2 == 0
        for row in rows:
            for place, v in enumerate(row):
                position[v] = place / max(len(row) - 1, 1)
        near, ordered = (above, below)[not down], []
        for row in rows if down else reversed(rows):
            centre = {
                v: sum(position[u] for u in near[v]) / len(near[v]) if near[v] else position[v]
                for v in row
            }
            ordered.append(sorted(row, key=lambda v: centre[v]))
            for place, v in enumerate(ordered[-1]):
                position[v] = place / max(len(row) - 1, 1)
        rows = ordered if down else ordered[::-1]
        if (crossings := _crossings(rows, links, nodes)) < fewest:
            best, fewest = rows, crossings
    return best


def _neighbours(
    links: Sequence[tuple[int, int]], nodes: int
) -> tuple[list[list[int]], list[list[int]]]:
    """For every node those that it is linked to in the layer above, and in the one below."""
    above: list[list[int]] = [[] for _ in range(nodes)]
    below: list[list[int]] = [[] for _ in range(nodes)]
    for upper, lower in links:
        above[lower].append(upper)
        below[upper].append(lower)
    return above, below


def _crossings(rows: list[list[int]], links: Sequence[tuple[int, int]], nodes: int) -> int:
    """Pairs of links between the same two layers that cross."""
    place, row_of = [0] * nodes, [0] * nodes
    for number, row in enumerate(rows):
        for at, v in enumerate(row):
            place[v], row_of[v] = at, number
    between: dict[int, list[tuple[int, int]]] = {}
    for upper, lower in links:
        between.setdefault(row_of[upper], []).append((place[upper], place[lower]))
    return sum(
        (a - c) * (b - d) < 0
        for pairs in between.values()
        for i, (a, b) in enumerate(pairs)
        for c, d in pairs[:i]
    )


def _placed(
    rows: list[list[int]], links: Sequence[tuple[int, int]], size: Sequence[float], operations: int
) -> list[float]:
    """Centres: every layer in turn moves as close to its neighbours as its own widths allow."""
    above, below = _neighbours(links, len(size))
    weight = [1.0 if v < operations else STRAIGHT for v in range(len(size))]
    x = [0.0] * len(size)
    for row in rows:
        offsets = _offsets(row, size)
        for v, offset in zip(row, offsets, strict=True):
            x[v] = offset - offsets[-1] / 2
    for sweep in range(SWEEPS):
        # At last both sides count alike; before, one side after the other straightens chains.
        last = sweep >= SWEEPS - 2
        for row in rows if sweep % 2 == 0 else rows[::-1]:
            wish = []
            for v in row:
                near = above[v] + below[v] if last else (above[v] if sweep % 2 == 0 else below[v])
                wish.append(sum(x[u] for u in near) / len(near) if near else x[v])
            offsets = _offsets(row, size)
            free = [want - offset for want, offset in zip(wish, offsets, strict=True)]
            for v, base, offset in zip(
                row, _isotonic(free, [weight[v] for v in row]), offsets, strict=True
            ):
                x[v] = base + offset
    return x


def _offsets(row: Sequence[int], size: Sequence[float]) -> list[float]:
    """Least distance of every node's centre from the first one's."""
    steps = ((size[u] + size[v]) / 2 + GAP for u, v in pairwise(row))
    return list(accumulate(steps, initial=0.0))[: len(row)]


def _isotonic(wish: Sequence[float], weight: Sequence[float]) -> list[float]:
    """The non-decreasing values closest to ``wish`` in weighted least squares.

    Neighbours in the wrong order are pooled at their mean (the pool-adjacent-violators
    algorithm): O(n).
    """
    pools: list[tuple[float, float, int]] = []  # mean, weight, members
    for value, heavy in zip(wish, weight, strict=True):
        pools.append((value, heavy, 1))
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            (a, wa, na), (b, wb, nb) = pools[-2:]
            pools[-2:] = [((a * wa + b * wb) / (wa + wb), wa + wb, na + nb)]
    return [mean for mean, _, members in pools for _ in range(members)]
