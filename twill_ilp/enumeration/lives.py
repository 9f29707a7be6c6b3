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

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from twill_ilp.enumeration.conflict import Conflict
from twill_ilp.enumeration.frame import Frame, from_bit, up_to_bit
from twill_ilp.ilp import Timeline
from twill_ilp.ilp.timeline import Use, words
from twill_ilp.machine import Machine

if TYPE_CHECKING:
    from twill_ilp.enumeration.node import Node

__all__ = ["Lives", "Value", "fit_lives"]


@dataclass(frozen=True, slots=True)
class Value:
    """What the value of operation u takes of one memory, or of the registers of a warp."""

    u: int
    amount: int
    uses: tuple[Use, ...]


class Lives:
    """Memories, and registers, with their values.

    Attributes:
        memories: capacity and values of each.
        registers: words of one warp, and the values in registers.
        digit: bits of one slot in a count.
        ones: 1 in every slot.
        tops: the highest bit of every slot.
    """

    def __init__(self, line: Timeline, machine: Machine, frame: Frame) -> None:
        operations, rules, self.ii = line.core.graph.operations, line.rules, frame.ii
        self.memories: list[tuple[int, list[Value]]] = []
        for memory, capacity in machine.memories.items() if "memory" in rules else ():
            amounts = [op.footprint.get(memory, 0) for op in operations]
            self.memories.append((capacity, _values(line, amounts)))
        self.registers: tuple[int, list[Value]] = 0, []
        if "registers" in rules and machine.registers_per_thread is not None:
            amounts = [words(op) if op.registers else 0 for op in operations]
            self.registers = 32 * machine.registers_per_thread, _values(line, amounts)
        instances = frame.width // frame.ii + 2
        most = max(
            capacity + instances * sum(value.amount for value in values)
            for capacity, values in [*self.memories, self.registers]
        )
        self.digit = most.bit_length() + 2
        self.ones = sum(1 << self.digit * r for r in range(frame.ii))
        self.tops = self.ones << self.digit - 1
        self.arc = cache(self._arc)

    def _arc(self, first: int, length: int) -> int:
        """1 in so many slots (less than II) from that one on."""
        run = (self.ones & (1 << self.digit * length) - 1) << self.digit * first
        ring = self.digit * self.ii
        return run & (1 << ring) - 1 | run >> ring


def _values(line: Timeline, amounts: Sequence[int]) -> list[Value]:
    return [Value(u, amount, line.uses(u)) for u, amount in enumerate(amounts) if amount]


def fit_lives(node: Node) -> None:
    """Every memory, and the registers of every group with a member.

    Raises:
        Conflict: something does not fit.
    """
    lives = node.case.lives
    for capacity, values in lives.memories:
        _fit(node, capacity, values, 0)
    capacity, values = lives.registers
    opened = node.opened if values else 0
    while opened:
        group = opened & -opened
        opened ^= group
        _fit(node, capacity, values, group)


def _fit(node: Node, capacity: int, values: Sequence[Value], group: int) -> None:
    """One memory (group 0), or the registers of one group."""
    lives, chosen, class_of = node.case.lives, node.groups, node.case.groups.class_of
    ii, arc, shortest = lives.ii, lives.arc, node.paths.shortest
    first, last = node.first, node.last
    # The highest bit of a digit is set as soon as the slot holds more than the capacity.
    held = ((1 << lives.digit - 1) - 1 - capacity) * lives.ones
    spare = ii * capacity
    sure, perhaps = [], []
    for value in values:
        u = value.u
        is_sure = True
        if group:
            choices = chosen[class_of[u]]
            if not choices & group:
                continue
            is_sure = choices == group
        begin, end = last[u], max([first[v] + offset for v, offset in value.uses])
        part = 0
        if end > begin:
            turns, rest = divmod(end - begin, ii)
            part = arc(begin % ii, rest) + turns * lives.ones
        life = max(end - begin, shortest[u])
        if is_sure:
            spare -= life * value.amount
            held += value.amount * part
            if part:
                sure.append((value, begin, end))
        elif life > 0:
            perhaps.append((value, part, life))
        if spare < 0:
            raise Conflict(u)
    if held & lives.tops:
        raise Conflict(max((value.amount, value.u) for value, _, _ in sure)[1])
    for value, part, life in perhaps:
        if life * value.amount > spare or (held + value.amount * part) & lives.tops:
            node.keep_groups(class_of[value.u], ~group)
    full: dict[int, int] = {}
    for value, begin, end in sure:
        if value.amount not in full:
            full[value.amount] = (held + value.amount * lives.ones) & lives.tops
        if full[value.amount]:
            _confine(node, value, (begin, end), full[value.amount])


def _confine(node: Node, value: Value, part: tuple[int, int], full: int) -> None:
    """A value that cannot live once more in the full slots begins after the last of them before
    its mandatory part, and ends with the first one behind it."""
    ii, digit, u = node.case.lives.ii, node.case.lives.digit, value.u
    first, last = node.first, node.last
    cycle, end = part[0] - 1, part[1]
    while cycle >= first[u] and not full >> digit * (cycle % ii + 1) - 1 & 1:
        cycle -= 1
    if cycle >= first[u]:
        node.keep_starts(u, from_bit(cycle + 1))
    latest = max([last[v] + offset for v, offset in value.uses])
    while end < latest and not full >> digit * (end % ii + 1) - 1 & 1:
        end += 1
    if end < latest:
        for v, offset in value.uses:
            if last[v] + offset > end:
                node.keep_starts(v, up_to_bit(end - offset))
