r"""Covering rows: what has no slot to spare is busy in every slot.

If a unit of capacity c has :math:`c\,II - \sum_v amount_v\,cycles_v < c` to spare, no slot of it
is empty.  With :math:`z_{v,s}` for "v starts in slot s", for every slot r,

.. math:: \sum_v \sum_{s:\ v\ \text{meets}\ r\ \text{from}\ s} z_{v,s} \ge 1.

The same holds for what is sure to be in a group: who is in progress on the unit, and who waits,
which takes the rest of the unit in one slot (:mod:`.groups`).  :mod:`.learned` propagates the rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from twill_ilp.enumeration.conflict import Literal
from twill_ilp.enumeration.frame import Frame
from twill_ilp.enumeration.groups import Groups
from twill_ilp.enumeration.waiting import Waiting
from twill_ilp.graph import LoopGraph
from twill_ilp.machine import Machine

__all__ = ["covering_rows"]


class Item(NamedTuple):
    """What an operation takes, from so many cycles after its start on."""

    v: int
    start: int
    cycles: int
    amount: int


def covering_rows(
    graph: LoopGraph, machine: Machine, frame: Frame, groups: Groups, waiting: Waiting
) -> list[list[Literal]]:
    """The rows of all units and groups without a slot to spare."""
    rows: list[list[Literal]] = []
    for unit, (name, capacity) in enumerate(machine.units.items()):
        uses = [
            Item(v, row.start, row.cycles, row.amount)
            for v, op in enumerate(graph)
            for row in op.usage
            if row.unit == name
        ]
        rows += _rows(uses, capacity, frame)
        for group in {choices for choices in groups.possible if choices.bit_count() == 1}:
            members = [v for v, c in enumerate(groups.class_of) if groups.possible[c] == group]
            if any(waiting.blocked[v] and groups.held[v] for v in members):
                items = [item for v in members for item in _items(groups, waiting, v, unit)]
                rows += _rows(items, capacity, frame)
    return rows


def _items(groups: Groups, waiting: Waiting, v: int, unit: int) -> Iterator[Item]:
    """What v takes of its group's time on a unit: see :meth:`Groups.need`."""
    if held := groups.held[v]:
        busy = groups.need(v, unit, False) // held
        yield Item(v, 0, held, busy)
        if waiting.blocked[v]:
            yield Item(v, 0, 1, groups.capacity[unit] - busy)


def _rows(items: list[Item], capacity: int, frame: Frame) -> Iterator[list[Literal]]:
    """One row for each slot, if none can be empty."""
    idle = capacity * frame.ii - sum(item.amount * item.cycles for item in items)
    for r in range(frame.ii) if 0 <= idle < capacity else ():
        masks: dict[int, int] = {}
        for item in items:
            if item.amount:
                length = min(frame.ii, item.cycles)
                near = frame.rotated((1 << length) - 1, r - item.start - item.cycles + 1)
                masks[item.v] = masks.get(item.v, 0) | frame.starts_in(near)
        if len(masks) > 1:
            yield list(masks.items())
