"""Packing: schedules are packings, and what has no packing has no schedule."""

from __future__ import annotations

import pytest
from instances import random_instance
from joint_oracle import joint_at
from test_enumeration import models_of
from tightening import answered, tight_line

from twill_ilp import Dependence, LoopGraph, Machine, Operation, Problem, Schedule, Usage
from twill_ilp.ilp import Timeline
from twill_ilp.ilp.packing import Packing, build_packing
from twill_ilp.limits import Limits
from twill_ilp.outcome import SolveStatus
from twill_ilp.rules import Rules
from twill_ilp.solver import run


def packing_of(problem: Problem, line: Timeline) -> Packing | None:
    return None if line.conflict else build_packing(line, problem.machine)


def fits(problem: Problem, ii: int) -> bool:
    packing = packing_of(problem, tight_line(problem.graph, problem.machine, Rules(), ii))
    return packing is not None and run(packing.lp).status is not SolveStatus.INFEASIBLE


def broken_rows(packing: Packing, schedule: Schedule) -> list[str]:
    """Rows that the schedule violates, rotated so that an operation of the rarest type is first."""
    starts = {t: [schedule.start[name] for name in names] for t, names in packing.members.items()}
    (rarest,) = (t for t in starts if packing.starts(t, 0, 1)[0].lowBound)
    values: dict[str, int] = {}
    for t, cycles in starts.items():
        for cycle in cycles:
            slot = packing.starts(t, cycle - min(starts[rarest]), 1)[0].name
            values[slot] = values.get(slot, 0) + 1
    assert values[packing.starts(rarest, 0, 1)[0].name] >= 1
    broken = []
    for row in packing.lp.constraints():
        rest = row.constant + sum(factor * values.get(x.name, 0) for x, factor in row.items())
        if rest > 0 or (row.sense == 0 and rest):
            broken.append(row.name)
    return broken


def test_every_schedule_is_a_packing() -> None:
    rows = refuted = 0
    for problem, _, ii, found, line in answered(400):
        packing = packing_of(problem, line)
        if packing is None or not packing.members:
            continue
        if found:
            assert not broken_rows(packing, found), (problem, ii)
            rows += sum("wait" in row.name for row in packing.lp.constraints())
        else:
            refuted += run(packing.lp).status is SolveStatus.INFEASIBLE
    assert rows > 500 and refuted > 50, (rows, refuted)


def one_group(second: int, third: int) -> Problem:
    """In the one group that there are warps for, b, c and d wait for a; all use the unit."""
    ops = (
        Operation("a", cycles=1, usage=(Usage("U", 1),)),
        Operation("b", cycles=2, usage=(Usage("U", 2),)),
        Operation("c", cycles=second, usage=(Usage("U", second),)),
        Operation("d", cycles=third),
    )
    edges = tuple(Dependence("a", name, 1, blocking=True) for name in "bcd")
    return Problem(LoopGraph("four", ops, edges), Machine("m", {"U": 1}, warps=1))


@pytest.mark.parametrize(
    ("second", "third", "least"),
    [
        (2, 1, 6),  # U is busy for 5 cycles, and free while d waits
        (2, 3, 7),  # d waits in one, and is in progress in two in which none of the others begins
        (3, 3, 8),
    ],
)
def test_waiting_takes_the_unit(second: int, third: int, least: int) -> None:
    problem = one_group(second, third)
    for ii in range(5, 10):
        assert fits(problem, ii) == (ii >= least) == (joint_at(problem, ii, Rules()) is not None), (
            ii
        )


def test_two_copies_that_do_not_fit_whoever_is_where() -> None:
    """The tree learns one order of the products after the other; as types they do not fit."""
    instance = random_instance(140)
    models = models_of(instance.problem, instance.rules, 26)
    refuted = models.packed(Limits(), 60)
    assert refuted.proven and refuted.evidence.startswith("packing of 9 types of operations, inf")
    fitting = models_of(instance.problem, instance.rules, 28)
    for _ in range(2):
        assert not fitting.packed(Limits(), 60).proven
    assert len(fitting._fitting) == 1


def test_what_does_not_wait_may_run_side_by_side() -> None:
    """Two operations of a group without a unit, held for 3 of 4 cycles, and one that waits."""
    ops = (
        Operation("a", cycles=1, usage=(Usage("U", 1),)),
        *(Operation(name, cycles=3) for name in "bc"),
    )
    for waits in (False, True):
        edges = (Dependence("a", "b", 1, blocking=waits), Dependence("a", "c", 1))
        problem = Problem(LoopGraph("three", ops, edges), Machine("m", {"U": 1}, warps=1))
        assert fits(problem, 4) and joint_at(problem, 4, Rules())
