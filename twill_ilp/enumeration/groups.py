r"""Warp groups: which slots are filled, how wide they are, and what a group has time for.

A group's work on one unit and its waiting fit into II: with :math:`b_o` the amount of the unit of
capacity c that o uses all the time for which it is in progress, :math:`h_o` cycles,

.. math:: \sum_o b_o h_o + \sum_{v\ \text{waits},\ h_v > 0} (c - b_v) \le c\,II,

which is the sum over all slots of the rows of :mod:`twill_ilp.ilp.concurrency`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from twill_ilp.enumeration.conflict import Conflict
from twill_ilp.ilp import Timeline
from twill_ilp.ilp.concurrency import used_while_held
from twill_ilp.ilp.group_slots import given_slots, group_slots, width
from twill_ilp.machine import Machine
from twill_ilp.rules import designates, held_cycles

if TYPE_CHECKING:
    from twill_ilp.enumeration.node import Node

__all__ = ["Groups", "check_time", "limit_traffic", "open_group"]


class Groups:
    """Group slots, and the classes of bonded operations that go into them.

    Attributes:
        slots: the group slots.
        classes: the operations of every class, and ``class_of`` every operation's class.
        possible: the set of slots that each class may go into.
        budget, most: of warps and of groups; ``None``: any number.
        traffic: most register words that cross groups; ``None``: any number.
        values: values in registers and their readers, as pairs of operations.
        words: register words of every operation's value.
        capacity: of every unit; ``amount``: what every operation uses of it while it is held.
    """

    def __init__(
        self,
        line: Timeline,
        machine: Machine,
        partition: Mapping[str, int] | None,
        traffic: int | None,
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
        self.traffic = traffic
        self.words = [op.registers for op in graph]
        index = {op.name: i for i, op in enumerate(graph)}
        self.values = [
            (index[e.src], index[e.dst])
            for e in graph.dependences
            if graph.by_name[e.src].registers
        ]
        self.capacity = list(machine.units.values())
        held = [min(line.core.ii, held_cycles(op, self._rules.readings)) for op in graph]
        self.amount = [
            [used_while_held(op, unit, cycles) for unit in machine.units]
            for op, cycles in zip(graph, held, strict=True)
        ]

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

    def alike(self, bit: int, opened: int) -> int:
        """The group slots that are as good as this one: itself, and while it is empty every
        empty one of its width."""
        if bit & opened:
            return bit
        own = self.slots[bit.bit_length() - 1]
        return sum(
            1 << g for g, slot in enumerate(self.slots) if slot == own and not opened >> g & 1
        )


def open_group(node: Node, c: int) -> None:
    """The group of class c has a member: close what no longer fits into the budget beside it.

    Raises:
        Conflict: there are too many warps or groups.
    """
    groups = node.case.groups
    node.opened |= node.groups[c]
    opened = node.opened
    room = None
    if groups.budget is not None:
        used = sum(slot.warps for g, slot in enumerate(groups.slots) if opened >> g & 1)
        room = groups.budget - used
    left = None if groups.most is None else groups.most - opened.bit_count()
    if (room is not None and room < 0) or (left is not None and left < 0):
        raise Conflict(len(node.starts) + c)
    closed = 0
    for g, slot in enumerate(groups.slots):
        if not opened >> g & 1 and (left == 0 or (room is not None and slot.warps > room)):
            closed |= 1 << g
    for d in range(len(node.groups)) if closed else ():
        node.keep_groups(d, ~closed)


def limit_traffic(node: Node, c: int) -> None:
    """What is sure to cross groups, each value once per receiving group, is within the limit.

    Raises:
        Conflict: it is not.
    """
    groups, chosen = node.case.groups, node.groups
    if groups.traffic is None:
        return
    crossing = set()
    for u, v in groups.values:
        reader = chosen[groups.class_of[v]]
        if not reader & (reader - 1) and not reader & chosen[groups.class_of[u]]:
            crossing.add((u, reader))
    if sum(groups.words[u] for u, _ in crossing) > groups.traffic:
        raise Conflict(len(node.starts) + c)


def check_time(node: Node, group: int) -> None:
    """A group has time for its members on every unit and for their waiting; who would be too much
    stays out.

    Args:
        group: a set of one group slot.

    Raises:
        Conflict: there is not enough time.
    """
    case, chosen = node.case, node.groups
    groups, held, waits = case.groups, case.waiting.held, node.waits
    inside = [v for c, g in enumerate(chosen) if g == group for v in groups.classes[c] if held[v]]
    if not any(waits[v] for v in inside):
        return
    for unit, capacity in enumerate(groups.capacity):
        room = capacity * case.frame.ii
        for v in inside:
            amount = groups.amount[v][unit]
            room -= amount * held[v] + (capacity - amount) * waits[v]
        if room < 0:
            raise Conflict(len(node.starts) + groups.class_of[inside[0]])
        for c, choices in enumerate(chosen):
            if choices & group and choices != group:
                need = 0
                for v in groups.classes[c]:
                    if held[v]:
                        amount = groups.amount[v][unit]
                        need += amount * held[v] + (capacity - amount) * waits[v]
                if need > room:
                    node.keep_groups(c, ~group)
