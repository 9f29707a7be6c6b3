"""The warp groups that a schedule may need: slots of a fixed width, filled or left empty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from twill_ilp.graph import Operation
from twill_ilp.ilp.timeline import Timeline
from twill_ilp.machine import Machine
from twill_ilp.rules import Rules, designates, held_cycles

__all__ = ["GroupSlot", "given_slots", "group_slots", "width"]


@dataclass(frozen=True)
class GroupSlot:
    """A warp group that may be filled; no wider operation fits in."""

    warps: int
    designated: bool = False


def width(op: Operation, rules: Rules) -> int:
    """Warps that the operation needs; all alike where no rule looks at widths."""
    return op.warps if "warps" in rules or "quotas" in rules else 1


def given_slots(line: Timeline, partition: Mapping[str, int]) -> list[GroupSlot]:
    """The groups of a partition, as wide as their widest operations."""
    operations = line.core.graph.operations
    return [
        GroupSlot(
            max((op.warps for op in operations if partition[op.name] == g), default=0),
            g == 0 and any(designates(op, line.rules) for op in operations),
        )
        for g in range(1 + max(partition.values()))
    ]


def group_slots(line: Timeline, machine: Machine) -> list[GroupSlot]:
    """The groups that any solution may need.

    A group is as wide as its widest operation.  So there are at most as many groups of one width
    as classes of bonded operations of that width, and as fit into the budget beside the designated
    group and one for the widest class; and one group is enough for the narrowest operations if
    nothing can go wrong between them.
    """
    rules = line.rules
    classes = [[line.core.graph.operations[v] for v in members] for members in line.bonds]
    designated = [ops for ops in classes if designates(ops[0], rules)]
    least = max((width(op, rules) for ops in designated for op in ops), default=0)
    free = [(max(width(op, rules) for op in ops), ops) for ops in classes if ops not in designated]
    slots = [GroupSlot(least, True)] if designated else []
    budget = machine.warps if "warps" in rules else None
    widths = sorted({wide for wide, _ in free}, reverse=True)
    for warps in widths:
        wider = warps < widths[0]  # then one group is the widest class's
        mates = [ops for wide, ops in free if wide == warps]
        most = len(mates)
        if warps == widths[-1] and _harmless([op for ops in mates for op in ops], machine, rules):
            most = 1
        if budget is not None:
            most = min(most, (budget - least - wider * widths[0]) // warps)
        if rules.max_groups is not None:
            most = min(most, rules.max_groups - bool(designated) - wider)
        slots += [GroupSlot(warps)] * max(0, most)
    return slots


def _harmless(mates: Sequence[Operation], machine: Machine, rules: Rules) -> bool:
    """Whether groups of these operations alone can be one group, whatever the schedule.

    They hand over nothing in registers and spill nothing, are held for one cycle at most, and
    any two share a unit too scarce for both in their first cycle, so that they never start
    together.
    """
    if any(op.registers or op.spill or held_cycles(op, rules.readings) > 1 for op in mates):
        return False
    return all(_never_together(machine, a, b) for i, a in enumerate(mates) for b in mates[:i])


def _never_together(machine: Machine, a: Operation, b: Operation) -> bool:
    first_cycle = [{row.unit: row.amount for row in op.usage if row.start == 0} for op in (a, b)]
    return any(
        amount + first_cycle[1].get(unit, 0) > machine.units[unit]
        for unit, amount in first_cycle[0].items()
        if unit in first_cycle[1]
    )
