"""What the figures draw, before any drawing: stretches of cycles packed into rows.

Pure data, no matplotlib.  All times are cycles; a stretch is half open, [begin, end).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from twill_ilp.problem import Problem
from twill_ilp.schedule import Schedule

__all__ = [
    "Bar",
    "Lane",
    "Span",
    "pack",
    "spans_without_unit",
    "unit_amounts",
    "unit_label",
    "unit_spans",
    "units_in_use",
    "wrap",
]

MAX_HEIGHT = 4  # rows; those of a wider unit get thinner instead


@dataclass(frozen=True, slots=True)
class Span:
    """``operation`` holds ``amount`` of one unit from cycle ``begin`` up to ``end``.

    ``wraps_in`` and ``wraps_out`` say that the span goes on before or after this piece.
    """

    operation: str
    begin: int
    end: int
    amount: int = 1
    wraps_in: bool = False
    wraps_out: bool = False

    @property
    def cycles(self) -> int:
        """Length in cycles."""
        return self.end - self.begin


@dataclass(frozen=True, slots=True)
class Bar:
    """A span on the ``rows`` adjacent rows of a lane that begin at ``row``."""

    span: Span
    unit: str
    row: int
    rows: int = 1

    def delayed(self, cycles: int) -> Bar:
        """The same bar, ``cycles`` later."""
        begin, end = self.span.begin + cycles, self.span.end + cycles
        return replace(self, span=replace(self.span, begin=begin, end=end))

    def enlarged(self, factor: int, offset: int) -> Bar:
        """The same bar where every row became ``factor`` rows, below ``offset`` others."""
        return replace(self, row=offset + self.row * factor, rows=self.rows * factor)


@dataclass(frozen=True, slots=True)
class Lane:
    """A labelled band of ``rows`` equal rows, as high as ``height`` common rows of a figure."""

    label: str
    bars: tuple[Bar, ...]
    rows: int
    height: int


def units_in_use(problem: Problem | Schedule) -> list[str]:
    """The graph's units in the machine's order."""
    order = dict.fromkeys((*problem.machine.units, *problem.graph.units))
    return [unit for unit in order if unit in problem.graph.units]


def unit_spans(schedule: Schedule, unit: str) -> list[Span]:
    """The reservation-table rows of iteration 0 on ``unit``."""
    return [
        Span(op.name, begin := schedule.start[op.name] + row.start, begin + row.cycles, row.amount)
        for op in schedule.graph
        for row in op.usage
        if row.unit == unit
    ]


def unit_amounts(schedule: Schedule, unit: str) -> list[int]:
    """Amount of ``unit`` in use in every slot of the steady state."""
    amounts = [0] * schedule.ii
    for span in unit_spans(schedule, unit):
        for piece in wrap(span, schedule.ii):
            for slot in range(piece.begin, piece.end):
                amounts[slot] += piece.amount
    return amounts


def unit_label(schedule: Schedule, unit: str) -> str:
    """The unit, and its capacity where that is above 1."""
    capacity = schedule.machine.units.get(unit, 1)
    return unit if capacity == 1 else f"{unit} \N{MULTIPLICATION SIGN}{capacity}"


def spans_without_unit(schedule: Schedule) -> list[Span]:
    """Operations of iteration 0 that take time but use no unit."""
    return [
        Span(op.name, begin := schedule.start[op.name], begin + op.cycles)
        for op in schedule.graph
        if op.cycles > 0 and not op.usage
    ]


def wrap(span: Span, ii: int) -> Iterator[Span]:
    """Cut a span at the multiples of ``ii`` and lay the pieces over [0, ii)."""
    begin = span.begin
    while begin < span.end:
        end = min(span.end, (begin // ii + 1) * ii)
        slot = begin % ii
        yield replace(
            span,
            begin=slot,
            end=slot + end - begin,
            wraps_in=begin > span.begin,
            wraps_out=end < span.end,
        )
        begin = end


def pack(label: str, spans: Iterable[Span], unit: str = "", capacity: int = 1) -> Lane:
    """Give every span as many free rows as its amount, earliest first.

    Taken by begin, spans never need more rows than are busy at once (the left-edge
    algorithm), so ``capacity`` rows do for a valid schedule; more are added where it is
    over-subscribed.  An operation returns to the rows it had if they are free.
    """
    bars: list[Bar] = []
    busy_until: list[int | None] = [None] * capacity
    home: dict[str, set[int]] = {}
    for span in sorted(spans, key=lambda span: (span.begin, not span.wraps_in)):
        free = [row for row, end in enumerate(busy_until) if end is None or end <= span.begin]
        missing = range(len(busy_until), len(busy_until) + span.amount - len(free))
        busy_until += [None] * len(missing)
        last = home.get(span.operation, set())
        taken = sorted((*free, *missing), key=lambda row: (row not in last, row))[: span.amount]
        home[span.operation] = set(taken)
        for row in taken:
            busy_until[row] = span.end
        bars += (Bar(span, unit, row, rows) for row, rows in _runs(sorted(taken)))
    rows = len(busy_until)
    return Lane(label, tuple(bars), rows, min(rows, MAX_HEIGHT))


def _runs(rows: list[int]) -> list[tuple[int, int]]:
    """(first, count) of every run of consecutive numbers in the sorted ``rows``."""
    runs: list[tuple[int, int]] = []
    for row in rows:
        if runs and sum(runs[-1]) == row:
            runs[-1] = (runs[-1][0], runs[-1][1] + 1)
        else:
            runs.append((row, 1))
    return runs
