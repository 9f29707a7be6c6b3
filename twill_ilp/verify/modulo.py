"""The rules of a modulo schedule: numbers that make sense, dependences, units.

A check that fails raises ``InvalidScheduleError``.
"""

from __future__ import annotations

from collections.abc import Callable

from twill_ilp.errors import InvalidScheduleError
from twill_ilp.graph import LoopGraph
from twill_ilp.machine import Machine
from twill_ilp.rules import Rules
from twill_ilp.schedule import Schedule
from twill_ilp.verify.steady import Holding, excess

__all__ = [
    "Check",
    "check_capacity",
    "check_dependences",
    "check_interval",
    "check_operations",
    "check_starts",
]

LATEST = 2**63 - 1
"""Largest start, group and II: far beyond any meant schedule, and still printable."""

Check = Callable[[LoopGraph, Machine, Schedule, Rules], None]
"""One rule; it raises :class:`InvalidScheduleError` if the schedule breaks it."""


def check_interval(graph: LoopGraph, machine: Machine, schedule: Schedule, rules: Rules) -> None:
    """The initiation interval is a whole number of cycles, at least 1."""
    if not is_whole(schedule.ii, least=1):
        raise InvalidScheduleError(f"II is {shown(schedule.ii)}; give a whole number >= 1")


def check_operations(graph: LoopGraph, machine: Machine, schedule: Schedule, rules: Rules) -> None:
    """Every operation of the graph has a start, and nothing else has one."""
    for op in graph:
        if op.name not in schedule.start:
            raise InvalidScheduleError(f"{op.name}: no start at II={schedule.ii}; give it one")
    for name in schedule.start:
        if name not in graph.by_name:
            raise InvalidScheduleError(
                f"{shown(name)}: has a start at II={schedule.ii}, "
                f"but graph {graph.name} has no such operation"
            )


def check_starts(graph: LoopGraph, machine: Machine, schedule: Schedule, rules: Rules) -> None:
    """Every start is a whole number of cycles, at least 0."""
    for name, start in schedule.start.items():
        if not is_whole(start, least=0):
            raise InvalidScheduleError(
                f"{name}: starts at {shown(start)} at II={schedule.ii}; give a whole number >= 0"
            )


def check_dependences(graph: LoopGraph, machine: Machine, schedule: Schedule, rules: Rules) -> None:
    """``start(dst) + distance * II - start(src) >= delay`` for every dependence."""
    start, ii = schedule.start, schedule.ii
    for e in graph.dependences:
        early = e.delay - (start[e.dst] + e.distance * ii - start[e.src])
        if early > 0:
            raise InvalidScheduleError(
                f"{e.src} -> {e.dst}: {count(early, 'cycle')} too early at II={ii}"
            )


def check_capacity(graph: LoopGraph, machine: Machine, schedule: Schedule, rules: Rules) -> None:
    """In the steady state no slot of a unit holds more than the unit's capacity.

    A unit that the machine lacks has capacity 0.
    """
    for unit in graph.units:
        capacity = machine.units.get(unit, 0)
        rows = [
            Holding(op.name, schedule.start[op.name] + row.start, row.cycles, row.amount)
            for op in graph
            for row in op.usage
            if row.unit == unit
        ]
        over = excess(rows, schedule.ii, capacity)
        if over:
            raise InvalidScheduleError(
                f"{unit}: slot {over.slot} holds {over.held} of capacity {capacity} "
                f"at II={schedule.ii} ({over.names})"
            )


def is_whole(value: object, least: int) -> bool:
    """Whether ``value`` is an ``int`` from ``least`` to :data:`LATEST`."""
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= LATEST


def count(number: int, noun: str) -> str:
    """``1 cycle``, ``2 cycles``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def shown(value: object) -> str:
    """``value`` in one short line; Python refuses to print an ``int`` of over 4300 digits."""
    if isinstance(value, int) and abs(value) > LATEST:
        return "beyond 64 bits"
    return " ".join(repr(value).split())[:40]
