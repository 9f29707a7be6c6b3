"""Verdicts of the modulo problem at one II: is there a schedule, and how short can it be?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import inf

from twill_ilp.descent import Verdict, descend
from twill_ilp.errors import SolverError
from twill_ilp.heuristics import iterative_modulo_schedule, shorten, swing_modulo_schedule
from twill_ilp.ilp import (
    FORMULATIONS,
    Core,
    Window,
    build_model,
    reduce_loop,
    windows_any_length,
    windows_for_length,
)
from twill_ilp.options import SearchOptions, Session
from twill_ilp.outcome import SolveStatus
from twill_ilp.problem import Problem
from twill_ilp.schedule import Level, Schedule
from twill_ilp.solver import run
from twill_ilp.structure import length_bound, rigid_conflict
from twill_ilp.verify import verify

__all__ = ["HEURISTICS", "Verdict", "decide", "minimize_length"]

HEURISTICS = {"sms": swing_modulo_schedule, "ims": iterative_modulo_schedule}

SECOND_FORMULATION: Mapping[str, str] = {
    "structured": "aggregated",
    "aggregated": "structured",
    "order": "structured",
}
"""The model that must agree with an infeasibility where confirmation is asked for."""


ROUNDS = 300
"""Effort of the heuristic search for a short schedule; the ILP decides small cases sooner."""

QUICK_SECONDS, SHORT_SECONDS = 2.0, 10.0
"""Wall seconds for a first try, and for the question that only looks for a short schedule."""


def chosen_formulation(core: Core, options: SearchOptions) -> str:
    """The named formulation, or for ``auto``: order variables where slots are too many.

    Slot models grow with II times the nodes; order variables with the square of the nodes.
    """
    if options.formulation != "auto":
        return options.formulation
    slots = core.ii * len(core.nodes)
    return "order" if slots > 2000 and core.ii > 4 * len(core.nodes) else "structured"


def decide(problem: Problem, ii: int, session: Session) -> Verdict:
    """Whether a modulo schedule of any length exists at ``ii >= RecMII``.

    Structural tests first, then the heuristics, then the ILP.  Most II are decided at once by
    the model that leaves the length free, which alone can refute; where it is slow, confining
    it to short schedules often finds one.
    """
    with session.building():
        core = reduce_loop(problem.graph, ii)
    if conflict := rigid_conflict(core, problem.machine):
        return Verdict(None, True, conflict)
    for name in HEURISTICS if session.options.method == "ilp" else [session.options.method]:
        session.progress(f"II {ii}: {name}")
        if schedule := HEURISTICS[name](problem, ii):
            return _found(schedule, name)
    if session.options.method != "ilp":
        return Verdict(None, False, f"{session.options.method} finds no schedule")
    formulation = chosen_formulation(core, session.options)
    session.progress(f"II {ii}: {formulation} ILP")
    short = windows_for_length(core, length_bound(core, problem.machine).length + ii)
    assert short is not None
    any_length = windows_any_length(core)
    tries = ((any_length, QUICK_SECONDS), (short, SHORT_SECONDS), (any_length, inf))
    for windows, seconds in tries:
        verdict = _ask(problem, core, windows, session, formulation, seconds)
        if verdict.schedule or (verdict.proven and windows is any_length):
            break
    return _confirmed(verdict, problem, core, any_length, session)


def minimize_length(
    problem: Problem, schedule: Schedule, session: Session, rounds: int = ROUNDS
) -> tuple[Schedule, Level]:
    """The shortest schedule at the II of ``schedule``, and what is proven about its length.

    A heuristic shortens it, with an effort of ``rounds``; then see
    :func:`~twill_ilp.descent.descend`.  Each question confines every operation to a window, which
    is what makes them quick.
    """
    with session.building():
        core = reduce_loop(problem.graph, schedule.ii)
        bound = length_bound(core, problem.machine)
    session.progress(f"II {schedule.ii}: shortening L {schedule.length}, at least {bound.length}")

    def ask(length: int, seconds: float) -> Verdict:
        verdict = _ask_length(problem, core, length, session, seconds)
        if verdict.schedule is None:
            return verdict
        better = _shortened(problem, verdict.schedule, bound.length, session, rounds)
        return replace(verdict, schedule=better)

    best = _shortened(problem, schedule, bound.length, session, rounds)
    return descend(
        "L", best, bound.length, bound.evidence, lambda schedule: schedule.length, ask, session
    )


def _ask_length(
    problem: Problem, core: Core, length: int, session: Session, seconds: float
) -> Verdict:
    windows = windows_for_length(core, length)
    assert windows is not None
    formulation = chosen_formulation(core, session.options)
    verdict = _ask(problem, core, windows, session, formulation, seconds)
    return _confirmed(verdict, problem, core, windows, session)


def _shortened(
    problem: Problem, schedule: Schedule, target: int, session: Session, rounds: int
) -> Schedule:
    if schedule.length <= target:
        return schedule
    seed = session.options.seed
    better = shorten(problem, schedule, target=target, rounds=rounds, seed=seed)
    verify(problem.graph, problem.machine, better)
    return better if better.length < schedule.length else schedule


def _found(schedule: Schedule, evidence: str) -> Verdict:
    verify(schedule.graph, schedule.machine, schedule)
    return Verdict(schedule, True, evidence)


def _confirmed(
    verdict: Verdict, problem: Problem, core: Core, windows: list[Window], session: Session
) -> Verdict:
    """The verdict, an infeasibility put to a second formulation if that is asked for."""
    if verdict.schedule or not verdict.proven or not session.options.confirm:
        return verdict
    chosen = chosen_formulation(core, session.options)
    second = SECOND_FORMULATION[chosen]
    again = _ask(problem, core, windows, session, second)
    if again.schedule:
        raise SolverError(
            f"II {core.ii}: {chosen} says infeasible, {second} found a schedule; report this bug"
        )
    word = "confirmed" if again.proven else "not confirmed"
    return Verdict(None, True, f"{verdict.evidence}; {word}: {again.evidence}")


def _ask(
    problem: Problem,
    core: Core,
    windows: list[Window],
    session: Session,
    formulation: str,
    most_seconds: float = inf,
) -> Verdict:
    """Put one question to HiGHS."""
    if session.allowance() == 0:
        return Verdict(None, False, "time limit reached before the ILP was tried")
    session.formulations.add(formulation)
    with session.building():
        model = build_model(core, problem.machine, windows, FORMULATIONS[formulation])
    limit = min(session.allowance(), most_seconds)
    outcome = run(
        model.lp,
        time_limit=limit,
        seed=session.options.seed,
        options=session.options.solver,
    )
    session.solve += outcome.seconds
    if outcome.solved:
        start = core.expand(model.read_starts(outcome.values))
        return _found(Schedule(problem.graph, problem.machine, core.ii, start), formulation)
    if outcome.status is SolveStatus.INFEASIBLE:
        return Verdict(None, True, f"{formulation} ILP infeasible after {outcome.nodes} nodes")
    return Verdict(None, False, f"{formulation} ILP undecided: {outcome.message}")
