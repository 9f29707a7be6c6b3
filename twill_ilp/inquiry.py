"""Single questions about the joint problem at one II, and the two means to answer them.

A question is "is there a schedule within these limits?", perhaps with a given partition.  A model
(HiGHS) answers it, or enumeration (:mod:`.enumeration`); the two share no proof.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import inf
from typing import Any

import pulp

from twill_ilp.descent import Verdict
from twill_ilp.enumeration import ENUMERATED, Case, Enumeration
from twill_ilp.errors import InvalidScheduleError, SolverError
from twill_ilp.ilp import (
    JointModel,
    Timeline,
    build_joint_model,
    build_packing,
    joint_families,
    limit_traffic,
    tightened,
    timeline,
)
from twill_ilp.limits import Limits, level_value
from twill_ilp.machine import Machine
from twill_ilp.options import Session
from twill_ilp.partitions import candidates, numbered, traffic_of, warps_of
from twill_ilp.problem import Problem
from twill_ilp.rules import Rules, effective_graph
from twill_ilp.schedule import Schedule
from twill_ilp.solver import Outcome, SolveStatus, run
from twill_ilp.verify import verify

__all__ = ["Inquiry"]

LARGEST_MODEL = 20_000
"""Slots of all operations beyond which the joint model is not built: it has several rows for each
operation, group and slot, and would not fit into memory."""

FEASIBILITY: Mapping[str, Any] = {
    "mip_pool_soft_limit": 500,
    "mip_pool_age_limit": 5,
    "mip_heuristic_run_rens": False,
    "mip_heuristic_run_root_reduced_cost": False,
}
"""HiGHS options for questions without an objective, where thousands of cuts and heuristics that
round the root's solution take more time than they save."""

NO_TIME = "time limit reached before the joint ILP was tried"


Question = tuple[Limits, tuple[tuple[str, int], ...]]
"""Limits and, if that is given, the group of every operation."""


@dataclass
class Inquiry:
    """The joint problem at one II.

    Attributes:
        problem: as given; its graph has the delays as written.
        rules: families and readings.
        line: what holds between starts whatever the partition.
        effective: the problem with the delays that the rules leave.
    """

    problem: Problem
    rules: Rules
    ii: int
    session: Session
    partition: Mapping[str, int] = field(default_factory=dict)
    _trees: dict[Question, Enumeration] = field(default_factory=dict)
    _fitting: set[tuple[tuple[int, ...], ...]] = field(default_factory=set)

    @cached_property
    def effective(self) -> Problem:
        return Problem(effective_graph(self.problem.graph, self.rules), self.problem.machine)

    @cached_property
    def line(self) -> Timeline:
        return self._line(Limits(), self.partition)

    @property
    def too_large(self) -> str:
        """Why the joint model is not built, or ``""``."""
        if self.ii * len(self.problem.graph) <= LARGEST_MODEL:
            return ""
        size = f"II {self.ii} times {len(self.problem.graph)} operations"
        return f"{size} is too large for the joint model; give coarser cycles"

    def by_model(
        self,
        limits: Limits,
        partition: Mapping[str, int] | None,
        seconds: float,
        seed: int | None = None,
        line: Timeline | None = None,
    ) -> Verdict:
        """Put the question to HiGHS.

        Args:
            partition: the group of every operation, or ``None`` for any.
            line: the rows between starts, or ``None`` for the tightened ones.
        """
        if self.session.allowance() == 0:
            return Verdict(None, False, NO_TIME)
        if self.too_large:
            return Verdict(None, False, self.too_large)
        self.session.formulations.add("joint")
        with self.session.building():
            line = line or self._line(limits, partition)
            if line.conflict:
                return Verdict(None, True, line.conflict)
            model = self._model(line, limits, partition)
        outcome = self._run(model.lp, seconds, seed)
        if outcome.solved:
            return Verdict(self._schedule(model, outcome, partition, limits), True, "joint ILP")
        what = "joint ILP of this partition" if partition else "joint ILP"
        if outcome.status is SolveStatus.INFEASIBLE:
            return Verdict(None, True, f"{what} infeasible after {outcome.nodes} nodes")
        return Verdict(None, False, f"{what} undecided: {outcome.message}")

    def by_enumeration(
        self, limits: Limits, partition: Mapping[str, int] | None, conflicts: int
    ) -> Verdict:
        """Enumerate for so many more conflicts; a question that is asked again is gone on with.

        Args:
            partition: the group of every operation, or ``None`` for any.
        """
        if self.session.allowance() == 0:
            return Verdict(None, False, NO_TIME)
        self.session.formulations.add("enumeration")
        key = limits, tuple(sorted(partition.items())) if partition else ()
        if key not in self._trees:
            with self.session.building():
                line = self._line(limits, partition)
                if line.conflict:
                    return Verdict(None, True, line.conflict)
                case = Case(line, self._machine(limits), partition, limits.traffic)
                self._trees[key] = Enumeration(case, self.session.options.seed)
        tree = self._trees[key]
        tree.run(conflicts, self.session.allowance())
        what = "enumeration of this partition" if partition else "enumeration"
        if tree.verdict == "infeasible":
            return Verdict(None, True, f"{what} ended after {tree.conflicts} conflicts")
        if tree.verdict == "feasible":
            try:
                return Verdict(self.verified(*tree.schedule(), limits), True, what)
            except InvalidScheduleError:
                if set(self.rules.families) <= set(ENUMERATED):
                    raise
        return Verdict(None, False, f"{what} undecided after {tree.conflicts} conflicts")

    def confirmed(
        self,
        verdict: Verdict,
        limits: Limits,
        partition: Mapping[str, int] | None,
    ) -> Verdict:
        """A verdict; a refutation with the opinion of HiGHS on plain rows, if that is asked for.

        Raises:
            SolverError: HiGHS found a schedule.
        """
        refuted = verdict.proven and verdict.schedule is None
        if not refuted or not self.session.options.confirm:
            return verdict
        plain = self._plain(limits, partition)
        if plain.conflict:  # no model is built
            return verdict
        again = self.by_model(limits, partition, inf, line=plain)
        if again.schedule:
            raise SolverError(
                f"II {self.ii}: {verdict.evidence}, and the joint ILP has a schedule; "
                "report this bug"
            )
        word = "confirmed" if again.proven else "not confirmed"
        return replace(verdict, evidence=f"{verdict.evidence}, {word} by the joint ILP")

    def packed(self, limits: Limits, seconds: float) -> Verdict:
        """Whether the operations fit into the slots, as types; that can only refute.

        What fits is not asked again.
        """
        if self.session.allowance() == 0:
            return Verdict(None, False, NO_TIME)
        with self.session.building():
            line = self._line(limits, None)
            if line.conflict:
                return Verdict(None, True, line.conflict)
            if line.bonds in self._fitting:
                return Verdict(None, False, "packing decides nothing")
            packing = build_packing(line, self._machine(limits))
        count = len(packing.members)
        self.session.progress(f"II {self.ii}: packing of {count} types")
        self.session.formulations.add("packing")
        outcome = self._run(packing.lp, seconds, None)
        if outcome.status is SolveStatus.INFEASIBLE:
            what = f"packing of {count} types of operations"
            return Verdict(None, True, f"{what}, infeasible after {outcome.nodes} nodes")
        if outcome.solved:
            self._fitting.add(line.bonds)
        return Verdict(None, False, "packing decides nothing")

    def relaxed(self, limits: Limits, seconds: float) -> Verdict:
        """The joint model with whole groups and fractional starts, which can only refute."""
        if self.session.allowance() == 0 or self.too_large:
            return Verdict(None, False, self.too_large or NO_TIME)
        self.session.progress(f"II {self.ii}: joint ILP with fractional starts")
        self.session.formulations.add("joint")
        with self.session.building():
            line = self._line(limits, None)
            if line.conflict:
                return Verdict(None, True, line.conflict)
            model = self._model(line, limits, None)
            model.relax_starts()
        outcome = self._run(model.lp, seconds, None)
        what = "joint ILP with fractional starts"
        if outcome.solved:
            return Verdict(None, False, f"{what} has a solution, which decides nothing")
        if outcome.status is SolveStatus.INFEASIBLE:
            return Verdict(None, True, f"{what}, infeasible after {outcome.nodes} nodes")
        return Verdict(None, False, f"{what}, undecided: {outcome.message}")

    def attached(
        self, modulo: Schedule, limits: Limits, partition: Mapping[str, int]
    ) -> Schedule | None:
        """The modulo schedule with that partition, if it happens to be valid within the limits."""
        if not self._allows(limits, partition):
            return None
        if limits.length is not None and modulo.length > limits.length:
            return None
        try:
            return self.verified(modulo.start, partition, limits)
        except InvalidScheduleError:
            return None

    def partitions(self, limits: Limits, like: Mapping[str, int] | None) -> list[Mapping[str, int]]:
        """Natural partitions within the limits, the given one first."""
        graph = self.effective.graph
        natural = candidates(graph, self.problem.machine, self.rules, self.line.bond_names)
        return [
            partition
            for partition in [*([like] if like else []), *natural]
            if self._allows(limits, partition)
        ]

    def _allows(self, limits: Limits, partition: Mapping[str, int]) -> bool:
        """Whether the partition alone keeps the limits on warps and traffic."""
        graph = self.effective.graph
        fits = limits.warps is None or warps_of(graph, partition) <= limits.warps
        return fits and (limits.traffic is None or traffic_of(graph, partition) <= limits.traffic)

    def verified(
        self, start: Mapping[str, int], groups: Mapping[str, int], limits: Limits
    ) -> Schedule:
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

    def _machine(self, limits: Limits) -> Machine:
        """The machine with no more warps than the limits allow."""
        machine, most = self.problem.machine, limits.warps
        if most is None or (machine.warps is not None and machine.warps <= most):
            return machine
        return replace(machine, warps=most)

    def _line(self, limits: Limits, partition: Mapping[str, int] | None) -> Timeline:
        plain = self._plain(limits, partition)
        return tightened(plain, self._machine(limits), partition or None, limits.traffic)

    def _plain(self, limits: Limits, partition: Mapping[str, int] | None) -> Timeline:
        graph, machine = self.effective.graph, self._machine(limits)
        length, traffic = limits.length, limits.traffic
        return timeline(graph, machine, self.rules, self.ii, length, partition or None, traffic)

    def _model(
        self, line: Timeline, limits: Limits, partition: Mapping[str, int] | None
    ) -> JointModel:
        families = joint_families(self.rules)
        if limits.traffic is not None:
            families = (*families, limit_traffic(limits.traffic))
        return build_joint_model(line, self._machine(limits), families, partition)

    def _run(self, lp: pulp.LpProblem, seconds: float, seed: int | None) -> Outcome:
        outcome = run(
            lp,
            time_limit=min(self.session.allowance(), seconds),
            seed=self.session.options.seed if seed is None else seed,
            options={**FEASIBILITY, **self.session.options.solver},
        )
        self.session.solve += outcome.seconds
        return outcome

    def _schedule(
        self,
        model: JointModel,
        outcome: Outcome,
        partition: Mapping[str, int] | None,
        limits: Limits,
    ) -> Schedule:
        starts = model.read_starts(outcome.values)
        names = [op.name for op in self.problem.graph]
        start = dict(zip(names, starts, strict=False))  # the last node may be "begin"
        groups = dict(partition) if partition else model.read_groups(outcome.values)
        return self.verified(start, groups, limits)
