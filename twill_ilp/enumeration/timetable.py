r"""Timetables: in every slot of the steady state, what is sure to live fits.

A value does not reach into slots that are full with its own part, does not begin or end where even
its shortest life would meet a full slot, and stays out of a group that is too full for it.
(Beldiceanu and Carlsson 2002, https://doi.org/10.1007/3-540-46135-3_5; here the timetable wraps
round the kernel.)

What is held in each slot are the digits of one whole number, so that a part is added, and the slots
that are full are found, in one step for all slots.
"""

from __future__ import annotations

from collections.abc import Iterator

from twill_ilp.enumeration.conflict import Conflict, Literal, largest
from twill_ilp.enumeration.frame import Frame, from_bit, up_to_bit
from twill_ilp.enumeration.lives import WINDOWS, Store, Value, lives_over, meets, why_meets
from twill_ilp.enumeration.node import Node
from twill_ilp.enumeration.spills import path_needs
from twill_ilp.enumeration.together import part

__all__ = ["crowd", "fit_slots"]


def fit_slots(node: Node, store: Store) -> None:
    """What is sure to live in the store fits, slot by slot.

    Raises:
        Conflict: it does not.
    """
    lives, held, sure = node.case.lives, 0, []
    for value in store.members(node):
        life = store.parts[value.u]
        held += value.amount * lives.part(life.begin, life.end)
        sure.append((value, life))
    # The highest bit of a digit is set as soon as the slot holds more than the capacity.
    held += ((1 << lives.digit - 1) - 1 - store.capacity) * lives.ones
    if held & lives.tops:
        r = lives.slot(held)
        raise Conflict((_over_full, store, r, _largest(node, store, r), None))
    for value in store.candidates(node) if sure else ():
        life = store.parts[value.u]
        if over := (held + value.amount * lives.part(life.begin, life.end)) & lives.tops:
            member = _largest(node, store, r := lives.slot(over))
            part(node, value.c, member.c, _over_full, store, r, member, value)
    full: dict[int, int] = {}
    for value, life in sure:
        if value.amount not in full:
            full[value.amount] = (held + value.amount * lives.ones) & lives.tops
        if full[value.amount]:
            if life.end <= life.begin:
                _keep_out(node, store, value, full[value.amount])
            elif life.source == WINDOWS:
                _confine(node, store, value, full[value.amount])


def _confine(node: Node, store: Store, value: Value, full: int) -> None:
    """A value that cannot live once more in the full slots begins after the last of them before
    its mandatory part, and ends with the first one behind it."""
    ii, digit, u = node.case.lives.ii, node.case.lives.digit, value.u
    first, last = node.first, node.last
    cycle, end = store.parts[u].begin - 1, store.parts[u].end
    while cycle >= first[u] and not full >> digit * (cycle % ii + 1) - 1 & 1:
        cycle -= 1
    if cycle >= first[u]:
        node.keep(u, from_bit(cycle + 1), _begins_later, store, value, cycle)
    latest = max([last[v] + offset for v, offset in value.uses])
    while end < latest and not full >> digit * (end % ii + 1) - 1 & 1:
        end += 1
    if end < latest:
        for v, offset in value.uses:
            if last[v] + offset > end:
                node.keep(v, up_to_bit(end - offset), _ends_sooner, store, value, end)


def _keep_out(node: Node, store: Store, value: Value, full: int) -> None:
    """A value none of which is sure does not begin, nor end, so that its shortest life would meet a
    full slot."""
    lives, frame, row = node.case.lives, node.case.frame, store.paths.rows[value.u]
    slots = lives.slots(full)
    for use, (v, offset) in enumerate(value.uses):
        length = row[v] + offset
        if length > 0:
            starts = frame.starts_in(_near(frame, slots, length, offset, False))
            node.keep(value.u, ~starts, _would_meet, store, value, use, False)
            starts = frame.starts_in(_near(frame, slots, length, offset, True))
            node.keep(v, ~starts, _would_meet, store, value, use, True)


def _near(frame: Frame, slots: int, length: int, offset: int, back: bool) -> int:
    """Slots of a value's start for which so long a life meets some slots; or of a use that ends it
    (``back``)."""
    closed = 0
    for cycle in range(min(frame.ii, length)):
        closed |= frame.rotated(slots, cycle + 1 - offset if back else -cycle)
    return closed


def _met(node: Node, store: Store, r: int) -> list[tuple[int, Value]]:
    """What members take of slot r."""
    ii = node.case.lives.ii
    return [(meets(store.parts[v.u], ii, r)[0] * v.amount, v) for v in store.members(node)]


def _largest(node: Node, store: Store, r: int) -> Value:
    """The member that takes most of slot r."""
    return max(_met(node, store, r), key=lambda pair: pair[0])[1]


def crowd(node: Node, store: Store, r: int, room: int, but: Value | None) -> Iterator[Value]:
    """Members, without one, that take more than the room in slot r."""
    return largest([(n, v) for n, v in _met(node, store, r) if n and v is not but], room)


def _why_crowded(node: Node, store: Store, r: int, room: int, member: Value) -> Iterator[Literal]:
    """Why others take more than the room in slot r where a member is."""
    for value in crowd(node, store, r, room, member):
        yield from store.why_with(node, member, value)
        yield from why_meets(node, value, store, r)


def _over_full(
    node: Node, _: int, store: Store, r: int, member: Value, more: Value | None
) -> Iterator[Literal]:
    """Why a slot is over-full where a member is, with one value more."""
    room = store.capacity
    for value in (member, more):
        if value:
            room -= meets(store.parts[value.u], node.case.lives.ii, r)[0] * value.amount
            yield from why_meets(node, value, store, r)
    yield from _why_crowded(node, store, r, room, member)


def _begins_later(node: Node, _: int, store: Store, value: Value, cycle: int) -> Iterator[Literal]:
    """Why a value does not begin up to that cycle: it would live in its slot once more."""
    ii, end = node.case.lives.ii, store.parts[value.u].end
    last = end - 1 - (end - 1 - cycle) % ii
    times = (last - cycle) // ii + 1
    yield from lives_over(node, value, last)
    yield from _why_crowded(node, store, cycle % ii, store.capacity - times * value.amount, value)


def _ends_sooner(node: Node, _: int, store: Store, value: Value, cycle: int) -> Iterator[Literal]:
    """Why a value does not live beyond the begin of that cycle, in the same way."""
    ii, begin = node.case.lives.ii, store.parts[value.u].begin
    one = begin + (cycle - begin) % ii
    times = (cycle - one) // ii + 1
    yield value.u, from_bit(one + 1)
    yield from _why_crowded(node, store, cycle % ii, store.capacity - times * value.amount, value)


def _would_meet(
    node: Node, removed: int, store: Store, value: Value, use: int, back: bool
) -> Iterator[Literal]:
    """Why the value's start, or a use (``back``), is not there: the path between them would meet a
    slot that is too full."""
    lives, frame = node.case.lives, node.case.frame
    v, offset = value.uses[use]
    length, room = store.paths.rows[value.u][v] + offset, store.capacity - value.amount
    held = ((1 << lives.digit - 1) - 1 - room) * lives.ones
    for other in store.members(node):
        if other is not value:
            part = store.parts[other.u]
            held += other.amount * lives.part(part.begin, part.end)
    yield from path_needs(node, store.paths, value.u, v, length - offset)
    left, full = frame.slots_of(removed), lives.slots(held)
    for r in range(frame.ii):
        closed = _near(frame, 1 << r, length, offset, back) if full >> r & 1 else 0
        if left & closed:
            left &= ~closed
            yield from _why_crowded(node, store, r, room, value)
    assert not left, "a reason has to suffice"
