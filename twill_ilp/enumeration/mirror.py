r"""Copies of a chain, as sub-tiles are: of two schedules that differ in their names alone, one.

An automorphism of the loop that swaps the pinned operation p with p' turns every schedule into
another one.  Rotated until p is in cycle 0 again, that has p' in slot :math:`-t` modulo II where it
was in slot t.  So p' may be asked to be in a slot up to :math:`II/2`.  This goes together with the
order of groups (:mod:`.symmetry`), since starts do not change when groups are renamed.

The first tree, which only chooses whom to pin, does without: its conflicts are then about what is
hard, and not about which half is missing.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from functools import lru_cache

import networkx as nx

from twill_ilp.graph import LoopGraph, Operation

__all__ = ["mirrored"]


@lru_cache(maxsize=1024)
def mirrored(graph: LoopGraph, pin: int) -> int | None:
    """An operation that an automorphism of the loop swaps with the pinned one, if there is one."""
    colour = _colours(graph)
    for v in range(len(graph)):
        if v != pin and colour[v] == colour[pin]:
            one, other = _marked(graph, colour, pin, v), _marked(graph, colour, v, pin)
            if nx.vf2pp_is_isomorphic(one, other, node_label="label"):
                return v
    return None


def _colours(graph: LoopGraph) -> list[int]:
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
    return colour


def _numbered(things: Iterable[Hashable]) -> list[int]:
    """Equal things get equal numbers."""
    known: dict[Hashable, int] = {}
    return [known.setdefault(thing, len(known)) for thing in things]


def _marked(graph: LoopGraph, colour: list[int], one: int, two: int) -> nx.DiGraph[object]:
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
