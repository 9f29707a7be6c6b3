"""The oracle itself: cases solved by hand, a second oracle, and the variety of its inputs."""

from __future__ import annotations

import random
from collections import Counter, defaultdict

import networkx as nx
import pytest
from hypothesis import given, settings
from oracle import naive_length, obeys, optimum, shortest, sufficient_horizon, sufficient_ii
from strategies import FIGURE_1, problems, random_problem

from twill_ilp.graph import Dependence, LoopGraph, Operation, Usage
from twill_ilp.machine import Machine
from twill_ilp.problem import Problem


def loop(
    usage: dict[str, list[Usage]], dependences: list[tuple[str, str, int, int]], **units: int
) -> Problem:
    operations = tuple(Operation(name, usage=tuple(rows)) for name, rows in usage.items())
    edges = tuple(Dependence(*fields) for fields in dependences)
    return Problem(LoopGraph("by-hand", operations, edges), Machine("m", units))


def tc(cycles: int = 1, start: int = 0, amount: int = 1) -> Usage:
    return Usage("TC", cycles, start, amount)


EXP = Usage("EXP", 1)
CHAIN = [("A", "B", 1, 0), ("B", "C", 1, 0)]
TOGETHER = [("A", "B", 0, 0), ("B", "A", 0, 0)]
THREE = {"A": [tc()], "B": [tc()], "C": [tc()]}

# Name: (problem, II, L).
GOLDEN = {
    "one operation": (loop({"A": [tc()]}, [], TC=1), 1, 1),
    "nothing takes time": (loop({"A": []}, []), 1, 0),
    # Two of three share a slot: II = ceil(3 / 2).
    "capacity 2": (loop(THREE, [], TC=2), 2, 2),
    "amount 2 of 2": (loop({"A": [tc(amount=2)], "B": [tc()]}, [], TC=2), 2, 2),
    # A -> B -> A takes 3 + 1 cycles every 2 iterations; B starts at 3 and takes no time.
    "recurrence": (loop({"A": [], "B": []}, [("A", "B", 3, 0), ("B", "A", 1, 2)]), 2, 3),
    # II = 2 folds cycles 0 and 2 into one slot; II = 3 has fewer than 2 * 2 slots.
    "table with a hole": (loop({x: [tc(), tc(start=2)] for x in "AB"}, [], TC=1), 4, 4),
    # Below II = 5 the row would meet itself.
    "row longer than II": (loop({"A": [tc(5)]}, [], TC=1), 5, 5),
    "row on capacity 2": (loop({"A": [tc(5)]}, [], TC=2), 3, 5),
    # At MII = 2 both dependences are tight, and put B into A's slot.
    "above MII": (
        loop({"A": [tc()], "B": [tc()]}, [("A", "B", 2, 0), ("B", "A", 2, 2)], TC=1),
        3,
        3,
    ),
    # The path A, B, C takes 3 cycles, but at II = 2 C meets A and starts a cycle later.
    "above the path": (loop({"A": [tc()], "B": [EXP], "C": [tc()]}, CHAIN, TC=1, EXP=1), 2, 4),
    "starting together": (loop({"A": [tc()], "B": [EXP]}, TOGETHER, TC=1, EXP=1), 1, 1),
    "three in a row": (loop(THREE, CHAIN, TC=1), 3, 3),
}


def test_figure_1() -> None:
    """Soi et al. 2026, Fig. 1: II = 2, and O at 2 would meet S, so L = 4."""
    best = optimum(FIGURE_1)
    assert best is not None
    assert (best.ii, best.length) == (2, 4)
    assert best.start in ({"S": 0, "P": 1, "O": 3}, {"S": 0, "P": 2, "O": 3})


def test_figure_1_without_pipelining() -> None:
    """One iteration after the other takes 3 cycles."""
    best = shortest(FIGURE_1, 3)
    assert best is not None and best.length == 3


@pytest.mark.parametrize("name", GOLDEN)
def test_by_hand(name: str) -> None:
    problem, ii, length = GOLDEN[name]
    best = optimum(problem)
    assert best is not None
    assert (best.ii, best.length) == (ii, length)


def test_operations_that_must_start_together_on_one_unit() -> None:
    """Valid, yet impossible at every II: the answer is ``None``, and it comes."""
    assert optimum(loop({"A": [tc()], "B": [tc()]}, TOGETHER, TC=1)) is None
    assert optimum(loop({"A": [tc()], "B": [tc()]}, TOGETHER, TC=2)) is not None
    assert optimum(loop({"A": [tc()], "B": [tc(start=1)]}, TOGETHER, TC=1)) is not None


def agree(problem: Problem, cost: int) -> int:
    """Compare both oracles from II 1 to one above the optimum; the number of comparisons."""
    best = optimum(problem)
    assert best is not None
    compared = 0
    for ii in range(1, best.ii + 2):
        horizon = sufficient_horizon(problem.graph, ii)
        if horizon ** len(problem.graph) <= cost:
            found = shortest(problem, ii)
            assert naive_length(problem, ii, horizon) == (None if found is None else found.length)
            assert found is not None or ii != best.ii
            compared += 1
    return compared


def test_agrees_with_the_naive_oracle() -> None:
    compared = sum(
        agree(random_problem(random.Random(seed), 3, max_cycles=2, max_delay=2), 10**4)
        for seed in range(250)
    )
    assert compared > 500


@pytest.mark.slow
@pytest.mark.parametrize("operations", [3, 4])
def test_agrees_with_the_naive_oracle_at_length(operations: int) -> None:
    compared = sum(
        agree(random_problem(random.Random(seed), operations, max_delay=3), 10**5)
        for seed in range(1000, 1600)
    )
    assert compared > 1000


@settings(max_examples=100, deadline=None)
@given(problems(5))
def test_optimum_is_a_schedule_of_its_length(problem: Problem) -> None:
    best = optimum(problem)
    assert best is not None and 1 <= best.ii <= sufficient_ii(problem.graph)
    assert obeys(problem, best.ii, best.start)
    assert min(best.start.values()) == 0
    assert best.length == max(best.start[op.name] + op.cycles for op in problem.graph)


def test_generator_is_repeatable() -> None:
    assert random_problem(random.Random(5)) == random_problem(random.Random(5))
    assert random_problem(random.Random(5)) != random_problem(random.Random(6))


def test_generator_bounds() -> None:
    for seed in range(300):
        problem = random_problem(
            random.Random(seed), 4, max_units=2, max_cycles=2, max_delay=1, max_distance=1
        )
        rows = [row for op in problem.graph for row in op.usage]
        assert len(problem.graph) <= 4 and len(problem.machine.units) <= 2
        assert all(row.cycles <= 2 for row in rows)
        assert all(e.delay <= 1 and e.distance <= 1 for e in problem.graph.dependences)


def traits(problem: Problem) -> set[str]:
    """What is special about a problem and its optimum."""
    best = optimum(problem)
    assert best is not None
    graph = problem.graph
    held: dict[str, int] = defaultdict(int)
    for op in graph:
        for row in op.usage:
            held[row.unit] += row.cycles * row.amount
    res = max((-(-held[unit] // problem.machine.units[unit]) for unit in held), default=1)
    free = LoopGraph("free", tuple(Operation(op.name) for op in graph), graph.dependences)
    unbound = optimum(Problem(free, problem.machine))
    assert unbound is not None
    rec = unbound.ii
    edges = Counter((e.src, e.dst) for e in graph.dependences)
    zero = [(e.src, e.dst) for e in graph.dependences if e.distance == 0 and e.src != e.dst]
    found = {
        "recurrence binds": rec > res,
        "unit binds": res > rec,
        "above MII": best.ii > max(res, rec),
        "disconnected": not nx.is_weakly_connected(nx.DiGraph(graph.to_networkx())),
        "self-loop": any(src == dst for src, dst in edges),
        "parallel": max(edges.values(), default=0) > 1,
        "starting together": not nx.is_directed_acyclic_graph(nx.DiGraph(zero)),
        "no unit": any(not op.usage for op in graph),
        "two rows": any(len(op.usage) > 1 for op in graph),
        "amount 2": any(row.amount == 2 for op in graph for row in op.usage),
        "own cycles": any(
            op.cycles != max((row.end for row in op.usage), default=0) for op in graph
        ),
        "wraps": any(row.cycles > best.ii for op in graph for row in op.usage),
    }
    return {trait for trait, holds in found.items() if holds}


def test_generator_has_variety() -> None:
    """Each special case in at least 5 of 400 problems."""
    count = Counter(
        trait for seed in range(400) for trait in traits(random_problem(random.Random(seed), 5))
    )
    assert len(count) == 12 and min(count.values()) >= 5, count
