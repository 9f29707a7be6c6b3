"""Order variables: a model whose size does not depend on II.

Starts are plain integers, and two operations that share a unit are told apart by the number
of periods between them, as in Šůcha and Hanzálek, "A cyclic scheduling problem with an
undetermined number of parallel identical processors" (Comput. Optim. Appl. 2011,
https://doi.org/10.1007/s10589-009-9239-4) and in Moovac (Oppermann et al., TRETS 2019,
https://doi.org/10.1145/3317670).  It wins where II is large against the number of operations
that share a unit: raw clock counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import pulp

from twill_ilp.ilp.capacity import unit_label
from twill_ilp.ilp.formulation import Formulation

__all__ = ["add_order_capacity", "add_starts"]


@dataclass(frozen=True)
class _Hold:
    """``amount`` of a unit held for ``cycles < II`` cycles from ``start(node) + offset`` on."""

    node: int
    offset: int
    cycles: int
    amount: int


def add_starts(f: Formulation) -> None:
    """One integer start per node, inside its window."""
    f.start = [
        f.lp.add_variable(f"start_{f.label(v)}", first, last, pulp.LpInteger)
        for v, (first, last) in enumerate(f.windows)
    ]


def add_order_capacity(f: Formulation) -> None:
    """Capacity by pairs, per unit.

    The load of a unit is largest in a slot where some hold begins, so it suffices that every
    hold finds room when it begins.  Holds too large to overlap get one order variable (a
    number of periods); the others an overlap indicator in each direction.
    """
    for unit, capacity in f.machine.units.items():
        holds, always = _holds(f, unit)
        room = capacity - always
        if holds and sum(hold.amount for hold in holds) <= room:
            continue
        if not holds and room >= 0:
            continue
        name = unit_label(f, unit)
        load = [pulp.LpAffineExpression(constant=hold.amount) for hold in holds]
        for i, j in combinations(range(len(holds)), 2):
            a, b = holds[i], holds[j]
            if a.node == b.node:
                gap = (b.offset - a.offset) % f.ii
                load[j] += a.amount * (gap < a.cycles)
                load[i] += b.amount * ((-gap) % f.ii < b.cycles)
            elif a.amount + b.amount > room:
                _add_exclusion(f, a, b, f"{name}_{i}_{j}")
            else:
                load[j] += a.amount * _overlap(f, a, b, f"{name}_{i}_{j}")
                load[i] += b.amount * _overlap(f, b, a, f"{name}_{j}_{i}")
        for j, row in enumerate(load):
            f.require(row <= room, f"capacity_{name}_{j}")
        if not holds:
            f.require(always <= capacity, f"capacity_{name}")


def _holds(f: Formulation, unit: str) -> tuple[list[_Hold], int]:
    """Reservation rows shorter than II, and the constant load of whole periods."""
    rows = [
        (v, row) for v, node in enumerate(f.core.nodes) for row in node.usage if row.unit == unit
    ]
    holds = [
        _Hold(v, row.start, row.cycles % f.ii, row.amount) for v, row in rows if row.cycles % f.ii
    ]
    return holds, sum(row.amount * (row.cycles // f.ii) for _, row in rows)


def _add_exclusion(f: Formulation, a: _Hold, b: _Hold, name: str) -> None:
    r"""Never both at once: :math:`c_a \le p_b - p_a - II\,q \le II - c_b` for an integer q."""
    gap, q = _gap(f, a, b, name)
    f.require(gap - f.ii * q >= a.cycles, f"after_{name}")
    f.require(gap - f.ii * q <= f.ii - b.cycles, f"before_{name}")


def _overlap(f: Formulation, a: _Hold, b: _Hold, name: str) -> pulp.LpVariable:
    r"""1 if a holds its unit as b begins: :math:`c_a (1 - o) \le p_b - p_a - II\,q < II`."""
    gap, q = _gap(f, a, b, name)
    overlap = f.lp.add_variable(f"overlap_{name}", 0, 1, pulp.LpInteger)
    f.require(gap - f.ii * q + a.cycles * overlap >= a.cycles, f"after_{name}")
    f.require(gap - f.ii * q <= f.ii - 1, f"before_{name}")
    return overlap


def _gap(
    f: Formulation, a: _Hold, b: _Hold, name: str
) -> tuple[pulp.LpAffineExpression, pulp.LpVariable]:
    """Begin of b minus begin of a in cycles, and the whole periods within it."""
    shift = b.offset - a.offset
    least = f.windows[b.node][0] - f.windows[a.node][1] + shift
    most = f.windows[b.node][1] - f.windows[a.node][0] + shift
    q = f.lp.add_variable(f"periods_{name}", least // f.ii, most // f.ii, pulp.LpInteger)
    return f.start[b.node] - f.start[a.node] + shift, q
