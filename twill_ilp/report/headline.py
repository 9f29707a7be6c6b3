"""A result in one line."""

from __future__ import annotations

from twill_ilp.problem import Problem
from twill_ilp.report.table import printable
from twill_ilp.schedule import Level, Result

__all__ = ["headline", "subject"]


def headline(result: Result) -> str:
    """For example ``fig1: II = 2 (optimal), L = 4 (proven), MII = 2 (ResMII 2, RecMII 1)``.

    II and L are in cycles.
    """
    parts = [_interval(result)]
    if result.schedule and "length" in result.objective:
        parts.append(f"L = {result.length} ({_length(result.objective['length'])})")
    res, rec = result.mii["res"], result.mii["rec"]
    parts.append(f"MII = {max(res, rec)} (ResMII {res}, RecMII {rec})")
    return f"{subject(result.problem)}: {', '.join(parts)}"


def subject(problem: Problem) -> str:
    """The loop and its machine, unless that is named after the loop."""
    loop, machine = problem.name, problem.machine.name
    return printable(loop if machine == loop else f"{loop} on {machine}")


def _interval(result: Result) -> str:
    level = result.objective.get("ii", Level("unknown"))
    proven = "" if level.bound is None else f", >= {level.bound} proven"
    last = result.rejected[-1].ii if result.rejected else 0
    match result.status:
        case "optimal":
            return f"II = {result.ii} (optimal)"
        case "feasible":
            return f"II = {result.ii} (found{proven})"
        case "infeasible":
            return f"no schedule up to II = {last} (proven)"
        case "unknown":
            return f"no schedule found up to II = {last} (unknown{proven})"


def _length(level: Level) -> str:
    if level.certainty == "skipped":
        return "not minimised"
    if level.certainty == "found" and level.bound is not None:
        return f"found, >= {level.bound} proven"
    return level.certainty
