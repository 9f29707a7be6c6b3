"""Rows that sum over the members of a group, at given starts and groups."""

from __future__ import annotations

import random
from dataclasses import replace

from strategies import random_joint_problem

from twill_ilp import InvalidScheduleError, LoopGraph, Problem, Schedule
from twill_ilp.bounds import rec_mii
from twill_ilp.ilp import JointFamily, build_joint_model, timeline
from twill_ilp.ilp.concurrency import add_concurrency
from twill_ilp.ilp.groups import add_groups
from twill_ilp.ilp.joint import JointModel
from twill_ilp.ilp.placement import placement
from twill_ilp.ilp.slots import add_slots
from twill_ilp.outcome import SolveStatus
from twill_ilp.rules import Readings, Rules
from twill_ilp.solver import run
from twill_ilp.verify import check_capacity, check_concurrency


def random_loop(rng: random.Random) -> Problem:
    """Five operations at most, all with registers: any of them may be alone in its group."""
    problem = random_joint_problem(rng, 5)
    operations = [replace(op, registers=max(1, op.registers)) for op in problem.graph]
    graph = LoopGraph("loop", tuple(operations), problem.graph.dependences)
    return Problem(graph, problem.machine)


def placed(problem: Problem, rules: Rules, schedule: Schedule, *more: JointFamily) -> JointModel:
    """A model of starts and groups alone, or with more, fixed to the schedule."""
    line = timeline(problem.graph, problem.machine, rules, schedule.ii)
    windows = [(0, 3 * schedule.ii - 1)] * len(problem.graph)
    model = build_joint_model(
        line, problem.machine, (add_slots, add_groups, *more), windows=windows
    )
    for v, op in enumerate(problem.graph):
        model.lp += model.start[v] == schedule.start[op.name]
    for u, first in enumerate(problem.graph):
        for v, second in enumerate(problem.graph.operations[:u]):
            together = schedule.group[first.name] == schedule.group[second.name]
            model.require(model.same(v, u) == int(together), f"fixed_{v}_{u}")
    return model


def test_concurrency_rows_hold_exactly_where_the_verifier_accepts() -> None:
    answers = {True: 0, False: 0}
    for seed in range(300):
        rng = random.Random(seed)
        problem = random_loop(rng)
        rules = Rules(("concurrency",), Readings(hold=rng.choice(("issue", "cycles"))))
        ii = rec_mii(problem.graph).ii + rng.randint(2, 5)
        start = {op.name: rng.randrange(3 * ii) for op in problem.graph}
        group = {op.name: rng.randrange(3) for op in problem.graph}
        schedule = Schedule(problem.graph, problem.machine, ii, start, group)
        try:
            check_capacity(problem.graph, problem.machine, schedule, rules)
        except InvalidScheduleError:
            continue
        try:
            check_concurrency(problem.graph, problem.machine, schedule, rules)
            valid = True
        except InvalidScheduleError:
            valid = False
        outcome = run(placed(problem, rules, schedule, add_concurrency).lp)
        assert (outcome.status is SolveStatus.OPTIMAL) is valid, seed
        answers[valid] += 1
    assert min(answers.values()) > 40, answers


def test_a_placement_is_the_product_of_group_and_slot() -> None:
    for seed in range(20):
        rng = random.Random(seed)
        problem = random_loop(rng)
        rules = Rules(())
        ii = rec_mii(problem.graph).ii + 2
        start = {op.name: rng.randrange(3 * ii) for op in problem.graph}
        group = {op.name: rng.randrange(3) for op in problem.graph}
        model = placed(problem, rules, Schedule(problem.graph, problem.machine, ii, start, group))
        events = {
            (v, g): placement(model, v, g)
            for v in range(len(problem.graph))
            for g in range(len(model.slots))
        }
        values = run(model.lp).values

        def number(term: object, values: dict[str, float] = values) -> float:
            return term if isinstance(term, int) else values[term.name]  # type: ignore[attr-defined]

        for (v, g), event in events.items():
            slot = start[problem.graph.operations[v].name] % ii
            inside = number(model.member[v][g])
            for first in range(ii):
                within = event.within(first, first + 1)
                count = within.constant + sum(c * number(x) for x, c in within.terms.items())
                assert count == inside * (slot in (first, (first + 1) % ii)), (seed, v, g, first)
