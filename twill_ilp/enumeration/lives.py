r"""Lives of values in memories and registers: what is sure of them.

A value lives from its start to its last use, at least for its shortest life.  So it is sure to live

- from its latest possible start to the earliest possible end of its last use, if that is later (its
  *mandatory part*: Beldiceanu and Carlsson 2002, https://doi.org/10.1007/3-540-46135-3_5); or
- for its shortest life, in whatever iteration, from its slot, once that is known; or
- for the longest path to a use before the slot of that use; or
- from its slot to that of a use, once both are known, and as many whole turns more as the longest
  path between them makes sure; or
- in every slot as often as its shortest life lasts a whole II.

:mod:`.timetable` and :mod:`.energy` draw the conclusions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from twill_ilp.enumeration.conflict import Literal
from twill_ilp.enumeration.frame import Frame, from_bit, up_to_bit
from twill_ilp.enumeration.groups import Groups
from twill_ilp.enumeration.node import Node
from twill_ilp.enumeration.paths import Paths
from twill_ilp.enumeration.spills import path_needs
from twill_ilp.enumeration.together import why_together
from twill_ilp.ilp import Timeline
from twill_ilp.ilp.deadlines import MOST_SHARES, Use, in_shares, register_words, words
from twill_ilp.machine import Machine

__all__ = ["OWN_SLOT", "TURNS", "WINDOWS", "Lives", "Part", "Store", "Value", "lives_over",
           "mandatory", "meets", "sure_part", "why_meets", "why_so_long"]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Value:
    """What the value of operation u, of class c, takes of a memory or a warp's registers."""

    u: int
    c: int
    amount: int
    uses: tuple[Use, ...]


Memory = tuple[int, list[Value]]
"""A capacity and the values that share it."""


class Part(NamedTuple):
    """Cycles (bits) in which a value is sure to live, in this iteration or another one.

    ``source`` tells what makes it sure: the number of a use whose slot is known, or one of
    :data:`WINDOWS` (the mandatory part), :data:`OWN_SLOT`, :data:`TURNS` (from any cycle on).
    ``both``: that the value's own slot is known, too, and the part is from the one to the other.
    """

    begin: int
    end: int
    source: int
    both: bool = False


WINDOWS, OWN_SLOT, TURNS = -1, -2, -3


@dataclass(frozen=True, slots=True)
class Store:
    """A memory, or the registers of one group, and what was sure when it was looked at.

    Attributes:
        capacity, values: of the memory; amounts are in its units.
        group: a set of one group slot, or 0 for a memory, where all values always are.
        parts: of every value, by its operation.
        paths: longest paths.
    """

    capacity: int
    values: list[Value]
    group: int
    parts: Mapping[int, Part]
    paths: Paths

    def members(self, node: Node) -> list[Value]:
        """Values that are in it for sure."""
        count, group = len(node.first), self.group
        if not group:
            return self.values
        return [value for value in self.values if node.sets[count + value.c] == group]

    def candidates(self, node: Node) -> list[Value]:
        """Values that may be in it or not."""
        count, group, sets = len(node.first), self.group, node.sets
        return [v for v in self.values if sets[count + v.c] & group and sets[count + v.c] != group]

    def why_with(self, node: Node, member: Value, value: Value) -> Iterator[Literal]:
        """Why a value is where another one is."""
        if self.group:
            yield from why_together(node, member.c, value.c)


class Lives:
    """Memories, and registers, with their values.

    Attributes:
        memories: capacity and values of each; also the registers of all groups together.
        registers: words of one warp, and the values in registers if a rule looks at them.
        shares: the same counted in shares, see :func:`_in_shares`.
        distinct: a value of every operation that has one in any of them.
        digit: bits of one slot in a count.
        ones: 1 in every slot.
        tops: the highest bit of every slot.
    """

    def __init__(
        self,
        line: Timeline,
        machine: Machine,
        frame: Frame,
        groups: Groups,
    ) -> None:
        operations, rules, self.ii = line.core.graph.operations, line.rules, frame.ii
        class_of = groups.class_of
        self.memories: list[Memory] = []
        for memory, capacity in machine.memories.items() if "memory" in rules else ():
            amounts = [op.footprint.get(memory, 0) for op in operations]
            self.memories.append((capacity, _values(line, amounts, class_of)))
        most_words = register_words(machine, rules)
        amounts = [words(op) if most_words is not None and op.registers else 0 for op in operations]
        self.registers: Memory = most_words or 0, _values(line, amounts, class_of)
        self.shares = [m for k in range(1, MOST_SHARES + 1) if (m := _in_shares(self.registers, k))]
        most_groups = groups.most_of({value.c for value in self.registers[1]})
        for capacity, values in [self.registers, *self.shares] if most_groups > 1 else ():
            self.memories.append((most_groups * capacity, values))
        every = [value for _, values in [*self.memories, self.registers] for value in values]
        self.distinct = list({value.u: value for value in every}.values())
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

    def slots(self, tops: int) -> int:
        """The set of slots whose highest bit is set."""
        return sum(1 << r for r in range(self.ii) if tops >> self.digit * (r + 1) - 1 & 1)

    def slot(self, tops: int) -> int:
        """The last slot whose highest bit is set."""
        return (tops & self.tops).bit_length() // self.digit - 1


def _values(line: Timeline, amounts: Sequence[int], class_of: Sequence[int]) -> list[Value]:
    return [
        Value(u, class_of[u], amount, line.uses(u)) for u, amount in enumerate(amounts) if amount
    ]


def _in_shares(memory: Memory, k: int) -> Memory | None:
    """The values of a memory counted in shares, see :func:`~twill_ilp.ilp.deadlines.in_shares`."""
    capacity, values = memory
    parts = in_shares(capacity, {value.u: value.amount for value in values}, k)
    large = [Value(v.u, v.c, parts[v.u], v.uses) for v in values if v.u in parts]
    return (k, large) if large else None


def mandatory(node: Node, value: Value) -> tuple[int, int]:
    """From its latest start to the earliest end of its last use."""
    first = node.first
    return node.last[value.u], max([first[v] + offset for v, offset in value.uses])


def sure_part(node: Node, value: Value) -> Part:
    """The longest of the parts that are sure."""
    begin, end = mandatory(node, value)
    u, slot = value.u, node.slot
    if slot[u] >= 0:
        return _from_slot(node, value, Part(begin, end, WINDOWS))
    shortest, row = node.paths.shortest[u], node.paths.rows[u]
    if end - begin >= shortest:
        return Part(begin, end, WINDOWS)
    best, length = Part(begin, end, WINDOWS), max(0, end - begin)
    for i, (v, offset) in enumerate(value.uses):
        if row[v] + offset > length and v < len(slot) and slot[v] >= 0:
            length = row[v] + offset
            best = Part(slot[v] + offset - length, slot[v] + offset, i)
    whole = shortest - shortest % node.case.frame.ii
    return best if length >= whole else Part(0, whole, TURNS)


def _from_slot(node: Node, value: Value, best: Part) -> Part:
    """The longest of the parts of a value in a known slot, and of that part."""
    ii, slot, begin = node.case.frame.ii, node.slot, node.slot[value.u]
    length, row = best.end - best.begin, node.paths.rows[value.u]
    shortest = node.paths.shortest[value.u]
    if shortest > length:
        best, length = Part(begin, begin + shortest, OWN_SLOT), shortest
    for i, (v, offset) in enumerate(value.uses):
        if v < len(slot) and slot[v] >= 0:
            least = row[v] + offset
            least += (slot[v] + offset - begin - least) % ii
            if least > length:
                best, length = Part(begin, begin + least, i, True), least
    return best


def meets(part: Part, ii: int, r: int) -> tuple[int, int, int]:
    """How often a part meets slot r, and the first and last cycle of that."""
    one = part.begin + (r - part.begin) % ii
    other = part.end - 1 - (part.end - 1 - r) % ii
    return max(0, (other - one) // ii + 1), one, other


def why_meets(node: Node, value: Value, store: Store, r: int) -> Iterator[Literal]:
    """Why a value lives in slot r as often as its part does."""
    frame, u, part = node.case.frame, value.u, store.parts[value.u]
    _, one, other = meets(part, frame.ii, r)
    if part.source == WINDOWS:
        yield u, from_bit(one + 1)
        yield from lives_over(node, value, other)
    elif part.source == TURNS:
        yield from _lives_for(node, value, store.paths, part.end)
    elif part.source == OWN_SLOT:
        near = frame.rotated((1 << one - part.begin + 1) - 1, part.begin)
        yield u, ~frame.starts_in(near)
        yield from _lives_for(node, value, store.paths, other + 1 - part.begin)
    else:
        v, offset = value.uses[part.source]
        back, need = part.end - 1 - other, part.end - one
        near = frame.rotated((1 << back + 1) - 1, part.end - offset - back)
        yield v, ~frame.starts_in(near)
        if part.both:
            near = frame.rotated((1 << one - part.begin + 1) - 1, part.begin)
            yield u, ~frame.starts_in(near)
            need = part.end - part.begin - frame.ii + 1
        yield from path_needs(node, store.paths, u, v, need - offset)


def why_so_long(node: Node, value: Value, store: Store) -> Iterator[Literal]:
    """Why a value lives as long as its part, or as the longest path to a use."""
    part, shortest = store.parts[value.u], store.paths.shortest[value.u]
    if part.both:
        frame, length, (v, offset) = node.case.frame, part.end - part.begin, value.uses[part.source]
        yield value.u, ~frame.starts_in(frame.rotated(1, part.begin))
        yield v, ~frame.starts_in(frame.rotated(1, part.end - offset))
        yield from path_needs(node, store.paths, value.u, v, length - frame.ii + 1 - offset)
    elif part.end - part.begin > shortest:
        yield value.u, from_bit(part.begin + 1)
        yield from lives_over(node, value, part.end - 1)
    else:
        yield from _lives_for(node, value, store.paths, shortest)


def lives_over(node: Node, value: Value, cycle: int) -> Iterator[Literal]:
    """Why a value lives beyond a cycle, if it begins before it."""
    v, offset = next(use for use in value.uses if node.first[use[0]] + use[1] > cycle)
    yield v, up_to_bit(cycle - offset)


def _lives_for(node: Node, value: Value, paths: Paths, need: int) -> Iterator[Literal]:
    """Why a value lives for so many cycles at least."""
    row = paths.rows[value.u]
    v, offset = next(use for use in value.uses if row[use[0]] + use[1] >= need)
    yield from path_needs(node, paths, value.u, v, need - offset)
