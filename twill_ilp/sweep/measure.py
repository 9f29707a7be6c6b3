"""From a point to a row: build, search, verify, and write down what is known.

This is what a worker process does, once per point.  The row says what is proven and what is only
found; a limit makes it ``unknown``, never ``infeasible``.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from twill_ilp import search
from twill_ilp.effort import Effort, counting
from twill_ilp.errors import DoesNotFitError
from twill_ilp.limits import level_value
from twill_ilp.schedule import Rejection, Result, Schedule
from twill_ilp.sweep.build import Built, build
from twill_ilp.sweep.keys import digest
from twill_ilp.sweep.parameters import Value
from twill_ilp.verify import verify

__all__ = ["RESULTS", "measure_point", "unknown_row"]

Row = dict[str, Any]

RESULTS: Mapping[str, type] = {
    "status": str,
    "reason": str,
    "evidence": str,
    "operations_built": int,
    "mii": int,
    "ii_found": int,
    "ii_bound": int,
    "ii_gap": float,
    "ii_clocks": float,
    "ii_over_mii_clocks": float,
    "tensor_core_utilization": float,
    "length": int,
    "length_bound": int,
    "length_certainty": str,
    "warps_used": int,
    "warps_bound": int,
    "warps_certainty": str,
    "groups_used": int,
    "traffic": int,
    "traffic_bound": int,
    "traffic_certainty": str,
    "seconds_total": float,
    "seconds_build": float,
    "seconds_solve": float,
    "seconds_verify": float,
    "seconds_cpu": float,
    "formulation_used": str,
    "models": int,
    "nodes": int,
    "lp_iterations": int,
    "rows": int,
    "columns": int,
    "rejected": str,
    "schedule": str,
}
"""Columns that :func:`measure_point` fills, with their types; ``None``: not known.

``status``: ``optimal`` (II proven least), ``feasible`` (a verified schedule), ``infeasible``
(proven), ``unknown``.  For a point with a fixed ``ii`` the status is about that II alone, and
``optimal`` means that every smaller II is impossible as well.  ``reason`` says why a question
stayed open.  ``*_bound`` are proven lower bounds.  ``ii_gap`` is (ii_found - ii_bound) /
ii_bound.  ``rows`` and ``columns`` are those of the largest model; the other counts are sums.
"""


def measure_point(point: Mapping[str, Value], folder: Path, keep: bool = False) -> Row:
    """Solve one complete point.

    Args:
        folder: what file names among the parameters are relative to.
        keep: add the result file's content under ``result``.

    Raises:
        TwillError: the package refuses the point, or the solver failed.
    """
    began, cpu = time.perf_counter(), time.process_time()
    try:
        built = build(point, folder)
    except DoesNotFitError as e:
        seconds = time.perf_counter() - began
        return _complete(
            {
                "status": "infeasible",
                "reason": "does not fit",
                "evidence": str(e),
                "seconds_total": seconds,
            }
        )
    prepared = time.perf_counter()
    with counting() as effort:
        result = search.solve(built.problem, built.options)
    solved = time.perf_counter()
    if result.schedule:
        _check(built, result)
    row: Row = _answer(point, result) | _levels(built, result) | _cost(effort, result)
    ended = time.perf_counter()
    row |= {
        "seconds_total": ended - began,
        "seconds_build": prepared - began + result.seconds["build"],
        "seconds_verify": ended - solved,
        "seconds_cpu": time.process_time() - cpu,
    }
    if keep:
        row["result"] = result.to_dict()
    return _complete(row)


def _check(built: Built, result: Result) -> None:
    """Let the verifier judge the answer once more, as a step of its own that is timed."""
    problem, schedule = built.problem, result.schedule
    if schedule and result.rules is not None:
        verify(problem.graph, problem.machine, schedule, result.rules)
    elif schedule:
        verify(problem.graph, problem.machine, schedule)


def unknown_row(reason: str, evidence: str, seconds: float | None = None) -> Row:
    """The row of a point that did not end by itself."""
    return _complete(
        {"status": "unknown", "reason": reason, "evidence": evidence, "seconds_total": seconds}
    )


def _complete(row: Row) -> Row:
    """Every column, in one order; times to the microsecond."""
    rounded = {k: round(v, 6) if isinstance(v, float) else v for k, v in row.items()}
    return {name: None for name in RESULTS} | rounded


def _answer(point: Mapping[str, Value], result: Result) -> Row:
    """Status and reason; a fixed II is judged by itself."""
    status, evidence = str(result.status), ""
    last = result.rejected[-1] if result.rejected else None
    if point["ii"] is not None and result.schedule is None and last and last.proven:
        status = "infeasible"
    level = result.objective.get("ii")
    if last and (status == "infeasible" or (point["ii"] is not None and not result.schedule)):
        evidence = last.evidence
    elif status in ("unknown", "feasible") and level:
        evidence = level.evidence
    return {
        "status": status,
        "reason": _reason(point, result) if status in ("unknown", "feasible") else None,
        "evidence": evidence or None,
    }


def _reason(point: Mapping[str, Value], result: Result) -> str | None:
    """Why II is open: nobody asked, a heuristic cannot tell, or a limit."""
    if point["ii"] is not None and result.schedule:
        return "smaller II not asked"
    return "heuristic" if point["method"] != "ilp" else "time limit"


def _levels(built: Built, result: Result) -> Row:
    schedule, rules = result.schedule, result.rules
    row: Row = {
        "operations_built": len(built.problem.graph),
        "mii": max(result.mii.values()),
        "ii_found": result.ii,
        "rejected": _rejected(result.rejected),
    }
    for name in ("ii", "length", "warps", "traffic"):
        level = result.objective.get(name)
        if level is None:
            continue
        row["ii_bound" if name == "ii" else f"{name}_bound"] = level.bound
        if name != "ii":
            row[f"{name}_certainty"] = level.certainty
    if schedule is None:
        return row
    row |= _scale(built, schedule)
    row["length"] = schedule.length
    row["schedule"] = digest([schedule.ii, dict(schedule.start), dict(schedule.group)])
    if row.get("ii_bound"):
        row["ii_gap"] = (schedule.ii - row["ii_bound"]) / row["ii_bound"]
    if rules is not None:
        row["warps_used"] = level_value("warps", schedule)
        row["traffic"] = level_value("traffic", schedule)
        row["groups_used"] = len(schedule.groups)
    return row


def _scale(built: Built, schedule: Schedule) -> Row:
    """II in clocks, against its bound, and what it means for the tensor core."""
    if built.clocks is None:
        return {}
    clocks = schedule.ii * built.clocks
    row: Row = {"ii_clocks": clocks}
    if built.mii_clocks:
        row["ii_over_mii_clocks"] = clocks / built.mii_clocks
    if built.work:
        capacity = built.problem.machine.units.get("TC", 1)
        row["tensor_core_utilization"] = built.work / (capacity * clocks)
    return row


def _cost(effort: Effort, result: Result) -> Row:
    return {
        "seconds_solve": result.seconds["solve"],
        "formulation_used": result.environment["formulation"],
        "models": effort.models,
        "nodes": effort.nodes,
        "lp_iterations": effort.lp_iterations,
        "rows": effort.rows or None,
        "columns": effort.columns or None,
    }


def _rejected(rejections: Sequence[Rejection]) -> str | None:
    """``7: bound; 8..9: unknown``; the bound holds for everything below it as well."""
    texts = []
    for reason, group in itertools.groupby(rejections, lambda r: r.reason):
        iis = [rejection.ii for rejection in group]
        span = str(iis[0]) if len(iis) == 1 else f"{iis[0]}..{iis[-1]}"
        texts.append(f"{span}: {reason}")
    return "; ".join(texts) or None
