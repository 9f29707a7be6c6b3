"""How long values live, and what a schedule with warp groups keeps and hands over.

Nothing here solves or checks anything: it counts what a given schedule does in its steady
state.  A value is born when its operation starts, and dies at its last use; a later instance is
born every II cycles, so several may live at once (Soi et al. 2026, Figs. 5 and 6).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from twill_ilp.graph import Operation
from twill_ilp.rules import Readings
from twill_ilp.schedule import Schedule

__all__ = [
    "DEFAULT_READINGS",
    "QUOTAS",
    "WARP",
    "Wait",
    "buffers",
    "handed_over",
    "lifetime",
    "live",
    "register_peaks",
    "register_profile",
    "register_quotas",
    "traffic",
    "waits",
    "words_per_warp",
]

WARP = 32
"""Threads of a warp."""

QUOTAS = range(24, 249, 8)
"""Registers per thread that a warp group can ask for (PTX ISA, ``setmaxnreg``)."""

DEFAULT_READINGS = Readings()
"""The first choice of every reading."""


@dataclass(frozen=True, slots=True)
class Wait:
    """An operation before which its warps must wait, and for whom.

    Attributes:
        operation: who waits.
        blocking: sources of the blocking dependences that enter it.
        handed: operations of other groups whose register values it reads.
    """

    operation: str
    blocking: tuple[str, ...]
    handed: tuple[str, ...]

    def __str__(self) -> str:
        reasons = [f"{name} (blocking)" for name in self.blocking]
        reasons += [f"{name} (register value of another group)" for name in self.handed]
        return f"{self.operation} waits for {', '.join(reasons)}"


def lifetime(
    schedule: Schedule, name: str, readings: Readings = DEFAULT_READINGS
) -> tuple[int, int]:
    """Birth and death of the value of iteration 0: it lives in cycles [birth, death).

    With the reading ``liveness=issue`` a value dies when its last reader starts, so one that
    nobody reads never lives; with ``liveness=completion`` when that reader, and the operation
    itself, is through.
    """
    readers = [e for e in schedule.graph.dependences if e.src == name]
    return _lifetime(schedule, name, [(e.dst, e.distance) for e in readers], readings)


def live(schedule: Schedule, name: str, readings: Readings = DEFAULT_READINGS) -> list[int]:
    """Instances of a value that live at once, for every slot 0 to II - 1 of the steady state."""
    return _live(lifetime(schedule, name, readings), range(schedule.ii), schedule.ii)


def buffers(schedule: Schedule, readings: Readings = DEFAULT_READINGS) -> dict[str, dict[str, int]]:
    """Most instances that live at once, per memory and operation with a footprint in it."""
    ii, lives = schedule.ii, _lifetimes(schedule, readings)
    counts: dict[str, dict[str, int]] = {memory: {} for memory in schedule.machine.memories}
    for op in schedule.graph:
        birth, death = lives[op.name]
        for memory, amount in op.footprint.items():
            if amount > 0:
                counts.setdefault(memory, {})[op.name] = -(-(death - birth) // ii)
    return {memory: values for memory, values in counts.items() if values}


def words_per_warp(op: Operation) -> int:
    """32-bit words of an operation's result that every warp of its group holds."""
    return -(-op.registers // op.warps)


def register_profile(
    schedule: Schedule, readings: Readings = DEFAULT_READINGS
) -> dict[int, tuple[int, ...]]:
    """32-bit words of live values per warp of every group, in every slot 0 to II - 1."""
    every = range(schedule.ii)
    words = _register_words(schedule, readings, dict.fromkeys(schedule.group.values(), every))
    return {g: tuple(words[g]) for g in sorted(words)}


def register_peaks(schedule: Schedule, readings: Readings = DEFAULT_READINGS) -> dict[int, int]:
    """The maximum of :func:`register_profile` per group, in time independent of II.

    Words only become more where a value is born, so no other slot need be looked at.
    """
    births: dict[int, list[int]] = {g: [] for g in schedule.group.values()}
    for name, g in schedule.group.items():
        births[g].append(schedule.slot(name))
    words = _register_words(schedule, readings, births)
    return {g: max(words[g]) for g in sorted(words)}


def register_quotas(
    schedule: Schedule, readings: Readings = DEFAULT_READINGS
) -> dict[int, int | None]:
    """Least of :data:`QUOTAS` per group that holds its values; ``None``: all are too small."""
    peaks = register_peaks(schedule, readings)
    return {g: next((q for q in QUOTAS if q * WARP >= peak), None) for g, peak in peaks.items()}


def traffic(schedule: Schedule) -> int:
    """32-bit words that cross from one group to another per iteration.

    A value crosses once into every other group that reads it.
    """
    crossings = {
        (src, schedule.group[dst])
        for dst, sources in handed_over(schedule).items()
        for src in sources
    }
    return sum(schedule.graph.by_name[src].registers for src, _ in crossings)


def handed_over(schedule: Schedule) -> dict[str, tuple[str, ...]]:
    """Readers of register values of other groups, each with the operations it reads."""
    sources: dict[str, dict[str, None]] = {}
    for e in schedule.graph.dependences:
        foreign = schedule.group.get(e.src) != schedule.group.get(e.dst)
        if foreign and schedule.graph.by_name[e.src].registers > 0:
            sources.setdefault(e.dst, {})[e.src] = None
    return {dst: tuple(values) for dst, values in sources.items()}


def waits(schedule: Schedule) -> tuple[Wait, ...]:
    """The operations that block their warps, by start.

    An operation blocks if a blocking dependence enters it, from whatever group, or a register
    value of another group.
    """
    handed = handed_over(schedule)
    blocking: dict[str, dict[str, None]] = {}
    for e in schedule.graph.dependences:
        if e.blocking:
            blocking.setdefault(e.dst, {})[e.src] = None
    names = sorted(handed.keys() | blocking.keys(), key=lambda name: (schedule.start[name], name))
    return tuple(Wait(v, tuple(blocking.get(v, ())), handed.get(v, ())) for v in names)


def _lifetimes(schedule: Schedule, readings: Readings) -> dict[str, tuple[int, int]]:
    """:func:`lifetime` of every value, in one pass over the dependences."""
    readers: dict[str, list[tuple[str, int]]] = {op.name: [] for op in schedule.graph}
    for e in schedule.graph.dependences:
        readers[e.src].append((e.dst, e.distance))
    return {name: _lifetime(schedule, name, uses, readings) for name, uses in readers.items()}


def _lifetime(
    schedule: Schedule, name: str, readers: Iterable[tuple[str, int]], readings: Readings
) -> tuple[int, int]:
    """Birth and death of a value with these readers, given with their distance."""
    until_completion = readings.liveness == "completion"

    def end(reader: str) -> int:
        cycles = schedule.graph.by_name[reader].cycles if until_completion else 0
        return schedule.start[reader] + cycles

    ends = [end(reader) + distance * schedule.ii for reader, distance in readers]
    return schedule.start[name], max([end(name), *ends])


def _live(life: tuple[int, int], slots: Iterable[int], ii: int) -> list[int]:
    """Cycles of the lifetime that are congruent to each of the slots, modulo II.

    Up to cycle t, ``(t - slot) // ii`` counts the congruent ones from a common origin.
    """
    birth, death = life
    return [(death - 1 - slot) // ii - (birth - 1 - slot) // ii for slot in slots]


def _register_words(
    schedule: Schedule, readings: Readings, slots: Mapping[int, Sequence[int]]
) -> dict[int, list[int]]:
    """Words per warp of every group, in the slots given for it."""
    words = {g: [0] * len(at) for g, at in slots.items()}
    lives = _lifetimes(schedule, readings)
    for op in schedule.graph:
        if op.registers == 0 or op.name not in schedule.group:
            continue
        g, each = schedule.group[op.name], words_per_warp(op)
        counts = _live(lives[op.name], slots[g], schedule.ii)
        words[g] = [held + each * n for held, n in zip(words[g], counts, strict=True)]
    return words
