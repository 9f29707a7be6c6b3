"""Programs to compare a joint schedule with: what each step of the optimization is worth.

Each is a schedule with warp groups for :func:`twill_ilp.simulate.simulate`, made without the joint
problem, so it may break its rules: :func:`broken_rules` says which.  Where a rule about space is
broken (registers, memory), a real program would spill, and the simulated rate is too good.

==================== ============================================= ==============================
name                 order of the instructions                     groups
==================== ============================================= ==============================
program order        one iteration after the other, list-scheduled one
+ loads apart        the same                                      loads; all the rest
modulo, one group    the modulo ILP's                              one
modulo, loads apart  the modulo ILP's                              loads; all the rest
IMS, loads apart     iterative modulo scheduling's                 loads; all the rest
SMS, loads apart     swing modulo scheduling's                     loads; all the rest
==================== ============================================= ==============================

Loads apart, everything else together: the producer and the consumer of the usual warp-specialized
kernel.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from twill_ilp.bounds import sufficient_ii
from twill_ilp.errors import InvalidScheduleError
from twill_ilp.heuristics import iterative_modulo_schedule, schedule_upwards
from twill_ilp.problem import Problem
from twill_ilp.rules import Rules
from twill_ilp.schedule import Schedule
from twill_ilp.verify import JOINT_CHECKS

__all__ = ["baselines", "broken_rules", "in_groups", "loads_apart", "one_group", "unpipelined"]

DEFAULT = Rules()


def baselines(problem: Problem, modulo: Schedule | None) -> dict[str, Schedule]:
    """The programs of the table above that exist, by name.

    Args:
        problem: loop and machine.
        modulo: a schedule of the modulo stage, such as ``solve(problem,
            SearchOptions(stage="modulo"))`` has; ``None`` leaves its two programs out.
    """
    last = sufficient_ii(problem.graph)
    orders = {
        "program order": unpipelined(problem),
        "modulo": modulo,
        "IMS": schedule_upwards(problem, "ims", last),
        "SMS": schedule_upwards(problem, "sms", last),
    }
    programs = {}
    for name, schedule in orders.items():
        if schedule is None:
            continue
        if name in ("program order", "modulo"):
            programs[f"{name}, one group"] = in_groups(schedule, one_group(problem))
        if len(set(loads_apart(problem).values())) > 1:
            programs[f"{name}, loads apart"] = in_groups(schedule, loads_apart(problem))
        elif name not in ("program order", "modulo"):
            programs[f"{name}, one group"] = in_groups(schedule, one_group(problem))
    return programs


def unpipelined(problem: Problem) -> Schedule | None:
    """One iteration after the other: the list schedule of one, and an II as long as it.

    ``None`` if the list scheduler gives up, which proves nothing.
    """
    schedule = iterative_modulo_schedule(problem, sufficient_ii(problem.graph))
    return schedule and replace(schedule, ii=max(schedule.ii, schedule.length))


def one_group(problem: Problem) -> dict[str, int]:
    """Every operation in group 0."""
    return {op.name: 0 for op in problem.graph}


def loads_apart(problem: Problem) -> dict[str, int]:
    """Operations of variable latency in group 0 and all others in group 1.

    On a machine without any (copies that the warps issue themselves), those that wait for nobody
    and fill a buffer stand for them.
    """
    graph = problem.graph
    loads = {op.name for op in graph if op.variable_latency}
    if not loads:
        waiting = {e.dst for e in graph.dependences}
        loads = {op.name for op in graph if any(op.footprint.values()) and op.name not in waiting}
    if not loads or len(loads) == len(graph):
        return one_group(problem)
    return {op.name: 0 if op.name in loads else 1 for op in graph}


def in_groups(schedule: Schedule, groups: Mapping[str, int]) -> Schedule:
    """The same starts, forced into these groups, whatever the rules say to that."""
    return replace(schedule, group=dict(groups))


def broken_rules(schedule: Schedule, rules: Rules = DEFAULT) -> tuple[str, ...]:
    """Families that a schedule with groups breaks; ``starts`` stands for delays and units."""
    broken: dict[str, None] = {}
    for family, check in JOINT_CHECKS:
        if family and family not in rules:
            continue
        try:
            check(schedule.graph, schedule.machine, schedule, rules)
        except InvalidScheduleError:
            broken[family or "starts"] = None
    return tuple(broken)
