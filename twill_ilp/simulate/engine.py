"""The event loop: whichever group can issue next does, until all have issued everything."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from twill_ilp.simulate.program import Cause, Need, Program

__all__ = ["Wait", "execute"]

KEPT = 16
"""Reservations of a unit beyond which those that have ended are dropped."""


class Wait(NamedTuple):
    """An instance that did not issue from cycle ``begin`` up to ``end``, and why.

    ``source`` is the operation or, with the cause ``unit``, the unit that it waited for; with
    ``order`` it is the instruction itself, and with ``drain`` the operation for which it has to
    wait at a barrier.
    """

    operation: str
    iteration: int
    cause: Cause
    source: str
    begin: int
    end: int


def execute(
    program: Program, iterations: int, factors: Mapping[str, Sequence[float]]
) -> tuple[dict[str, list[int]], list[Wait]]:
    """Issue times of every operation, iteration by iteration, and every wait.

    Args:
        program: what the groups run.
        iterations: trip count, at least 1.
        factors: on the latency of each instance, for operations whose latency varies.
    """
    engine = _Engine(program, iterations, factors)
    engine.run()
    return engine.issued_by_name(), engine.waits


class _Warps:
    """A group under way: what it issues next, and since when it could.

    Attributes:
        queue: its instances to come, as ``(order, instruction, iteration)``.
        head: the first of these.
        port: cycle of its last issue.
        barrier: first cycle after its last wait.
        busy, busy_with: when the last of its instructions in progress ends, and which this is.
        busy_otherwise: the same for all instructions but ``busy_with``.
        need, operands: what the head waits for longest, and when that is there.
        begin: when the head could issue if all units were free.
        unit: the last unit that it found busy.
    """

    __slots__ = (
        "barrier",
        "begin",
        "busy",
        "busy_otherwise",
        "busy_with",
        "head",
        "need",
        "operands",
        "port",
        "queue",
        "unit",
    )

    def __init__(self, queue: Iterator[tuple[int, int, int]]) -> None:
        self.queue = queue
        self.head = next(queue, None)
        self.port = self.barrier = self.busy = self.busy_otherwise = 0
        self.busy_with = -1
        self.need: Need | None = None
        self.operands = self.begin = 0
        self.unit = ""

    def hold(self, number: int, end: int) -> None:
        """Instruction ``number`` is in progress until cycle ``end``."""
        if number == self.busy_with:
            self.busy = max(self.busy, end)
        elif end > self.busy:
            self.busy_otherwise, self.busy, self.busy_with = self.busy, end, number
        else:
            self.busy_otherwise = max(self.busy_otherwise, end)


class _Engine:
    def __init__(
        self, program: Program, iterations: int, factors: Mapping[str, Sequence[float]]
    ) -> None:
        self.code, self.iterations = program.instructions, iterations
        self.factors = [factors.get(instruction.name) for instruction in self.code]
        self.issued: list[list[int]] = [[] for _ in self.code]
        self.capacity = program.schedule.machine.units
        self.held: dict[str, list[tuple[int, int, int]]] = {
            unit: [] for unit in program.schedule.graph.units
        }
        self.waits: list[Wait] = []
        self.groups = {g: _Warps(self._queue(g)) for g in {i.group for i in self.code}}
        self.asleep: dict[int, list[int]] = {}
        """Groups that wait for an instruction that has not issued, by that instruction."""
        self.events: list[tuple[int, int, int]] = []
        """``(cycle, order, group)``: heads whose operands are known, none later than it issues."""

    def _queue(self, group: int) -> Iterator[tuple[int, int, int]]:
        """The group's instances: in turn n, an instruction of stage k runs iteration n - k."""
        own = [(number, i.stage) for number, i in enumerate(self.code) if i.group == group]
        for turn in range(self.iterations + max(stage for _, stage in own)):
            for number, stage in own:
                if 0 <= turn - stage < self.iterations:
                    yield turn * len(self.code) + number, number, turn - stage

    def issued_by_name(self) -> dict[str, list[int]]:
        return {i.name: times for i, times in zip(self.code, self.issued, strict=True)}

    def run(self) -> None:
        for group in self.groups:
            self._look_at(group)
        while self.events:
            cycle, order, group = heapq.heappop(self.events)
            later = self._fit(group, cycle)
            if later > cycle:  # others were given the unit since
                heapq.heappush(self.events, (later, order, group))
                continue
            self._issue(group, cycle)

    def _look_at(self, group: int) -> None:
        """Make an event of the group's head, or let the group sleep until it can be one."""
        warps = self.groups[group]
        if warps.head is None:
            return
        order, number, iteration = warps.head
        instruction = self.code[number]
        operands, longest = 0, None
        for need in instruction.needs:
            instance = iteration - need.lag
            if 0 <= instance < self.iterations:
                times = self.issued[need.source]
                if len(times) <= instance:
                    self.asleep.setdefault(need.source, []).append(group)
                    return
                factors = self.factors[need.source]
                delay = need.delay
                if factors is not None:
                    delay = math.ceil(delay * factors[instance])
                there = times[instance] + delay + need.spill
                if there > operands:
                    operands, longest = there, need
        begin = max(operands, warps.port)
        if instruction.hold:
            begin = max(begin, warps.barrier)
        if instruction.barrier:
            begin = max(begin, self._others(warps, number))
        warps.need, warps.operands, warps.begin = longest, operands, begin
        heapq.heappush(self.events, (self._fit(group, begin), order, group))

    @staticmethod
    def _others(warps: _Warps, number: int) -> int:
        """When all other instructions of the group have done with their warps."""
        return warps.busy_otherwise if number == warps.busy_with else warps.busy

    def _fit(self, group: int, cycle: int) -> int:
        """First cycle from ``cycle`` on in which the units of the group's head are free."""
        warps = self.groups[group]
        assert warps.head is not None
        usage = self.code[warps.head[1]].usage
        moved = True
        while moved:
            moved = False
            for row in usage:
                first = cycle + row.start
                free = self._free(row.unit, first, first + row.cycles, row.amount)
                if free > first:
                    cycle, warps.unit, moved = free - row.start, row.unit, True
        return cycle

    def _free(self, unit: str, first: int, end: int, amount: int) -> int:
        """``first`` if the unit has room from then to ``end``, else when to look again."""
        room = self.capacity[unit] - amount
        overlapping = [held for held in self.held[unit] if held[0] < end and first < held[1]]
        if sum(held[2] for held in overlapping) <= room:
            return first
        for moment in (first, *(held[0] for held in overlapping if held[0] > first)):
            here = [held for held in overlapping if held[0] <= moment < held[1]]
            if sum(held[2] for held in here) > room:
                return min(held[1] for held in here)
        return first

    def _issue(self, group: int, cycle: int) -> None:
        warps = self.groups[group]
        assert warps.head is not None
        number = warps.head[1]
        instruction = self.code[number]
        self._explain(warps, cycle)
        self.issued[number].append(cycle)
        for row in instruction.usage:
            held = self.held[row.unit]
            if len(held) >= KEPT:
                held[:] = [reserved for reserved in held if reserved[1] > cycle]
            first = cycle + row.start
            held.append((first, first + row.cycles, row.amount))
        warps.port = cycle
        if instruction.barrier:
            warps.barrier = cycle + 1
        warps.hold(number, cycle + instruction.hold)
        warps.head = next(warps.queue, None)
        self._look_at(group)
        for sleeper in self.asleep.pop(number, ()):
            self._look_at(sleeper)

    def _explain(self, warps: _Warps, cycle: int) -> None:
        """Say what the group waited for since it had nothing in progress, one thing at a time."""
        assert warps.head is not None
        _, number, iteration = warps.head
        own = self.code[number]
        idle = warps.busy
        if warps.need is not None:
            source = self.code[warps.need.source].name
            self._wait(own.name, iteration, warps.need.cause, source, idle, warps.operands)
        idle = max(idle, warps.operands)
        self._wait(own.name, iteration, "order", own.name, idle, warps.begin)
        self._wait(own.name, iteration, "unit", warps.unit, max(idle, warps.begin), cycle)
        if own.barrier:
            ready, done = max(warps.operands, warps.port), self._others(warps, number)
            self._wait(own.name, iteration, "drain", own.barrier, ready, done)

    def _wait(
        self, operation: str, iteration: int, cause: Cause, source: str, begin: int, end: int
    ) -> None:
        if begin < end:
            self.waits.append(Wait(operation, iteration, cause, source, begin, end))
