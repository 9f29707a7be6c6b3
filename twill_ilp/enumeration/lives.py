r"""Memories and registers: what lives at a time fits, in every slot of the steady state.

Of a value one knows that it lives from its latest possible start to the earliest possible end of
its last use, if that is later (its *mandatory part*), and for at least its shortest life.  So the
mandatory parts fit, slot by slot, and all shortest lives together fit into II slots; a value must
not reach into slots that are full with its own part, and stays out of a group that is too full for
it.  (Timetables: Beldiceanu and Carlsson 2002, https://doi.org/10.1007/3-540-46135-3_5; here they
wrap round the kernel.)

What is held in each slot are the digits of one whole number, so that a part is added, and the slots
that are full are found, in one step for all slots.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from twill_ilp.enumeration.conflict import Conflict, Literal, largest
from twill_ilp.enumeration.frame import Frame, from_bit, up_to_bit
from twill_ilp.enumeration.node import Node
from twill_ilp.enumeration.paths import Paths
from twill_ilp.enumeration.spills import path_needs
from twill_ilp.ilp import Timeline
from twill_ilp.ilp.timeline import Use, words
from twill_ilp.machine import Machine
from twill_ilp.rules import LARGEST_QUOTA

__all__ = ["Lives", "Value", "crowd", "fit_lives", "mandatory"]


@dataclass(frozen=True, slots=True)
class Value:
    """What the value of operation u, of class c, takes of a memory or a warp's registers."""

    u: int
    c: int
    amount: int
    uses: tuple[Use, ...]


Memory = tuple[int, list[Value]]
"""A capacity and the values that share it."""


class Lives:
    """Memories, and registers, with their values.

    Attributes:
        memories: capacity and values of each.
        registers: words of one warp, and the values in registers if a rule looks at them.
        digit: bits of one slot in a count.
        ones: 1 in every slot.
        tops: the highest bit of every slot.
    """

    def __init__(
        self, line: Timeline, machine: Machine, class_of: Sequence[int], frame: Frame
    ) -> None:
        operations, rules, self.ii = line.core.graph.operations, line.rules, frame.ii
        self.memories: list[Memory] = []
        for memory, capacity in machine.memories.items() if "memory" in rules else ():
            amounts = [op.footprint.get(memory, 0) for op in operations]
            self.memories.append((capacity, _values(line, amounts, class_of)))
        most_words = [32 * LARGEST_QUOTA] if "quotas" in rules else []
        if "registers" in rules and machine.registers_per_thread is not None:
            most_words.append(32 * machine.registers_per_thread)
        amounts = [words(op) if most_words and op.registers else 0 for op in operations]
        self.registers: Memory = min(most_words, default=0), _values(line, amounts, class_of)
        instances = frame.width // frame.ii + 2
        most = max(
            capacity + instances * sum(value.amount for value in values)
            for capacity, values in [*self.memories, self.registers]
        )
        self.digit = most.bit_length() + 2
        self.ones = sum(1 << self.digit * r for r in range(frame.ii))
        self.tops = self.ones << self.digit - 1
        self._arc_of = cache(self._arc)

    def part(self, begin: int, end: int) -> int:
        """How often a life from one cycle to another meets each slot."""
        if end <= begin:
            return 0
        turns, rest = divmod(end - begin, self.ii)
        return self._arc_of(begin % self.ii, rest) + turns * self.ones

    def _arc(self, first: int, length: int) -> int:
        """1 in so many slots (less than II) from that one on."""
        run = (self.ones & (1 << self.digit * length) - 1) << self.digit * first
        ring = self.digit * self.ii
        return run & (1 << ring) - 1 | run >> ring

    def slot(self, tops: int) -> int:
        """The last slot whose highest bit is set."""
        return (tops & self.tops).bit_length() // self.digit - 1


def _values(line: Timeline, amounts: Sequence[int], class_of: Sequence[int]) -> list[Value]:
    return [
        Value(u, class_of[u], amount, line.uses(u)) for u, amount in enumerate(amounts) if amount
    ]


def fit_lives(node: Node) -> None:
    """Every memory, and the registers of every group with a member.

    Raises:
        Conflict: something does not fit.
    """
    lives = node.case.lives
    for memory in lives.memories:
        _fit(node, memory, 0)
    opened = node.opened if lives.registers[1] else 0
    while opened:
        group = opened & -opened
        opened ^= group
        _fit(node, lives.registers, group)


def _fit(node: Node, memory: Memory, group: int) -> None:
    """One memory (group 0), or the registers of one group."""
    lives, shortest, count = node.case.lives, node.paths.shortest, len(node.first)
    capacity, values = memory
    # The highest bit of a digit is set as soon as the slot holds more than the capacity.
    held = ((1 << lives.digit - 1) - 1 - capacity) * lives.ones
    spare = lives.ii * capacity
    sure, perhaps = [], []
    for value in values:
        choices = node.sets[count + value.c]
        if group and not choices & group:
            continue
        begin, end = mandatory(node, value)
        part = lives.part(begin, end)
        life = max(end - begin, shortest[value.u])
        if not group or choices == group:
            spare -= life * value.amount
            held += value.amount * part
            if part:
                sure.append((value, begin, end))
        elif life > 0:
            perhaps.append((value, part, life))
    if spare < 0:
        raise Conflict((_no_space, memory, group, node.paths, None))
    if held & lives.tops:
        raise Conflict((_over_full, memory, group, lives.slot(held), None))
    for value, part, life in perhaps:
        if life * value.amount > spare:
            node.keep(count + value.c, ~group, _no_space, memory, group, node.paths, value)
        elif over := (held + value.amount * part) & lives.tops:
            node.keep(count + value.c, ~group, _over_full, memory, group, lives.slot(over), value)
    full: dict[int, int] = {}
    for value, begin, end in sure:
        if value.amount not in full:
            full[value.amount] = (held + value.amount * lives.ones) & lives.tops
        if full[value.amount]:
            _confine(node, memory, group, value, (begin, end), full[value.amount])


def mandatory(node: Node, value: Value) -> tuple[int, int]:
    """From its latest start to the earliest end of its last use."""
    first = node.first
    return node.last[value.u], max([first[v] + offset for v, offset in value.uses])


def _confine(
    node: Node, memory: Memory, group: int, value: Value, part: tuple[int, int], full: int
) -> None:
    """A value that cannot live once more in the full slots begins after the last of them before
    its mandatory part, and ends with the first one behind it."""
    ii, digit, u = node.case.lives.ii, node.case.lives.digit, value.u
    first, last = node.first, node.last
    cycle, end = part[0] - 1, part[1]
    while cycle >= first[u] and not full >> digit * (cycle % ii + 1) - 1 & 1:
        cycle -= 1
    if cycle >= first[u]:
        node.keep(u, from_bit(cycle + 1), _begins_later, memory, group, value, cycle)
    latest = max([last[v] + offset for v, offset in value.uses])
    while end < latest and not full >> digit * (end % ii + 1) - 1 & 1:
        end += 1
    if end < latest:
        for v, offset in value.uses:
            if last[v] + offset > end:
                node.keep(v, up_to_bit(end - offset), _ends_sooner, memory, group, value, end)


def _within(node: Node, value: Value, group: int) -> Iterator[Literal]:
    """Why a value is in a group (0: in the memory, which it always is)."""
    if group:
        yield len(node.first) + value.c, ~group


def _lives_over(node: Node, value: Value, cycle: int) -> Iterator[Literal]:
    """Why a value lives beyond a cycle, if it begins before it."""
    v, offset = next(use for use in value.uses if node.first[use[0]] + use[1] > cycle)
    yield v, up_to_bit(cycle - offset)


def _in_slot(node: Node, value: Value, r: int) -> tuple[int, int, int]:
    """How often the mandatory part meets slot r, and the first and last cycle of that."""
    ii = node.case.lives.ii
    begin, end = mandatory(node, value)
    one = begin + (r - begin) % ii
    other = end - 1 - (end - 1 - r) % ii
    return max(0, (other - one) // ii + 1), one, other


def crowd(
    node: Node, memory: Memory, group: int, r: int, room: int, but: Value | None
) -> Iterator[Literal]:
    """Values, without one, whose mandatory parts take more than the room in slot r."""
    count, parts = len(node.first), []
    for value in memory[1]:
        if value is not but and (not group or node.sets[count + value.c] == group):
            times, one, other = _in_slot(node, value, r)
            if times:
                parts.append((times * value.amount, (value, one, other)))
    for value, one, other in largest(parts, room):
        yield from _within(node, value, group)
        yield value.u, from_bit(one + 1)
        yield from _lives_over(node, value, other)


def _over_full(
    node: Node, _: int, memory: Memory, group: int, r: int, more: Value | None
) -> Iterator[Literal]:
    """Why a slot is over-full, with one value more in the group."""
    room = memory[0]
    if more:
        times, one, other = _in_slot(node, more, r)
        room -= times * more.amount
        yield more.u, from_bit(one + 1)
        yield from _lives_over(node, more, other)
    yield from crowd(node, memory, group, r, room, more)


def _no_space(
    node: Node, _: int, memory: Memory, group: int, paths: Paths, more: Value | None
) -> Iterator[Literal]:
    """Why all lives together are too long, with one value more in the group."""
    count, lives, room = len(node.first), [], memory[0] * node.case.lives.ii
    for value in memory[1]:
        begin, end = mandatory(node, value)
        amount = max(end - begin, paths.shortest[value.u]) * value.amount
        if value is more:
            room -= amount
            yield from _lives_as_long(node, value, paths)
        elif not group or node.sets[count + value.c] == group:
            lives.append((amount, value))
    for value in largest(lives, room):
        yield from _within(node, value, group)
        yield from _lives_as_long(node, value, paths)


def _lives_as_long(node: Node, value: Value, paths: Paths) -> Iterator[Literal]:
    """Why a value lives as long as its mandatory part, or as the longest path to a use."""
    begin, end = mandatory(node, value)
    shortest, row = paths.shortest[value.u], paths.rows[value.u]
    if end - begin > shortest:
        yield value.u, from_bit(begin + 1)
        yield from _lives_over(node, value, end - 1)
    else:
        v, offset = next(use for use in value.uses if row[use[0]] + use[1] == shortest)
        yield from path_needs(node, paths, value.u, v, shortest - offset)


def _begins_later(
    node: Node, _: int, memory: Memory, group: int, value: Value, cycle: int
) -> Iterator[Literal]:
    """Why a value does not begin up to that cycle: it would live in its slot once more."""
    ii = node.case.lives.ii
    end = mandatory(node, value)[1]
    last = end - 1 - (end - 1 - cycle) % ii
    times = (last - cycle) // ii + 1
    yield from _within(node, value, group)
    yield from _lives_over(node, value, last)
    yield from crowd(node, memory, group, cycle % ii, memory[0] - times * value.amount, value)


def _ends_sooner(
    node: Node, _: int, memory: Memory, group: int, value: Value, cycle: int
) -> Iterator[Literal]:
    """Why a value does not live beyond the begin of that cycle, in the same way."""
    ii = node.case.lives.ii
    begin = node.last[value.u]
    one = begin + (cycle - begin) % ii
    times = (cycle - one) // ii + 1
    yield from _within(node, value, group)
    yield value.u, from_bit(one + 1)
    yield from crowd(node, memory, group, cycle % ii, memory[0] - times * value.amount, value)
