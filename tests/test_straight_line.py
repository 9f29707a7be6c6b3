"""The straight-line program never asks for more than the steady state, and at times for as much."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from joint_oracle import joint_optimum
from strategies import FIGURE_1, random_joint_problem

from twill_ilp.errors import InvalidScheduleError, OptionError
from twill_ilp.graph import Dependence, LoopGraph, Operation, Usage
from twill_ilp.machine import Machine
from twill_ilp.problem import Problem
from twill_ilp.rules import FAMILIES, Readings, Rules
from twill_ilp.schedule import Schedule
from twill_ilp.straight_line import steady_copies, straight_line_violations
from twill_ilp.verify import verify

PAPER = Rules()


def program(
    problem: Problem,
    ii: int,
    start: Mapping[str, int],
    group: Mapping[str, int] | None = None,
    rules: Rules = PAPER,
    copies: int | None = None,
) -> list[str]:
    schedule = Schedule(problem.graph, problem.machine, ii, start, group or {})
    return straight_line_violations(problem.graph, problem.machine, schedule, rules, copies=copies)


def accepted(problem: Problem, schedule: Schedule, rules: Rules) -> bool:
    try:
        verify(problem.graph, problem.machine, schedule, rules)
    except InvalidScheduleError:
        return False
    return True


def loop(*parts: Operation | Dependence, **limits: Any) -> Problem:
    operations = tuple(part for part in parts if isinstance(part, Operation))
    edges = tuple(part for part in parts if isinstance(part, Dependence))
    limits = {"units": {"TC": 1}, **limits}
    return Problem(LoopGraph("by-hand", operations, edges), Machine("m", **limits))


def test_figure_1() -> None:
    """Soi et al. 2026, Fig. 1: 2 copies; in cycle 2 the first O would meet the second S."""
    assert program(FIGURE_1, 2, {"S": 0, "P": 2, "O": 3}) == []
    assert program(FIGURE_1, 2, {"S": 0, "P": 1, "O": 2}) == [
        "TC: cycle 2 holds 2 of capacity 1 in 2 copies at II=2"
    ]
    assert program(FIGURE_1, 2, {"S": 5, "P": 5, "O": 8}) == [
        "S[0] -> P[0]: starts in cycle 0, before cycle 1 (delay 1 and spill 0) in 2 copies at II=2"
    ]


def test_no_copies() -> None:
    with pytest.raises(OptionError, match=r"^copies is 0; give a whole number >= 1$"):
        program(FIGURE_1, 2, {"S": 0, "P": 2, "O": 3}, copies=0)


A, B = Operation("A", cycles=1), Operation("B", cycles=1)


def test_values_die_at_their_last_use() -> None:
    """Two values of A in cycle 2 of slots 0 and 1: live from 0 to 3 and from 2 to 5."""
    held = loop(replace(A, footprint={"smem": 2}), B, Dependence("A", "B", 3), memories={"smem": 3})
    group = {"A": 0, "B": 0}
    assert program(held, 2, {"A": 0, "B": 3}, group) == [
        "memory smem: cycle 2 holds 4 of 3 (A[0], A[1]) in 2 copies at II=2"
    ]
    assert program(held, 3, {"A": 0, "B": 3}, group) == []
    completion = Rules(readings=Readings(liveness="completion"))
    assert program(held, 3, {"A": 0, "B": 3}, group, completion) == [
        "memory smem: cycle 3 holds 4 of 3 (A[0], A[1]) in 2 copies at II=3"
    ]


def test_registers_spills_warps_and_groups() -> None:
    value = replace(A, registers=33, spill=1, variable_latency=True, warps=2)
    handed = loop(value, B, Dependence("B", "A", 0, 9), Dependence("A", "B", 1))
    assert program(handed, 2, {"A": 0, "B": 2}, {"A": 0, "B": 1}) == []
    assert program(handed, 2, {"A": 0, "B": 1}, {"A": 0, "B": 1}) == [
        "A[0] -> B[0]: starts in cycle 1, before cycle 2 (delay 1 and spill 1) in 1 copy at II=2"
    ]
    tight = replace(handed, machine=Machine("m", {}, warps=2, registers_per_thread=1))
    assert program(tight, 1, {"A": 0, "B": 2}, {"A": 1, "B": 0}) == [
        "registers of group 1: cycle 1 holds 34 of 32 (A[0], A[1]) in 3 copies at II=1",
        "warps: 3 of budget 2 in 3 copies at II=1",
        "A: variable latency in group 1 in 3 copies at II=1",
        "B: fixed latency in group 0 in 3 copies at II=1",
    ]


def test_a_wait_meets_an_operation_in_progress() -> None:
    waits = loop(A, B, Operation("C", cycles=2), Dependence("A", "B", 1, blocking=True))
    group = dict.fromkeys("ABC", 0)
    assert program(waits, 3, {"A": 0, "B": 1, "C": 3}, group) == [
        "B[1]: waits in cycle 4 while C[0] of group 0 is in progress in 2 copies at II=3"
    ]
    assert program(waits, 3, {"A": 0, "B": 1, "C": 2}, group) == []


def test_weaker_where_values_are_carried() -> None:
    """A's value is used 2 iterations later, in a copy that the program of length 1 lacks."""
    carried = loop(
        replace(A, footprint={"smem": 1}), Dependence("A", "A", 0, 2), memories={"smem": 1}
    )
    schedule = Schedule(carried.graph, carried.machine, 1, {"A": 0}, {"A": 0})
    assert program(carried, 1, {"A": 0}, {"A": 0}) == []
    assert not accepted(carried, schedule, PAPER)
    assert steady_copies(carried.graph, schedule) == 4
    assert program(carried, 1, {"A": 0}, {"A": 0}, copies=4) == [
        "memory smem: cycle 1 holds 2 of 1 (A[0], A[1]) in 4 copies at II=1"
    ]


def test_weaker_where_a_unit_is_held_beyond_the_length() -> None:
    """The length counts 1 cycle, so one copy is all; the unit is held for 2."""
    held = loop(Operation("A", usage=(Usage("TC", 2),), cycles=1))
    schedule = Schedule(held.graph, held.machine, 1, {"A": 0})
    assert program(held, 1, {"A": 0}) == []
    assert not accepted(held, schedule, PAPER)
    assert program(held, 1, {"A": 0}, copies=steady_copies(held.graph, schedule)) == [
        "TC: cycle 1 holds 2 of capacity 1 in 2 copies at II=1"
    ]


def schedules(rng: random.Random, problem: Problem, rules: Rules) -> Iterator[Schedule]:
    """An optimum if there is one, that with a start or a group moved, and random ones."""
    names = [op.name for op in problem.graph]
    varying = {op.name for op in problem.graph if op.variable_latency}
    best = joint_optimum(problem, rules, max_ii=5)
    if best is not None:
        yield Schedule(problem.graph, problem.machine, best.ii, best.start, best.group)
        for name in names:
            start = {**best.start, name: best.start[name] + rng.randint(0, 2 * best.ii)}
            yield Schedule(problem.graph, problem.machine, best.ii, start, best.group)
            group = {**best.group, name: rng.randint(0, 2)}
            yield Schedule(problem.graph, problem.machine, best.ii, best.start, group)
    for _ in range(4):
        ii = rng.randint(1, 8)
        start = {name: rng.randint(0, 2 * ii) for name in names}
        group = {name: 0 if name in varying else rng.randint(1, 2) for name in names}
        yield Schedule(problem.graph, problem.machine, ii, start, group)


@pytest.mark.parametrize("block", range(5))
def test_never_stricter_than_the_steady_state_and_as_strict_with_enough_copies(block: int) -> None:
    """On 500 loops; the default number of copies is often enough, and often not."""
    seen: Counter[str] = Counter()
    for seed in range(100 * block, 100 * block + 100):
        rng = random.Random(seed)
        problem = random_joint_problem(rng, 5)
        readings = Readings(
            hold=rng.choice(("issue", "cycles")), liveness=rng.choice(("issue", "completion"))
        )
        rules = Rules(tuple(f for f in FAMILIES if rng.random() < 0.9), readings)
        for schedule in schedules(rng, problem, rules):
            exact = accepted(problem, schedule, rules)
            literal = not straight_line_violations(problem.graph, problem.machine, schedule, rules)
            enough = steady_copies(problem.graph, schedule, rules)
            for copies in (enough, enough + 1):
                found = straight_line_violations(
                    problem.graph, problem.machine, schedule, rules, copies=copies
                )
                assert (not found) == exact, (seed, schedule.start, schedule.group, found)
            assert literal or not exact
            if schedule.stages >= enough:
                assert literal == exact
                seen["complete, accepted" if exact else "complete, rejected"] += 1
            else:
                seen["weaker" if literal and not exact else "cut short, but equal"] += 1
    assert len(seen) == 4 and min(seen.values()) >= 5, seen
