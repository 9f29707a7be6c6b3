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
