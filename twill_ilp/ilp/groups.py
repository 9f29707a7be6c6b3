"""Warp groups: who runs what, how wide the groups are, and how many warps that takes."""

from __future__ import annotations

from collections.abc import Sequence

from twill_ilp.graph import Operation
from twill_ilp.ilp.affine import Affine
from twill_ilp.ilp.joint import GroupSlot, JointModel, is_constant
from twill_ilp.rules import designates

__all__ = ["add_groups", "add_warp_budget", "break_symmetry", "warps_used"]


def add_groups(f: JointModel) -> None:
    r"""Warp uniqueness: :math:`\sum_g a_{v,g} = 1` (Soi et al. 2026, Fig. 6).

    Operations of variable latency are in the designated group 0 and nobody else is.  A group
    slot has a fixed width, and takes no wider operation.
    """
    f.slots = _given_slots(f) if f.partition else _slots(f)
    for v, op in enumerate(f.operations):
        f.member.append([_member(f, v, op, g) for g in range(len(f.slots))])
        total = Affine()
        for member in f.member[v]:
            total.add(member)
        f.need(Affine().add(total), 1, f"some_group_{f.label(v)}")
        f.need(Affine().add(total, -1), -1, f"one_group_{f.label(v)}")
    for g, slot in enumerate(f.slots):
        if slot.designated or f.partition:
            f.open.append(1)
            continue
        f.open.append(f.binary(f"open_{g}"))
        for v in range(len(f.operations)):
            if not is_constant(f.member[v][g], 0):
                row = Affine().add(f.open[g]).add(f.member[v][g], -1)
                f.need(row, 0, f"open_{g}_{f.label(v)}")
    if f.rules.max_groups is not None:
        count = Affine()
        for g in range(len(f.slots)):
            count.add(f.open[g], -1)
        f.need(count, -f.rules.max_groups, "groups")


def add_warp_budget(f: JointModel) -> None:
    r"""The widths fit into the warp budget: :math:`\sum_g width_g\,open_g \le warps`.

    (Soi et al. 2026, Fig. 6, with groups in place of warps.)
    """
    if f.machine.warps is not None:
        f.need(Affine().add(warps_used(f), -1), -f.machine.warps, "warp_budget")


def warps_used(f: JointModel) -> Affine:
    """Sum of the widths of the groups with a member."""
    total = Affine()
    for slot, is_open in zip(f.slots, f.open, strict=True):
        total.add(is_open, slot.warps)
    return total


def break_symmetry(f: JointModel) -> None:
    """Slots of one width are interchangeable: an operation may only be in one if an earlier
    operation is in the slot before it.  Large values come first: they decide the most."""
    if f.partition:
        return
    order = sorted(range(len(f.operations)), key=lambda v: -f.operations[v].registers)
    for g in range(1, len(f.slots)):
        if f.slots[g] != f.slots[g - 1]:
            continue
        earlier = Affine()
        for v in order:
            if not is_constant(f.member[v][g], 0):
                row = Affine().add(earlier).add(f.member[v][g], -1)
                f.need(row, 0, f"opens_{g}_{f.label(v)}")
                earlier.add(f.member[v][g - 1])


def _member(f: JointModel, v: int, op: Operation, g: int) -> object:
    if f.partition:
        return int(f.partition[op.name] == g)
    slot = f.slots[g]
    designated = designates(op, f.rules)
    if designated or slot.designated:
        return int(designated and slot.designated)
    if _width(f, op) > slot.warps:
        return 0
    return f.binary(f"member_{f.label(v)}_{g}")


def _width(f: JointModel, op: Operation) -> int:
    """Warps that the operation needs; all alike where no rule looks at widths."""
    return op.warps if "warps" in f.rules or "quotas" in f.rules else 1


def _given_slots(f: JointModel) -> list[GroupSlot]:
    count = 1 + max(f.partition.values())
    return [
        GroupSlot(
            max((op.warps for op in f.operations if f.partition[op.name] == g), default=0),
            g == 0 and any(designates(op, f.rules) for op in f.operations),
        )
        for g in range(count)
    ]


def _slots(f: JointModel) -> list[GroupSlot]:
    """The groups that any solution may need.

    A group is as wide as its widest operation.  So there are at most as many groups of one width
    as operations of that width, and as fit into the budget; and one group is enough for the
    narrowest operations if nothing can go wrong between them.
    """
    designated = [_width(f, op) for op in f.operations if designates(op, f.rules)]
    slots = [GroupSlot(max(designated), True)] if designated else []
    free = [op for op in f.operations if not designates(op, f.rules)]
    budget = f.machine.warps if "warps" in f.rules else None
    for width in sorted({_width(f, op) for op in free}, reverse=True):
        mates = [op for op in free if _width(f, op) == width]
        most = len(mates)
        if width == min(_width(f, op) for op in free) and _harmless(f, mates):
            most = 1
        if budget is not None:
            most = min(most, (budget - sum(designated[:1] and [max(designated)])) // width)
        if f.rules.max_groups is not None:
            most = min(most, f.rules.max_groups - len(designated[:1]))
        slots += [GroupSlot(width)] * max(0, most)
    return slots


def _harmless(f: JointModel, mates: Sequence[Operation]) -> bool:
    """Whether groups of these operations alone can be one group, whatever the schedule.

    They hand over nothing in registers and spill nothing, are held for one cycle at most, and
    any two share a unit too scarce for both in their first cycle, so that they never start
    together.
    """
    hold = {op.name: f.held(i) for i, op in enumerate(f.operations)}
    if any(op.registers or op.spill or hold[op.name] > 1 for op in mates):
        return False
    return all(_never_together(f, a, b) for i, a in enumerate(mates) for b in mates[:i])


def _never_together(f: JointModel, a: Operation, b: Operation) -> bool:
    first_cycle = [{row.unit: row.amount for row in op.usage if row.start == 0} for op in (a, b)]
    return any(
        amount + first_cycle[1].get(unit, 0) > f.machine.units[unit]
        for unit, amount in first_cycle[0].items()
        if unit in first_cycle[1]
    )
