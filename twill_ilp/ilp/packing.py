r"""Packing: do the operations fit into the slots at all, whoever they are?

A relaxation of the joint model that knows neither dependences nor lives.  What is left of an
operation is its *type*: what it uses, for how long it is held, whether it waits, and with whom it
surely shares a group (:mod:`.bonds`).  Operations of one type are interchangeable, so they are
counted: with :math:`x_{t,r}` of the :math:`n_t` operations of type t in slot r, whole numbers,

.. math:: \sum_r x_{t,r} = n_t, \qquad
          \sum_{t,c} a_{t,c}\,x_{t,(r-c) \bmod II} \le cap

for every unit; and for those that share a group the rows of :mod:`.concurrency`, summed over a
type.  What has no packing has no schedule.  All starts may be rotated, so that an operation of a
rare type is in slot 0.
"""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

import pulp

from twill_ilp.graph import Usage
from twill_ilp.ilp.concurrency import used_while_held
from twill_ilp.ilp.timeline import Timeline
from twill_ilp.machine import Machine
from twill_ilp.rules import held_cycles

__all__ = ["Packing", "build_packing"]


class Type(NamedTuple):
    """What is left of an operation.

    Attributes:
        usage: its reservation table.
        held: cycles for which it is in progress in its group, II at most.
        waits: whether it surely waits.
        mates: the number of its class of bonds; -1 if nothing follows from that.
        while_held: the amount of every unit that it uses all that time.
    """

    usage: tuple[Usage, ...]
    held: int
    waits: bool
    mates: int
    while_held: tuple[int, ...]


class Packing:
    """The model, while it is built.

    Attributes:
        lp: the model.
        members: the operations of every type, by name.
    """

    def __init__(self, line: Timeline, machine: Machine) -> None:
        self.ii = line.core.ii
        self.lp = pulp.LpProblem(f"packing_{self.ii}", pulp.LpMinimize)
        self.lp.setObjective(pulp.LpAffineExpression())
        self.members = _members(line, machine)
        self._x = {
            t: [self._variable(f"x_{i}_{r}", len(names)) for r in range(self.ii)]
            for i, (t, names) in enumerate(self.members.items())
        }

    def _variable(self, name: str, most: int) -> pulp.LpVariable:
        return self.lp.add_variable(name, 0, most, pulp.LpInteger)

    def starts(self, t: Type, last: int, length: int) -> list[pulp.LpVariable]:
        """Starts of a type in so many slots (II at most) up to that one."""
        return [self._x[t][(last - k) % self.ii] for k in range(length)]

    def need(self, terms: list[tuple[pulp.LpVariable, int]], most: int, name: str) -> None:
        """A row: the sum of the terms is at most so much."""
        total: Counter[pulp.LpVariable] = Counter()
        for variable, factor in terms:
            total[variable] += factor
        self.lp.addConstraint(pulp.LpAffineExpression(list(total.items())) <= most, name)


def build_packing(line: Timeline, machine: Machine) -> Packing:
    """The model of a loop at one II; it asks for any packing.

    Args:
        line: with its bonds; without a conflict.
    """
    packing = Packing(line, machine)
    members = packing.members
    if members:
        rarest = min(members, key=lambda t: (len(members[t]), -len(t.usage)))
        packing.starts(rarest, 0, 1)[0].lowBound = 1
    for i, (t, names) in enumerate(members.items()):
        every = pulp.lpSum(packing.starts(t, 0, packing.ii))
        packing.lp.addConstraint(every == len(names), f"count_{i}")
    _fill_units(packing, machine)
    for mates in {t.mates for t in members if t.waits and t.held}:
        _exclude(packing, mates, list(machine.units.values()))
    return packing


def _members(line: Timeline, machine: Machine) -> dict[Type, list[str]]:
    """The operations that take part, by type."""
    graph, rules = line.core.graph, line.rules
    together = "concurrency" in rules
    blocked = {e.dst for e in graph.dependences if e.blocking and together}
    found: dict[Type, list[str]] = {}
    for v, op in enumerate(graph):
        members = line.mates(v)
        mates = members[0] if together and len(members) > 1 else -1
        held = min(line.core.ii, held_cycles(op, rules.readings)) if mates >= 0 else 0
        amounts = tuple(used_while_held(op, unit, held) if held else 0 for unit in machine.units)
        if op.usage or held:
            waits = op.name in blocked and mates >= 0
            found.setdefault(Type(op.usage, held, waits, mates, amounts), []).append(op.name)
    return found


def _fill_units(packing: Packing, machine: Machine) -> None:
    """What is used of every unit in every slot fits, see :mod:`.capacity`."""
    ii = packing.ii
    for number, (unit, capacity) in enumerate(machine.units.items()):
        rows = [(t, row) for t in packing.members for row in t.usage if row.unit == unit]
        always = sum(len(packing.members[t]) * row.amount * (row.cycles // ii) for t, row in rows)
        for r in range(ii) if rows else ():
            terms = [
                (x, row.amount)
                for t, row in rows
                for x in packing.starts(t, r - row.start, row.cycles % ii)
            ]
            packing.need(terms, capacity - always, f"unit_{number}_{r}")


def _exclude(packing: Packing, mates: int, capacities: list[int]) -> None:
    """While one of a group waits, no other is in progress, see :mod:`.concurrency`."""
    inside = [t for t in packing.members if t.mates == mates and t.held]
    waiting = [t for t in inside if t.waits]
    for r in range(packing.ii):
        progress = {t: packing.starts(t, r, t.held) for t in inside}
        begin = {t: packing.starts(t, r, 1)[0] for t in waiting}
        for number, capacity in enumerate(capacities):
            terms = [(x, t.while_held[number]) for t in inside for x in progress[t]]
            terms += [(x, capacity - t.while_held[number]) for t, x in begin.items()]
            packing.need(terms, capacity, f"wait_{mates}_{number}_{r}")
        alone = [(x, 1) for t in waiting for x in progress[t]]
        packing.need(alone, 1, f"wait_{mates}_all_{r}")
        for i, t in enumerate(inside):
            if not t.waits and not any(t.while_held):
                count = len(packing.members[t])
                terms = [(x, 1) for x in progress[t]] + [(x, count) for x in begin.values()]
                packing.need(terms, count, f"wait_{mates}_type_{i}_{r}")
