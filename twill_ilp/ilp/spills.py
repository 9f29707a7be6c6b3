"""Spills: a value that goes to another warp group takes longer to get there."""

from __future__ import annotations

from twill_ilp.ilp.affine import Affine
from twill_ilp.ilp.joint import JointModel, is_constant

__all__ = ["add_no_cross_warp", "add_spills"]


def add_spills(f: JointModel) -> None:
    r"""For a dependence (u, v) between groups the delay grows by spill(u), cycles.

    The structured rows of the longer delay :math:`w' = w + spill_u`, switched off by
    :math:`same_{u,v}`:

    .. math:: \pi_{v,r+w'} - \pi_{u,r} + \lceil spill_u / II \rceil\,same_{u,v} \ge 0,

    which is no restriction in one group, because :math:`\pi_{v,r+w'} \ge \pi_{v,r+w} - \lceil
    spill_u / II \rceil` (Soi et al. 2026, Fig. 6).
    """
    for number, (u, v, weight, _) in enumerate(f.edges()):
        spill = f.operations[u].spill
        longer = weight + spill
        implied = f.core.between[u, v] >= longer or f.windows[v][0] - f.windows[u][1] >= longer
        if u == v or not spill or implied:
            continue
        same = f.same(u, v)
        if is_constant(same, 1):
            continue
        for r in range(f.ii):
            row = f.potential(v, r + longer).add(f.potential(u, r), -1)
            f.need(row.add(same, -(-spill // f.ii)), 0, f"spill_{number}_{r}")


def add_no_cross_warp(f: JointModel) -> None:
    """A value in registers is read by its own group only: an ablation of Soi et al. 2026."""
    for number, (u, v, _, _) in enumerate(f.edges()):
        if f.operations[u].registers:
            f.need(Affine().add(f.same(u, v)), 1, f"no_cross_warp_{number}")
