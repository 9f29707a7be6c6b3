"""From a schedule to a program: prologue, steady state and epilogue of every warp group.

>>> from twill_ilp import SearchOptions, build_kernel, solve
>>> program = build_program(solve(build_kernel("fig1"), SearchOptions(stage="modulo")))
>>> program
<Program fig1: 3 operations in 1 groups, 2 stages, 0 barriers>
>>> [(step.operation, step.offset) for step in program.groups[0].steady]
[('P', 0), ('S', 1), ('O', 0)]
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from twill_ilp.errors import OptionError
from twill_ilp.graph import Operation
from twill_ilp.pipeline.barriers import barriers_of, needed_waits
from twill_ilp.pipeline.order import Order
from twill_ilp.pipeline.program import (
    Barrier,
    Buffer,
    Group,
    Instruction,
    Kind,
    Program,
    Read,
    Share,
    Task,
    Wait,
)
from twill_ilp.pipeline.storage import placed
from twill_ilp.rules import Readings
from twill_ilp.schedule import Result, Schedule

__all__ = [
    "Barrier",
    "Buffer",
    "Group",
    "Instruction",
    "Order",
    "Program",
    "Read",
    "Share",
    "Task",
    "Wait",
    "build_program",
]


def build_program(source: Schedule | Result, *, liveness: str | None = None) -> Program:
    """The program of a schedule; without groups, all operations are one group's.

    Args:
        liveness: how many slots a buffer gets.  ``issue``: as many as results exist at once, if
            a slot is free when its last reader is issued; the program is right, but a writer may
            have to wait until that reader is complete.  ``completion``: as many as make that wait
            end in time.  Default: how the schedule was made, else ``issue``.

    Raises:
        InvalidScheduleError: an operation starts before one that it depends on.
        OptionError: a result without a schedule, an unknown liveness, or operations of one
            iteration that wait for each other in a circle.
    """
    schedule, readings = _schedule(source)
    if liveness is not None:
        readings = Readings(liveness=liveness)  # type: ignore[arg-type]  # checked there
    order = Order(schedule)
    buffers = _buffers(schedule, order, readings)
    tasks = {op.name: _task(schedule, op, buffers) for op in schedule.graph}
    waits = needed_waits(tasks, buffers, order)
    tasks = {name: replace(task, waits=waits[name]) for name, task in tasks.items()}
    widths = {op.name: op.warps for op in schedule.graph}
    return Program(
        schedule.graph.name,
        schedule.machine.name,
        schedule.ii,
        _groups(schedule, order),
        tasks,
        buffers,
        barriers_of(tasks, order, widths),
        dict(schedule.machine.memories),
    )


def _schedule(source: Schedule | Result) -> tuple[Schedule, Readings]:
    """The schedule from cycle 0, with a group for every operation, and how it counts lives."""
    rules = None if isinstance(source, Schedule) else source.rules
    schedule = source if isinstance(source, Schedule) else source.schedule
    if schedule is None:
        raise OptionError("the result has no schedule, so there is no program; raise its limits")
    schedule = schedule.normalized()
    if not schedule.group:
        schedule = replace(schedule, group=dict.fromkeys(schedule.start, 0))
    return schedule, Readings() if rules is None else rules.readings


def _buffers(schedule: Schedule, order: Order, readings: Readings) -> dict[str, Buffer]:
    """Where every result is kept, and how often; by name."""
    buffers: dict[str, Buffer] = {}
    reading: dict[str, list[tuple[str, int]]] = {}
    for op in schedule.graph:
        readers = [(e.dst, e.distance) for e in schedule.graph.dependences if e.src == op.name]
        own = [r for r in readers if schedule.group[r[0]] == schedule.group[op.name]]
        foreign = [r for r in readers if r not in own]
        stored = {memory: size for memory, size in op.footprint.items() if size > 0}
        places: list[tuple[str, Kind, list[tuple[str, int]], Mapping[str, int]]] = []
        if op.registers:
            places.append((op.name, "registers", own, {"registers": op.registers}))
        if stored:
            name = f"{op.name}@memory" if op.registers else op.name
            places.append((name, "memory", foreign if op.registers else readers, stored))
        elif op.registers and foreign:
            copy = {"registers": op.registers}
            places.append((f"{op.name}@shared", "hand-over", foreign, copy))
        elif not op.registers and readers:
            places.append((op.name, "in place", readers, {}))
        for name, kind, users, size in places:
            smooth = order.smooth_slots(op.name, users)
            count = smooth if readings.liveness == "completion" else order.slots(op.name, users)
            buffers[name] = Buffer(name, op.name, kind, count, smooth, size)
            reading[name] = users
    return placed(buffers, reading, order, schedule.machine.memories)


def _task(schedule: Schedule, op: Operation, buffers: Mapping[str, Buffer]) -> Task:
    """An operation's task, without waits."""
    blocking: dict[tuple[str, int], bool] = {}
    for e in schedule.graph.dependences:
        if e.dst == op.name:
            source = (e.src, e.distance)
            blocking[source] = blocking.get(source, False) or e.blocking
    group = schedule.group
    reads = tuple(
        Read(src, distance, _place(src, group[src] == group[op.name], buffers), blocks)
        for (src, distance), blocks in blocking.items()
    )
    return Task(
        op.name,
        op.kind,
        group[op.name],
        schedule.start[op.name],
        op.variable_latency or op.issue < op.cycles,
        reads,
        tuple(name for name, buffer in buffers.items() if buffer.operation == op.name),
    )


def _place(name: str, own: bool, buffers: Mapping[str, Buffer]) -> str:
    """The buffer in which a reader finds a result."""
    elsewhere = [f"{name}@shared", f"{name}@memory"]
    return name if own else next((b for b in elsewhere if b in buffers), name)


def _groups(schedule: Schedule, order: Order) -> tuple[Group, ...]:
    """Every group's own stages: its steady state need not wait for another one's prologue."""
    groups = []
    for group in schedule.groups:
        stage = {name: schedule.stage(name) for name in group.operations}
        first, last = min(stage.values()), max(stage.values())
        body = sorted(stage, key=lambda name: (schedule.slot(name), order.rank[name]))
        late = {name: stage[name] - first for name in body}
        stages = last - first + 1
        groups.append(
            Group(
                group.id,
                group.warps,
                stages,
                tuple(
                    Instruction(name, step - late[name], step - late[name] + 1)
                    for step in range(stages - 1)
                    for name in body
                    if late[name] <= step
                ),
                tuple(Instruction(name, stages - 1 - late[name], stages) for name in body),
                tuple(
                    Instruction(name, step - late[name], stages - 1 - step)
                    for step in range(stages - 1)
                    for name in body
                    if late[name] > step
                ),
            )
        )
    return tuple(groups)
