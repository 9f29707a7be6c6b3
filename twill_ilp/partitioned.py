r"""Schedules for a given partition, by the heuristics of the modulo problem.

With the groups known, most of the joint problem is a modulo problem:

- a dependence between groups has its spill as further delay;
- *waiting is a unit.*  A group has one of capacity n + 1, n the number of operations.  An
  operation that waits takes all of it in its first cycle, and whatever is in progress takes 1.  So
  the first starts when no other is in progress, and those that do not wait never disturb each
  other: exactly the concurrency family.  (One that waits and is itself in progress for 0 cycles
  may start together with its like; it has such a unit of its own.);
- the limits of single values (:mod:`.ilp.timeline`) are dependences.

What is left are memories and registers that several values share.  The heuristics ignore them; they
fix when the units work, and a small ILP then moves the operations without units, which hold many
of the values, to where everything fits.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from twill_ilp.graph import Dependence, LoopGraph, Usage
from twill_ilp.heuristics import (
    ejection_schedule,
    iterative_modulo_schedule,
    swing_modulo_schedule,
)
from twill_ilp.ilp import Timeline, Window, surely_spilled, windows_pinned
from twill_ilp.machine import Machine
from twill_ilp.problem import Problem
from twill_ilp.rules import Rules, held_cycles
from twill_ilp.schedule import Schedule

__all__ = ["pinned_users", "proposals", "waiting_as_units"]

ROUNDS = 1000
"""Forced placements of one ejection search, about 0.2 s."""


def waiting_as_units(
    graph: LoopGraph, machine: Machine, rules: Rules, line: Timeline, partition: Mapping[str, int]
) -> Problem:
    """The modulo problem that every joint schedule with this partition solves.

    Args:
        graph: with the delays that the rules leave.
        line: of the graph with the partition, without a conflict.
    """
    spilled = surely_spilled(graph, rules, partition)
    usage = {op.name: list(op.usage) for op in graph}
    units = dict(machine.units)
    whole = len(graph) + 1
    for unit, waiting in _waits(graph, rules, partition).items():
        units[unit] = whole
        for op in graph:
            held = min(line.core.ii, held_cycles(op, rules.readings))
            if partition[op.name] != partition[waiting[0]]:
                continue
            if op.name in waiting:
                usage[op.name].append(Usage(unit=unit, start=0, cycles=1, amount=whole))
            elif held:
                usage[op.name].append(Usage(unit=unit, start=0, cycles=held, amount=1))
            if op.name in waiting and held > 1:
                usage[op.name].append(Usage(unit=unit, start=1, cycles=held - 1, amount=1))
    operations = tuple(replace(op, usage=tuple(usage[op.name])) for op in graph)
    edges = (*spilled, *_deadlines(graph, line))
    return Problem(LoopGraph(graph.name, operations, edges), replace(machine, units=units))


def proposals(problem: Problem, ii: int, lengths: tuple[int, ...], seed: int) -> Iterator[Schedule]:
    """Schedules of the modulo problem, cheapest method first.

    Args:
        lengths: limits on the schedule length to try, cycles.
        seed: of the ejection search; with 0, the quick methods come before it.
    """
    if seed == 0:
        for method in (swing_modulo_schedule, iterative_modulo_schedule):
            if (quick := method(problem, ii)) and quick.length <= max(lengths):
                yield quick
    for length in lengths:
        if found := ejection_schedule(problem, ii, length, rounds=ROUNDS, seed=seed):
            yield found


def pinned_users(line: Timeline, start: Mapping[str, int]) -> list[Window]:
    """Windows that fix the operations with units to given starts, up to a common shift."""
    windows = windows_pinned(line)
    operations = line.core.graph.operations
    pin = next(v for v, window in enumerate(windows) if window == (0, 0))
    origin = start[operations[pin].name]
    for v, op in enumerate(operations):
        if op.usage:
            windows[v] = (start[op.name] - origin,) * 2
    return windows


def _waits(graph: LoopGraph, rules: Rules, partition: Mapping[str, int]) -> dict[str, list[str]]:
    """Units for waiting, each with the operations that wait on it.

    An operation waits if a blocking dependence enters it, or a register value of another group.
    """
    units: dict[str, list[str]] = {}
    for op in graph if "concurrency" in rules else ():
        entering = [e for e in graph.dependences if e.dst == op.name]
        crossing = (
            partition[e.src] != partition[op.name] and graph.by_name[e.src].registers
            for e in entering
        )
        if any(e.blocking for e in entering) or any(crossing):
            alone = held_cycles(op, rules.readings) == 0
            unit = f"wait of {op.name if alone else partition[op.name]}"
            units.setdefault(unit, []).append(op.name)
    return units


def _deadlines(graph: LoopGraph, line: Timeline) -> Iterator[Dependence]:
    """A value's last use comes before its next instances have filled what holds it."""

    names = [op.name for op in graph]
    for u, most in enumerate(line.limit):
        if most is None:
            continue
        for v, offset in line.uses(u):
            if v != u:
                yield Dependence(names[v], names[u], offset, most)
