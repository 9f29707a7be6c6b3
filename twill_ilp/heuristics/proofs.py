"""Proofs without a solver: bounds on the schedule length, and impossible IIs."""

from __future__ import annotations

import numpy as np

from twill_ilp.heuristics.energy import Energy
from twill_ilp.heuristics.indexed import IndexedLoop
from twill_ilp.heuristics.relaxation import Relaxation
from twill_ilp.problem import Problem

__all__ = ["conflict", "least_length", "length_bound"]

_PIVOTS = 4  # operations per recurrence to look from; where one finds a reason, most do


def conflict(problem: Problem, ii: int, length: int | None = None) -> str | None:
    """Why no schedule has initiation interval ``ii`` (and at most ``length``), both in cycles.

    Finds reasons that ResMII and RecMII do not see: operations on a recurrence that collide on
    a unit or wait for it, and so take longer than their delays say (:class:`Relaxation`).
    Typically milliseconds, O(V^3) on whole arrays.

    Returns:
        The reason, which is a proof, or ``None``, which proves nothing.

    Raises:
        OptionError: ``ii`` is not positive.
    """
    loop = IndexedLoop.at(problem, ii)
    if loop is None:
        return "II is below ResMII or RecMII, or an operation collides with its own next iteration"
    return Relaxation(loop, length).refute(_PIVOTS)


def length_bound(problem: Problem, ii: int) -> int | None:
    """A proven lower bound on the schedule length at ``ii``, both in cycles.

    Raises the bound of :func:`least_length` as long as :class:`Relaxation` refutes lengths, in
    growing steps and then by bisection.

    Returns:
        The bound, or ``None`` if this proves that no schedule has this II.

    Raises:
        OptionError: ``ii`` is not positive.
    """
    loop = IndexedLoop.at(problem, ii)
    low = least_length(loop) if loop else None
    if loop is None or low is None:
        return None
    high, step = low, 1
    while Relaxation(loop, high).refute():
        low, high, step = high + 1, high + step, 2 * step
    while low < high:
        middle = (low + high) // 2
        if Relaxation(loop, middle).refute():
            low = middle + 1
        else:
            high = middle
    return low


def least_length(loop: IndexedLoop) -> int | None:
    """A quick lower bound on the schedule length, cycles; ``None`` if no schedule has this II."""
    relaxation = Relaxation(loop)
    if relaxation.refute():
        return None
    users = loop.users
    if not users:
        return loop.critical_path
    head, tail = np.array(loop.head)[users], np.array(loop.tail)[users]
    energy = Energy(loop, relaxation.least, range(len(users)))
    return max(loop.critical_path, energy.tighten(head, tail))
