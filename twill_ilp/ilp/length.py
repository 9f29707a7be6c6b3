"""Schedule length L: the last end minus the first start."""

from __future__ import annotations

import pulp

from twill_ilp.ilp.formulation import Formulation

__all__ = ["add_length_objective"]


def add_length_objective(f: Formulation) -> None:
    """Minimise L under ``start(v) + tail(v) <= L``; the first start is cycle 0.

    Only meaningful with windows that begin at cycle 0 (``windows_for_length``).
    """
    longest = max(
        (last + tail for (_, last), tail in zip(f.windows, f.core.tail, strict=True)),
        default=f.core.critical_path,
    )
    length = f.lp.add_variable("length", f.core.critical_path, longest, pulp.LpInteger)
    for v, tail in enumerate(f.core.tail):
        f.require(length - f.start[v] >= tail, f"length_{f.label(v)}")
    f.lp.setObjective(pulp.LpAffineExpression([(length, 1)]))
