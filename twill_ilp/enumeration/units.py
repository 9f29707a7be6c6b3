r"""Units: no slot of a unit holds more than its capacity.

Where any two users are too much for a unit, they are kept *apart*: a start of one forbids slots of
the other.  Other units that may overflow are *shared*: what those with a known slot use is counted,
slot by slot, in the digits of one whole number.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from twill_ilp.enumeration.conflict import Conflict
from twill_ilp.enumeration.frame import Frame
from twill_ilp.graph import LoopGraph, Usage
from twill_ilp.machine import Machine

if TYPE_CHECKING:
    from twill_ilp.enumeration.node import Node

__all__ = ["Units", "reserve_units"]


class Units:
    """Who uses what.

    Attributes:
        shared: units that may overflow: capacity, and every row with its operation.
        rows_of: of every operation, its rows on shared units as (number of the unit, row).
        digit: bits of one slot in a count.
    """

    def __init__(self, graph: LoopGraph, machine: Machine, frame: Frame) -> None:
        self._frame, ii = frame, frame.ii
        self._apart: list[dict[int, int]] = [{} for _ in graph]
        self.shared: list[tuple[int, list[tuple[int, Usage]]]] = []
        self.rows_of: list[list[tuple[int, Usage]]] = [[] for _ in graph]
        most = 0
        for unit, capacity in machine.units.items():
            rows = [(v, r) for v, op in enumerate(graph) for r in op.usage if r.unit == unit]
            all_apart = self._keep_apart(rows, capacity)
            total = sum(row.amount * -(-row.cycles // ii) for _, row in rows)
            if total > capacity and not all_apart:
                for v, row in rows:
                    self.rows_of[v].append((len(self.shared), row))
                self.shared.append((capacity, rows))
                most = max(most, total)
        self.digit = most.bit_length()
        self.forbidden = cache(self._forbidden)

    def _keep_apart(self, rows: list[tuple[int, Usage]], capacity: int) -> bool:
        """Note who excludes whom; returns whether that is all there is to say of the unit."""
        ii = self._frame.ii
        complete = len({v for v, _ in rows}) == len(rows)
        complete &= all(row.cycles <= ii and row.amount <= capacity for _, row in rows)
        for u, a in rows:
            for v, b in rows:
                if u != v and a.amount + b.amount > capacity:
                    # v's row meets u's if it begins in its cycles, or up to its own before it.
                    length = min(ii, a.cycles + b.cycles - 1)
                    mask = self._frame.rotated((1 << length) - 1, a.start - b.start - b.cycles + 1)
                    self._apart[u][v] = self._apart[u].get(v, 0) | mask
                elif u != v:
                    complete = False
        return complete

    def _forbidden(self, u: int, slot: int) -> list[tuple[int, int]]:
        """Operations that u excludes from some starts, and those starts, with u in that slot."""
        frame = self._frame
        return [(v, frame.starts_in(frame.rotated(m, slot))) for v, m in self._apart[u].items()]


def reserve_units(node: Node, u: int, slot: int) -> None:
    """Operation u is now known to start in that slot.

    Raises:
        Conflict: a unit is over-subscribed.
    """
    units, starts = node.case.units, node.starts
    for v, forbidden in units.forbidden(u, slot):
        if starts[v] & forbidden:
            node.keep_starts(v, ~forbidden)
    for number, row in units.rows_of[u]:
        _add_row(node, number, row, slot)


def _add_row(node: Node, number: int, row: Usage, slot: int) -> None:
    """Count a row of a shared unit, and keep the others out of slots that are full."""
    units, frame = node.case.units, node.case.frame
    capacity, rows = units.shared[number]
    ii, digit = frame.ii, units.digit
    for cycle in range(row.cycles):
        node.load[number] += row.amount << digit * ((slot + row.start + cycle) % ii)
    count = [node.load[number] >> digit * r & (1 << digit) - 1 for r in range(ii)]
    if max(count) > capacity:
        raise Conflict(max(rows, key=lambda user: node.slot[user[0]] >= 0)[0])
    full: dict[int, int] = {}
    for v, other in rows:
        if node.slot[v] >= 0:
            continue
        if other.amount not in full:
            room = capacity - other.amount
            full[other.amount] = sum(1 << r for r in range(ii) if count[r] > room)
        closed = 0
        for cycle in range(min(ii, other.cycles)) if full[other.amount] else ():
            closed |= frame.rotated(full[other.amount], -other.start - cycle)
        node.keep_starts(v, ~frame.starts_in(closed))
