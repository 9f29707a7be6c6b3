"""An independent check of schedules: data modules only, no solver and no model.

Every rule is read off the definition of a modulo schedule [1]_ and not off the ILP, so that
an error in a formulation or in a solver cannot hide here.  A rule is a small function; the
list of rules is :data:`CHECKS`.

References
----------
.. [1] B. R. Rau, "Iterative modulo scheduling", International Journal of Parallel
   Programming 24(1), 1996, doi:10.1007/BF03356742.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import accumulate

from twill_ilp.errors import InvalidScheduleError
from twill_ilp.graph import LoopGraph, Operation
from twill_ilp.machine import Machine
from twill_ilp.schedule import Schedule

__all__ = [
    "CHECKS",
    "check_capacity",
    "check_dependences",
    "check_interval",
    "check_operations",
    "check_starts",
    "verify",
]

LATEST = 2**63 - 1
"""Largest start and II, in cycles: far beyond any meant schedule, and still printable."""

NAMED = 8
"""Operations that one message names."""


def verify(graph: LoopGraph, machine: Machine, schedule: Schedule) -> None:
    """Accept a schedule of ``graph`` on ``machine``, or say what is wrong with it.

    Only ``schedule.ii`` and ``schedule.start`` are read: the graph and the machine that the
    schedule carries are not trusted.  Takes ``O(E + U (V + R) + R log R)`` for U units
    and R rows of reservation tables, however large the II and the cycle counts are.

    Raises:
        InvalidScheduleError: the first rule that the schedule breaks, with the operations,
            the unit, the slot, the amount and the limit (cycles).
    """
    for check in CHECKS:
        check(graph, machine, schedule)


def check_interval(graph: LoopGraph, machine: Machine, schedule: Schedule) -> None:
    """The initiation interval is a whole number of cycles, at least 1."""
    if not _is_whole(schedule.ii, least=1):
        raise InvalidScheduleError(f"II is {_shown(schedule.ii)}; give a whole number >= 1")


def check_operations(graph: LoopGraph, machine: Machine, schedule: Schedule) -> None:
    """Every operation of the graph has a start, and nothing else has one."""
    for op in graph:
        if op.name not in schedule.start:
            raise InvalidScheduleError(f"{op.name}: no start at II={schedule.ii}; give it one")
    for name in schedule.start:
        if name not in graph.by_name:
            raise InvalidScheduleError(
                f"{_shown(name)}: has a start at II={schedule.ii}, "
                f"but graph {graph.name} has no such operation"
            )


def check_starts(graph: LoopGraph, machine: Machine, schedule: Schedule) -> None:
    """Every start is a whole number of cycles, at least 0."""
    for name, start in schedule.start.items():
        if not _is_whole(start, least=0):
            raise InvalidScheduleError(
                f"{name}: starts at {_shown(start)} at II={schedule.ii}; give a whole number >= 0"
            )


def check_dependences(graph: LoopGraph, machine: Machine, schedule: Schedule) -> None:
    """``start(dst) + distance * II - start(src) >= delay`` for every dependence."""
    start, ii = schedule.start, schedule.ii
    for e in graph.dependences:
        early = e.delay - (start[e.dst] + e.distance * ii - start[e.src])
        if early > 0:
            raise InvalidScheduleError(
                f"{e.src} -> {e.dst}: {_count(early, 'cycle')} too early at II={ii}"
            )


def check_capacity(graph: LoopGraph, machine: Machine, schedule: Schedule) -> None:
    """In the steady state no slot of a unit holds more than the unit's capacity.

    A unit that the machine lacks has capacity 0.
    """
    for unit in graph.units:
        capacity = machine.units.get(unit, 0)
        for slot, held in _profile(graph, schedule, unit):
            if held > capacity:
                raise InvalidScheduleError(
                    f"{unit}: slot {slot} holds {held} of capacity {capacity} "
                    f"at II={schedule.ii} ({_holders(graph, schedule, unit, slot)})"
                )


Check = Callable[[LoopGraph, Machine, Schedule], None]

# In this order: a rule may rely on the rules before it.
CHECKS: tuple[Check, ...] = (
    check_interval,
    check_operations,
    check_starts,
    check_dependences,
    check_capacity,
)


def _profile(graph: LoopGraph, schedule: Schedule, unit: str) -> Iterator[tuple[int, int]]:
    """``(slot, amount of the unit held)`` for every slot from which on the amount may change.

    This is a difference array over the slots that stores only the entries that matter; the
    one at slot II, where the kernel ends, brings the amount back to 0.
    """
    change: defaultdict[int, int] = defaultdict(int)
    for op in graph:
        for first, last, amount in _arcs(op, schedule, unit):
            change[first] += amount
            change[last] -= amount
    slots = sorted(change)
    return zip(slots, accumulate(change[slot] for slot in slots), strict=True)


def _holders(graph: LoopGraph, schedule: Schedule, unit: str, slot: int) -> str:
    """Names of the operations that hold ``unit`` in ``slot``, at most :data:`NAMED` of them."""
    names = [
        op.name
        for op in graph
        if any(first <= slot < last for first, last, _ in _arcs(op, schedule, unit))
    ]
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def _arcs(op: Operation, schedule: Schedule, unit: str) -> Iterator[tuple[int, int, int]]:
    """``(first slot, slot after the last, amount)`` of what ``op`` holds in the steady state.

    A row of ``q * II + r`` cycles holds every slot q times, and r slots from its first one,
    round the end of the kernel, once more.
    """
    ii = schedule.ii
    for row in op.usage:
        if row.unit != unit:
            continue
        turns, rest = divmod(row.cycles, ii)
        first = (schedule.start[op.name] + row.start) % ii
        if turns:
            yield 0, ii, turns * row.amount
        if rest:
            yield first, min(first + rest, ii), row.amount
        if first + rest > ii:
            yield 0, first + rest - ii, row.amount


def _is_whole(value: object, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= LATEST


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _shown(value: object) -> str:
    """``value`` in one short line; Python refuses to print an ``int`` of over 4300 digits."""
    if isinstance(value, int) and abs(value) > LATEST:
        return "beyond 64 bits"
    return " ".join(repr(value).split())[:40]
