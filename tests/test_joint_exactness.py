"""The joint search against a brute force over starts and assignments: II, then every level."""

from __future__ import annotations

import random
from itertools import permutations

import pytest
from joint_oracle import joint_optimum
from strategies import random_joint_problem

from twill_ilp import LoopGraph, Problem, SearchOptions, solve, verify
from twill_ilp.bounds import rec_mii
from twill_ilp.ilp import build_joint_model, joint_families, timeline
from twill_ilp.outcome import SolveStatus
from twill_ilp.rules import EXTRA_FAMILIES, FAMILIES, Readings, Rules, effective_graph
from twill_ilp.solver import run

MAX_II = 6
ORDERS = list(permutations(("length", "warps", "traffic")))


def random_rules(rng: random.Random) -> Rules:
    """All families in half of the cases; else one left out, or one more; readings at random."""
    readings = Readings(rng.choice(("issue", "cycles")), rng.choice(("issue", "completion")))
    rules = Rules(readings=readings, max_groups=rng.choice((None, 2, 3)))
    match rng.randrange(4):
        case 0:
            return rules.without(rng.choice(FAMILIES))
        case 1:
            return rules.also(rng.choice(EXTRA_FAMILIES))
        case _:
            return rules


def case(seed: int) -> tuple[Problem, Rules, tuple[str, ...]]:
    rng = random.Random(seed)
    problem = random_joint_problem(rng, 8 if seed % 3 == 0 else 6)
    return problem, random_rules(rng), rng.choice(ORDERS)


def check(seed: int) -> bool:
    """Whether a schedule exists up to ``MAX_II``; the search and the oracle have to agree."""
    problem, rules, order = case(seed)
    levels = order if "warps" in rules else ("length",)
    truth = joint_optimum(problem, rules, levels, max_ii=MAX_II)
    options = SearchOptions(rules=rules, max_ii=MAX_II, levels=("ii", *levels))
    result = solve(problem, options)
    if truth is None:
        assert result.status == "infeasible", seed
        return False
    assert (result.status, result.ii) == ("optimal", truth.ii), seed
    assert result.schedule is not None
    verify(problem.graph, problem.machine, result.schedule, rules)
    for name, least in zip(levels, truth.values, strict=True):
        level = result.objective[name]
        assert (level.certainty, level.value) == ("proven", least), (seed, name)
    return True


@pytest.mark.parametrize("seeds", [range(15), range(15, 30)], ids=str)
def test_the_search_against_brute_force(seeds: range) -> None:
    assert any([check(seed) for seed in seeds])


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [range(n, n + 10) for n in range(30, 300, 10)], ids=str)
def test_the_search_against_brute_force_slow(seeds: range) -> None:
    assert any([check(seed) for seed in seeds])


def test_the_model_alone_agrees_on_every_ii() -> None:
    """No modulo stage, no partitions: the joint ILP by itself, below and at the optimum."""
    answers = {True: 0, False: 0}
    for seed in range(24):
        problem, rules, _ = case(seed)
        truth = joint_optimum(problem, rules, max_ii=MAX_II)
        graph = effective_graph(problem.graph, rules)
        for ii in range(1, (truth.ii if truth else MAX_II) + 1):
            possible = truth is not None and ii == truth.ii
            answer = model_says(graph, problem, rules, ii)
            if answer is not None:
                assert answer is possible, (seed, ii)
                answers[possible] += 1
    assert min(answers.values()) > 5


def model_says(graph: LoopGraph, problem: Problem, rules: Rules, ii: int) -> bool | None:
    if ii < rec_mii(graph).ii:
        return None
    line = timeline(graph, problem.machine, rules, ii)
    if line.conflict:
        return False
    model = build_joint_model(line, problem.machine, joint_families(rules))
    return run(model.lp).status is SolveStatus.OPTIMAL
