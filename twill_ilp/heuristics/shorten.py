"""Shorter schedules at the same II: compaction, then a search for the least length."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from twill_ilp.errors import InvalidScheduleError
from twill_ilp.heuristics.ejection import default_rounds, search_within
from twill_ilp.heuristics.indexed import IndexedLoop
from twill_ilp.heuristics.partial import PartialSchedule
from twill_ilp.heuristics.proofs import least_length
from twill_ilp.problem import Problem
from twill_ilp.schedule import Schedule

__all__ = ["shorten"]


def shorten(
    problem: Problem,
    schedule: Schedule,
    *,
    target: int | None = None,
    rounds: int | None = None,
    seed: int = 0,
) -> Schedule:
    """A schedule at the same II that is no longer than ``schedule``, usually much shorter.

    First every operation is moved as late and then as early as its window and its units allow,
    while that helps (double justification: V. Valls, F. Ballestin, S. Quintanilla,
    "Justification and RCPSP: a technique that pays", European Journal of Operational Research
    165(2), 2005, https://doi.org/10.1016/j.ejor.2004.04.008).  Then lengths are searched, the
    lower bound first and then by bisection, each by guided ejection (:func:`ejection_schedule`).

    Args:
        problem: loop and machine.
        schedule: a valid schedule of them.
        target: a length (cycles) that is short enough, such as a proven lower bound.  The
            search always stops at its own bound, which is that of :func:`least_length`.
        rounds: limit on forced placements per length tried; ``None``: about a second's worth.
        seed: equal seeds give equal answers.

    Returns:
        A valid, normalised schedule.  That it is longer than ``target`` proves nothing.

    Raises:
        InvalidScheduleError: ``schedule`` is not valid for ``problem``.
        OptionError: ``rounds`` is negative.
    """
    loop = IndexedLoop.at(problem, schedule.ii)
    if loop is None:
        raise InvalidScheduleError(f"II={schedule.ii}: no schedule has it; see conflict()")
    first = min(schedule.start.values())
    best = _checked(loop, [schedule.start[op.name] - first for op in problem.graph])
    low = max(least_length(loop) or 0, target or 0)
    rounds = default_rounds(problem) if rounds is None else rounds
    return loop.schedule(_search(loop, _compact(loop, best, low), low, rounds, seed))


def _search(loop: IndexedLoop, best: list[int], low: int, rounds: int, seed: int) -> list[int]:
    """Bisect the lengths from ``low`` to that of ``best``, after a try at ``low`` itself."""
    rng = np.random.default_rng(seed)
    trial = low
    while low < loop.length(best):
        found = search_within(loop, trial, rounds, rng)
        if found is None:
            low = trial + 1
        else:
            best = found
        trial = (low + loop.length(best) - 1) // 2
    return best


def _checked(loop: IndexedLoop, start: list[int]) -> list[int]:
    """``start``, once it is known to be valid, with operations without usage made early."""
    names = [op.name for op in loop.problem.graph]
    for v, arcs in enumerate(loop.preds):
        for u, w in arcs:
            if start[v] < start[u] + w:
                late = start[u] + w - start[v]
                raise InvalidScheduleError(f"{names[u]} -> {names[v]}: {late} cycles too early")
    partial = PartialSchedule(loop, loop.head, start)
    for v in loop.users:
        if partial.table.first(v, start[v], start[v]) is None:
            slot = start[v] % loop.ii
            raise InvalidScheduleError(f"{names[v]}: slot {slot} has no unit left for it")
        partial.place(v, start[v])
    return loop.complete(partial.start)


def _compact(loop: IndexedLoop, start: list[int], low: int) -> list[int]:
    """Justify late and then early until the length no longer falls, or reaches ``low``."""
    while (length := loop.length(start)) > low:
        late = _justify(loop, start, length, late=True)
        spare = min((late[v] - loop.head[v] for v in loop.users), default=0)
        moved = _justify(loop, [t - spare for t in late], length, late=False)
        if loop.length(moved) >= length:
            break
        start = moved
    return start


def _justify(loop: IndexedLoop, start: Sequence[int], length: int, *, late: bool) -> list[int]:
    """Move every operation as late (or early) as it fits, those nearest to that end first."""
    partial = PartialSchedule(loop, loop.head, [length - tail for tail in loop.tail])
    for v in loop.users:
        partial.place(v, start[v])
    for v in sorted(loop.users, key=lambda v: -start[v] if late else start[v]):
        partial.remove(v)
        moved = partial.fit(v, late=late)
        partial.place(v, start[v] if moved is None else moved)
    return loop.complete(partial.start)
