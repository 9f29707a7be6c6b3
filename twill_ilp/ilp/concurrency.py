"""Concurrency: while an operation waits, its warps do nothing else."""

from __future__ import annotations

from typing import Any

from twill_ilp.ilp.affine import Affine
from twill_ilp.ilp.joint import JointModel, is_constant
from twill_ilp.ilp.reduction import UNREACHABLE

__all__ = ["add_concurrency"]


def add_concurrency(f: JointModel) -> None:
    r"""No operation o of v's group is in progress when v has to wait.

    v waits if a blocking dependence enters it, or a value in registers from another group.
    Then :math:`(start_v - start_o) \bmod II \notin [0, hold_o)` for every other o of its group
    (Soi et al. 2026, Fig. 6).  For a run of c slots of v, of which the first is r, and the
    hold - c + 1 slots of o up to r, every pair is such a conflict:

    .. math:: \sum_{z=r}^{r+c-1} x_{v,z} + \sum_{z=r+c-hold_o}^{r} x_{o,z}
              + same_{v,o} + waits_v \le 3,

    and over all r these rows cover every conflict.
    """
    for v in range(len(f.operations)):
        waits = _waits(f, v)
        if is_constant(waits, 0):
            continue
        for o in range(len(f.operations)):
            hold = f.held(o)
            if o == v or not hold or _never_meet(f, v, o, hold):
                continue
            same = f.same(v, o)
            if not is_constant(same, 0):
                _add_exclusion(f, v, o, hold, Affine().add(same, -1).add(waits, -1))


def _add_exclusion(f: JointModel, v: int, o: int, hold: int, unless: Affine) -> None:
    """``unless`` is -2 where v waits and the operations share a group, and above it elsewhere."""
    name = f"wait_{f.label(v)}_{f.label(o)}"
    if hold >= f.ii:
        f.need(unless, -1, name)
        return
    run = (hold + 1) // 2
    for r in range(f.ii):
        row = Affine().add(unless)
        row.add(f.starts_in(v, r, r + run - 1), -1).add(f.starts_in(o, r + run - hold, r), -1)
        f.need(row, -3, f"{name}_{r}")


def _waits(f: JointModel, v: int) -> Any:
    """1 if operation v has to wait, 0 if never, or a variable that the groups push up to 1."""
    edges = f.edges()
    if any(blocking for _, dst, _, blocking in edges if dst == v):
        return 1
    senders = {u for u, dst, _, _ in edges if dst == v and u != v and f.operations[u].registers}
    same = [f.same(u, v) for u in sorted(senders)]
    if any(is_constant(term, 0) for term in same):
        return 1
    if all(is_constant(term, 1) for term in same):
        return 0
    waits = f.binary(f"waits_{f.label(v)}")
    for i, term in enumerate(same):
        f.need(Affine().add(waits).add(term), 1, f"{waits.name}_{i}")
    return waits


def _never_meet(f: JointModel, v: int, o: int, hold: int) -> bool:
    """Whether o is in progress at v's start in no schedule, by fixed distances or a full unit."""
    after, before = int(f.core.between[o, v]), -int(f.core.between[v, o])
    if after > UNREACHABLE and before < -UNREACHABLE and before - after < f.ii:
        gaps = range(after, before + 1)
        if all(gap % f.ii >= hold for gap in gaps):
            return True
    return any(
        a.unit == b.unit
        and a.start == b.start == 0
        and a.cycles >= hold
        and a.amount + b.amount > f.machine.units[a.unit]
        for a in f.operations[o].usage
        for b in f.operations[v].usage
    )
