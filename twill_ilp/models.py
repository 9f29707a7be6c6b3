"""Questions about the joint problem at one II that HiGHS answers.

A model shares no proof with enumeration (:mod:`.trees`), which answers the same questions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import inf
from typing import Any

import pulp

from twill_ilp.descent import NO_TIME, Verdict
from twill_ilp.errors import SolverError
from twill_ilp.ilp import (
    JointModel,
    Timeline,
    build_joint_model,
    build_packing,
    joint_families,
    limit_traffic,
)
from twill_ilp.joint_problem import JointProblem
from twill_ilp.limits import Limits
from twill_ilp.options import Session
from twill_ilp.outcome import Outcome, SolveStatus
from twill_ilp.partitions import Partition
from twill_ilp.schedule import Schedule
from twill_ilp.solver import run

__all__ = ["Models"]

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


@dataclass
class Models:
    """The models of one joint problem, for any limits."""

    joint: JointProblem
    session: Session
    _fitting: set[tuple[tuple[int, ...], ...]] = field(default_factory=set)

    @property
    def too_large(self) -> str:
        """Why the joint model is not built, or ``""``."""
        if self.joint.ii * len(self.joint.problem.graph) <= LARGEST_MODEL:
            return ""
        size = f"II {self.joint.ii} times {len(self.joint.problem.graph)} operations"
        return f"{size} is too large for the joint model; give coarser cycles"

    def ask(
        self,
        limits: Limits,
        partition: Partition | None,
        seconds: float,
        seed: int | None = None,
        line: Timeline | None = None,
    ) -> Verdict:
        """Whether there is a schedule, within so many wall seconds.

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
            line = line or self.joint.tight(limits, partition)
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

    def confirmed(
        self,
        verdict: Verdict,
        limits: Limits,
        partition: Partition | None,
    ) -> Verdict:
        """A verdict; a refutation with the opinion of HiGHS on plain rows, if that is asked for.

        Raises:
            SolverError: HiGHS found a schedule.
        """
        refuted = verdict.proven and verdict.schedule is None
        if not refuted or not self.session.options.confirm:
            return verdict
        plain = self.joint.plain(limits, partition)
        if plain.conflict:  # no model is built
            return verdict
        again = self.ask(limits, partition, inf, line=plain)
        if again.schedule:
            raise SolverError(
                f"II {self.joint.ii}: {verdict.evidence}, and the joint ILP has a schedule; "
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
            line = self.joint.tight(limits, None)
            if line.conflict:
                return Verdict(None, True, line.conflict)
            if line.bonds in self._fitting:
                return Verdict(None, False, "packing decides nothing")
            packing = build_packing(line, self.joint.machine(limits))
        count = len(packing.members)
        self.session.progress(f"II {self.joint.ii}: packing of {count} types")
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
        self.session.progress(f"II {self.joint.ii}: joint ILP with fractional starts")
        self.session.formulations.add("joint")
        with self.session.building():
            line = self.joint.tight(limits, None)
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

    def _model(self, line: Timeline, limits: Limits, partition: Partition | None) -> JointModel:
        families = joint_families(self.joint.rules)
        if limits.traffic is not None:
            families = (*families, limit_traffic(limits.traffic))
        return build_joint_model(line, self.joint.machine(limits), families, partition)

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
        partition: Partition | None,
        limits: Limits,
    ) -> Schedule:
        starts = model.read_starts(outcome.values)
        names = [op.name for op in self.joint.problem.graph]
        start = dict(zip(names, starts, strict=False))  # the last node may be "begin"
        groups = dict(partition) if partition else model.read_groups(outcome.values)
        return self.joint.verified(start, groups, limits)
