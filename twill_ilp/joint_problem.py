"""The joint problem at one II: the rows between starts for any question, and what a schedule is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from twill_ilp.automorphisms import twins
from twill_ilp.errors import InvalidScheduleError, SolverError
from twill_ilp.ilp import Timeline, half_turn, tightened, timeline
from twill_ilp.limits import Limits, level_value
from twill_ilp.machine import Machine
from twill_ilp.partitions import Partition, candidates, numbered, traffic_of, warps_of
from twill_ilp.problem import Problem
from twill_ilp.rules import Rules, effective_graph
from twill_ilp.schedule import Schedule
from twill_ilp.verify import verify

__all__ = ["JointProblem"]


@dataclass(frozen=True)
class JointProblem:
    """A problem and its rules at one II.

    Attributes:
        problem: as given; its graph has the delays as written.
        rules: families and readings.
        ii: initiation interval, cycles.
        partition: the group of every operation, if that is given; else empty.
    """

    problem: Problem
    rules: Rules
    ii: int
    partition: Partition = field(default_factory=dict)

    @cached_property
    def effective(self) -> Problem:
        """The problem with the delays that the rules leave."""
        return Problem(effective_graph(self.problem.graph, self.rules), self.problem.machine)

    @cached_property
    def line(self) -> Timeline:
        """What holds between starts whatever the limits."""
        return self.tight(Limits(), self.partition)

    @cached_property
    def twins(self) -> tuple[tuple[int, int], ...]:
        """The operations of a copy, each with its image in the other copy; empty without copies."""
        return () if self.partition else twins(self.effective.graph)

    def machine(self, limits: Limits) -> Machine:
        """The machine with no more warps than the limits allow."""
        machine, most = self.problem.machine, limits.warps
        if most is None or (machine.warps is not None and machine.warps <= most):
            return machine
        return replace(machine, warps=most)

    def plain(self, limits: Limits, partition: Partition | None) -> Timeline:
        """The rows of dependences, deadlines and length alone, which exported models have."""
        graph, machine = self.effective.graph, self.machine(limits)
        length, traffic = limits.length, limits.traffic
        return timeline(graph, machine, self.rules, self.ii, length, partition or None, traffic)

    def tight(self, limits: Limits, partition: Partition | None) -> Timeline:
        """These and the rows of :mod:`twill_ilp.ilp.tightened`."""
        plain = self.plain(limits, partition)
        return tightened(plain, self.machine(limits), partition or None, limits.traffic)

    def half_turned(self, limits: Limits) -> Timeline:
        """The rows of the schedules whose copies are half a turn apart."""
        plain = half_turn(self.plain(limits, None), self.twins)
        return tightened(plain, self.machine(limits), None, limits.traffic)

    def verified(self, start: Mapping[str, int], groups: Partition, limits: Limits) -> Schedule:
        """A schedule in its normal form, accepted by the verifier and within the limits.

        Raises:
            InvalidScheduleError: the verifier rejects it.
            SolverError: a limit is exceeded.
        """
        graph, machine = self.problem.graph, self.problem.machine
        schedule = Schedule(graph, machine, self.ii, start, groups).normalized()
        schedule = numbered(schedule, self.rules)
        verify(graph, machine, schedule, self.rules)
        for name in ("length", "warps", "traffic"):
            value, most = level_value(name, schedule), getattr(limits, name)
            if most is not None and value > most:
                raise SolverError(f"{name} is {value}, asked for at most {most}; report this bug")
        return schedule

    def attached(self, modulo: Schedule, limits: Limits, partition: Partition) -> Schedule | None:
        """The modulo schedule with that partition, if it happens to be valid within the limits."""
        if not self._allows(limits, partition):
            return None
        if limits.length is not None and modulo.length > limits.length:
            return None
        try:
            return self.verified(modulo.start, partition, limits)
        except InvalidScheduleError:
            return None

    def partitions(self, limits: Limits, like: Partition | None) -> list[Partition]:
        """Natural partitions within the limits, the given one first."""
        graph = self.effective.graph
        natural = candidates(graph, self.problem.machine, self.rules, self.line.bond_names)
        return [
            partition
            for partition in [*([like] if like else []), *natural]
            if self._allows(limits, partition)
        ]

    def _allows(self, limits: Limits, partition: Partition) -> bool:
        """Whether the partition alone keeps the limits on warps and traffic."""
        graph = self.effective.graph
        fits = limits.warps is None or warps_of(graph, partition) <= limits.warps
        return fits and (limits.traffic is None or traffic_of(graph, partition) <= limits.traffic)
