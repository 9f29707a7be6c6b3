"""Problems in normalized cycles, and what their II says about the II in clocks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil, floor

from twill_ilp.bounds import unit_work
from twill_ilp.graph import Dependence, LoopGraph, Operation, Usage
from twill_ilp.normalization import LIMIT, Normalization
from twill_ilp.options import SearchOptions
from twill_ilp.problem import Problem
from twill_ilp.schedule import Result

__all__ = ["Comparison", "compare", "normalized_problem", "problem_costs", "utilization"]


def problem_costs(problem: Problem) -> tuple[int, ...]:
    """Every positive number of cycles that a problem holds, once per occurrence.

    Lengths and beginnings of reservation rows, ``cycles`` and ``spill`` of operations, and
    delays.  ``issue`` is not among them: it is either ``cycles`` or a single instruction.
    """
    numbers = [n for op in problem.graph for row in op.usage for n in (row.start, row.cycles)]
    numbers += [n for op in problem.graph for n in (op.cycles, op.spill)]
    numbers += [e.delay for e in problem.graph.dependences]
    return tuple(n for n in numbers if n)


def normalized_problem(
    problem: Problem,
    *,
    limit: int = LIMIT,
    reading: str = "distinct",
    confirm: bool = False,
) -> tuple[Problem, Normalization]:
    """The problem in normalized cycles.

    What began no earlier than something ended still does: rounding never makes rows of one
    operation meet, nor an operation end before its last row, nor a delay shorter than the
    operation it waits for.

    Args:
        limit, reading, confirm: as for :func:`twill_ilp.normalize.normalize`.

    Raises:
        OptionError: as that function.
    """
    from twill_ilp.normalize import normalize  # loads a solver

    answer = normalize(problem_costs(problem), limit=limit, reading=reading, confirm=confirm)
    value = dict(zip(answer.costs, answer.normalized, strict=True)) | {0: 0}
    operations = {op.name: _operation(op, value, answer.scale) for op in problem.graph}
    edges = (
        replace(e, delay=_delay(e, problem.graph.by_name[e.src], operations[e.src], value))
        for e in problem.graph.dependences
    )
    graph = LoopGraph(problem.graph.name, tuple(operations.values()), tuple(edges))
    return Problem(graph, problem.machine), answer


@dataclass(frozen=True)
class Comparison:
    """A problem in clocks next to itself in normalized cycles.

    Attributes:
        raw, normalized: results of the two searches.
        normalization: how the costs were normalized.
        bracket: least and largest II in clocks that the normalized II leaves possible, if it is
            optimal; ``None``: not known, because a cost collapsed or a row begins after its
            operation.

    The bracket: let :math:`s = \\max C/C'` and :math:`s' = \\min C/C'`.  Starts of a normalized
    schedule times s, rounded down, keep every delay and every distance between two holds of a
    unit, since :math:`C \\le s\\,C'`; so :math:`II \\le \\lceil s\\,II' \\rceil`.  In the other
    direction :math:`II' \\le \\lceil II / s' \\rceil`, which gives
    :math:`II > s' (II' - 1)`.
    """

    raw: Result
    normalized: Result
    normalization: Normalization
    bracket: tuple[int, int] | None

    @property
    def estimate(self) -> float | None:
        """The normalized II times the scale, in clocks."""
        ii = self.normalized.ii
        return None if ii is None else float(ii * self.normalization.scale)

    @property
    def error(self) -> float | None:
        """Relative error of the estimate against the II in clocks."""
        if self.estimate is None or self.raw.ii is None:
            return None
        return self.estimate / self.raw.ii - 1


def compare(
    problem: Problem,
    *,
    limit: int = LIMIT,
    reading: str = "distinct",
    time_limit: float | None = None,
    solve: Callable[[Problem], Result] | None = None,
) -> Comparison:
    """Solve a problem in clocks and in normalized cycles: how far is one II from the other?

    Args:
        problem: in clocks (a kernel with ``quantum=1``).
        limit, reading: of the normalization.
        time_limit: wall seconds for each of the two searches.
        solve: another search; default: the smallest II of the modulo problem.

    Raises:
        OptionError: as :func:`normalized_problem`.
    """
    from twill_ilp import search

    options = SearchOptions(stage="modulo", levels=("ii",), time_limit=time_limit)
    find = solve or (lambda p: search.solve(p, options))
    small, answer = normalized_problem(problem, limit=limit, reading=reading)
    raw, normalized = find(problem), find(small)
    bracket = None
    if normalized.status == "optimal" and normalized.ii is not None:
        bracket = _bracket(problem, answer, normalized.ii)
    return Comparison(raw, normalized, answer, bracket)


def utilization(problem: Problem, ii: float, unit: str = "TC") -> float:
    """Share of the steady state for which a unit is busy; 0 if the machine lacks it.

    Args:
        problem: in clocks.
        ii: in clocks, for instance :attr:`Comparison.estimate`.
    """
    capacity = problem.machine.units.get(unit)
    return unit_work(problem.graph).get(unit, 0) / (capacity * ii) if capacity else 0.0


def _bracket(problem: Problem, answer: Normalization, ii: int) -> tuple[int, int] | None:
    """See :class:`Comparison`."""
    if answer.collapsed or any(row.start for op in problem.graph for row in op.usage):
        return None
    ratios = [
        Fraction(cost, value)
        for cost, value in zip(answer.costs, answer.normalized, strict=True)
        if cost
    ]
    return floor(min(ratios) * (ii - 1)) + 1, ceil(max(ratios) * ii)


def _operation(op: Operation, value: dict[int, int], scale: Fraction) -> Operation:
    rows: list[tuple[Usage, Usage]] = []
    for row in sorted(op.usage, key=lambda row: row.start):
        before = [new.end for old, new in rows if old.unit == row.unit and old.end <= row.start]
        length = value[row.cycles]
        if length:  # the literal reading may leave nothing
            start = max([value[row.start], *before])
            rows.append((row, replace(row, start=start, cycles=length)))
    ends = [new.end for old, new in rows if old.end <= op.cycles]
    cycles = max([value[op.cycles], *ends])
    # An issue that is shorter than the work is a few instructions, far below one cycle.
    short = min(op.issue, max(1, round(op.issue / scale)))
    return replace(
        op,
        usage=tuple(new for _, new in rows),
        cycles=cycles,
        issue=cycles if op.issue == op.cycles else short,
        spill=value[op.spill],
    )


def _delay(e: Dependence, old: Operation, new: Operation, value: dict[int, int]) -> int:
    """The normalized delay; whoever waited for the end of the source still does."""
    least = new.cycles if old.cycles <= e.delay else 0
    return max(value[e.delay], least)
