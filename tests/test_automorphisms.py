"""Automorphisms that swap two operations, and copies of a chain."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import permutations

from twill_ilp import build_kernel
from twill_ilp.automorphisms import swap, twins
from twill_ilp.graph import Dependence, LoopGraph, Operation


def by_definition(graph: LoopGraph, one: int) -> set[tuple[int, ...]]:
    """All automorphisms that swap the given operation with another one."""
    names = [op.name for op in graph]
    edges = sorted((e.src, e.dst, e.delay, e.distance, e.blocking) for e in graph.dependences)
    found = set()
    for images in permutations(range(len(graph))):
        to = {name: names[image] for name, image in zip(names, images, strict=True)}
        alike = all(
            replace(graph.operations[v], name="any") == replace(graph.operations[image], name="any")
            and graph.operations[v].footprint == graph.operations[image].footprint
            for v, image in enumerate(images)
        )
        if alike and images[one] != one and images[images[one]] == one:
            moved = sorted((to[s], to[d], *rest) for s, d, *rest in edges)
            if moved == edges:
                found.add(images)
    return found


def small_graph(rng: random.Random) -> LoopGraph:
    operations = tuple(
        Operation(f"o{i}", registers=rng.choice((0, 0, 1)), cycles=1) for i in range(5)
    )
    edges = tuple(
        Dependence(f"o{rng.randrange(5)}", f"o{rng.randrange(5)}", rng.choice((1, 1, 2)), 1)
        for _ in range(rng.randrange(6))
    )
    return LoopGraph("small", operations, edges)


def test_swaps_by_definition() -> None:
    answers = []
    for seed in range(80):
        graph = small_graph(random.Random(seed))
        for one in range(len(graph)):
            truth, image = by_definition(graph, one), swap(graph, one)
            assert image in truth if truth else image is None, (seed, one)
            answers.append(image is None)
    assert min(answers.count(True), answers.count(False)) > 50


def test_the_sub_tiles_of_attention_are_swapped() -> None:
    graph = build_kernel("fmha-forward", "hopper").graph
    for v, op in enumerate(graph):
        image = swap(graph, v)
        assert (image is not None) == op.name[-1].isdigit(), op.name
        assert image is None or graph.operations[image[v]].name == other_tile(op.name)


def other_tile(name: str) -> str:
    return f"{name[:-1]}{1 - int(name[-1])}"


def test_the_sub_tiles_of_attention_are_twins() -> None:
    for machine in ("hopper", "blackwell"):
        graph = build_kernel("fmha-forward", machine).graph
        names = {graph.operations[v].name: graph.operations[w].name for v, w in twins(graph)}
        assert names == {op.name: other_tile(op.name) for op in graph if op.name.endswith("0")}
    assert twins(build_kernel("fmha-backward", "hopper").graph) == ()


def chains(count: int, length: int) -> list[Dependence]:
    return [
        Dependence(f"{chr(97 + i)}{n}", f"{chr(97 + i + 1)}{n}", 1)
        for n in range(count)
        for i in range(length - 1)
    ]


def graph_of(edges: list[Dependence], *alone: str) -> LoopGraph:
    names = dict.fromkeys([*alone, *(name for e in edges for name in (e.src, e.dst))])
    return LoopGraph("copies", tuple(Operation(name, cycles=1) for name in names), tuple(edges))


def twin_names(graph: LoopGraph) -> set[tuple[str, str]]:
    return {(graph.operations[v].name, graph.operations[w].name) for v, w in twins(graph)}


def test_twins_of_chains() -> None:
    pair = {("a0", "a1"), ("b0", "b1")}
    assert twin_names(graph_of(chains(2, 2))) == pair
    assert twin_names(graph_of(chains(1, 2))) == set()
    shared = [Dependence("load", f"a{n}", 1) for n in range(2)]
    assert twin_names(graph_of([*chains(2, 2), *shared])) == pair, "what both read stays"
    handed = [Dependence("a0", "b1", 1), Dependence("a1", "b0", 1)]
    assert twin_names(graph_of([*chains(2, 2), *handed])) == set(), "one part, not two copies"
    assert twin_names(graph_of(chains(3, 2))) == pair
    assert twin_names(graph_of(chains(4, 2))) == pair | {("a2", "a3"), ("b2", "b3")}
    assert twin_names(graph_of([], "a0", "a1")) == {("a0", "a1")}
    assert twin_names(graph_of([], "a0", "b0", "c0")) == {("a0", "b0")}
