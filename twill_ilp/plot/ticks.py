"""Steps between tick labels: whole cycles, with room for the numbers.  No matplotlib."""

from __future__ import annotations

from itertools import chain, count, cycle

__all__ = ["round_step", "stage_step"]

LONG_II = 64  # cycles
DIGIT = 4.6  # points: width of a digit at 7 points


def round_step(cycles: int, points: float) -> int:
    """Least of 1, 2, 5, 10, 20, ... cycles for an axis of ``cycles`` on ``points``."""
    room = _labels_with_room(cycles, points)
    step, factors = 1, cycle((2.0, 2.5, 2.0))
    while cycles > step * room:
        step = int(step * next(factors))
    return step


def stage_step(cycles: int, ii: int, points: float) -> int:
    """Least divisor, else multiple, of ``ii`` for an axis of ``cycles`` on ``points``.

    So every stage boundary that has room is a tick.  A long ``ii`` is divided by 2, 4 or 8
    only: no reader expects ticks at multiples of 57.
    """
    room = _labels_with_room(cycles, points)
    parts = range(ii, 0, -1) if ii <= LONG_II else (8, 4, 2, 1)
    divisors = (ii // part for part in parts if ii % part == 0)
    multiples = (ii * factor for factor in count(2))
    return next(step for step in chain(divisors, multiples) if cycles <= step * room)


def _labels_with_room(cycles: int, points: float) -> float:
    return max(1.0, points / (DIGIT * (len(str(cycles)) + 1.5)))
