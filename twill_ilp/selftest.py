"""A model of 14 integers on which HiGHS 1.12 to 1.15.1 answer 5 by default; the optimum is 3.

It is what is left of a modulo-scheduling model after shrinking: minimise c13 subject to the
rows below.  ``presolve_rule_off=4096`` (the Aggregator rule) cures it.
"""

from __future__ import annotations

import pulp

__all__ = ["WRONG_OPTIMAL_ANSWER", "wrong_optimal_model"]

WRONG_OPTIMAL_ANSWER = 3
"""The true optimum of :func:`wrong_optimal_model`, confirmed by enumeration in the tests."""

LOWER = (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2)
UPPER = (4, 1, 4, 4, 4, 4, 1, 4, 4, 1, 4, 4, 1, 6)
ROWS: tuple[tuple[int, dict[int, int]], ...] = (
    (0, {2: 2, 4: -2}),
    (0, {0: -2, 3: 2}),
    (0, {3: -2, 4: 2}),
    (0, {2: -2, 5: 2, 6: 1}),
    (1, {5: -2, 6: -1, 7: 2}),
    (0, {10: 2, 11: -2, 12: -1}),
    (0, {5: -2, 6: -1, 11: 2, 12: 1}),
    (-2, {0: 2, 10: -2}),
    (-1, {7: -2, 8: 2, 9: 1}),
    (2, {0: -2, 13: 1}),
    (1, {1: -2, 13: 1}),
    (2, {8: -2, 9: -1, 13: 1}),
)
"""Each row: a least value, and coefficients by variable."""


def wrong_optimal_model() -> pulp.LpProblem:
    """Minimise the last variable; every call builds a new model."""
    lp = pulp.LpProblem("wrong_optimal", pulp.LpMinimize)
    c = [
        lp.add_variable(f"c{i:02}", low, high, pulp.LpInteger)
        for i, (low, high) in enumerate(zip(LOWER, UPPER, strict=True))
    ]
    lp.setObjective(pulp.LpAffineExpression([(c[-1], 1)]))
    for number, (least, row) in enumerate(ROWS):
        lp += pulp.lpSum(a * c[i] for i, a in row.items()) >= least, f"r{number}"
    return lp
