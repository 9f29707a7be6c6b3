"""Schedules and results: what a search returns.

A result never mixes *proven*, *found* and *unknown*: a bound that nobody proved is ``None``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from twill_ilp.graph import LoopGraph, Operation
from twill_ilp.machine import Machine
from twill_ilp.problem import Problem
from twill_ilp.rules import Rules

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "REASONS",
    "Certainty",
    "Level",
    "Rejection",
    "Result",
    "Schedule",
    "Status",
    "WarpGroup",
]

Status = Literal["optimal", "feasible", "infeasible", "unknown"]
"""``optimal``: II proven minimal and a schedule verified.  ``feasible``: a schedule, but some
smaller II is only unknown.  ``infeasible``: proven for every II up to the limit asked for."""

Certainty = Literal["proven", "found", "skipped", "unknown"]
"""``proven``: no schedule does better.  ``found``: there is one, perhaps not the best.
``skipped``: nobody asked.  ``unknown``: no schedule, and no proof that there is none."""

REASONS = ("bound", "modulo infeasible", "joint infeasible", "unknown")
"""Why an II is passed over; ``unknown`` (a limit ended the question) proves nothing."""


@dataclass(frozen=True, slots=True)
class WarpGroup:
    """Warps that run the same operations.

    Attributes:
        id: number of the group.
        warps: its width, that of its widest operation.
        operations: names, by start.
    """

    id: int
    warps: int
    operations: tuple[str, ...]


@dataclass(frozen=True)
class Schedule:
    """Start times of one loop at one initiation interval, and who runs what.

    Attributes:
        graph, machine: the problem that the schedule solves.
        ii: initiation interval, cycles per iteration.
        start: start of every operation in iteration 0, cycles from the first start.
        group: warp group of every operation; empty for a schedule of the modulo stage.  Group 0
            is the designated one for variable latencies if there is such an operation.
    """

    graph: LoopGraph
    machine: Machine
    ii: int
    start: Mapping[str, int] = field(hash=False)
    group: Mapping[str, int] = field(default_factory=dict, hash=False)

    def stage(self, name: str) -> int:
        """Iterations of delay before the operation runs: ``start // ii``."""
        return self.start[name] // self.ii

    def slot(self, name: str) -> int:
        """Cycle of the steady state in which the operation starts: ``start % ii``."""
        return self.start[name] % self.ii

    @property
    def length(self) -> int:
        """Schedule length L in cycles: last end minus first start of one iteration."""
        first = min(self.start.values())
        return max(self.start[op.name] + op.cycles for op in self.graph) - first

    @property
    def stages(self) -> int:
        """Iterations in flight at once: ``ceil(L / II)``, at least 1."""
        return max(1, -(-self.length // self.ii))

    def normalized(self) -> Schedule:
        """The same schedule with its first start at cycle 0."""
        first = min(self.start.values())
        start = {op.name: self.start[op.name] - first for op in self.graph}
        return Schedule(self.graph, self.machine, self.ii, start, self.group)

    @property
    def groups(self) -> tuple[WarpGroup, ...]:
        """The warp groups by number; none for a schedule of the modulo stage."""
        members: dict[int, list[Operation]] = {}
        for op in sorted(self.graph, key=lambda op: self.start[op.name]):
            if op.name in self.group:
                members.setdefault(self.group[op.name], []).append(op)
        return tuple(
            WarpGroup(g, max(op.warps for op in ops), tuple(op.name for op in ops))
            for g, ops in sorted(members.items())
        )

    def __repr__(self) -> str:
        return f"<Schedule {self.graph.name}: II {self.ii}, L {self.length}, {self.stages} stages>"

    def __str__(self) -> str:
        from twill_ilp.report import schedule_text

        return schedule_text(self)

    def _repr_html_(self) -> str:
        from twill_ilp.report import schedule_html

        return schedule_html(self)

    def frame(self) -> pd.DataFrame:
        """One row per operation by start: name, kind, start, stage, slot, cycles, units, group."""
        import pandas as pd

        rows = [
            {
                "operation": op.name,
                "kind": op.kind,
                "start": self.start[op.name],
                "stage": self.stage(op.name),
                "slot": self.slot(op.name),
                "cycles": op.cycles,
                "units": " ".join(dict.fromkeys(row.unit for row in op.usage)),
                **({"group": self.group[op.name]} if self.group else {}),
            }
            for op in sorted(self.graph, key=lambda op: self.start[op.name])
        ]
        return pd.DataFrame(rows)


@dataclass(frozen=True)
class Rejection:
    """One initiation interval that cannot be used, and why.

    Attributes:
        ii: cycles per iteration.
        reason: see :data:`REASONS`.
        evidence: the unit, cycle, test or solver verdict behind the reason.
        seconds: wall time spent on this II.
    """

    ii: int
    reason: str
    evidence: str
    seconds: float = 0.0

    @property
    def proven(self) -> bool:
        """Whether the II is proven impossible."""
        return self.reason != "unknown"


@dataclass(frozen=True)
class Level:
    """One level of the lexicographic objective.

    ``value`` is what the schedule has, ``bound`` the proven lower bound (``None``: none).
    """

    certainty: Certainty
    value: int | None = None
    bound: int | None = None
    evidence: str = ""


@dataclass(frozen=True)
class Result:
    """The answer of a search.

    Attributes:
        problem: what was solved.
        status: see :data:`Status`.
        schedule: a verified schedule, or ``None``.
        mii: lower bounds on II: ``res`` (ResMII) and ``rec`` (RecMII), cycles.
        rejected: every smaller II with its reason.
        objective: level name (``ii``, ``length``, ``warps``, ``traffic``) to :class:`Level`, in
            the order in which they were minimised.
        seconds: wall time: ``total``, ``build`` (models) and ``solve`` (solver).
        environment: versions and options that produced the answer.
        rules: of the joint stage; ``None`` at the modulo stage.
    """

    problem: Problem
    status: Status
    schedule: Schedule | None
    mii: Mapping[str, int] = field(hash=False)
    rejected: tuple[Rejection, ...] = ()
    objective: Mapping[str, Level] = field(default_factory=dict, hash=False)
    seconds: Mapping[str, float] = field(default_factory=dict, hash=False)
    environment: Mapping[str, str] = field(default_factory=dict, hash=False)
    rules: Rules | None = None

    @property
    def ii(self) -> int | None:
        """Initiation interval found, cycles per iteration."""
        return self.schedule.ii if self.schedule else None

    @property
    def length(self) -> int | None:
        """Schedule length found, cycles."""
        return self.schedule.length if self.schedule else None

    def __repr__(self) -> str:
        from twill_ilp.report import headline

        return f"<Result {headline(self)}>"

    def __str__(self) -> str:
        from twill_ilp.report import result_text

        return result_text(self)

    def _repr_html_(self) -> str:
        from twill_ilp.report import result_html

        return result_html(self)

    def to_dict(self) -> dict[str, Any]:
        """The result as JSON data; see :mod:`twill_ilp.result_file`."""
        from twill_ilp.result_file import result_to_dict

        return result_to_dict(self)

    @classmethod
    def from_dict(cls, data: object, problem: Problem) -> Result:
        """Inverse of :meth:`to_dict`; see :func:`twill_ilp.result_file.result_from_dict`."""
        from twill_ilp.result_file import result_from_dict

        return result_from_dict(data, problem)

    def save(self, path: str | Path) -> None:
        """Write a result file; see :func:`twill_ilp.result_file.write_result`."""
        from twill_ilp.result_file import write_result

        write_result(self, path)
