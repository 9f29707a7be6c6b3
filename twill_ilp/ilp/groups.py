"""Warp groups: who runs what, how wide the groups are, and how many warps that takes."""

from __future__ import annotations

from collections.abc import Sequence

from twill_ilp.ilp.affine import Affine
from twill_ilp.ilp.group_slots import given_slots, group_slots, width
from twill_ilp.ilp.joint import JointModel, is_constant
from twill_ilp.rules import designates

__all__ = [
    "add_groups",
    "add_warp_budget",
    "break_symmetry",
    "warps_used",
]


def add_groups(f: JointModel) -> None:
    r"""Warp uniqueness: :math:`\sum_g a_{v,g} = 1` (Soi et al. 2026, Fig. 6).

    Operations of variable latency are in the designated group 0 and nobody else is.  A group
    slot has a fixed width, and takes no wider operation.  Bonded operations have their variables
    in common.
    """
    given = f.partition
    f.slots = given_slots(f.timeline, given) if given else group_slots(f.timeline, f.machine)
    for v, leader in enumerate(f.timeline.leader):
        if v != leader:
            f.member.append(f.member[leader])
            continue
        f.member.append([_member(f, v, g) for g in range(len(f.slots))])
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
        for v in _leaders(f):
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
    size = {members[0]: _largest(f, members) for members in f.timeline.bonds}
    order = sorted(_leaders(f), key=lambda v: -size[v])
    for g in range(1, len(f.slots)):
        if f.slots[g] != f.slots[g - 1]:
            continue
        earlier = Affine()
        for v in order:
            if not is_constant(f.member[v][g], 0):
                row = Affine().add(earlier).add(f.member[v][g], -1)
                f.need(row, 0, f"opens_{g}_{f.label(v)}")
                earlier.add(f.member[v][g - 1])


def _leaders(f: JointModel) -> list[int]:
    """One operation of every class of bonds."""
    return [members[0] for members in f.timeline.bonds]


def _largest(f: JointModel, members: Sequence[int]) -> int:
    return max(f.operations[v].registers for v in members)


def _member(f: JointModel, v: int, g: int) -> object:
    op = f.operations[v]
    if f.partition:
        return int(f.partition[op.name] == g)
    slot = f.slots[g]
    designated = designates(op, f.rules)
    if designated or slot.designated:
        return int(designated and slot.designated)
    if max(width(f.operations[w], f.rules) for w in f.timeline.mates(v)) > slot.warps:
        return 0
    return f.binary(f"member_{f.label(v)}_{g}")
