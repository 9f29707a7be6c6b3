"""A result in one line."""

from __future__ import annotations

from twill_ilp.lifetimes import traffic
from twill_ilp.problem import Problem
from twill_ilp.report.table import printable
from twill_ilp.schedule import Level, Result, Schedule

__all__ = ["headline", "level_value", "ranking", "subject"]

GROUPED = ("warps", "traffic")
"""Levels that every schedule with warp groups has a value of."""


def headline(result: Result) -> str:
    """For example ``fig1: II = 2 (optimal), L = 4 (proven), MII = 2 (ResMII 2, RecMII 1)``.

    II and L are in cycles; with warp groups ``13 warps in 5 groups (proven)`` and ``traffic 256
    words (found, >= 0 proven)`` follow, or precede L if they come first in the objective.
    """
    parts = [_interval(result)]
    if schedule := result.schedule:
        parts += [
            f"{_amount(name, level, schedule)} ({_certainty(level)})"
            for name, level in ranking(result)
        ]
    res, rec = result.mii["res"], result.mii["rec"]
    parts.append(f"MII = {max(res, rec)} (ResMII {res}, RecMII {rec})")
    return f"{subject(result.problem)}: {', '.join(parts)}"


def subject(problem: Problem) -> str:
    """The loop and its machine, unless that is named after the loop."""
    loop, machine = problem.name, problem.machine.name
    return printable(loop if machine == loop else f"{loop} on {machine}")


def ranking(result: Result) -> list[tuple[str, Level]]:
    """The levels after II, most important first; those that nobody asked for count as skipped."""
    levels = {name: level for name, level in result.objective.items() if name != "ii"}
    if result.schedule and result.schedule.group:
        for name in GROUPED:
            levels.setdefault(name, Level("skipped"))
    return list(levels.items())


def level_value(name: str, level: Level, schedule: Schedule) -> int | None:
    """What the schedule has of a level: cycles, warps, or 32-bit words."""
    match name:
        case "length":
            return schedule.length
        case "warps" if schedule.group:
            return sum(group.warps for group in schedule.groups)
        case "traffic" if schedule.group:
            return traffic(schedule)
    return level.value


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


def _amount(name: str, level: Level, schedule: Schedule) -> str:
    value = level_value(name, level, schedule)
    match name:
        case "length":
            return f"L = {value}"
        case "warps":
            groups = len(schedule.groups)
            return f"{_plural(value, 'warp')} in {_plural(groups, 'group')}"
        case "traffic":
            return f"traffic {_plural(value, 'word')}"
    return f"{name} {value}"


def _plural(number: int | None, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _certainty(level: Level) -> str:
    if level.certainty == "skipped":
        return "not minimised"
    if level.certainty == "found" and level.bound is not None:
        return f"found, >= {level.bound} proven"
    return level.certainty
