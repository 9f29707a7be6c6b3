"""Structural tests: verdicts about one II that need no solver."""

from __future__ import annotations

from dataclasses import dataclass

from twill_ilp.graph import Usage
from twill_ilp.ilp.reduction import Core
from twill_ilp.machine import Machine

__all__ = ["LengthBound", "length_bound", "rigid_conflict"]


@dataclass(frozen=True)
class LengthBound:
    """A lower bound on the schedule length L (cycles) and its reason."""

    length: int
    evidence: str


def rigid_conflict(core: Core, machine: Machine) -> str | None:
    """Why one node alone over-subscribes a unit in every schedule at this II, or ``None``.

    A node is one operation, or several that every schedule keeps at fixed distances; copies
    of later iterations fold onto it modulo II.
    """
    for node in core.nodes:
        for unit in {row.unit for row in node.usage}:
            rows = [row for row in node.usage if row.unit == unit]
            slot, load = _peak(rows, core.ii)
            if load > machine.units[unit]:
                names = ", ".join(core.graph.operations[i].name for i, _ in node.members)
                return (
                    f"{names} alone: {load} of {unit} in slot {slot} after the first start, "
                    f"capacity {machine.units[unit]}"
                )
    return None


def _peak(rows: list[Usage], ii: int) -> tuple[int, int]:
    """Slot and size of the largest load of reservation rows folded modulo II.

    The load only grows where some row begins, so those slots suffice, whatever the II.
    """
    loads = []
    for slot in sorted({row.start % ii for row in rows}):
        load = sum(
            row.amount * (row.cycles // ii + ((slot - row.start) % ii < row.cycles % ii))
            for row in rows
        )
        loads.append((slot, load))
    return max(loads, key=lambda at: at[1])


def length_bound(core: Core, machine: Machine) -> LengthBound:
    """The critical path, or a unit whose work does not fit into its window.

    For any unit and any set of holds, ``L >= earliest begin + ceil(work / capacity) + shortest
    remainder after an end`` (the head-body-tail bound of one-machine scheduling, Carlier 1982,
    https://doi.org/10.1016/S0377-2217(82)80007-6): within one iteration, too, a unit is never
    over-subscribed.  Sets given by thresholds on heads and tails suffice: O(n^2) per unit.
    """
    best = LengthBound(core.critical_path, f"critical path {core.critical_path}")
    for unit, capacity in machine.units.items():
        holds = [
            (head + row.start, row.cycles * row.amount, tail - row.end)
            for head, tail, node in zip(core.head, core.tail, core.nodes, strict=True)
            for row in node.usage
            if row.unit == unit
        ]
        for earliest in {head for head, _, _ in holds}:
            work = 0
            for _, amount, tail in sorted(
                (hold for hold in holds if hold[0] >= earliest), key=lambda hold: -hold[2]
            ):
                work += amount
                bound = earliest - (-work // capacity) + tail
                if bound > best.length:
                    best = LengthBound(
                        bound,
                        f"{unit} is busy {work} unit-cycles after cycle {earliest} and before "
                        f"the last {tail}, at capacity {capacity}",
                    )
    return best
