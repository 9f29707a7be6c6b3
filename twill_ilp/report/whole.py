"""Whole reports: of a schedule, and of a result with its proof."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from textwrap import fill, indent

from twill_ilp.graph import Operation
from twill_ilp.lifetimes import DEFAULT_READINGS
from twill_ilp.report.groups import buffer_line, group_line, group_table
from twill_ilp.report.headline import headline
from twill_ilp.report.proof import proof_table
from twill_ilp.report.reservation import legend, reservation_table
from twill_ilp.report.table import WIDTH, Table, printable
from twill_ilp.rules import Readings
from twill_ilp.schedule import Result, Schedule

__all__ = [
    "operation_table",
    "result_html",
    "result_text",
    "schedule_html",
    "schedule_text",
]

INSET = "  "
SPENT = (("build", "building"), ("solve", "solver"))
USED = (
    ("method", "method "),
    ("formulation", "formulation "),
    ("highs", "HiGHS "),
    ("seed", "seed "),
)


def operation_table(schedule: Schedule) -> Table:
    """One row per operation by start; start, slot and cycles in cycles."""
    grouped = bool(schedule.group)
    rows = tuple(
        (
            op.name,
            *([str(schedule.group[op.name])] if grouped else []),
            str(schedule.start[op.name]),
            str(schedule.stage(op.name)),
            str(schedule.slot(op.name)),
            str(op.cycles),
            _units(op),
        )
        for op in sorted(schedule.graph, key=lambda op: schedule.start[op.name])
    )
    groups = ("group",) if grouped else ()
    header = ("operation", *groups, "start", "stage", "slot", "cycles", "units")
    return Table(header, rows, frozenset(range(1, len(header) - 1)))


def schedule_text(
    schedule: Schedule, width: int = WIDTH, readings: Readings = DEFAULT_READINGS
) -> str:
    """The operations, the warp groups if there are any, and the modulo reservation table.

    In at most ``width`` columns; ``readings`` say how long a value lives.
    """
    table = reservation_table(schedule)
    units = len(table.header) > 1
    parts = [
        f"One iteration: L = {schedule.length} cycles, {_stages(schedule)}",
        _inset(operation_table(schedule), width),
        "",
        *(_groups_text(schedule, width, readings) if schedule.group else ()),
        f"Steady state: II = {schedule.ii} cycles{f' ({legend(schedule)})' if units else ''}",
        _inset(table, width) if units else f"{INSET}no unit is used",
    ]
    return "\n".join(parts)


def result_text(result: Result, width: int = WIDTH) -> str:
    """Headline, schedule, proof and cost of a result, in at most ``width`` columns."""
    parts = [headline(result)]
    if result.schedule:
        parts.append(schedule_text(result.schedule, width, _readings(result)))
    parts.append(f"{_title(result)}\n{_inset(proof_table(result), width)}")
    if spent := _spent(result):
        parts.append(fill(spent, width))
    return "\n\n".join(parts)


def schedule_html(schedule: Schedule, readings: Readings = DEFAULT_READINGS) -> str:
    """The warp groups, the modulo reservation table, and the operations to unfold."""
    groups = _groups_html(schedule, readings) if schedule.group else ""
    return (
        f"<div>{groups}Steady state: II = {schedule.ii} cycles, L = {schedule.length}, "
        f"{_stages(schedule)}{reservation_table(schedule).html()}"
        f"<details><summary>operations</summary>{operation_table(schedule).html()}</details></div>"
    )


def result_html(result: Result) -> str:
    """Headline, schedule, proof and cost of a result for a notebook; every text is escaped."""
    schedule = schedule_html(result.schedule, _readings(result)) if result.schedule else ""
    return (
        f"<div><b>{escape(headline(result))}</b>{schedule}"
        f"<details open><summary>{_title(result)}</summary>{proof_table(result).html()}</details>"
        f"<small>{escape(_spent(result))}</small></div>"
    )


def _groups_text(schedule: Schedule, width: int, readings: Readings) -> Iterator[str]:
    yield fill(f"Warp groups: {group_line(schedule, readings)}", width, subsequent_indent=INSET)
    yield _inset(group_table(schedule, readings), width)
    if held := buffer_line(schedule, readings):
        yield fill(f"Buffers: {held}", width, subsequent_indent=INSET)
    yield ""


def _groups_html(schedule: Schedule, readings: Readings) -> str:
    held = buffer_line(schedule, readings)
    buffers = f"<div>Buffers: {escape(held)}</div>" if held else ""
    title = escape(group_line(schedule, readings))
    return f"<div>Warp groups: {title}{group_table(schedule, readings).html()}{buffers}</div>"


def _readings(result: Result) -> Readings:
    return result.rules.readings if result.rules else DEFAULT_READINGS


def _inset(table: Table, width: int) -> str:
    return indent(table.text(width - len(INSET)), INSET)


def _stages(schedule: Schedule) -> str:
    return "1 stage" if schedule.stages == 1 else f"{schedule.stages} stages"


def _units(op: Operation) -> str:
    """The units of an operation's reservation table, in order of use."""
    amounts: dict[str, int] = {}
    for row in sorted(op.usage, key=lambda row: row.start):
        amounts[row.unit] = max(amounts.get(row.unit, 0), row.amount)
    return ", ".join(unit if n == 1 else f"{unit} x{n}" for unit, n in amounts.items()) or "-"


def _title(result: Result) -> str:
    levels = [level.certainty for level in result.objective.values()]
    proven = result.status == "infeasible" or all(certainty == "proven" for certainty in levels)
    return "Proof" if proven else "What is proven, and what is not"


def _spent(result: Result) -> str:
    """Seconds, and what spent them; nothing that the result does not say."""
    seconds = {key: f"{value:.2f} s" for key, value in result.seconds.items()}
    parts = [seconds[key] for key in ("total",) if key in seconds]
    parts += [f"{label} {seconds[key]}" for key, label in SPENT if key in seconds]
    used = result.environment
    parts += [f"{label}{used[key]}" for key, label in USED if key in used]
    return printable(", ".join(parts))
