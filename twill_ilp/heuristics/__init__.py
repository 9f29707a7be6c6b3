"""Heuristic schedulers: baselines, and starts for the integer programs.

:func:`iterative_modulo_schedule` and :func:`swing_modulo_schedule` are the two algorithms that
compilers use; :func:`shorten` brings a schedule's length down at the same II;
:func:`ejection_schedule` searches within a given length; :func:`heuristic_schedule` is all of
them together.  Every schedule they return is valid and normalised; ``None`` proves nothing.
:func:`conflict` and :func:`length_bound` are proofs: they say which II and which length are
impossible, and so when a heuristic schedule is optimal.
"""

from __future__ import annotations

from typing import Literal

from twill_ilp.bounds import rec_mii, res_mii
from twill_ilp.errors import OptionError
from twill_ilp.heuristics.ejection import ejection_schedule
from twill_ilp.heuristics.ims import iterative_modulo_schedule
from twill_ilp.heuristics.proofs import conflict, length_bound
from twill_ilp.heuristics.shorten import shorten
from twill_ilp.heuristics.sms import swing_modulo_schedule
from twill_ilp.problem import Problem
from twill_ilp.schedule import Schedule

__all__ = [
    "Method",
    "conflict",
    "ejection_schedule",
    "heuristic_schedule",
    "iterative_modulo_schedule",
    "length_bound",
    "schedule_upwards",
    "shorten",
    "swing_modulo_schedule",
]

Method = Literal["ims", "sms"]

_SCHEDULERS = {"ims": iterative_modulo_schedule, "sms": swing_modulo_schedule}


def schedule_upwards(problem: Problem, method: Method, max_ii: int) -> Schedule | None:
    """The schedule at the first II from MII to ``max_ii`` (cycles) at which ``method`` succeeds.

    Args:
        problem: loop and machine.
        method: ``ims`` (iterative modulo scheduling) or ``sms`` (swing modulo scheduling).
        max_ii: the last initiation interval to try, cycles.

    Returns:
        A valid, normalised schedule, or ``None``; neither proves anything about a smaller II.

    Raises:
        OptionError: there is no such method.
    """
    if method not in _SCHEDULERS:
        raise OptionError(f"method {method!r} is unknown; choose from {', '.join(_SCHEDULERS)}")
    mii = max(res_mii(problem.graph, problem.machine).ii, rec_mii(problem.graph).ii)
    tries = (_SCHEDULERS[method](problem, ii) for ii in range(mii, max_ii + 1))
    return next((schedule for schedule in tries if schedule), None)


def heuristic_schedule(
    problem: Problem,
    ii: int,
    *,
    target: int | None = None,
    rounds: int | None = None,
    seed: int = 0,
) -> Schedule | None:
    """A short schedule at initiation interval ``ii`` (cycles), by whatever method finds one.

    Iterative modulo scheduling, swing modulo scheduling and, where no :func:`conflict` is known,
    guided ejection with a generous length are tried until one succeeds; :func:`shorten` improves
    the result.

    Args:
        problem: loop and machine.
        ii: initiation interval, cycles.
        target: a length (cycles) that is short enough, such as a proven lower bound.
        rounds: limit on forced placements per search; ``None``: about a second's worth.
        seed: equal seeds give equal answers.

    Raises:
        OptionError: ``ii`` is not positive, or ``rounds`` negative.
    """
    schedule = (
        iterative_modulo_schedule(problem, ii)
        or swing_modulo_schedule(problem, ii)
        or _search(problem, ii, rounds, seed)
    )
    return schedule and shorten(problem, schedule, target=target, rounds=rounds, seed=seed)


def _search(problem: Problem, ii: int, rounds: int | None, seed: int) -> Schedule | None:
    """Guided ejection with one, then three more iterations in flight than the least length has."""
    bound = None if conflict(problem, ii) else length_bound(problem, ii)
    if bound is None:
        return None
    tries = (
        ejection_schedule(problem, ii, bound + more * ii, rounds=rounds, seed=seed)
        for more in (1, 3)
    )
    return next((schedule for schedule in tries if schedule), None)
