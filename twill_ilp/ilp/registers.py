"""Registers: what a warp group keeps live fits into the registers of its warps."""

from __future__ import annotations

import pulp

from twill_ilp.ilp.affine import Affine
from twill_ilp.ilp.joint import JointModel, is_constant
from twill_ilp.ilp.timeline import words

__all__ = ["WARP", "add_registers", "held_words"]

WARP = 32
"""Threads of a warp."""


def add_registers(f: JointModel) -> None:
    r"""Per group g and slot r: :math:`\sum_u words_u\,\lambda_{u,g,r} \le 32 \cdot limit`.

    :math:`\lambda_{u,g,r}` is live(u, r) if u is in g and else 0 (Soi et al. 2026, Fig. 6).
    Units: 32-bit words per warp; ``words`` are ceil(registers / warps).

    Two kinds of rows are implied and make proofs faster: of the values that need more than half
    of the registers only one lives at a time, and a group's values together live no longer than
    its registers last: :math:`\sum_u words_u\,life_u\,a_{u,g} \le II \cdot 32 \cdot limit` with
    the shortest life of each.
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
        _add_energy(f, g, values, limit)


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
            shares[h] = f.lp.add_variable(name, 0, f.most_live(u), pulp.LpContinuous)
            f.need(Affine().add(member, f.most_live(u)).add(shares[h], -1), 0, f"member_{name}")
            total.add(shares[h])
        f.need(total.add(f.live(u, r), -1), 0, f"shares_{f.label(u)}_{r}")
    return Affine().add(shares[g])


def _add_energy(f: JointModel, g: int, values: list[int], limit: int) -> None:
    large = [u for u in values if 2 * words(f.operations[u]) > limit]
    total, most = Affine(), Affine()
    for u in values:
        life = f.timeline.shortest_life(u)
        total.add(f.member[u][g], -words(f.operations[u]) * life)
        if u in large:
            most.add(f.member[u][g], -life)
    f.need(total.add(f.open[g], f.ii * limit), 0, f"register_energy_{g}")
    if len(large) > 1:
        f.need(most.add(f.open[g], f.ii), 0, f"large_energy_{g}")
        for r in range(f.ii):
            row = Affine().add(f.open[g])
            for u in large:
                row.add(_live_in(f, u, g, r), -1)
            f.need(row, 0, f"large_{g}_{r}")
