"""Bonds and sure spills hold in every schedule that the brute force finds."""

from __future__ import annotations

import random

from joint_oracle import joint_at
from strategies import random_joint_problem
from test_joint_exactness import random_rules

from twill_ilp import (
    Dependence,
    LoopGraph,
    Machine,
    Operation,
    Problem,
    SearchOptions,
    Usage,
    solve,
)
from twill_ilp.bounds import rec_mii
from twill_ilp.ilp import surely_spilled, timeline
from twill_ilp.rules import Rules, effective_graph


def tight(varying: bool = False) -> Problem:
    """A and B take turns: II 4 leaves no cycle for a spill between them."""
    ops = (
        Operation("A", usage=(Usage("X", 1),), spill=1, variable_latency=varying),
        Operation("B", usage=(Usage("X", 1),), spill=1),
        Operation("C", usage=(Usage("Y", 1),), spill=1),
    )
    edges = (
        Dependence("A", "B", 2),
        Dependence("B", "A", 2, distance=1),
        Dependence("B", "C", 1),
    )
    return Problem(LoopGraph("tight", ops, edges), Machine("m", {"X": 1, "Y": 1}, warps=8))


def test_a_cycle_without_time_for_a_spill_is_a_bond() -> None:
    problem = tight()
    apart = {"A": 0, "B": 1, "C": 0}
    for ii in (4, 5, 6):
        line = timeline(problem.graph, problem.machine, Rules(), ii)
        # One spill fits at II 5; but in two groups both A to B and B to A are spilled.
        assert (["A", "B"] in line.bond_names) == (ii == 4), ii
        given = timeline(problem.graph, problem.machine, Rules(), ii, None, apart)
        assert given.conflict == (
            ""
            if ii == 6
            else "cycle B -> A -> B takes 6 cycles over 1 iteration, with the spills between groups"
        )


def test_a_bond_with_the_designated_group_refutes() -> None:
    problem = tight(varying=True)
    result = solve(problem, SearchOptions(levels=("ii",)))
    assert (result.status, result.ii) == ("optimal", 6)
    assert "cycle B -> A -> B takes 6 cycles" in result.rejected[-1].evidence


def test_values_beyond_the_traffic_that_is_left_are_bonds() -> None:
    ops = tuple(
        Operation(name, registers=words) for name, words in (("A", 64), ("B", 32), ("C", 0))
    )
    edges = (Dependence("A", "B", 1), Dependence("B", "C", 1))
    graph, machine = LoopGraph("chain", ops, edges), Machine("m", {"X": 1}, warps=8)
    expected = {None: 3, 64: 3, 63: 2, 32: 2, 31: 1, 0: 1}
    for traffic, classes in expected.items():
        line = timeline(graph, machine, Rules(), 4, traffic=traffic)
        assert len(line.bonds) == classes, traffic
        apart = timeline(graph, machine, Rules(), 4, None, {"A": 0, "B": 1, "C": 1}, traffic)
        assert bool(apart.conflict) == (traffic is not None and traffic < 64), traffic
    no_cross = timeline(graph, machine, Rules().also("no-cross-warp"), 4, traffic=64)
    assert len(no_cross.bonds) == 1


def test_every_schedule_keeps_the_bonds() -> None:
    bonds = spills = 0
    for seed in range(150):
        rng = random.Random(seed)
        problem, rules = random_joint_problem(rng, 5), random_rules(rng)
        graph = effective_graph(problem.graph, rules)
        for ii in range(rec_mii(graph).ii, 6):
            found = joint_at(problem, ii, rules)
            if found is None:
                continue
            line = timeline(graph, problem.machine, rules, ii)
            assert not line.conflict, (seed, ii)
            for names in line.bond_names:
                assert len({found.group[name] for name in names}) == 1, (seed, ii)
                bonds += len(names) > 1
            for e in surely_spilled(graph, rules):
                gap = found.start[e.dst] + e.distance * ii - found.start[e.src]
                assert gap >= e.delay, (seed, ii, e)
                spills += e not in graph.dependences
    assert bonds > 40 and spills > 30, (bonds, spills)
