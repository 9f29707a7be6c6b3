"""Register quotas: each group's registers per thread, out of the SM's register file.

Not in Soi et al. 2026; the steps of 8 are those of PTX's ``setmaxnreg``.  See docs/model.md.
"""

from __future__ import annotations

import pulp

from twill_ilp.ilp.affine import Affine
from twill_ilp.ilp.joint import JointModel
from twill_ilp.ilp.registers import WARP, held_words
from twill_ilp.rules import LARGEST_QUOTA, LEAST_QUOTA, QUOTA_STEP

__all__ = ["add_quotas"]


def add_quotas(f: JointModel) -> None:
    r"""A quota of :math:`8 q_g` registers per thread, :math:`3 \le q_g \le 31`, for every group:

    .. math:: \sum_u words_u\,\lambda_{u,g,r} \le 32 \cdot 8\,q_g, \qquad
              \sum_g width_g \cdot 32 \cdot 8\,q_g \le registers\ of\ the\ SM.

    A group without a member has none.
    """
    budget = Affine()
    for g, slot in enumerate(f.slots):
        name = f"quota_{g}"
        quota = f.lp.add_variable(name, 0, LARGEST_QUOTA // QUOTA_STEP, pulp.LpInteger)
        row = Affine().add(quota).add(f.open[g], -(LEAST_QUOTA // QUOTA_STEP))
        f.need(row, 0, f"least_{name}")
        for r in range(f.ii):
            f.need(held_words(f, g, r).add(quota, WARP * QUOTA_STEP), 0, f"{name}_{r}")
        budget.add(quota, -slot.warps * WARP * QUOTA_STEP)
    if f.machine.registers_per_sm is not None:
        f.need(budget, -f.machine.registers_per_sm, "register_file")
