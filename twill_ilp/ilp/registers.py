"""Registers: what a warp group keeps live fits into the registers of its warps."""

from __future__ import annotations

from collections.abc import Mapping

import pulp

from twill_ilp.ilp.affine import Affine
from twill_ilp.ilp.deadlines import MOST_SHARES, in_shares, words
from twill_ilp.ilp.joint import JointModel, is_constant

__all__ = ["WARP", "add_registers", "held_words"]

WARP = 32
"""Threads of a warp."""


def add_registers(f: JointModel) -> None:
    r"""Per group g and slot r: :math:`\sum_u words_u\,\lambda_{u,g,r} \le 32 \cdot limit`.

    :math:`\lambda_{u,g,r}` is live(u, r) if u is in g and else 0 (Soi et al. 2026, Fig. 6).
    Units: 32-bit words per warp; ``words`` are ceil(registers / warps).

    Two kinds of rows are implied and make proofs faster.  A group's values together live no
    longer than its registers last: :math:`\sum_u words_u\,life_u\,a_{u,g} \le II \cdot 32 \cdot
    limit` with the shortest life of each.  And values are counted: of those that need more than
    half of the registers only one lives at a time, of those that need more than a third two.
    With :math:`s_k = \lfloor 32 \cdot limit / (k + 1) \rfloor + 1` and k = 1, 2,

    .. math:: \sum_u \lfloor words_u / s_k \rfloor\,\lambda_{u,g,r} \le k\,open_g,

    a row of Chvatal (Discrete Mathematics 4, 1973, https://doi.org/10.1016/0012-365X(73)90167-2):
    what lives at a time fits, and :math:`32 \cdot limit / s_k < k + 1`.  The same over all slots
    with the shortest lives.
    """
    if f.machine.registers_per_thread is None:
        return
    limit = WARP * f.machine.registers_per_thread
    for g in range(len(f.slots)):
        values = _values(f, g)
        if sum(words(f.operations[u]) * f.most_live(u) for u in values) <= limit:
            continue
        for r in range(f.ii):
            f.need(held_words(f, g, r).add(limit), 0, f"registers_{g}_{r}")
        amounts = {u: words(f.operations[u]) for u in values}
        _add_energy(f, g, amounts, limit, f"register_energy_{g}")
        _add_shares(f, g, amounts, limit)


def held_words(f: JointModel, g: int, r: int) -> Affine:
    """Minus the words per warp that group g keeps live in slot r."""
    row = Affine()
    for u in _values(f, g):
        row.add(_live_in(f, u, g, r), -words(f.operations[u]))
    return row


def _values(f: JointModel, g: int) -> list[int]:
    return [
        u
        for u, op in enumerate(f.operations)
        if op.registers and not is_constant(f.member[u][g], 0) and f.most_live(u)
    ]


def _live_in(f: JointModel, u: int, g: int, r: int) -> Affine:
    r"""live(u, r) times "u is in g", as a variable of the disaggregation

    :math:`\sum_g \lambda_{u,g,r} = live_{u,r}`, :math:`0 \le \lambda_{u,g,r} \le M_u a_{u,g}`.
    """
    if is_constant(f.member[u][g], 1):
        return f.live(u, r)
    shares = f.shares.get((u, r))
    if shares is None:
        shares = f.shares[u, r] = {}
        total = Affine()
        for h, member in enumerate(f.member[u]):
            if is_constant(member, 0):
                continue
            name = f"live_{f.label(u)}_in_{h}_{r}"
            shares[h] = f.lp.add_variable(name, 0, f.most_live(u), pulp.LpInteger)
            f.need(Affine().add(member, f.most_live(u)).add(shares[h], -1), 0, f"member_{name}")
            total.add(shares[h])
        f.need(total.add(f.live(u, r), -1), 0, f"shares_{f.label(u)}_{r}")
    return Affine().add(shares[g])


def _add_shares(f: JointModel, g: int, amounts: Mapping[int, int], limit: int) -> None:
    """Of the values that need more than 1 of k + 1 equal shares, k at most live at a time."""
    for k in range(1, MOST_SHARES + 1):
        parts = in_shares(limit, amounts, k)
        implied = k > 1 and all(n == k for n in parts.values())  # by the row of k = 1
        if implied or sum(n * f.most_live(u) for u, n in parts.items()) <= k:
            continue
        _add_energy(f, g, parts, k, f"share_energy_{k}_{g}")
        for r in range(f.ii):
            row = Affine().add(f.open[g], k)
            for u, n in parts.items():
                row.add(_live_in(f, u, g, r), -n)
            f.need(row, 0, f"most_shares_{k}_{g}_{r}")


def _add_energy(
    f: JointModel, g: int, amounts: Mapping[int, int], capacity: int, name: str
) -> None:
    """Over all slots, the group's values with their shortest lives fit into the capacity."""
    total = Affine().add(f.open[g], f.ii * capacity)
    for u, amount in amounts.items():
        total.add(f.member[u][g], -amount * f.timeline.shortest_life(u))
    f.need(total, 0, name)
