"""The models against a brute force, against each other, and the search against both.

The heuristics are left out where the ILP itself is on trial: they would answer first.  Order
variables cannot refute a fully busy unit in reasonable time, so that formulation alone may leave
a question open here; an answer that it does give has to be right.
"""

from __future__ import annotations

import random

import pytest
from oracle import optimum
from strategies import random_problem
from strategies import solve_modulo as solve

from twill_ilp import Problem, Schedule, SearchOptions, verify
from twill_ilp.bounds import rec_mii, res_mii
from twill_ilp.ilp import (
    FORMULATIONS,
    Core,
    Window,
    add_length_objective,
    build_model,
    reduce_loop,
    windows_any_length,
    windows_for_length,
)
from twill_ilp.outcome import Outcome, SolveStatus
from twill_ilp.solver import run
from twill_ilp.structure import length_bound, rigid_conflict

SECONDS = {"structured": 60, "aggregated": 60, "order": 1}


class Undecided(Exception):
    """A formulation ran out of time."""


def ask(
    problem: Problem, core: Core, windows: list[Window], formulation: str, minimize: bool = False
) -> tuple[Outcome, Schedule | None]:
    """One question to one formulation; a schedule in the answer is verified."""
    families = FORMULATIONS[formulation] + ((add_length_objective,) if minimize else ())
    model = build_model(core, problem.machine, windows, families)
    outcome = run(model.lp, time_limit=SECONDS[formulation])
    if outcome.status not in (SolveStatus.OPTIMAL, SolveStatus.INFEASIBLE):
        raise Undecided
    if not outcome.solved:
        return outcome, None
    start = core.expand(model.read_starts(outcome.values))
    schedule = Schedule(problem.graph, problem.machine, core.ii, start)
    verify(problem.graph, problem.machine, schedule)
    return outcome, schedule


def ilp_optimum(problem: Problem, formulation: str, last_ii: int) -> tuple[int, int] | None:
    """Minimum II and then minimum L by one formulation alone."""
    first = max(res_mii(problem.graph, problem.machine).ii, rec_mii(problem.graph).ii)
    for ii in range(first, last_ii + 1):
        core = reduce_loop(problem.graph, ii)
        outcome, schedule = ask(problem, core, windows_any_length(core), formulation)
        if schedule:
            windows = windows_for_length(core, schedule.length)
            assert windows is not None
            outcome, shortest = ask(problem, core, windows, formulation, minimize=True)
            assert outcome.status is SolveStatus.OPTIMAL and shortest
            assert shortest.length >= length_bound(core, problem.machine).length
            if shortest.length > core.critical_path:
                below = windows_for_length(core, shortest.length - 1)
                if below is not None:
                    outcome, _ = ask(problem, core, below, formulation)
                    assert outcome.status is SolveStatus.INFEASIBLE
            return ii, shortest.length
        assert outcome.status is SolveStatus.INFEASIBLE
    return None


def answer(problem: Problem, formulation: str, last_ii: int) -> tuple[int, int] | str | None:
    """The optimum by one formulation, or that the order formulation could not tell."""
    try:
        return ilp_optimum(problem, formulation, last_ii)
    except Undecided:
        return f"undecided by {formulation}"


def check_against_oracle(seed: int) -> None:
    problem = random_problem(random.Random(seed), 6)
    truth = optimum(problem)
    result = solve(problem)
    verdict = (result.ii, result.length) if result.schedule else None
    if truth is None:
        assert verdict is None and result.status == "infeasible"
        return
    assert verdict == (truth.ii, truth.length)
    assert result.status == "optimal"
    assert all(level.certainty == "proven" for level in result.objective.values())
    formulation = list(FORMULATIONS)[seed % len(FORMULATIONS)]
    assert answer(problem, formulation, truth.ii) in (verdict, "undecided by order")
    for ii in range(1, truth.ii):
        if ii >= rec_mii(problem.graph).ii:
            core = reduce_loop(problem.graph, ii)
            outcome, _ = ask(problem, core, windows_any_length(core), "structured")
            assert outcome.status is SolveStatus.INFEASIBLE
    core = reduce_loop(problem.graph, truth.ii)
    assert rigid_conflict(core, problem.machine) is None


def check_formulations_agree(seed: int) -> None:
    problem = random_problem(random.Random(10_000 + seed), 15, max_cycles=2)
    result = solve(problem, SearchOptions(time_limit=60))
    if result.schedule is None:
        assert result.status == "infeasible"
        return
    answers = {answer(problem, name, result.schedule.ii) for name in FORMULATIONS}
    assert answers - {"undecided by order"} == {(result.ii, result.length)}


@pytest.mark.parametrize("seed", range(200))
def test_brute_force(seed: int) -> None:
    check_against_oracle(seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(200, 1000))
def test_brute_force_more(seed: int) -> None:
    check_against_oracle(seed)


@pytest.mark.parametrize("seed", range(50))
def test_formulations_agree(seed: int) -> None:
    check_formulations_agree(seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(50, 200))
def test_formulations_agree_more(seed: int) -> None:
    check_formulations_agree(seed)
