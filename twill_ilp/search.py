"""The search: initiation intervals from MII upwards, then the shortest schedule at the first.

Every II that is passed over is recorded with its reason.  A limit yields ``unknown`` and never
a proof, and every schedule that leaves this module was accepted by :mod:`twill_ilp.verify`.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version

from twill_ilp._version import __version__
from twill_ilp.bounds import Recurrence, ResourceBound, rec_mii, res_mii, sufficient_ii
from twill_ilp.errors import OptionError
from twill_ilp.ilp import FORMULATIONS, reduce_loop
from twill_ilp.modulo import decide, minimize_length
from twill_ilp.options import SearchOptions, Session
from twill_ilp.problem import Problem
from twill_ilp.schedule import Level, Rejection, Result, Schedule, Status
from twill_ilp.solver import highs_version
from twill_ilp.structure import rigid_conflict

__all__ = ["solve"]


def solve(
    problem: Problem,
    options: SearchOptions | None = None,
    *,
    progress: Callable[[str], None] = lambda _: None,
) -> Result:
    """The smallest II of the modulo problem, and the shortest schedule at it.

    Args:
        problem: loop and machine.
        options: methods and limits; by default the ILP without limits.
        progress: called with one line whenever the search moves on.

    Raises:
        OptionError: an unknown formulation.
        SolverError: HiGHS failed, or two formulations disagreed.
        InvalidScheduleError: a model gave a schedule that the verifier rejects (a bug).
    """
    session = Session(options or SearchOptions(), progress)
    if session.options.formulation not in ("auto", *FORMULATIONS):
        raise OptionError(
            f"formulation is {session.options.formulation!r}; "
            f"choose from auto, {', '.join(FORMULATIONS)}"
        )
    resource, recurrence = res_mii(problem.graph, problem.machine), rec_mii(problem.graph)
    schedule, rejected = _ascend(problem, resource, recurrence, session)
    objective = {"ii": _ii_level(schedule, rejected)}
    if schedule is None or not session.options.minimize_length:
        objective["length"] = Level("skipped", schedule.length if schedule else None)
    else:
        schedule, objective["length"] = minimize_length(problem, schedule, session)
    return Result(
        problem,
        _status(schedule, rejected),
        schedule,
        {"res": resource.ii, "rec": recurrence.ii},
        rejected,
        objective,
        {"total": session.elapsed, "build": session.build, "solve": session.solve},
        _environment(session),
    )


def _ascend(
    problem: Problem, resource: ResourceBound, recurrence: Recurrence, session: Session
) -> tuple[Schedule | None, tuple[Rejection, ...]]:
    """The schedule at the first II that has one, and every II that was passed over."""
    mii = max(resource.ii, recurrence.ii)
    rejected = []
    if mii > 1:
        cause = f"ResMII {mii}: {resource}" if resource.ii == mii else f"RecMII {mii}: {recurrence}"
        rejected.append(Rejection(mii - 1, "bound", cause))
    enough = max(mii, sufficient_ii(problem.graph))
    if conflict := rigid_conflict(reduce_loop(problem.graph, enough), problem.machine):
        rejected.append(Rejection(enough, "bound", f"{conflict}, at this and every other II"))
        return None, tuple(rejected)
    ii, last = mii, enough if session.options.max_ii is None else session.options.max_ii
    while ii <= last:
        began = time.perf_counter()
        verdict = decide(problem, ii, session)
        if verdict.schedule:
            return verdict.schedule, tuple(rejected)
        reason = "modulo infeasible" if verdict.proven else "unknown"
        rejected.append(Rejection(ii, reason, verdict.evidence, time.perf_counter() - began))
        ii += 1
    return None, tuple(rejected)


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
        "method": session.options.method,
        "formulation": ", ".join(sorted(session.formulations)) or "none used",
        "seed": str(session.options.seed),
    }
