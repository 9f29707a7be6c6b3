"""Partitions that the relaxed joint model names, one after the other, against brute force."""

from __future__ import annotations

import random
from collections.abc import Mapping
from itertools import islice

from joint_oracle import joint_at
from strategies import random_joint_problem
from test_joint_exactness import random_rules

from twill_ilp import SearchOptions
from twill_ilp.bounds import rec_mii
from twill_ilp.descent import Verdict
from twill_ilp.guided import guided
from twill_ilp.ilp import build_joint_model, exclude_partition, joint_families, timeline
from twill_ilp.inquiry import Inquiry
from twill_ilp.limits import Limits
from twill_ilp.options import Session
from twill_ilp.rules import Rules, effective_graph
from twill_ilp.solver import SolveStatus, run


def test_they_find_a_schedule_or_refute_all_that_are_left() -> None:
    """Nothing but the relaxation, exclusions and given partitions, at every II of small loops."""
    answers = {True: 0, False: 0}
    excluded = 0
    for seed in range(80):
        rng = random.Random(seed)
        problem, rules = random_joint_problem(rng, 6), random_rules(rng)
        least = rec_mii(effective_graph(problem.graph, rules)).ii
        for ii in range(least, 6):
            inquiry = Inquiry(problem, rules, ii, Session(SearchOptions(rules=rules)))
            verdicts = list(guided(inquiry, Limits(), []))
            possible = joint_at(problem, ii, rules) is not None
            assert verdicts[-1].proven, (seed, ii)
            assert (verdicts[-1].schedule is not None) is possible, (seed, ii)
            answers[possible] += 1
            excluded += len(verdicts) > 1
            if possible:
                break
    assert min(answers.values()) > 20 and excluded > 8, (answers, excluded)


def test_an_undecided_partition_leaves_the_question_open() -> None:
    problem = random_joint_problem(random.Random(3), 4)
    rules = Rules(("spills",), max_groups=1)
    inquiry = Inquiry(problem, rules, 12, Session(SearchOptions(rules=rules)))
    asked = []

    def out_of_time(limits: Limits, partition: Mapping[str, int], seconds: float) -> Verdict:
        asked.append(seconds)
        return Verdict(None, False, "time limit")

    inquiry.by_either = out_of_time  # type: ignore[method-assign, assignment]
    for verdict in islice(guided(inquiry, Limits(), []), 3):
        assert verdict.schedule is None and not verdict.proven
        assert "partitions" in verdict.evidence
    assert asked == [1.0, 2.0, 4.0]


def test_partitions_that_were_open_are_asked_again_until_all_are_refuted() -> None:
    problem = random_joint_problem(random.Random(3), 4)
    rules = Rules(("spills",), max_groups=1)
    inquiry = Inquiry(problem, rules, 12, Session(SearchOptions(rules=rules)))
    answers = iter((False, False, True))
    inquiry.by_either = lambda *_: Verdict(None, next(answers), "")  # type: ignore[method-assign]
    *before, last = guided(inquiry, Limits(), [])
    assert [verdict.proven for verdict in before] == [False, False, False]
    assert last.proven and last.schedule is None
    assert "without 1 refuted partitions" in last.evidence


def test_excluding_every_partition_one_by_one_ends_at_bells_number() -> None:
    """Free groups of four operations: 15 partitions, each named once."""
    problem = random_joint_problem(random.Random(3), 4)
    assert len(problem.graph) == 4
    rules = Rules(("spills",))
    line = timeline(problem.graph, problem.machine, rules, 12)
    named = set()
    while True:
        model = build_joint_model(line, problem.machine, joint_families(rules))
        for partition in named:
            exclude_partition(model, dict(partition))
        outcome = run(model.lp)
        if outcome.status is SolveStatus.INFEASIBLE:
            break
        groups = model.read_groups(outcome.values)
        first: dict[int, int] = {}
        canonical = tuple((name, first.setdefault(g, len(first))) for name, g in groups.items())
        assert canonical not in named
        named.add(canonical)
    assert len(named) == 15
