r"""Warp groups: which slots are filled, how wide they are, and what a group has time for.

A group's work on one unit and its waiting fit into II: with :math:`b_o` the amount of the unit of
capacity c that o uses all the time for which it is in progress, :math:`h_o` cycles,

.. math:: \sum_o b_o h_o + \sum_{v\ \text{waits},\ h_v > 0} (c - b_v) \le c\,II,

which is the sum over all slots of the rows of :mod:`twill_ilp.ilp.concurrency`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from math import inf

from twill_ilp.enumeration.conflict import Conflict, Literal, largest
from twill_ilp.enumeration.node import Node, is_single
from twill_ilp.enumeration.waiting import surely_waits, why_waits
from twill_ilp.ilp import Timeline
from twill_ilp.ilp.concurrency import used_while_held
from twill_ilp.ilp.group_slots import given_slots, group_slots, width
from twill_ilp.machine import Machine
from twill_ilp.rules import designates, held_cycles

__all__ = ["Groups", "check_time", "open_group"]


class Groups:
    """Group slots, and the classes of bonded operations that go into them.

    Attributes:
        slots: the group slots.
        classes: the operations of every class, and ``class_of`` every operation's class.
        possible: the set of slots that each class may go into.
        budget, most: of warps and of groups; ``None``: any number.
        capacity: of every unit.
        held: cycles for which every operation is in progress, II at most.
    """

    def __init__(
        self,
        line: Timeline,
        machine: Machine,
        partition: Mapping[str, int] | None,
    ) -> None:
        graph, self._rules = line.core.graph, line.rules
        self.slots = given_slots(line, partition) if partition else group_slots(line, machine)
        self.classes = line.bonds
        self.class_of = [0] * len(graph)
        for c, members in enumerate(self.classes):
            for v in members:
                self.class_of[v] = c
        self.possible = [self._possible(line, members, partition) for members in self.classes]
        self.budget = machine.warps if "warps" in self._rules else None
        self.most = self._rules.max_groups
        self.capacity = list(machine.units.values())
        held = [min(line.core.ii, held_cycles(op, self._rules.readings)) for op in graph]
        self.held = held
        self._amount = [
            [used_while_held(op, unit, cycles) for unit in machine.units]
            for op, cycles in zip(graph, held, strict=True)
        ]

    def left(self, opened: int) -> tuple[float, float]:
        """Warps and groups left beside the opened ones."""
        room = left = inf
        if self.budget is not None:
            room = self.budget - sum(
                slot.warps for g, slot in enumerate(self.slots) if opened >> g & 1
            )
        if self.most is not None:
            left = self.most - opened.bit_count()
        return room, left

    def most_of(self, classes: Iterable[int]) -> int:
        """How many groups can have a member of one of these classes, at most."""
        reach = 0
        for c in classes:
            reach |= self.possible[c]
        room, most = self.left(0)
        if self.slots and self.slots[0].designated and not reach & 1:
            room, most = self.left(1)
        count = 0
        for warps in sorted(slot.warps for g, slot in enumerate(self.slots) if reach >> g & 1):
            if warps <= room and count < most:
                room, count = room - warps, count + 1
        return count

    def need(self, v: int, unit: int, waits: bool) -> int:
        """Time that v takes from its group on a unit, in the unit's amounts times cycles."""
        if not self.held[v]:
            return 0
        amount = self._amount[v][unit]
        return amount * self.held[v] + (self.capacity[unit] - amount) * waits

    def _possible(
        self, line: Timeline, members: tuple[int, ...], partition: Mapping[str, int] | None
    ) -> int:
        ops = [line.core.graph.operations[v] for v in members]
        if partition:
            return 1 << partition[ops[0].name]
        designated = designates(ops[0], self._rules)
        need = 0 if designated else max(width(op, self._rules) for op in ops)
        return sum(
            1 << g
            for g, slot in enumerate(self.slots)
            if slot.designated == designated and need <= slot.warps
        )


def open_group(node: Node, c: int) -> None:
    """The group of class c has a member: close what no longer fits into the budget beside it.

    Raises:
        Conflict: there are too many warps or groups.
    """
    groups, count = node.case.groups, len(node.first)
    node.opened |= node.sets[count + c]
    room, left = groups.left(node.opened)
    if room < 0 or left < 0:
        raise Conflict((_too_many, 0, 0))
    closed = 0
    for g, slot in enumerate(groups.slots):
        if not node.opened >> g & 1 and (left == 0 or slot.warps > room):
            closed |= 1 << g
    for d in range(len(groups.classes)) if closed else ():
        node.keep(count + d, ~closed, _closed)


def check_time(node: Node, group: int) -> None:
    """A group has time for its members on every unit and for their waiting; who would be too much
    stays out.

    Args:
        group: a set of one group slot.

    Raises:
        Conflict: there is not enough time.
    """
    groups, waits, count = node.case.groups, node.waits, len(node.first)
    chosen = node.sets[count : count + len(groups.classes)]
    inside = [v for c, g in enumerate(chosen) if g == group for v in groups.classes[c]]
    if not any(waits[v] and groups.held[v] for v in inside):
        return
    for unit, capacity in enumerate(groups.capacity):
        room = capacity * node.case.frame.ii
        room -= sum([groups.need(v, unit, waits[v]) for v in inside])
        if room < 0:
            raise Conflict((_no_time, group, unit, -1))
        for c, choices in enumerate(chosen):
            need = sum([groups.need(v, unit, waits[v]) for v in groups.classes[c]])
            if choices & group and choices != group and need > room:
                node.keep(count + c, ~group, _no_time, group, unit, c)


def _closed(node: Node, removed: int) -> Iterator[Literal]:
    """Why some empty group slots stay empty."""
    slots = node.case.groups.slots
    wide = min(slots[g].warps for g in range(len(slots)) if removed >> g & 1)
    return _too_many(node, -1, wide, 1, removed)


def _too_many(node: Node, _: int, warps: int, more: int, but: int = 0) -> Iterator[Literal]:
    """Members of as many groups, others than some, as leave no room for so many warps, or groups,
    more."""
    groups, count = node.case.groups, len(node.first)
    opened, told = 0, []
    for x in range(count, count + len(groups.classes)):
        group = node.sets[x]
        if is_single(group) and not group & (opened | but):
            opened |= group
            told.append((x, ~group))
        room, left = groups.left(opened)
        if left < more or room < warps:
            return iter(told)
    raise AssertionError("a reason has to suffice")


def _no_time(node: Node, _: int, group: int, unit: int, c: int) -> Iterator[Literal]:
    """Why a group has no time for class c as well (-1: for those that are in it)."""
    groups, count = node.case.groups, len(node.first)
    room = groups.capacity[unit] * node.case.frame.ii
    own = groups.classes[c] if c >= 0 else ()
    needs = []
    for d, members in enumerate(groups.classes):
        if d == c or node.sets[count + d] == group:
            for v in members:
                busy = groups.need(v, unit, False)
                needs.append((busy, (v, False)))
                if surely_waits(node, v):
                    needs.append((groups.need(v, unit, True) - busy, (v, True)))
    for v, waits in largest(needs, room):
        if v not in own:
            yield count + groups.class_of[v], ~group
        if waits:
            yield from why_waits(node, v)
