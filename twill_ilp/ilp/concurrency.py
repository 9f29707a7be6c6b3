"""Concurrency: while an operation waits, its warps do nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pulp

from twill_ilp.graph import Operation
from twill_ilp.ilp.affine import Affine
from twill_ilp.ilp.joint import JointModel, is_constant
from twill_ilp.ilp.placement import Event, part_of, placement

__all__ = ["add_concurrency", "used_while_held"]


@dataclass(frozen=True)
class Pool:
    """Operations of one group that share a capacity for as long as they are in progress."""

    name: str
    capacity: int
    amount: Mapping[int, int]
    event: Mapping[int, Event]


def add_concurrency(f: JointModel) -> None:
    r"""No other operation of v's group is in progress when v has to wait.

    v waits if a blocking dependence enters it, or a value in registers from another group.
    Then :math:`(start_v - start_o) \bmod II \notin [0, hold_o)` for every other o of its group
    (Soi et al. 2026, Fig. 6).

    Waiting takes whatever those in progress share: a unit of capacity c has c of it taken by a v
    that starts to wait in slot r, and :math:`amount_o` by an o in progress.  So, per group g,
    unit and slot r,

    .. math:: \sum_o amount_o\,P_{o,g}(r - hold_o + 1, r)
              + \sum_v (c - amount_v)\,W_{v,g}(r, r) \le c\,open_g

    with P the placement and W the waiting of those that wait and are held (:mod:`.placement`);
    :math:`amount_v` is 0 off the unit.  They exclude each other, so that they are such a unit
    too, with c = 1, and so is every operation that is held and uses no unit.  Operations held
    for 0 cycles may wait together; each has a copy of the rows for itself, in place of W.
    """
    for g in range(len(f.slots)):
        inside = [v for v in range(len(f.operations)) if not is_constant(f.member[v][g], 0)]
        waits = {v: event for v in inside if (event := _waiting(f, v, g))}
        if waits:
            for pool in _pools(f, g, inside, waits):
                _add_exclusion(f, g, pool, waits)


def _add_exclusion(f: JointModel, g: int, pool: Pool, waits: Mapping[int, Event]) -> None:
    held = {v: pool.capacity - pool.amount.get(v, 0) for v in waits if f.held(v)}
    lasting = [v for v in waits if not f.held(v)]
    for r in range(f.ii):
        room = Affine().add(f.open[g], pool.capacity)
        for o, amount in pool.amount.items():
            room.add(pool.event[o].within(r - f.held(o) + 1, r), -amount)
        for v in lasting:
            row = room.scaled(1).add(waits[v].within(r, r), -pool.capacity)
            f.need(row, 0, f"wait_{g}_{pool.name}_{f.label(v)}_{r}")
        for v, share in held.items():
            room.add(waits[v].within(r, r), -share)
        if any(held.values()) or len(pool.amount) > 1:
            f.need(room, 0, f"wait_{g}_{pool.name}_{r}")


def _pools(f: JointModel, g: int, inside: list[int], waits: Mapping[int, Event]) -> Iterator[Pool]:
    """What is shared in group g: units, waiting itself, and each operation without a unit."""
    event = {o: placement(f, o, g) for o in inside if f.held(o)}
    alone = set(event)
    for number, (unit, capacity) in enumerate(f.machine.units.items()):
        if amount := {
            o: most for o in event if (most := used_while_held(f.operations[o], unit, f.held(o)))
        }:
            yield Pool(f"u{number}", capacity, amount, event)
            alone -= amount.keys()
    held = [v for v in waits if f.held(v)]
    if held:
        yield Pool("all", 1, dict.fromkeys(held, 1), waits)
    for o in sorted(alone):
        if o not in waits or waits[o] is not event[o]:
            yield Pool(f.label(o), 1, {o: 1}, event)


def used_while_held(op: Operation, unit: str, held: int) -> int:
    """How much of the unit an operation uses in every one of the cycles for which it is held."""
    rows = [row for row in op.usage if row.unit == unit and row.start == 0]
    return max((row.amount for row in rows if row.cycles >= held), default=0)


def _waiting(f: JointModel, v: int, g: int) -> Event | None:
    r"""That v is in g and waits; ``None`` if it never does, its placement if it always does.

    :math:`waits_{v,g} \ge a_{v,g} - a_{u,g}` for every sender u of a value in registers.
    """
    edges = f.edges()
    start, member = placement(f, v, g), f.member[v]
    if any(blocking for _, dst, _, blocking in edges if dst == v):
        return start
    senders = {u for u, dst, _, _ in edges if dst == v and u != v and f.operations[u].registers}
    if any(is_constant(f.member[u][g], 0) for u in senders):
        return start
    apart = [u for u in sorted(senders) if f.member[u][g] is not member[g]]
    if not apart or all(is_constant(f.member[u][g], 1) for u in apart):
        return None
    waits = f.lp.add_variable(f"waits_{f.label(v)}_{g}", 0, 1, pulp.LpContinuous)
    for u in apart:
        row = Affine().add(waits).add(member[g], -1).add(f.member[u][g])
        f.need(row, 0, f"{waits.name}_for_{f.label(u)}")
    event = part_of(f, start, waits, waits.name)
    for r in range(f.ii):
        if r == 0 or event.upto[r] is not event.upto[r - 1]:
            row = start.within(r, r).add(event.within(r, r), -1)
            f.need(row, 0, f"{waits.name}_starts_{r}")
    return event
