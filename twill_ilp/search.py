"""The search: initiation intervals from MII upwards, then the other levels at the first.

Every II that is passed over is recorded with its reason.  A limit yields ``unknown`` and never
a proof, and every schedule that leaves this module was accepted by :mod:`twill_ilp.verify`.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version

from twill_ilp._version import __version__
from twill_ilp.bounds import Recurrence, ResourceBound, rec_mii, res_mii, sufficient_ii
from twill_ilp.descent import Verdict
from twill_ilp.errors import OptionError
from twill_ilp.ilp import FORMULATIONS, reduce_loop
from twill_ilp.joint import JointSearch
from twill_ilp.limits import Limits, level_value
from twill_ilp.modulo import decide, minimize_length
from twill_ilp.options import LEVELS, SearchOptions, Session
from twill_ilp.problem import Problem
from twill_ilp.rules import effective_graph, held_cycles
from twill_ilp.schedule import Level, Rejection, Result, Schedule, Status
from twill_ilp.solver import check_options, highs_version
from twill_ilp.structure import hopeless, rigid_conflict

__all__ = ["solve"]

Decide = Callable[[int], tuple[Verdict, str]]
"""The verdict on one II, and the reason if there is no schedule."""


def solve(
    problem: Problem,
    options: SearchOptions | None = None,
    *,
    partition: Mapping[str, int] | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Result:
    """The smallest II, and at it the best schedule, level by level.

    Args:
        problem: loop and machine.
        options: stage, rules, methods and limits; by default the joint problem without limits.
        partition: the warp group of every operation, if that is given (joint stage).
        progress: called with one line whenever the search moves on.

    Raises:
        OptionError: an unknown formulation, or a partition that does not fit the rules.
        SolverError: HiGHS failed, or two formulations disagreed.
        InvalidScheduleError: a model gave a schedule that the verifier rejects (a bug).
    """
    session = Session(options or SearchOptions(), progress)
    chosen = session.options
    if chosen.formulation not in ("auto", *FORMULATIONS):
        raise OptionError(
            f"formulation is {chosen.formulation!r}; choose from auto, {', '.join(FORMULATIONS)}"
        )
    check_options(chosen.solver)
    joint = chosen.stage == "joint" and chosen.method == "ilp"
    if not joint:
        graph = problem.graph
        schedule, rejected, objective = _modulo(problem, session)
    else:
        graph = effective_graph(problem.graph, chosen.rules)
        schedule, rejected, objective = _joint(problem, partition or {}, session)
    resource, recurrence = res_mii(graph, problem.machine), rec_mii(graph)
    return Result(
        problem,
        _status(schedule, rejected),
        schedule,
        {"res": resource.ii, "rec": recurrence.ii},
        rejected,
        objective,
        {"total": session.elapsed, "build": session.build, "solve": session.solve},
        _environment(session),
        chosen.rules if joint else None,
    )


Answer = tuple[Schedule | None, tuple[Rejection, ...], dict[str, Level]]


def _modulo(problem: Problem, session: Session) -> Answer:
    """Software pipelining alone: II, then L."""

    def decide_modulo(ii: int) -> tuple[Verdict, str]:
        return decide(problem, ii, session), "modulo infeasible"

    enough = sufficient_ii(problem.graph)
    schedule, rejected = _ascend(problem, enough, decide_modulo, session)
    objective = {"ii": _ii_level(schedule, rejected)}
    if schedule is None or "length" not in session.options.levels:
        objective["length"] = Level("skipped", schedule.length if schedule else None)
    else:
        with session.level():
            schedule, objective["length"] = minimize_length(problem, schedule, session)
    return schedule, rejected, objective


def _joint(problem: Problem, partition: Mapping[str, int], session: Session) -> Answer:
    """Software pipelining with warp specialization: II, then the levels in their order."""
    rules = session.options.rules
    if reason := hopeless(problem, rules):
        never = (Rejection(1, "bound", f"{reason}, at this and every other II"),)
        return None, never, {"ii": _ii_level(None, never)}
    searches: dict[int, JointSearch] = {}

    def decide_joint(ii: int) -> tuple[Verdict, str]:
        searches[ii] = JointSearch(problem, rules, ii, session, partition)
        return searches[ii].decide()

    effective = Problem(effective_graph(problem.graph, rules), problem.machine)
    waits = sum(op.spill + held_cycles(op, rules.readings) for op in problem.graph)
    enough = sufficient_ii(effective.graph) + waits
    schedule, rejected = _ascend(effective, enough, decide_joint, session)
    objective = {"ii": _ii_level(schedule, rejected)}
    if schedule is None:
        return None, rejected, objective
    limits = Limits()
    for name in session.options.levels[1:]:
        schedule, level = searches[schedule.ii].minimize(name, schedule, limits)
        limits = limits.at_most(name, level_value(name, schedule))
        objective[name] = level
    for name in LEVELS:
        objective.setdefault(name, Level("skipped"))
        if objective[name].certainty == "skipped":
            value = level_value(name, schedule)
            objective[name] = Level("skipped", value, None, objective[name].evidence)
    return schedule, rejected, objective


def _ascend(
    problem: Problem, enough: int, verdict_on: Decide, session: Session
) -> tuple[Schedule | None, tuple[Rejection, ...]]:
    """The schedule at the first II that has one, and every II that was passed over.

    Each II gets at most half of the time that is left, so that one that stays open does not
    keep the search from finding a schedule at a larger one.

    Args:
        enough: the largest II that is worth a try, unless the user names one.
    """
    resource, recurrence = res_mii(problem.graph, problem.machine), rec_mii(problem.graph)
    mii = max(resource.ii, recurrence.ii)
    rejected = []
    if mii > 1:
        rejected.append(Rejection(mii - 1, "bound", _cause(mii, resource, recurrence)))
    enough = max(mii, enough)
    if conflict := rigid_conflict(reduce_loop(problem.graph, enough), problem.machine):
        rejected.append(Rejection(enough, "bound", f"{conflict}, at this and every other II"))
        return None, tuple(rejected)
    ii, last = mii, enough if session.options.max_ii is None else session.options.max_ii
    least = session.options.min_ii or mii
    if ii < least:
        last_one = f"..{least - 1}" if least - 1 > ii else ""
        rejected.append(Rejection(ii, "unknown", f"{ii}{last_one} not asked"))
        ii = least
    while ii <= last:
        began = time.perf_counter()
        if session.remaining == 0:
            rejected.append(Rejection(ii, "unknown", "time limit reached before it was tried"))
            break
        with session.bounded(session.remaining / 2):
            verdict, reason = verdict_on(ii)
        if verdict.schedule:
            return verdict.schedule, tuple(rejected)
        if not verdict.proven:
            reason = "unknown"
        rejected.append(Rejection(ii, reason, verdict.evidence, time.perf_counter() - began))
        ii += 1
    return None, tuple(rejected)


def _cause(mii: int, resource: ResourceBound, recurrence: Recurrence) -> str:
    return f"ResMII {mii}: {resource}" if resource.ii == mii else f"RecMII {mii}: {recurrence}"


def _ii_level(schedule: Schedule | None, rejected: Sequence[Rejection]) -> Level:
    """II is proven if every smaller one is; otherwise the bound is the first open question."""
    open_questions = [r for r in rejected if not r.proven]
    first_open = open_questions[0] if open_questions else None
    last = rejected[-1] if rejected else None
    if first_open:
        bound, evidence = first_open.ii, f"II {first_open.ii} is unknown: {first_open.evidence}"
    elif last:
        bound, evidence = last.ii + 1, f"II {last.ii} is impossible: {last.evidence}"
    else:
        bound, evidence = 1, "no II is smaller than 1"
    if schedule is None:
        return Level("unknown", None, bound, evidence)
    return Level("found" if first_open else "proven", schedule.ii, bound, evidence)


def _status(schedule: Schedule | None, rejected: Sequence[Rejection]) -> Status:
    proven = all(rejection.proven for rejection in rejected)
    if schedule:
        return "optimal" if proven else "feasible"
    return "infeasible" if proven else "unknown"


def _environment(session: Session) -> dict[str, str]:
    return {
        "twill_ilp": __version__,
        "highs": highs_version(),
        "pulp": version("pulp"),
        "python": platform.python_version(),
        "stage": session.options.stage,
        "method": session.options.method,
        "formulation": ", ".join(sorted(session.formulations)) or "none used",
        "seed": str(session.options.seed),
    }
