"""Bounds: textbook values, blame, and exactness against direct definitions."""

from __future__ import annotations

import random
import time

import networkx as nx
import pytest
from strategies import random_problem

from twill_ilp import Dependence, LoopGraph, Machine, Operation, OptionError, Usage, build_kernel
from twill_ilp.bounds import alap, asap, positive_cycle, rec_mii, res_mii, sufficient_ii, unit_work


def chain(*dependences: Dependence) -> LoopGraph:
    names = dict.fromkeys(name for e in dependences for name in (e.src, e.dst))
    return LoopGraph("chain", tuple(Operation(name) for name in names), dependences)


def test_fig1_is_bounded_by_its_tensor_core() -> None:
    """Soi et al. 2026, Fig. 1: two GEMMs share one tensor core, so MII = 2."""
    problem = build_kernel("fig1")
    bound = res_mii(problem.graph, problem.machine)
    assert (bound.ii, bound.unit, bound.work, bound.capacity) == (2, "TC", 2, 1)
    assert rec_mii(problem.graph).ii == 1


def test_res_mii_rounds_up_and_blames_the_unit() -> None:
    graph = LoopGraph("g", tuple(Operation(f"o{i}", usage=(Usage("A", 3),)) for i in range(3)))
    bound = res_mii(graph, Machine("m", {"A": 2, "B": 1}))
    assert (bound.ii, bound.unit) == (5, "A")
    assert str(bound) == "A is busy 9 unit-cycles per iteration at capacity 2"


def test_res_mii_without_units_is_one() -> None:
    bound = res_mii(LoopGraph("g", (Operation("a", cycles=9),)), Machine("m", {"A": 1}))
    assert (bound.ii, bound.unit) == (1, None)


def test_rec_mii_is_the_worst_ratio_and_names_its_cycle() -> None:
    graph = chain(
        Dependence("a", "b", 3),
        Dependence("b", "a", 4, distance=3),
        Dependence("b", "c", 5),
        Dependence("c", "b", 0, distance=1),
    )
    bound = rec_mii(graph)
    assert bound.ii == 5
    assert {e.src for e in bound.cycle} == {"b", "c"}
    assert (bound.delay, bound.distance) == (5, 1)


def test_rec_mii_rounds_the_ratio_up() -> None:
    assert rec_mii(chain(Dependence("a", "b", 3), Dependence("b", "a", 4, distance=3))).ii == 3


def test_rec_mii_without_cycles_is_one() -> None:
    bound = rec_mii(chain(Dependence("a", "b", 9)))
    assert (bound.ii, bound.cycle) == (1, ())


@pytest.mark.parametrize("seed", range(100))
def test_rec_mii_is_the_maximum_over_all_simple_cycles(seed: int) -> None:
    graph = random_problem(random.Random(seed), 6).graph
    simple: nx.DiGraph[object] = nx.DiGraph()
    for number, e in enumerate(graph.dependences):  # an edge as a node keeps parallel ones apart
        simple.add_edge(e.src, number)
        simple.add_edge(number, e.dst)
    worst = 1
    for cycle in nx.simple_cycles(simple):
        edges = [graph.dependences[i] for i in cycle if isinstance(i, int)]
        distance = sum(e.distance for e in edges)
        if distance:
            worst = max(worst, -(-sum(e.delay for e in edges) // distance))
    bound = rec_mii(graph)
    assert bound.ii == worst
    assert all(a.dst == b.src for a, b in zip(bound.cycle, bound.cycle[1:], strict=False))
    assert not bound.cycle or bound.cycle[-1].dst == bound.cycle[0].src
    assert not positive_cycle(graph, worst)


@pytest.mark.parametrize("seed", range(50))
def test_asap_and_alap_are_tight_windows(seed: int) -> None:
    graph = random_problem(random.Random(seed), 6).graph
    ii = rec_mii(graph).ii
    early = asap(graph, ii)
    length = max(early[op.name] + op.cycles for op in graph)
    late = alap(graph, ii, length)
    for times in (early, late):
        assert all(
            times[e.dst] - times[e.src] >= e.delay - e.distance * ii for e in graph.dependences
        )
    assert min(early.values()) == 0
    assert all(early[name] <= late[name] for name in early)
    assert max(late[op.name] + op.cycles for op in graph) <= length


def test_windows_below_rec_mii_are_refused() -> None:
    graph = chain(Dependence("a", "b", 3), Dependence("b", "a", 4, distance=1))
    for windows in (lambda: asap(graph, 6), lambda: alap(graph, 6, 20)):
        with pytest.raises(OptionError, match=r"II=6 is below RecMII: cycle .* takes 7 cycles"):
            windows()


def test_rec_mii_is_fast_on_300_operations() -> None:
    rng = random.Random(1)
    names = [f"o{i}" for i in range(300)]
    edges = [
        Dependence(*sorted(rng.sample(names, 2), key=names.index), rng.randrange(20))
        for _ in range(900)
    ]
    edges += [Dependence(*rng.sample(names, 2), rng.randrange(20), 1) for _ in range(300)]
    graph = LoopGraph("big", tuple(map(Operation, names)), tuple(edges))
    began = time.process_time()
    bound = rec_mii(graph)
    assert time.process_time() - began < 5  # a guard against exponential behaviour, not a benchmark
    assert bound.delay > (bound.ii - 1) * bound.distance
    assert not positive_cycle(graph, bound.ii)


def test_unit_work_counts_cycles_times_amount() -> None:
    graph = LoopGraph("g", (Operation("a", usage=(Usage("A", 3, amount=2), Usage("A", 1))),))
    assert unit_work(graph) == {"A": 7}


@pytest.mark.parametrize("seed", range(50))
def test_sufficient_ii_exceeds_both_bounds(seed: int) -> None:
    problem = random_problem(random.Random(seed), 6)
    enough = sufficient_ii(problem.graph)
    assert enough >= rec_mii(problem.graph).ii
