"""Capacity: no unit is over-subscribed in any slot of the steady state."""

from __future__ import annotations

from collections import defaultdict

import pulp

from twill_ilp.ilp.formulation import Formulation

__all__ = ["add_capacity"]


def add_capacity(f: Formulation) -> None:
    r"""For every unit and slot r: :math:`\sum_{v,c} a_{v,c}\,x_{v,(r-c) \bmod II} \le cap`.

    c runs over the cycles of v's reservation table (Soi et al. 2026, Fig. 4).  A row of c
    cycles holds its unit floor(c / II) times in every slot, and once more in c mod II of them.
    """
    for unit, capacity in f.machine.units.items():
        held = [
            (v, row)
            for v, node in enumerate(f.core.nodes)
            for row in node.usage
            if row.unit == unit
        ]
        if not held:
            continue
        always = sum(row.amount * (row.cycles // f.ii) for _, row in held)
        for slot in range(f.ii):
            terms: dict[pulp.LpVariable, int] = defaultdict(int)
            constant = always
            for v, row in held:
                rest = row.cycles % f.ii
                if rest:
                    part = f.in_slots(v, slot - row.start - rest + 1, rest)
                    constant += row.amount * _collect(part, terms, row.amount)
            usage = pulp.LpAffineExpression(list(terms.items()), constant=constant)
            f.require(usage <= capacity, f"capacity_{unit_label(f, unit)}_{slot}")


def unit_label(f: Formulation, unit: str) -> str:
    """A name for the unit that solvers accept and that no other unit shares."""
    return f"u{list(f.machine.units).index(unit)}"


def _collect(part: object, terms: dict[pulp.LpVariable, int], amount: int) -> int:
    """Add ``amount * part`` to ``terms``; return the constant of ``part``."""
    if isinstance(part, int):
        return part
    if isinstance(part, pulp.LpVariable):
        terms[part] += amount
        return 0
    assert isinstance(part, pulp.LpAffineExpression)
    for variable, coefficient in part.items():
        terms[variable] += amount * int(coefficient)
    return int(part.constant)
