"""Questions about the joint problem at one II that enumeration answers (:mod:`.enumeration`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from twill_ilp.descent import NO_TIME, Verdict
from twill_ilp.enumeration import ENUMERATED, Case, Enumeration
from twill_ilp.errors import InvalidScheduleError
from twill_ilp.joint_problem import JointProblem
from twill_ilp.limits import Limits
from twill_ilp.options import Session
from twill_ilp.partitions import Partition

__all__ = ["Trees"]


@dataclass
class Trees:
    """The trees of all questions that were asked; one that is asked again is gone on with."""

    joint: JointProblem
    session: Session
    _trees: dict[object, Enumeration] = field(default_factory=dict)

    def ask(self, limits: Limits, partition: Partition | None, conflicts: int) -> Verdict:
        """Whether there is a schedule, with so many more conflicts at most.

        Args:
            partition: the group of every operation, or ``None`` for any.
        """
        what = "enumeration of this partition" if partition else "enumeration"
        joint = self.joint

        def case() -> Case | str:
            line, machine = joint.tight(limits, partition), joint.machine(limits)
            return line.conflict or Case(line, machine, partition, limits.traffic)

        question = limits, tuple(sorted(partition.items())) if partition else ()
        return self._go_on(question, case, limits, conflicts, what)

    def half_turn(self, limits: Limits, conflicts: int) -> Verdict:
        """Whether there is one whose copies are half a turn apart; only "yes" is an answer."""
        joint = self.joint

        def case() -> Case | str:
            line, machine = joint.half_turned(limits), joint.machine(limits)
            return line.conflict or Case(line, machine, None, limits.traffic, joint.twins)

        what = "enumeration with copies half a turn apart"
        if joint.twins:
            verdict = self._go_on((limits, joint.twins), case, limits, conflicts, what)
            if verdict.schedule:
                return verdict
        return Verdict(None, False, f"{what} decides nothing")

    def _go_on(
        self,
        question: object,
        case: Callable[[], Case | str],
        limits: Limits,
        conflicts: int,
        what: str,
    ) -> Verdict:
        """Go on with the tree of a question.

        Args:
            case: to plant it with, or why there is no schedule.
        """
        if self.session.allowance() == 0:
            return Verdict(None, False, NO_TIME)
        self.session.formulations.add("enumeration")
        if question not in self._trees:
            with self.session.building():
                root = case()
                if isinstance(root, str):
                    return Verdict(None, True, root)
                self._trees[question] = Enumeration(root, self.session.options.seed)
        tree = self._trees[question]
        tree.run(conflicts, self.session.allowance())
        if tree.verdict == "infeasible":
            return Verdict(None, True, f"{what} ended after {tree.conflicts} conflicts")
        if tree.verdict == "feasible":
            try:
                return Verdict(self.joint.verified(*tree.schedule(), limits), True, what)
            except InvalidScheduleError:
                if set(self.joint.rules.families) <= set(ENUMERATED):
                    raise
        return Verdict(None, False, f"{what} undecided after {tree.conflicts} conflicts")
