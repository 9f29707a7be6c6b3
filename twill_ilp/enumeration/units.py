r"""Units: no slot of a unit holds more than its capacity.

Where any two users are too much for a unit, they are kept *apart*: a start of one forbids slots of
the other.  Other units that may overflow are *shared*: what those with a known slot use is counted,
slot by slot, in the digits of one whole number.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from twill_ilp.enumeration.conflict import Conflict, Literal, largest
from twill_ilp.enumeration.frame import Frame
from twill_ilp.enumeration.node import Node, is_single
from twill_ilp.graph import LoopGraph, Usage
from twill_ilp.ilp.residues import kept_apart
from twill_ilp.machine import Machine

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
        for (u, v), mask in kept_apart(graph, machine, ii).items():
            self._apart[u][v] = mask
        self.shared: list[tuple[int, list[tuple[int, Usage]]]] = []
        self.rows_of: list[list[tuple[int, Usage]]] = [[] for _ in graph]
        most = 0
        for unit, capacity in machine.units.items():
            rows = [(v, r) for v, op in enumerate(graph) for r in op.usage if r.unit == unit]
            total = sum(row.amount * -(-row.cycles // ii) for _, row in rows)
            if total > capacity and not _all_apart(rows, capacity, ii):
                for v, row in rows:
                    self.rows_of[v].append((len(self.shared), row))
                self.shared.append((capacity, rows))
                most = max(most, total)
        self.digit = most.bit_length()
        self.forbidden = cache(self._forbidden)
        self.times = cache(self._times)

    def _forbidden(self, u: int, slot: int) -> list[tuple[int, int]]:
        """Operations that u excludes from some starts, and those starts, with u in that slot."""
        frame = self._frame
        return [(v, frame.starts_in(frame.rotated(m, slot))) for v, m in self._apart[u].items()]

    def excluding(self, v: int, u: int, slots: int) -> int:
        """Slots of u that forbid v all of those slots."""
        result = -1
        while slots:
            r = (slots & -slots).bit_length() - 1
            slots &= slots - 1
            result &= self._frame.rotated(self._apart[v][u], r)
        return result

    def _times(self, number: int, i: int, r: int) -> list[int]:
        """How often row i of a shared unit uses slot r if its operation starts in slot 0, 1..."""
        row, ii = self.shared[number][1][i][1], self._frame.ii
        return [
            sum((s + row.start + cycle) % ii == r for cycle in range(row.cycles)) for s in range(ii)
        ]


def _all_apart(rows: list[tuple[int, Usage]], capacity: int, ii: int) -> bool:
    """Whether a unit is never over-full if any two of its users are kept apart where need be."""
    return (
        len({v for v, _ in rows}) == len(rows)
        and all(row.cycles <= ii and row.amount <= capacity for _, row in rows)
        and all(a.amount + b.amount > capacity for u, a in rows for v, b in rows if u != v)
    )


def reserve_units(node: Node, u: int, slot: int) -> None:
    """Operation u is now known to start in that slot.

    Raises:
        Conflict: a unit is over-subscribed.
    """
    units, sets = node.case.units, node.sets
    for v, forbidden in units.forbidden(u, slot):
        if sets[v] & forbidden:
            node.keep(v, ~forbidden, _kept_apart, u, v)
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
        raise Conflict((_over_full, number, count.index(max(count))))
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
        node.keep(v, ~frame.starts_in(closed), _no_room, number, v, other)


def _kept_apart(node: Node, removed: int, u: int, v: int) -> Iterator[Literal]:
    """Why v is not there: wherever u may be, they would meet."""
    frame = node.case.frame
    yield u, ~frame.starts_in(node.case.units.excluding(v, u, frame.slots_of(removed)))


def _over_full(node: Node, _: int, number: int, r: int) -> Iterator[Literal]:
    """Why slot r of a shared unit holds more than its capacity."""
    yield from _users(node, number, r, node.case.units.shared[number][0], -1)


def _no_room(node: Node, removed: int, number: int, v: int, row: Usage) -> Iterator[Literal]:
    """Why v is not there: its row would meet a slot that is too full for it."""
    units, frame = node.case.units, node.case.frame
    capacity, rows = units.shared[number]
    room, ii = capacity - row.amount, frame.ii
    load = [0] * ii
    for u, other in rows:
        slots = frame.slots_of(node.sets[u])
        if u != v and is_single(slots):
            for cycle in range(other.cycles):
                load[(slots.bit_length() - 1 + other.start + cycle) % ii] += other.amount
    told = 0
    for r in sorted((r for r in range(ii) if load[r] > room), key=lambda r: -load[r]):
        closed = 0
        for cycle in range(min(ii, row.cycles)):
            closed |= 1 << (r - row.start - cycle) % ii
        if removed & ~told & frame.starts_in(closed):
            told |= frame.starts_in(closed)
            yield from _users(node, number, r, room, v)
    assert not removed & ~told, "a reason has to suffice"


def _users(node: Node, number: int, r: int, room: int, but: int) -> Iterator[Literal]:
    """Operations in known slots, without one, that use more than the room in slot r."""
    units, frame = node.case.units, node.case.frame
    parts = []
    for i, (u, row) in enumerate(units.shared[number][1]):
        slots = frame.slots_of(node.sets[u])
        if u != but and is_single(slots):
            times = units.times(number, i, r)
            mine = times[slots.bit_length() - 1]
            near = sum(1 << s for s, n in enumerate(times) if n >= mine)
            parts.append((row.amount * mine, (u, ~frame.starts_in(near))))
    return largest(parts, room)
