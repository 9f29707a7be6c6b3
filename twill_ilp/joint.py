"""Verdicts of the joint problem: starts and warp groups together, level by level.

Every question is "is there a schedule with at most this II, length, warps, traffic?".  The
modulo problem answers it first: what is impossible without warp groups is impossible with them.
Then enumeration, the joint ILP with fractional starts (:mod:`.guided`), small models of natural
partitions (:mod:`.partitions`) and the joint ILP take turns, each time with more patience.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from twill_ilp.descent import Verdict, descend
from twill_ilp.guided import guided, of_one_partition
from twill_ilp.inquiry import NO_TIME, Inquiry
from twill_ilp.limits import Limits, attainable, least_warps, level_value
from twill_ilp.modulo import decide, minimize_length
from twill_ilp.options import Session
from twill_ilp.problem import Problem
from twill_ilp.rules import Rules
from twill_ilp.schedule import Level, Schedule

__all__ = ["JointSearch"]

FEW_CONFLICTS, MORE_CONFLICTS, LARGE_CONFLICTS = 1000, 5000, 300
"""Conflicts of the enumeration, at first and later, and in place of models that are too large;
about 700 take a second, or 40 in raw clocks."""

FEWEST_CONFLICTS = 50
"""Conflicts to look for a shorter schedule."""

GLANCE_SECONDS, GUESS_SECONDS = 0.3, 1.0
"""Wall seconds for the model of a partition, at first and later."""

ROOT_SECONDS, QUICK_SECONDS, SHORT_SECONDS = 1.0, 6.0, 10.0
"""Wall seconds for the joint model: at first, then, and with a limit on the length."""

FEW_GUIDED, MORE_GUIDED = 2, 3
"""Partitions that the relaxed joint model names, before the joint model gets more time and whenever
it begins anew."""

SOME_NATURAL = 6
"""Natural partitions that are tried before the relaxation gets twice its time."""

SMALL_MODEL, MEDIUM_MODEL = 1000, 2000
"""Slots of all operations up to which the model of one partition is decided soon, and up to which a
quick try at the joint model can refute."""

BRIEF_SECONDS, GUIDE_SECONDS = 0.1, 3.0
"""Wall seconds to shorten the modulo schedule before it is tried as it is, and before its length
guides the search."""

GUIDE_ROUNDS = 10
"""Effort of the heuristic that shortens it: it keeps no time limit."""

RESTART_SECONDS = 20.0
"""Wall seconds after which the joint model begins anew with another seed; doubled each time."""


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
        self.inquiry = Inquiry(self.problem, self.rules, self.ii, self.session, self.partition)

    def decide(self) -> tuple[Verdict, str]:
        """Whether a schedule exists at this II, and which stage says no."""
        if conflict := self.inquiry.line.conflict:
            return Verdict(None, True, conflict), "joint infeasible"
        modulo = decide(self.inquiry.effective, self.ii, self.session)
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
                length = self.inquiry.line.core.critical_path + turns * self.ii
                if schedule.length <= length:
                    break
                at_most = Limits(length=length)
                shorter = self.inquiry.by_enumeration(at_most, schedule.group, FEWEST_CONFLICTS)
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
                attainable(name, self.inquiry.effective.graph, self.rules, level_value(name, best)),
            )

    def ask(self, limits: Limits, like: Mapping[str, int] | None = None) -> Verdict:
        """Whether a schedule within the limits exists, tried in the order of what it costs.

        Args:
            like: a partition to begin with.
        """
        if self._window is not None and not limits.within(Limits(length=self._window)):
            limits = replace(limits, length=self._window)
        verdict = Verdict(None, False, NO_TIME)
        if self.partition:
            tries = self._tries_given(limits)
        elif self.inquiry.too_large:
            tries = self._tries_large(limits, like)
        else:
            tries = self._tries(limits, like)
        for verdict in tries:
            if verdict.schedule or verdict.proven or self.session.allowance() == 0:
                return verdict if verdict.proven else self._left_open(verdict)
        return self._left_open(verdict)

    def _left_open(self, verdict: Verdict) -> Verdict:
        """The verdict with what to do where no model is built."""
        large = self.inquiry.too_large
        return replace(verdict, evidence=f"{verdict.evidence}; {large}") if large else verdict

    def _tries_given(self, limits: Limits) -> Iterator[Verdict]:
        """For the partition that is given."""
        yield self._enumerated(limits, self.partition, FEW_CONFLICTS)
        yield self._model(limits, self.partition, QUICK_SECONDS)
        yield self._enumerated(limits, self.partition, MORE_CONFLICTS)
        yield from self._tries_again(limits, self.partition, iter(()))

    def _tries_large(self, limits: Limits, like: Mapping[str, int] | None) -> Iterator[Verdict]:
        """Where no model is built."""
        yield self._attached(limits, self.inquiry.partitions(limits, like))
        yield self._enumerated(limits, None, LARGE_CONFLICTS)

    def _tries(self, limits: Limits, like: Mapping[str, int] | None) -> Iterator[Verdict]:
        """Ever more patient ways to answer."""
        yield self._enumerated(limits, None, FEW_CONFLICTS)
        guesses = self.inquiry.partitions(limits, like)
        yield self._attached(limits, guesses)
        medium = self._slots <= MEDIUM_MODEL
        named: list[Mapping[str, int]] = []
        relaxed = guided(self.inquiry, limits, named)
        if medium:
            yield from islice(relaxed, 1)
            if named:  # where the relaxation is hard, so is the joint model
                yield self._enumerated(limits, None, MORE_CONFLICTS)
                yield self._model(limits, None, ROOT_SECONDS)
                yield from islice(relaxed, FEW_GUIDED)
        yield from self._natural(limits, guesses[:SOME_NATURAL], GLANCE_SECONDS)
        if medium:
            yield from islice(relaxed, 1)
        yield self._enumerated(limits, None, MORE_CONFLICTS)
        yield from self._natural(limits, guesses[SOME_NATURAL:], GLANCE_SECONDS)
        if medium:
            yield self._model(limits, None, QUICK_SECONDS)
        yield from self._natural(limits, self.inquiry.partitions(limits, like), GUESS_SECONDS)
        short = self._short(limits)
        if short != limits:
            yield replace(self._model(short, None, SHORT_SECONDS), proven=False)
        yield from self._tries_again(limits, None, relaxed)

    def _tries_again(
        self, limits: Limits, partition: Mapping[str, int] | None, relaxed: Iterator[Verdict]
    ) -> Iterator[Verdict]:
        """The model and the enumeration in turns, until a limit ends it."""
        patience, seed = RESTART_SECONDS, self.session.options.seed
        while True:
            yield from islice(relaxed, MORE_GUIDED)
            yield self._model(limits, partition, patience, seed)
            yield self._enumerated(limits, partition, int(patience * FEW_CONFLICTS))
            patience, seed = patience * 2, seed + 1

    def _enumerated(
        self, limits: Limits, partition: Mapping[str, int] | None, conflicts: int
    ) -> Verdict:
        self.session.progress(f"II {self.ii}: enumeration, {conflicts} conflicts")
        verdict = self.inquiry.by_enumeration(limits, partition, conflicts)
        return self.inquiry.confirmed(verdict, limits, partition)

    def _attached(self, limits: Limits, partitions: Sequence[Mapping[str, int]]) -> Verdict:
        """The shortest modulo schedule as it is, with each of the partitions."""
        if self._slots <= SMALL_MODEL:
            self._shorten_modulo(BRIEF_SECONDS)
        for partition in partitions if self._modulo else ():
            assert self._modulo
            if schedule := self.inquiry.attached(self._modulo, limits, partition):
                return Verdict(schedule, True, "modulo schedule")
        return Verdict(None, False, NO_TIME)

    @property
    def _slots(self) -> int:
        return self.ii * len(self.problem.graph)

    def _natural(
        self, limits: Limits, partitions: Sequence[Mapping[str, int]], seconds: float
    ) -> Iterator[Verdict]:
        """Natural partitions and short schedules, by enumeration and where they are small by their
        models."""
        short = self._short(limits)
        for partition in partitions:
            groups = len(set(partition.values()))
            self.session.progress(f"II {self.ii}: a partition into {groups} groups")
            if self._slots > SMALL_MODEL:
                verdict = self.inquiry.by_enumeration(short, partition, LARGE_CONFLICTS)
            else:
                verdict = self.inquiry.by_either(short, partition, seconds)
            if verdict.proven and verdict.schedule is None:
                self.inquiry.refuted.append((partition, limits))
            yield of_one_partition(verdict)

    def _model(
        self,
        limits: Limits,
        partition: Mapping[str, int] | None,
        seconds: float,
        seed: int | None = None,
    ) -> Verdict:
        what = "joint ILP" if partition is None else "joint ILP of the partition"
        self.session.progress(f"II {self.ii}: {what}, up to {seconds:g} s")
        return self.inquiry.by_model(limits, partition, seconds, seed)

    def _bound(self, name: str, best: Schedule) -> tuple[int, str]:
        """A lower bound of a level, without the joint model."""
        graph = self.inquiry.effective.graph
        if name == "length":
            self._shorten_modulo(SHORT_SECONDS)
            if self._modulo_length.bound is None:
                least = self.inquiry.line.core.critical_path
                return least, f"critical path {least}"
            return self._modulo_length.bound, f"modulo: {self._modulo_length.evidence}"
        if name == "traffic":
            return 0, "nothing is less than 0"
        return least_warps(graph, self.rules), (
            "the widest operation of the designated group and of the others"
        )

    def _short(self, limits: Limits, seconds: float = GUIDE_SECONDS) -> Limits:
        """With a length that leaves room beyond the shortest modulo schedule."""
        if limits.length is not None:
            return limits
        self._shorten_modulo(seconds)
        longest = sum(op.cycles for op in self.problem.graph)
        return replace(limits, length=self.ii + (self._modulo.length if self._modulo else longest))

    def _shorten_modulo(self, seconds: float) -> None:
        """Find the shortest modulo schedule, whose length bounds that of the joint ones."""
        if self._modulo and self._modulo_length.certainty != "proven":
            with self.session.bounded(seconds):
                self._modulo, self._modulo_length = minimize_length(
                    self.inquiry.effective, self._modulo, self.session, GUIDE_ROUNDS
                )

    def _set_paper_window(self) -> str:
        """Allow as many passes of II cycles as the shortest modulo schedule touches, or say why
        their number is not known."""
        self._shorten_modulo(SHORT_SECONDS)
        least, length = self._modulo_length.bound, self._modulo_length.value
        if least is None or length is None:
            return "the paper's window is unknown: so is the shortest modulo schedule"
        if -(-least // self.ii) != -(-length // self.ii):
            return f"the paper's window is unknown: modulo L in {least}..{length}"
        self._window = -(-length // self.ii) * self.ii
        return ""
