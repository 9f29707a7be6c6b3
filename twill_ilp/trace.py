"""Runs for Perfetto and chrome://tracing: one lane per warp group and one per unit.

The file is in the JSON object form of the Trace Event Format [1]_, with complete events (``X``) and
metadata (``M``) only.  One cycle is shown as one microsecond.  Within a lane slices may touch but
not overlap, so a lane whose operations overlap becomes several threads of the same name.

References
----------
.. [1] "Trace Event Format", Google, 2016; https://ui.perfetto.dev opens such files.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from twill_ilp.errors import OptionError
from twill_ilp.files import write_text
from twill_ilp.simulate import Run
from twill_ilp.simulate.run import explained

__all__ = ["MOST_EVENTS", "trace_events", "write_trace"]

MOST_EVENTS = 2_000_000
"""Events that a viewer still opens, about 300 MB."""

GROUPS, UNITS = 1, 2
"""Process numbers of the two kinds of lanes."""


@dataclass(frozen=True, slots=True)
class _Slice:
    lane: str
    process: int
    name: str
    category: str
    begin: int
    cycles: int
    facts: dict[str, Any] = field(default_factory=dict)


def trace_events(run: Run) -> dict[str, Any]:
    """A run as JSON data.

    Slices of warp groups say what is in progress on the warps (category ``operation``) and why
    they are idle (``wait``); those of units, who holds them (``unit``).  ``args`` have the
    iteration, of an operation also its stage and the cycles until its result exists, and of a unit
    the group that uses it.

    Raises:
        OptionError: more than :data:`MOST_EVENTS` events.
    """
    usages = sum(1 + len(op.usage) for op in run.program.schedule.graph)
    amount = usages * run.iterations + len(run.waits)
    if amount > MOST_EVENTS:
        raise OptionError(
            f"a trace of {run.iterations} iterations has {amount} events, too many for a viewer; "
            f"give at most {MOST_EVENTS * run.iterations // amount} iterations"
        )
    events: list[dict[str, Any]] = []
    for process, title, slices in (
        (GROUPS, "warp groups", [*_operations(run), *_waits(run)]),
        (UNITS, "units", list(_units(run))),
    ):
        events.append(_metadata("process_name", process, 0, name=title))
        events.append(_metadata("process_sort_index", process, 0, sort_index=process))
        events += _threads(process, slices)
    graph, machine = run.program.schedule.graph, run.program.schedule.machine
    return {
        "traceEvents": events,
        "displayTimeUnit": "ms",
        "otherData": {
            "loop": graph.name,
            "machine": machine.name,
            "ii": run.program.schedule.ii,
            "cycles_per_iteration": float(run.cycles_per_iteration),
            "time": "1 us is 1 cycle",
        },
    }


def write_trace(run: Run, path: str | Path) -> None:
    """Write :func:`trace_events`, whole or not at all.

    Raises:
        OptionError: too many events.
        OSError: the file cannot be written.
    """
    write_text(path, json.dumps(trace_events(run), separators=(",", ":")) + "\n")


def _operations(run: Run) -> Iterator[_Slice]:
    for instruction in run.program.instructions:
        for iteration, begin in enumerate(run.issue[instruction.name]):
            facts = {
                "iteration": iteration,
                "stage": instruction.stage,
                "result after": run.latency(instruction.name, iteration),
            }
            name = f"{instruction.name} [{iteration}]"
            lane = f"group {instruction.group}"
            yield _Slice(lane, GROUPS, name, "operation", begin, instruction.hold, facts)


def _waits(run: Run) -> Iterator[_Slice]:
    """Idle warps; what happens while others are in progress has no room in the lane."""
    group = run.program.schedule.group
    for wait in run.waits:
        if wait.cause != "drain":
            name = f"{wait.operation} {explained(wait.cause, wait.source)}"
            facts = {"iteration": wait.iteration}
            lane, cycles = f"group {group[wait.operation]}", wait.end - wait.begin
            yield _Slice(lane, GROUPS, name, "wait", wait.begin, cycles, facts)


def _units(run: Run) -> Iterator[_Slice]:
    """Who holds a unit, once per instance of the unit that it holds."""
    for op in run.program.schedule.graph:
        for iteration, issued in enumerate(run.issue[op.name]):
            for row in op.usage:
                facts = {"iteration": iteration, "group": run.program.schedule.group[op.name]}
                name, begin = f"{op.name} [{iteration}]", issued + row.start
                for _ in range(row.amount):
                    yield _Slice(row.unit, UNITS, name, "unit", begin, row.cycles, facts)


def _threads(process: int, slices: Iterable[_Slice]) -> Iterator[dict[str, Any]]:
    """The slices on threads, lane by lane; a slice goes on the first thread that is free."""
    lanes: dict[str, list[_Slice]] = {}
    for piece in slices:
        lanes.setdefault(piece.lane, []).append(piece)
    thread = 0
    for lane in sorted(lanes):
        busy_until: list[int] = []
        events = []
        for piece in sorted(lanes[lane], key=lambda piece: (piece.begin, piece.cycles)):
            free = (n for n, end in enumerate(busy_until) if end <= piece.begin)
            number = next(free, len(busy_until))
            if number == len(busy_until):
                busy_until.append(0)
            busy_until[number] = piece.begin + piece.cycles
            events.append(_complete(piece, thread + number + 1))
        for _ in busy_until:
            thread += 1
            yield _metadata("thread_name", process, thread, name=lane)
            yield _metadata("thread_sort_index", process, thread, sort_index=thread)
        yield from events


def _complete(piece: _Slice, thread: int) -> dict[str, Any]:
    return {
        "ph": "X",
        "name": piece.name,
        "cat": piece.category,
        "ts": piece.begin,
        "dur": piece.cycles,
        "pid": piece.process,
        "tid": thread,
        "args": piece.facts,
    }


def _metadata(kind: str, process: int, thread: int, **facts: Any) -> dict[str, Any]:
    return {
        "ph": "M",
        "name": kind,
        "ts": 0,
        "dur": 0,
        "pid": process,
        "tid": thread,
        "args": facts,
    }
