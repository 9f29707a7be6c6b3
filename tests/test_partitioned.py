"""With the partition known, the joint problem without shared limits is a modulo problem."""

from __future__ import annotations

import random
from collections import Counter

from strategies import random_joint_problem

from twill_ilp import InvalidScheduleError, Problem, Schedule, verify
from twill_ilp.bounds import positive_cycle
from twill_ilp.ilp import timeline
from twill_ilp.partitioned import waiting_as_units
from twill_ilp.rules import Readings, Rules, designates, effective_graph


def accepts(problem: Problem, schedule: Schedule, rules: Rules) -> bool:
    try:
        verify(problem.graph, problem.machine, schedule, rules)
    except InvalidScheduleError:
        return False
    return True


def test_waiting_is_a_unit() -> None:
    """The verifier says the same of both problems, for random starts and groups."""
    said: Counter[bool] = Counter()
    for seed in range(3000):
        rng = random.Random(seed)
        problem = random_joint_problem(rng, 4)
        readings = Readings(hold=rng.choice(("issue", "cycles")))
        rules = Rules(("variable-latency", "spills", "concurrency"), readings)
        graph, ii = effective_graph(problem.graph, rules), rng.randint(2, 6)
        group = {op.name: 0 if designates(op, rules) else rng.randint(1, 2) for op in graph}
        start = {op.name: rng.randint(0, 3 * ii) for op in graph}
        if positive_cycle(graph, ii):
            continue
        schedule = Schedule(problem.graph, problem.machine, ii, start, group).normalized()
        jointly = accepts(problem, schedule, rules)
        line = timeline(graph, problem.machine, rules, ii, None, group)
        if line.conflict:
            assert not jointly, seed
            continue
        relaxed = waiting_as_units(graph, problem.machine, rules, line, group)
        alone = Schedule(relaxed.graph, relaxed.machine, ii, schedule.start)
        assert accepts(relaxed, alone, rules) == jointly, seed
        said[jointly] += 1
    assert said[True] > 100 and said[False] > 100, said
