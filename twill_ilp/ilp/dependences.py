"""Dependences: ``start(v) - start(u) >= w`` in two strengths."""

from __future__ import annotations

from twill_ilp.ilp.formulation import Formulation

__all__ = ["add_aggregated_dependences", "add_structured_dependences"]


def add_structured_dependences(f: Formulation) -> None:
    r"""The 0-1-structured rows: for every slot r of u,

    .. math:: \sum_{z \ge r} x_{u,z} + \sum_{z \le (r+w-1) \bmod II} x_{v,z} + k_u - k_v
              \le 1 - \lfloor (r+w-1) / II \rfloor .

    If u sits at slot r or later, v may not sit at a slot up to (r+w-1) mod II unless its stage
    makes up for it.  Every row of the matrix is a difference of the potentials
    ``k - reached``, so these rows alone describe an integral polytope (Eichenberger and
    Davidson, PLDI 1997, https://doi.org/10.1145/258915.258933).
    """
    for u, v, w in f.needed_edges():
        for r in range(f.ii):
            carry, slot = divmod(r + w - 1, f.ii)
            f.require(
                1 - f.by_slot(u, r - 1) + f.by_slot(v, slot) + f.stage[u] - f.stage[v] <= 1 - carry,
                f"dependence_{f.label(u)}_{f.label(v)}_{r}",
            )


def add_aggregated_dependences(f: Formulation) -> None:
    r"""One row per dependence: :math:`start_v - start_u \ge w` (Soi et al. 2026, Fig. 4).

    Shorter than the structured rows and much weaker: fractional slots cheat it.
    """
    for u, v, w in f.needed_edges():
        f.require(f.start[v] - f.start[u] >= w, f"dependence_{f.label(u)}_{f.label(v)}")
