"""From a schedule to what the warps run: instructions in order, each with what it waits for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter
from typing import Literal

from twill_ilp.errors import InvalidScheduleError, OptionError
from twill_ilp.graph import Dependence, Usage
from twill_ilp.lifetimes import lifetime
from twill_ilp.rules import Rules, held_cycles, streaming
from twill_ilp.schedule import Schedule
from twill_ilp.verify import check_memories

__all__ = ["Cause", "Instruction", "Need", "Program", "program_of"]

Cause = Literal["blocking", "hand-over", "operand", "buffer", "order", "unit", "drain"]
"""Why an instruction does not issue yet.

- ``blocking``: the source of a blocking dependence is not complete.
- ``hand-over``: a register value of another group is not there.
- ``operand``: any other dependence.
- ``buffer``: the last reader of the buffer that it would overwrite is not through.
- ``order``: an instruction that waited issued in this very cycle.
- ``unit``: a unit is busy.
- ``drain``: it has to wait at a barrier, and other instructions of its group are still in
  progress.  Only then is the group not idle.
"""


@dataclass(frozen=True, slots=True)
class Need:
    """An instance waits for one of ``source``, ``lag`` iterations earlier (later if negative).

    Attributes:
        source: position in :attr:`Program.instructions`.
        lag: iterations.
        delay: cycles from the source's issue, times the source's factor if its latency varies.
        spill: cycles more.
        cause: what the wait is called.
    """

    source: int
    lag: int
    delay: int
    spill: int
    cause: Cause


@dataclass(frozen=True, slots=True)
class Instruction:
    """An operation as its warps issue it.

    Attributes:
        name, group, stage: of the operation; the stage is that of the program's schedule.
        hold: cycles for which it is in progress on its warps.
        barrier: the source for which it waits at a barrier, the first of several; nothing else
            of its group may then be in progress.  Empty: it does not.
        usage: its reservation rows.
        needs: instances that it waits for.
    """

    name: str
    group: int
    stage: int
    hold: int
    barrier: str
    usage: tuple[Usage, ...]
    needs: tuple[Need, ...]


@dataclass(frozen=True)
class Program:
    """What the warp groups run.

    Attributes:
        schedule: with the loads as far ahead as they run.
        rules: under which it was made.
        instructions: by slot, those of one slot so that none comes before what it needs; the
            program of a group are its own of these, turn by turn.
        buffers: instances that are kept of every value that has buffers.
        loads: the streaming operations among these.
    """

    schedule: Schedule
    rules: Rules
    instructions: tuple[Instruction, ...]
    buffers: Mapping[str, int]
    loads: tuple[str, ...]

    @property
    def excess(self) -> str:
        """Which memory cannot hold what is alive, or nothing: more depth than fits still runs."""
        return _excess(self.schedule, self.rules)


def program_of(schedule: Schedule, rules: Rules, depth: int | None = None) -> Program:
    """The program of a schedule; see :func:`twill_ilp.simulate.simulate` for the arguments.

    Raises:
        OptionError: no groups, or a depth that the schedule cannot use.
        InvalidScheduleError: an operation that comes before what it waits for.
    """
    if not schedule.group:
        raise OptionError(
            f"{schedule.graph.name}: the schedule has no warp groups; give one of the joint stage, "
            "or put its operations into groups"
        )
    _check_order(schedule)
    graph = schedule.graph
    streams = streaming(graph)
    loads = tuple(op.name for op in graph if op.name in streams)
    ahead = _ahead(schedule, rules, loads, depth)
    barriers: dict[str, str] = {}
    for e in graph.dependences:
        if _cause(e, ahead) != "operand" and "concurrency" in rules:
            barriers.setdefault(e.dst, e.src)
    buffers = _buffers(ahead, rules)
    needs: dict[str, dict[tuple[str, Wait], None]] = {op.name: {} for op in graph}
    for name, source, wait in (*_operands(ahead, rules), *_overwrites(ahead, rules, buffers)):
        if (source, wait[0]) != (name, 0):  # nothing waits for itself
            needs[name][source, wait] = None
    order = _ordered(ahead, needs)
    position = {name: number for number, name in enumerate(order)}
    instructions = tuple(
        Instruction(
            name,
            ahead.group[name],
            ahead.stage(name),
            held_cycles(graph.by_name[name], rules.readings),
            barriers.get(name, ""),
            graph.by_name[name].usage,
            tuple(
                Need(position[source], lag, delay, spill, cause)
                for source, (lag, delay, spill, cause) in needs[name]
            ),
        )
        for name in order
    )
    return Program(ahead, rules, instructions, buffers, loads)


def _check_order(schedule: Schedule) -> None:
    """What waits must come after what it waits for, or the warps wait for ever."""
    start, ii = schedule.start, schedule.ii
    for e in schedule.graph.dependences:
        early = start[e.src] - (start[e.dst] + e.distance * ii)
        if early > 0:
            raise InvalidScheduleError(
                f"{e.src} -> {e.dst}: {e.dst} comes {early} cycles before {e.src}, which it waits "
                f"for, at II={ii}; start {e.dst} later"
            )


Wait = tuple[int, int, int, Cause]
"""Lag, delay, spill and cause of a :class:`Need`."""


def _ahead(schedule: Schedule, rules: Rules, loads: tuple[str, ...], depth: int | None) -> Schedule:
    """The schedule with its loads earlier by whole iterations, first stage 0."""
    if depth is not None and depth < 1:
        raise OptionError(f"depth is {depth}; give at least 1 buffer")
    for name in loads:
        readers = [e for e in schedule.graph.dependences if e.src == name]
        if readers and depth is None:
            schedule = _hidden(schedule, rules, name, readers)
        elif readers and depth is not None:
            schedule = _buffered(schedule, rules, name, readers, depth)
    return _earlier(schedule, "", min(schedule.start.values()) // schedule.ii)


def _hidden(schedule: Schedule, rules: Rules, name: str, readers: Sequence[Dependence]) -> Schedule:
    """The load as early as hides its latency, if the memory holds what is then alive."""
    start, ii = schedule.start, schedule.ii
    uses = (start[e.dst] + e.distance * ii - e.delay - _spill(e, schedule, rules) for e in readers)
    wanted = -(-(start[name] - min(uses)) // ii)
    tries = (_earlier(schedule, name, turns) for turns in range(wanted, 0, -1))
    return next((moved for moved in tries if not _excess(moved, rules)), schedule)


def _buffered(
    schedule: Schedule, rules: Rules, name: str, readers: Sequence[Dependence], depth: int
) -> Schedule:
    """The load as early as ``depth`` buffers allow."""
    ii = schedule.ii
    uses = [schedule.start[e.dst] + e.distance * ii for e in readers]
    birth, death = lifetime(schedule, name, rules.readings)
    moved = _earlier(schedule, name, depth - -(-(death - birth) // ii))
    late = moved.start[name] - min(uses)
    if late > 0:
        least = depth + -(-late // ii)
        raise OptionError(
            f"{name}: needs {least} buffers, because its uses are {max(uses) - min(uses)} cycles "
            f"apart at II={ii}; give a depth of {least} or more"
        )
    return moved


def _earlier(schedule: Schedule, name: str, turns: int) -> Schedule:
    """One operation earlier by iterations, or all of them if it has no name."""
    start = {
        op: begin - turns * schedule.ii if name in ("", op) else begin
        for op, begin in schedule.start.items()
    }
    return replace(schedule, start=start)


def _excess(schedule: Schedule, rules: Rules) -> str:
    try:
        check_memories(schedule.graph, schedule.machine, schedule, rules)
    except InvalidScheduleError as e:
        return str(e)
    return ""


def _count(schedule: Schedule, rules: Rules, name: str) -> int:
    """Instances of a value that live at once, at least one."""
    birth, death = lifetime(schedule, name, rules.readings)
    return max(1, -(-(death - birth) // schedule.ii))


def _buffers(schedule: Schedule, rules: Rules) -> dict[str, int]:
    """Values in memory, and register values that other groups read, with their instances."""
    foreign = {e.src for e in schedule.graph.dependences if _handed_over(e, schedule)}
    return {
        op.name: _count(schedule, rules, op.name)
        for op in schedule.graph
        if any(op.footprint.values()) or op.name in foreign
    }


def _operands(schedule: Schedule, rules: Rules) -> Iterator[tuple[str, str, Wait]]:
    for e in schedule.graph.dependences:
        spill = _spill(e, schedule, rules)
        yield e.dst, e.src, (e.distance, e.delay, spill, _cause(e, schedule))


def _overwrites(
    schedule: Schedule, rules: Rules, buffers: Mapping[str, int]
) -> Iterator[tuple[str, str, Wait]]:
    """Who writes into a buffer, and the readers that must be through with it.

    Readers in registers of the value's own group are so by the order of instructions.
    """
    completion = rules.readings.liveness == "completion"
    for e in schedule.graph.dependences:
        if e.src not in buffers:
            continue
        op = schedule.graph.by_name[e.src]
        lag = buffers[e.src] - e.distance
        if any(op.footprint.values()) or _handed_over(e, schedule):
            delay = schedule.graph.by_name[e.dst].cycles if completion else 0
            yield e.src, e.dst, (lag, delay, 0, "buffer")


def _ordered(schedule: Schedule, needs: Mapping[str, Iterable[tuple[str, Wait]]]) -> list[str]:
    """Operations by slot; of those at the same moment, sources first."""
    start, ii = schedule.start, schedule.ii
    sorter = TopologicalSorter[str]({name: () for name in start})
    for name, waits in needs.items():
        for source, (lag, _, _, _) in waits:
            if start[source] - lag * ii == start[name]:
                sorter.add(name, source)
    try:
        rank = {name: number for number, name in enumerate(sorter.static_order())}
    except CycleError as e:
        raise InvalidScheduleError(
            f"{', '.join(e.args[1][1:])}: wait for each other in one cycle at II={ii}, so that no "
            "order of instructions exists; start one of them later"
        ) from None
    return sorted(start, key=lambda name: (start[name] % ii, rank[name]))


def _cause(e: Dependence, schedule: Schedule) -> Cause:
    if e.blocking:
        return "blocking"
    return "hand-over" if _handed_over(e, schedule) else "operand"


def _handed_over(e: Dependence, schedule: Schedule) -> bool:
    """Whether a register value goes to another group."""
    return _foreign(e, schedule) and schedule.graph.by_name[e.src].registers > 0


def _foreign(e: Dependence, schedule: Schedule) -> bool:
    return schedule.group[e.src] != schedule.group[e.dst]


def _spill(e: Dependence, schedule: Schedule, rules: Rules) -> int:
    crosses = _foreign(e, schedule) and "spills" in rules
    return schedule.graph.by_name[e.src].spill if crosses else 0
