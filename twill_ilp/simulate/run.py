"""What came out of a run: rate, units, and who waited for what."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from twill_ilp.bounds import unit_work
from twill_ilp.schedule import Schedule
from twill_ilp.simulate.engine import Wait
from twill_ilp.simulate.program import Cause, Program

__all__ = ["Run", "Stall", "explained"]

WORDS: Mapping[Cause, str] = {
    "blocking": "waits for {source} (blocking)",
    "hand-over": "waits for {source} (register value of another group)",
    "operand": "needs the result of {source}",
    "buffer": "needs a buffer that {source} still reads",
    "order": "follows a wait of the same cycle",
    "unit": "finds {source} busy",
    "drain": "must wait for {source} at a barrier, but its group is busy",
}


def explained(cause: Cause, source: str) -> str:
    """A cause in words, to follow the name of the operation."""
    return WORDS[cause].format(source=source)


@dataclass(frozen=True, slots=True)
class Stall:
    """Cycles per iteration that a group loses before an operation, for one reason.

    Attributes:
        group, operation: who does not issue.
        cause: see :data:`twill_ilp.simulate.program.Cause`.
        source: the operation or the unit that is waited for.
        cycles: mean over the measured iterations.
    """

    group: int
    operation: str
    cause: Cause
    source: str
    cycles: Fraction

    @property
    def idle(self) -> bool:
        """Whether the group has nothing in progress meanwhile."""
        return self.cause != "drain"

    def __str__(self) -> str:
        why = explained(self.cause, self.source)
        return f"{self.operation} {why}: {float(self.cycles):.4g}"


@dataclass(frozen=True)
class Run:
    """One run of a program.

    Rates are measured over the middle half of the iterations, so that neither the filling of the
    pipeline nor its draining counts; over all of them if they are fewer than 4.

    Attributes:
        program: what ran.
        iterations: trip count.
        issue: cycle of issue of every operation, by iteration.
        factors: on the latency of every instance, for operations whose latency varies; empty
            without jitter.
        waits: every wait, in order of issue.
    """

    program: Program
    iterations: int
    issue: Mapping[str, Sequence[int]]
    factors: Mapping[str, Sequence[float]]
    waits: Sequence[Wait]

    @property
    def window(self) -> range:
        """The iterations that are measured."""
        if self.iterations < 4:
            return range(self.iterations)
        return range(self.iterations // 4, 3 * self.iterations // 4)

    def latency(self, name: str, iteration: int) -> int:
        """Cycles from the issue of an instance until its result exists."""
        cycles = self.program.schedule.graph.by_name[name].cycles
        factors = self.factors.get(name)
        return cycles if factors is None else math.ceil(cycles * factors[iteration])

    def end(self, iteration: int) -> int:
        """Cycle in which the last result of an iteration exists."""
        return max(
            times[iteration] + self.latency(name, iteration) for name, times in self.issue.items()
        )

    @cached_property
    def cycles(self) -> int:
        """Cycles of the whole run, from 0 to the last result."""
        return max(self.end(i) for i in range(self.iterations))

    @cached_property
    def cycles_per_iteration(self) -> Fraction:
        """Cycles from the end of one iteration to that of the next, in the steady state."""
        first, last = self.window.start, self.window.stop - 1
        begin = self.end(first - 1) if first else 0
        return Fraction(self.end(last) - begin, len(self.window))

    @cached_property
    def utilization(self) -> dict[str, Fraction]:
        """Share of every unit's cycles that is in use, in the steady state."""
        graph, machine = self.program.schedule.graph, self.program.schedule.machine
        return {
            unit: Fraction(work, machine.units[unit]) / self.cycles_per_iteration
            for unit, work in unit_work(graph).items()
            if self.cycles_per_iteration
        }

    @cached_property
    def stalls(self) -> tuple[Stall, ...]:
        """Per group, operation and cause, the longest first."""
        total: dict[tuple[str, Cause, str], int] = {}
        for wait in self.waits:
            if wait.iteration in self.window:
                key = (wait.operation, wait.cause, wait.source)
                total[key] = total.get(key, 0) + wait.end - wait.begin
        group = self.program.schedule.group
        stalls = (
            Stall(group[name], name, cause, source, Fraction(cycles, len(self.window)))
            for (name, cause, source), cycles in total.items()
        )
        return tuple(sorted(stalls, key=lambda stall: -stall.cycles))

    @cached_property
    def idle(self) -> dict[int, Fraction]:
        """Cycles per iteration in which a group has nothing in progress, by group."""
        groups = sorted(set(self.program.schedule.group.values()))
        return {
            g: sum((s.cycles for s in self.stalls if s.group == g and s.idle), Fraction())
            for g in groups
        }

    @property
    def tightest(self) -> int:
        """The group that is idle least; the first of several."""
        return min(self.idle, key=self.idle.__getitem__)

    @property
    def worst(self) -> Stall | None:
        """The longest stall of the tightest group."""
        return next((stall for stall in self.stalls if stall.group == self.tightest), None)

    def repeated(self) -> Schedule | None:
        """The modulo schedule that the run settled in, if one iteration is like the next.

        That one may be shorter than the program's II, which need not be the smallest possible.
        It is not checked: see :func:`twill_ilp.verify.verify`.
        """
        middle = self.window[len(self.window) // 2]
        if middle + 1 >= self.iterations or self.factors:
            return None
        intervals = {times[middle + 1] - times[middle] for times in self.issue.values()}
        if intervals != {self.cycles_per_iteration} or 0 in intervals:
            return None
        start = {name: times[middle] for name, times in self.issue.items()}
        schedule = self.program.schedule
        return Schedule(
            schedule.graph, schedule.machine, intervals.pop(), start, schedule.group
        ).normalized()

    def __repr__(self) -> str:
        rate = float(self.cycles_per_iteration)
        return (
            f"<Run {self.program.schedule.graph.name}: {self.iterations} iterations, "
            f"{rate:.4g} cycles per iteration>"
        )
