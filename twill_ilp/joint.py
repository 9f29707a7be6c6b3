"""Verdicts of the joint problem: starts and warp groups together, level by level.

Every question is "is there a schedule with at most this II, length, warps, traffic?".  The
modulo problem answers it first: what is impossible without warp groups is impossible with them.
Then enumeration, the joint ILP with fractional starts and the joint ILP itself take turns, each
time with more patience.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from twill_ilp.descent import NO_TIME, Verdict, descend
from twill_ilp.joint_problem import JointProblem
from twill_ilp.limits import Limits, attainable, least_warps, level_value
from twill_ilp.models import Models
from twill_ilp.modulo import decide, minimize_length
from twill_ilp.options import Session
from twill_ilp.problem import Problem
from twill_ilp.rules import Rules
from twill_ilp.schedule import Level, Schedule
from twill_ilp.trees import Trees

__all__ = ["JointSearch"]

FIRST_CONFLICTS, FEW_CONFLICTS, MORE_CONFLICTS = 200, 1000, 5000
"""Conflicts of the enumeration, at first and later; about 700 take a second, 40 in raw clocks."""

HALF_TURN_CONFLICTS = 500
"""Conflicts for schedules whose copies are half a turn apart, at first: most are found in 100."""

SHORTER_CONFLICTS, LARGE_CONFLICTS = 50, 300
"""Conflicts to shorten a schedule, and in place of models that are too large."""

PACKING_SECONDS, ROOT_SECONDS, QUICK_SECONDS = 4.0, 1.0, 6.0
"""Wall seconds for packing, for the joint model with fractional starts, and for the joint model at
first."""

RESTART_SECONDS = 20.0
"""Wall seconds after which the joint model begins anew with another seed; doubled each time."""

MEDIUM_MODEL = 2000
"""Slots of all operations up to which packing and fractional starts may refute soon."""

LENGTH_SECONDS, LENGTH_ROUNDS = 10.0, 10
"""Wall seconds to find the shortest modulo schedule, and the effort of the heuristic, which keeps
no time limit."""


@dataclass
class JointSearch:
    """The joint problem at one II.

    Attributes:
        problem: as given; its graph has the delays as written.
        rules: families and readings.
        partition: the group of every operation, if that is given.
    """

    problem: Problem
    rules: Rules
    ii: int
    session: Session
    partition: Mapping[str, int] = field(default_factory=dict)
    _window: int | None = None
    _modulo: Schedule | None = None
    _modulo_length: Level = field(default_factory=lambda: Level("unknown"))

    def __post_init__(self) -> None:
        self.joint = JointProblem(self.problem, self.rules, self.ii, self.partition)
        self.trees = Trees(self.joint, self.session)
        self.models = Models(self.joint, self.session)

    def decide(self) -> tuple[Verdict, str]:
        """Whether a schedule exists at this II, and which stage says no."""
        if conflict := self.joint.line.conflict:
            refuted = Verdict(None, True, conflict)
            verdict = self.models.confirmed(refuted, Limits(), self.partition or None)
            return verdict, "joint infeasible"
        modulo = decide(self.joint.effective, self.ii, self.session)
        if modulo.schedule is None and modulo.proven:
            return modulo, "modulo infeasible"
        self._modulo = modulo.schedule
        if self.rules.readings.window == "paper" and (doubt := self._set_paper_window()):
            return Verdict(None, False, doubt), "unknown"
        verdict = self._shortened(self.ask(Limits()))
        return verdict, "joint infeasible" if verdict.proven else "unknown"

    def _shortened(self, verdict: Verdict) -> Verdict:
        """A shorter schedule with the same groups, if one is found at once."""
        if schedule := verdict.schedule:
            for turns in (0, 1, 2, 4):
                length = self.joint.line.core.critical_path + turns * self.ii
                if schedule.length <= length:
                    break
                at_most = Limits(length=length)
                shorter = self.trees.ask(at_most, schedule.group, SHORTER_CONFLICTS)
                if shorter.schedule:
                    return replace(shorter, evidence=verdict.evidence)
        return verdict

    def minimize(self, name: str, best: Schedule, limits: Limits) -> tuple[Schedule, Level]:
        """The least value of one level under the limits of those before it."""
        least, evidence = self._bound(name, best)
        if name == "warps" and "warps" not in self.rules:
            return best, Level("skipped", evidence="widths are not in the rules")

        def ask(most: int, seconds: float) -> Verdict:
            tighter = limits.at_most(name, most)
            with self.session.bounded(seconds):
                return self.ask(tighter, like=best.group)

        with self.session.level():
            return descend(
                "L" if name == "length" else name,
                best,
                least,
                evidence,
                lambda schedule: level_value(name, schedule),
                ask,
                self.session,
                attainable(name, self.joint.effective.graph, self.rules, level_value(name, best)),
            )

    def ask(self, limits: Limits, like: Mapping[str, int] | None = None) -> Verdict:
        """Whether a schedule within the limits exists, tried in the order of what it costs.

        Args:
            like: a partition to begin with where no model is built.
        """
        if self._window is not None and not limits.within(Limits(length=self._window)):
            limits = replace(limits, length=self._window)
        verdict = Verdict(None, False, NO_TIME)
        if self.models.too_large and not self.partition:
            tries = self._tries_large(limits, like)
        else:
            tries = self._tries(limits)
        for answer in tries:
            verdict = self.models.confirmed(answer, limits, self.partition or None)
            if verdict.schedule or verdict.proven or self.session.allowance() == 0:
                return verdict if verdict.proven else self._left_open(verdict)
        return self._left_open(verdict)

    def _left_open(self, verdict: Verdict) -> Verdict:
        """The verdict with what to do where no model is built."""
        large = self.models.too_large
        return replace(verdict, evidence=f"{verdict.evidence}; {large}") if large else verdict

    def _tries_large(self, limits: Limits, like: Mapping[str, int] | None) -> Iterator[Verdict]:
        """Where no model is built."""
        yield self._attached(limits, self.joint.partitions(limits, like))
        yield self._enumerated(limits, LARGE_CONFLICTS)

    def _tries(self, limits: Limits) -> Iterator[Verdict]:
        """Ever more patient ways to answer, until a limit ends it."""
        medium = not self.partition and self.ii * len(self.problem.graph) <= MEDIUM_MODEL
        yield self._enumerated(limits, FIRST_CONFLICTS)
        yield self._half_turn(self._short_limits(limits), HALF_TURN_CONFLICTS)
        yield self._half_turn(limits, HALF_TURN_CONFLICTS)
        if medium:
            yield self.models.packed(limits, PACKING_SECONDS)
        if limits.length is None:
            yield self._short(limits, FEW_CONFLICTS)
        yield self._enumerated(limits, FEW_CONFLICTS)
        if medium:
            yield self.models.relaxed(limits, ROOT_SECONDS)
        yield self._half_turn(self._short_limits(limits), MORE_CONFLICTS)
        yield self._half_turn(limits, MORE_CONFLICTS)
        if limits.length is None:
            yield self._short(limits, MORE_CONFLICTS)
        yield self._enumerated(limits, MORE_CONFLICTS)
        yield self._model(limits, QUICK_SECONDS)
        patience, seed = RESTART_SECONDS, self.session.options.seed
        while True:
            if medium:
                yield self.models.packed(limits, patience)
            yield self._enumerated(limits, int(patience * FEW_CONFLICTS))
            yield self._model(limits, patience, seed)
            patience, seed = patience * 2, seed + 1

    def _enumerated(self, limits: Limits, conflicts: int) -> Verdict:
        self.session.progress(f"II {self.ii}: enumeration, {conflicts} conflicts")
        return self.trees.ask(limits, self.partition or None, conflicts)

    def _half_turn(self, limits: Limits, conflicts: int) -> Verdict:
        """With copies of a chain half a turn apart: only "yes" counts."""
        if self.joint.twins:
            self.session.progress(f"II {self.ii}: copies half a turn apart")
        return self.trees.half_turn(limits, conflicts)

    def _short(self, limits: Limits, conflicts: int) -> Verdict:
        """With narrow windows: only "yes" counts."""
        short = self._short_limits(limits)
        self.session.progress(f"II {self.ii}: short schedules, L <= {short.length}")
        verdict = self.trees.ask(short, self.partition or None, conflicts)
        if verdict.schedule:
            return verdict
        return Verdict(None, False, f"undecided: no schedule of L <= {short.length} was found")

    def _short_limits(self, limits: Limits) -> Limits:
        """One pass longer than the critical path, unless the limits ask for less."""
        length = self.joint.line.core.critical_path + self.ii
        if limits.length is not None:
            length = min(length, limits.length)
        return replace(limits, length=length)

    def _attached(self, limits: Limits, partitions: Sequence[Mapping[str, int]]) -> Verdict:
        """The shortest modulo schedule as it is, with each of the partitions."""
        for partition in partitions if self._modulo else ():
            assert self._modulo
            if schedule := self.joint.attached(self._modulo, limits, partition):
                return Verdict(schedule, True, "modulo schedule")
        return Verdict(None, False, NO_TIME)

    def _model(self, limits: Limits, seconds: float, seed: int | None = None) -> Verdict:
        what = "joint ILP of the partition" if self.partition else "joint ILP"
        self.session.progress(f"II {self.ii}: {what}, up to {seconds:g} s")
        return self.models.ask(limits, self.partition or None, seconds, seed)

    def _bound(self, name: str, best: Schedule) -> tuple[int, str]:
        """A lower bound of a level, without the joint model."""
        graph = self.joint.effective.graph
        if name == "length":
            self._shorten_modulo()
            if self._modulo_length.bound is None:
                least = self.joint.line.core.critical_path
                return least, f"longest path {least}"
            return self._modulo_length.bound, f"modulo: {self._modulo_length.evidence}"
        if name == "traffic":
            return 0, "nothing is less than 0"
        return least_warps(graph, self.rules), (
            "the widest operation of the designated group and of the others"
        )

    def _shorten_modulo(self) -> None:
        """Find the shortest modulo schedule, whose length bounds that of the joint ones."""
        if self._modulo and self._modulo_length.certainty != "proven":
            with self.session.bounded(LENGTH_SECONDS):
                self._modulo, self._modulo_length = minimize_length(
                    self.joint.effective, self._modulo, self.session, LENGTH_ROUNDS
                )

    def _set_paper_window(self) -> str:
        """Allow as many passes of II cycles as the shortest modulo schedule touches, or say why
        their number is not known."""
        self._shorten_modulo()
        least, length = self._modulo_length.bound, self._modulo_length.value
        if least is None or length is None:
            return "the paper's window is unknown: so is the shortest modulo schedule"
        if -(-least // self.ii) != -(-length // self.ii):
            return f"the paper's window is unknown: modulo L in {least}..{length}"
        self._window = -(-length // self.ii) * self.ii
        return ""
