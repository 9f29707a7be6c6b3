"""Tightened timelines, and small loops with what the brute force says of them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import NamedTuple

from joint_oracle import joint_at
from strategies import random_joint_problem
from test_joint_exactness import random_rules

from twill_ilp import LoopGraph, Machine, Problem, Schedule
from twill_ilp.bounds import rec_mii
from twill_ilp.ilp import Timeline, tightened, timeline
from twill_ilp.rules import Rules, effective_graph


class Answered(NamedTuple):
    """A question with its answer, and the tightened timeline that it leads to."""

    problem: Problem
    rules: Rules
    ii: int
    found: Schedule | None
    line: Timeline


def tight_line(graph: LoopGraph, machine: Machine, rules: Rules, ii: int) -> Timeline:
    return tightened(timeline(graph, machine, rules, ii), machine)


def answered(loops: int) -> Iterator[Answered]:
    """Random loops of 5 operations with random rules, each at every II from RecMII to 5."""
    for seed in range(loops):
        rng = random.Random(seed)
        problem, rules = random_joint_problem(rng, 5), random_rules(rng)
        graph = effective_graph(problem.graph, rules)
        for ii in range(rec_mii(graph).ii, 6):
            line = tight_line(graph, problem.machine, rules, ii)
            yield Answered(problem, rules, ii, joint_at(problem, ii, rules), line)
