"""Verdicts of the joint problem: starts and warp groups together, level by level.

Every question is "is there a schedule with at most this II, length, warps, traffic?".  The
modulo problem answers it first: what is impossible without warp groups is impossible with them.
Then come natural partitions (:mod:`.partitions`), whose model is small, and at last the joint
model, which alone can refute.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from math import gcd, inf

from twill_ilp.descent import Verdict, descend
from twill_ilp.errors import InvalidScheduleError, SolverError
from twill_ilp.ilp import build_joint_model, joint_families, limit_traffic, timeline
from twill_ilp.modulo import decide, minimize_length
from twill_ilp.options import Session
from twill_ilp.partitions import candidates, traffic_of, warps_of
from twill_ilp.problem import Problem
from twill_ilp.rules import Rules, designates, effective_graph
from twill_ilp.schedule import Level, Schedule
from twill_ilp.solver import SolveStatus, run
from twill_ilp.verify import verify

__all__ = ["JointSearch", "Limits", "level_value"]

GUESS_SECONDS, QUICK_SECONDS, SHORT_SECONDS = 1.0, 4.0, 10.0
"""Wall seconds for one partition, and for the first tries of the joint model."""

LARGEST_MODEL = 20_000
"""Slots of all operations beyond which the joint model is not built: it has several rows for each
pair of operations and slot, and would not fit into memory."""

GUIDE_SECONDS = 3.0
"""Wall seconds to shorten the modulo schedule whose length guides the search."""

GUIDE_ROUNDS = 10
"""Effort of the heuristic that shortens it: it keeps no time limit."""

RESTART_SECONDS = 20.0
"""Wall seconds after which the joint model begins anew with another seed; doubled each time."""


@dataclass(frozen=True)
class Limits:
    """What a schedule may have at most; ``None``: any amount.

    ``length`` in cycles, ``traffic`` in register words per iteration.
    """

    length: int | None = None
    warps: int | None = None
    traffic: int | None = None

    def at_most(self, name: str, value: int) -> Limits:
        """These limits with another value of one of them."""
        return replace(self, **{name: value})


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
    _refuted: list[tuple[Mapping[str, int], Limits]] = field(default_factory=list)
    _window: int | None = None
    _modulo: Schedule | None = None
    _modulo_length: Level = field(default_factory=lambda: Level("unknown"))

    def __post_init__(self) -> None:
        self.effective = Problem(
            effective_graph(self.problem.graph, self.rules), self.problem.machine
        )

    def decide(self) -> tuple[Verdict, str]:
        """Whether a schedule exists at this II, and which stage says no."""
        line = timeline(self.effective.graph, self.problem.machine, self.rules, self.ii)
        if line.conflict:
            return Verdict(None, True, line.conflict), "joint infeasible"
        modulo = decide(self.effective, self.ii, self.session)
        if modulo.schedule is None and modulo.proven:
            return modulo, "modulo infeasible"
        self._modulo = modulo.schedule
        self._shorten_modulo(GUIDE_SECONDS)
        if self.rules.readings.window == "paper" and (doubt := self._set_paper_window()):
            return Verdict(None, False, doubt), "unknown"
        verdict = self.ask(Limits())
        return verdict, "joint infeasible" if verdict.proven else "unknown"

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
                self._attainable(name, level_value(name, best)),
            )

    def ask(self, limits: Limits, like: Mapping[str, int] | None = None) -> Verdict:
        """Whether a schedule within the limits exists, tried in the order of what it costs.

        Args:
            like: a partition to begin with.
        """
        if self._window is not None and not _within(limits, Limits(length=self._window)):
            limits = replace(limits, length=self._window)
        if self.partition:
            return self._solve(limits, self.partition, inf)
        for guess_of in self._guesses(limits, like):
            if schedule := self._attached(guess_of, limits):
                return Verdict(schedule, True, "modulo schedule")
        short = limits if limits.length is not None else replace(limits, length=self._short())
        if like:
            for given in (like, None):
                verdict = self._solve(limits, given, QUICK_SECONDS)
                if verdict.schedule or (verdict.proven and given is None):
                    return verdict
        for number, partition in enumerate(self._guesses(limits, like), 1):
            self.session.progress(f"II {self.ii}: partition {number}")
            guess = self._solve(short, partition, GUESS_SECONDS)
            if guess.schedule:
                return guess
            if guess.proven and short == limits:
                self._refuted.append((partition, limits))
        return self._whole(limits, short)

    def _whole(self, limits: Limits, short: Limits) -> Verdict:
        """The joint model: briefly, for short schedules, then with ever more patience."""
        tries = [(limits, QUICK_SECONDS), (short, SHORT_SECONDS)]
        patience, seed = RESTART_SECONDS, self.session.options.seed
        verdict = Verdict(None, False, "time limit reached before the joint ILP was tried")
        while self.session.allowance() > 0:
            ask, seconds = tries.pop(0) if tries else (limits, patience)
            self.session.progress(f"II {self.ii}: joint ILP, up to {seconds:g} s")
            verdict = self._solve(ask, None, seconds, seed)
            if verdict.schedule or (verdict.proven and ask == limits) or self._too_large:
                return verdict
            if not tries:
                patience, seed = patience * 2, seed + 1
        return replace(verdict, proven=False)

    @property
    def _too_large(self) -> bool:
        return self.ii * len(self.problem.graph) > LARGEST_MODEL

    def _solve(
        self,
        limits: Limits,
        partition: Mapping[str, int] | None,
        seconds: float,
        seed: int | None = None,
    ) -> Verdict:
        """Put one question to HiGHS."""
        if self.session.allowance() == 0:
            return Verdict(None, False, "time limit reached before the joint ILP was tried")
        machine = self.problem.machine
        if limits.warps is not None:
            most = limits.warps if machine.warps is None else min(limits.warps, machine.warps)
            machine = replace(machine, warps=most)
        if self._too_large:
            size = f"II {self.ii} times {len(self.problem.graph)} operations"
            evidence = f"{size} is too large for the joint model; give coarser cycles"
            return Verdict(None, False, evidence)
        self.session.formulations.add("joint")
        with self.session.building():
            line = timeline(self.effective.graph, machine, self.rules, self.ii, limits.length)
            if line.conflict:
                return Verdict(None, True, line.conflict)
            families = joint_families(self.rules)
            if limits.traffic is not None:
                families = (*families, limit_traffic(limits.traffic))
            model = build_joint_model(line, machine, families, partition)
        outcome = run(
            model.lp,
            time_limit=min(self.session.allowance(), seconds),
            seed=self.session.options.seed if seed is None else seed,
            options=self.session.options.solver,
        )
        self.session.solve += outcome.seconds
        if outcome.solved:
            starts = model.read_starts(outcome.values)
            names = [op.name for op in self.problem.graph]
            start = dict(zip(names, starts, strict=False))  # the last node is "begin"
            groups = dict(partition) if partition else model.read_groups(outcome.values)
            return Verdict(self._verified(start, groups, limits), True, "joint ILP")
        what = "joint ILP of this partition" if partition else "joint ILP"
        if outcome.status is SolveStatus.INFEASIBLE:
            return Verdict(None, True, f"{what} infeasible after {outcome.nodes} nodes")
        return Verdict(None, False, f"{what} undecided: {outcome.message}")

    def _guesses(
        self, limits: Limits, like: Mapping[str, int] | None
    ) -> Iterator[Mapping[str, int]]:
        """Partitions within the limits that are not refuted under them yet."""
        graph = self.effective.graph
        known = [like] if like else []
        for partition in [*known, *candidates(graph, self.problem.machine, self.rules)]:
            if limits.warps is not None and warps_of(graph, partition) > limits.warps:
                continue
            if limits.traffic is not None and traffic_of(graph, partition) > limits.traffic:
                continue
            if not any(p == partition and _within(limits, ls) for p, ls in self._refuted):
                yield partition

    def _attached(self, partition: Mapping[str, int], limits: Limits) -> Schedule | None:
        """The shortest modulo schedule with that partition, if it happens to be valid."""
        if self._modulo is None or _above(self._modulo.length, limits.length):
            return None
        try:
            return self._verified(self._modulo.start, partition, limits)
        except InvalidScheduleError:
            return None

    def _verified(
        self, start: Mapping[str, int], groups: Mapping[str, int], limits: Limits
    ) -> Schedule:
        """A schedule in its normal form, accepted by the verifier and within the limits."""
        graph, machine = self.problem.graph, self.problem.machine
        schedule = Schedule(graph, machine, self.ii, start, groups).normalized()
        schedule = _numbered(schedule, self.rules)
        verify(graph, machine, schedule, self.rules)
        for name in ("length", "warps", "traffic"):
            value, most = level_value(name, schedule), getattr(limits, name)
            if _above(value, most):
                raise SolverError(f"{name} is {value}, asked for at most {most}; report this bug")
        return schedule

    def _bound(self, name: str, best: Schedule) -> tuple[int, str]:
        """A lower bound of a level, without the joint model."""
        graph = self.effective.graph
        if name == "length":
            self._shorten_modulo(SHORT_SECONDS)
            if self._modulo_length.bound is None:
                line = timeline(graph, self.problem.machine, self.rules, self.ii)
                return line.core.critical_path, f"critical path {line.core.critical_path}"
            return self._modulo_length.bound, f"modulo: {self._modulo_length.evidence}"
        if name == "traffic":
            return 0, "nothing is less than 0"
        varies = [op for op in graph if designates(op, self.rules)]
        others = [op for op in graph if op not in varies]
        least = sum(max((op.warps for op in part), default=0) for part in (varies, others))
        return least, "the widest operation of the designated group and of the others"

    def _attainable(self, name: str, most: int) -> list[int] | None:
        """Values up to ``most`` that a level can have: sums of widths, or of register words."""
        graph, rules = self.effective.graph, self.rules
        if name == "length":
            return None
        if name == "traffic":
            # A sum of register words is a multiple of what divides them all.
            step = gcd(*(op.registers for op in graph)) or 1
            return list(range(0, most + 1, step))
        designated = [op.warps for op in graph if designates(op, rules)]
        sums = {max(designated, default=0)}
        for op in graph:
            if not designates(op, rules):
                sums |= {total + op.warps for total in sums if total + op.warps <= most}
        return sorted(sums)

    def _short(self) -> int:
        """A length that leaves room beyond the shortest modulo schedule, cycles."""
        if self._modulo is None:
            return sum(op.cycles for op in self.problem.graph) + self.ii
        return self._modulo.length + self.ii

    def _shorten_modulo(self, seconds: float) -> None:
        """Find the shortest modulo schedule, whose length bounds that of the joint ones."""
        if self._modulo and self._modulo_length.certainty != "proven":
            with self.session.bounded(seconds):
                self._modulo, self._modulo_length = minimize_length(
                    self.effective, self._modulo, self.session, GUIDE_ROUNDS
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


def _numbered(schedule: Schedule, rules: Rules) -> Schedule:
    """The same schedule with the designated group as 0 and the others by their first start."""
    designated = {schedule.group[op.name] for op in schedule.graph if designates(op, rules)}
    order = sorted(schedule.graph, key=lambda op: (schedule.start[op.name], op.name))
    groups = dict.fromkeys([*designated, *(schedule.group[op.name] for op in order)])
    number = {g: i for i, g in enumerate(groups)}
    return replace(schedule, group={name: number[g] for name, g in schedule.group.items()})


def level_value(name: str, schedule: Schedule) -> int:
    """What a schedule with groups has of one level: cycles, warps, or words per iteration."""
    match name:
        case "ii":
            return schedule.ii
        case "length":
            return schedule.length
        case "warps":
            return warps_of(schedule.graph, schedule.group)
        case _:
            return traffic_of(schedule.graph, schedule.group)


def _above(value: int, most: int | None) -> bool:
    return most is not None and value > most


def _within(limits: Limits, other: Limits) -> bool:
    """Whether whatever obeys ``limits`` obeys ``other``."""
    pairs = zip(
        (limits.length, limits.warps, limits.traffic),
        (other.length, other.warps, other.traffic),
        strict=True,
    )
    return all(most is None or (own is not None and own <= most) for own, most in pairs)
