r"""Cost normalization: small whole numbers with nearly the ratios of the given clocks.

The integer program of Soi et al. 2026 finds costs :math:`C'` for clocks :math:`C` such that

.. math::
    \min F \quad\text{s.t.}\quad -F \le C_i C'_j - C_j C'_i \le F \;\;\forall i, j, \qquad
    1 \le \sum_i C'_i \le U, \quad C' \in \mathbb{Z}_{\ge 0}.

*Literal*, it may give a positive cost the value 0, and does so in long lists with a wide range:
little costs are within F of 0.  Our reading, *distinct*, normalizes the distinct positive costs,
demands :math:`C' \ge 1` of each, and asks, at the least F, for the largest :math:`\sum C'`.

*How F is found and proven.*  A row reads :math:`C'_j \ge (C_j C'_i - F) / C_i`: the more of one,
the more of the other.  So for a given F there is a least solution above given lower bounds, which
raising every value to what the rows demand reaches in few rounds; F is possible exactly if its sum
is at most U.  A larger F only weakens the rows, so bisection finds the least F, and the least
solution at F - 1, whose sum exceeds U, proves it.  In the literal reading the lower bound is 1 for
the largest cost: if it were 0 and some :math:`C'_k \ge 1`, then F would be at least the largest
cost, and :math:`C'` = 1 for the largest cost alone achieves the second largest.  The second stage
is an ILP, and ``confirm`` puts F - 1 to HiGHS as well.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import pulp
from numpy.typing import NDArray

from twill_ilp.checks import check_natural
from twill_ilp.errors import InvalidProblemError, OptionError, SolverError
from twill_ilp.normalization import LIMIT, READINGS, Normalization
from twill_ilp.outcome import SolveStatus
from twill_ilp.solver import run

__all__ = ["normalization_model", "normalize"]

Vector: TypeAlias = NDArray[np.int64]

LARGEST_COST = 10**6
"""Products of a cost and a normalized cost stay far inside what HiGHS's tolerances resolve."""


def normalize(
    costs: Sequence[int],
    *,
    limit: int = LIMIT,
    reading: str = "distinct",
    confirm: bool = False,
    time_limit: float = 10.0,
) -> Normalization:
    """Normalize costs in clocks.

    Args:
        costs: whole numbers; zeros stay zero.
        limit: U, the largest sum of the normalized costs (``distinct``: of the distinct ones).
        reading: ``distinct`` or ``literal``.  Of the optimal solutions the literal reading
            returns the least.
        confirm: also let HiGHS refute F - 1.
        time_limit: wall seconds for each ILP; without an answer the second stage keeps the best
            solution known, and says so.

    Raises:
        OptionError: no positive cost, a cost that is no whole number or too large, U below 1 or
            below the number of distinct costs, or an unknown reading.
        SolverError: HiGHS contradicts the proof, or does not answer in time.
    """
    began = time.perf_counter()
    _check(costs, limit, reading)
    positive = [cost for cost in costs if cost]
    c = np.array(sorted(set(positive) if reading == "distinct" else positive), dtype=np.int64)
    if reading == "distinct" and len(c) > limit:
        raise OptionError(
            f"U is {limit}, below the {len(c)} distinct costs, each of which needs at least 1; "
            f"give at least {len(c)}"
        )
    lower = np.ones(len(c), np.int64)
    if reading == "literal":
        lower[:-1] = 0
    spread, solution = _least_spread(c, lower, limit)
    if confirm and spread:
        _confirm(c, lower, limit, spread - 1, time_limit)
    upper = _greatest(c, lower, solution, limit, spread)
    maximal = None
    if reading == "distinct":
        solution, maximal = _largest(c, solution, upper, limit, spread, time_limit)
    value = dict(zip(c.tolist(), solution.tolist(), strict=True)) | {0: 0}
    return Normalization(
        costs=tuple(costs),
        normalized=tuple(value[cost] for cost in costs),
        limit=limit,
        reading=reading,
        spread=spread,
        always_zero=int((upper == 0).sum()),
        maximal=maximal,
        seconds=time.perf_counter() - began,
    )


def normalization_model(
    costs: Sequence[int], *, limit: int = LIMIT, least: int = 0, spread: int | None = None
) -> pulp.LpProblem:
    """The integer program as the paper states it, over all pairs.

    Args:
        costs: positive clocks, in any order; variable ``c_i`` belongs to ``costs[i]``.
        least: lower bound of every normalized cost.
        spread: F, if it is given; else variable ``F`` is minimised.
    """
    lp = pulp.LpProblem("normalization", pulp.LpMinimize)
    normalized = [
        lp.add_variable(f"c_{i}", least, limit, cat=pulp.LpInteger) for i in range(len(costs))
    ]
    if spread is None:
        bound = lp.add_variable("F", 0, cat=pulp.LpInteger)
        lp.setObjective(pulp.LpAffineExpression([(bound, 1)]))
    for i, a in enumerate(costs):
        for j, b in enumerate(costs):
            if i != j:
                terms = [(normalized[j], a), (normalized[i], -b)]
                if spread is None:
                    lp += pulp.LpAffineExpression([*terms, (bound, -1)]) <= 0, f"ratio_{i}_{j}"
                else:
                    lp += pulp.LpAffineExpression(terms) <= spread, f"ratio_{i}_{j}"
    total = pulp.LpAffineExpression([(v, 1) for v in normalized])
    lp += total >= 1, "not_all_zero"
    lp += total <= limit, "limit"
    return lp


def _check(costs: Sequence[int], limit: int, reading: str) -> None:
    if reading not in READINGS:
        raise OptionError(f"reading is {reading!r}; choose from {', '.join(READINGS)}")
    if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= 10**6:
        raise OptionError(f"U is {limit!r}; give a whole number from 1 to {10**6}")
    for i, cost in enumerate(costs):
        try:
            check_natural(cost, f"costs[{i}]", InvalidProblemError)
        except InvalidProblemError as e:
            raise OptionError(str(e)) from None
        if cost > LARGEST_COST:
            raise OptionError(f"costs[{i}] is {cost}; give clocks up to {LARGEST_COST}")
    if not any(costs):
        raise OptionError("costs: none is positive; give at least one")


def _least_spread(c: Vector, lower: Vector, limit: int) -> tuple[int, Vector]:
    """The least F, and the least solution at it.  ``c`` ascends."""
    impossible, possible = -1, int(c[-1]) * limit  # at that F no row binds
    best = lower
    while possible - impossible > 1:
        middle = (impossible + possible) // 2
        solution = _least(c, lower, limit, middle)
        if solution is None:
            impossible = middle
        else:
            possible, best = middle, solution
    return possible, best


def _least(c: Vector, lower: Vector, limit: int, spread: int) -> Vector | None:
    """The least solution at or above ``lower``; ``None``: its sum exceeds the limit."""
    x = lower
    while x.sum() <= limit:
        # ceil((c_j x_i - F) / c_i), largest over i
        demand = -((spread - np.outer(x, c)) // c[:, None])
        raised = np.maximum(x, demand.max(axis=0))
        if (raised == x).all():
            return x
        x = raised
    return None


def _greatest(c: Vector, lower: Vector, least: Vector, limit: int, spread: int) -> Vector:
    """Upper bounds of all solutions: what the rows leave of what the others leave of the limit."""
    x = limit - (least.sum() - least)
    while True:
        allowed = (np.outer(x, c) + spread) // c[:, None]  # floor((c_j x_i + F) / c_i)
        reduced = np.minimum(x, allowed.min(axis=0))
        if (reduced == x).all():
            return np.asarray(x)
        x = reduced


def _largest(
    c: Vector, least: Vector, upper: Vector, limit: int, spread: int, time_limit: float
) -> tuple[Vector, bool]:
    """A solution with the largest sum, and whether that is proven; ``least`` if time runs out."""
    if upper.sum() <= limit:
        return upper, True
    lp = pulp.LpProblem("largest_sum", pulp.LpMinimize)
    variables = [
        lp.add_variable(f"c_{i}", int(a), int(b), cat=pulp.LpInteger)
        for i, (a, b) in enumerate(zip(least, upper, strict=True))
    ]
    total = pulp.LpAffineExpression([(v, 1) for v in variables])
    lp.setObjective(-total)
    lp += total <= limit, "limit"
    # c_i x_j - c_j x_i <= F, where the bounds do not imply it
    for i, j in np.argwhere(np.outer(c, upper) - np.outer(least, c) > spread).tolist():
        if i != j:
            row = pulp.LpAffineExpression([(variables[j], int(c[i])), (variables[i], -int(c[j]))])
            lp += row <= spread, f"ratio_{i}_{j}"
    start = {f"c_{i}": float(value) for i, value in enumerate(least)}
    outcome = run(lp, time_limit=time_limit, start=start)
    if not outcome.solved:
        return least, False
    found = np.array([outcome.values[f"c_{i}"] for i in range(len(c))], dtype=np.int64)
    if np.abs(np.outer(c, found) - np.outer(found, c)).max() > spread or found.sum() > limit:
        raise SolverError("normalization: HiGHS's solution breaks a row; give smaller costs")
    return found, outcome.status is SolveStatus.OPTIMAL


def _confirm(c: Vector, lower: Vector, limit: int, spread: int, time_limit: float) -> None:
    """Let HiGHS refute ``spread``."""
    lp = normalization_model(c.tolist(), limit=limit, least=int(lower[0]), spread=spread)
    lp.setObjective(pulp.LpAffineExpression())
    outcome = run(lp, time_limit=time_limit)
    if outcome.status is not SolveStatus.INFEASIBLE:
        raise SolverError(
            f"normalization: F = {spread} is impossible by propagation, but HiGHS says "
            f"{outcome.status.value}; give more time or smaller costs"
        )
