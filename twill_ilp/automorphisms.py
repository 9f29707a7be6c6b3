"""Copies of a chain, as sub-tiles are: automorphisms of the loop that swap two operations."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from functools import lru_cache

import networkx as nx

from twill_ilp.graph import LoopGraph, Operation

__all__ = ["swap", "twins"]


@lru_cache(maxsize=1024)
def swap(graph: LoopGraph, one: int, fixed: frozenset[int] = frozenset()) -> tuple[int, ...] | None:
    """The image of every operation under an automorphism of the loop that swaps the given one with
    another; ``None`` if there is no such automorphism.

    Args:
        fixed: operations that it has to leave in place.
    """
    colour = [(c, v if v in fixed else -1) for v, c in enumerate(_colours(graph))]
    for other in range(len(graph)):
        if other != one and colour[other] == colour[one]:
            before, after = _marked(graph, colour, one, other), _marked(graph, colour, other, one)
            if image := nx.vf2pp_isomorphism(before, after, node_label="label"):
                index = {op.name: v for v, op in enumerate(graph)}
                return tuple(index[image[op.name]] for op in graph)
    return None


@lru_cache(maxsize=1024)
def twins(graph: LoopGraph) -> tuple[tuple[int, int], ...]:
    """Every operation of a copy, with its image in the other copy; empty without copies.

    Of three copies one has no twin; of four the first two are twins, and the others.
    """
    pairs: list[tuple[int, int]] = []
    taken: frozenset[int] = frozenset()
    for one in range(len(graph)):
        image = None if one in taken else swap(graph, one, taken)
        if image:
            copy = _copy(graph, image, one)
            pairs += [(v, image[v]) for v in copy]
            taken = taken.union(copy, (image[v] for v in copy))
    return tuple(pairs)


def _copy(graph: LoopGraph, image: Sequence[int], one: int) -> list[int]:
    """What is connected with one operation when all that the automorphism leaves in place, such
    as loads for both copies, is taken away; nothing if its image is too."""
    index = {op.name: v for v, op in enumerate(graph)}
    loop = nx.Graph((index[e.src], index[e.dst]) for e in graph.dependences)
    loop.add_node(one)
    copy = nx.node_connected_component(loop.subgraph(v for v in loop if image[v] != v), one)
    return [] if copy & {image[v] for v in copy} else sorted(copy)


@lru_cache(maxsize=1024)
def _colours(graph: LoopGraph) -> tuple[int, ...]:
    """Of every operation a number, the same where an automorphism might map one to the other:
    they, their neighbours, those of their neighbours, and so on are alike."""
    index = {op.name: v for v, op in enumerate(graph)}
    edges = [(index[e.src], index[e.dst], (e.delay, e.distance, e.blocking))
             for e in graph.dependences]  # fmt: skip
    colour, before = _numbered(_kind(op) for op in graph), 0
    while len(set(colour)) > before:
        before = len(set(colour))
        near: list[list[tuple[object, ...]]] = [[] for _ in colour]
        for u, v, label in edges:
            near[u].append((0, *label, colour[v]))
            near[v].append((1, *label, colour[u]))
        colour = _numbered((colour[v], *sorted(near[v])) for v in range(len(colour)))
    return tuple(colour)


def _numbered(things: Iterable[Hashable]) -> list[int]:
    """Equal things get equal numbers."""
    known: dict[Hashable, int] = {}
    return [known.setdefault(thing, len(known)) for thing in things]


def _marked(graph: LoopGraph, colour: Sequence[object], one: int, two: int) -> nx.DiGraph[object]:
    """Operations and dependences as nodes, with all that rules look at; two of them are marked."""
    marks = {one: 1, two: 2}
    result: nx.DiGraph[object] = nx.DiGraph()
    for v, op in enumerate(graph):
        result.add_node(op.name, label=(colour[v], marks.get(v)))
    for i, e in enumerate(graph.dependences):
        result.add_node(i, label=(e.delay, e.distance, e.blocking))
        result.add_edge(e.src, i)
        result.add_edge(i, e.dst)
    return result


def _kind(op: Operation) -> Hashable:
    """All of an operation but its name."""
    return (op.kind, op.usage, op.cycles, op.issue, op.warps, op.registers,
            tuple(sorted(op.footprint.items())), op.spill, op.variable_latency)  # fmt: skip
