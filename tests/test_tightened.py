"""Tightened rows: schedules found without them obey them, the joint ILP confirms refutations."""

from __future__ import annotations

import random

import pytest
from strategies import random_joint_problem

from twill_ilp import Problem, SearchOptions, build_kernel, solve
from twill_ilp.enumeration import Case, Enumeration
from twill_ilp.ilp import Timeline, tightened, timeline
from twill_ilp.rules import Rules, designates, effective_graph


def plain_line(problem: Problem, ii: int, rules: Rules = Rules()) -> Timeline:  # noqa: B008
    return timeline(effective_graph(problem.graph, rules), problem.machine, rules, ii)


@pytest.mark.parametrize(("machine", "ii"), [("hopper", 32), ("blackwell", 18)])
def test_schedules_of_attention_obey_them(machine: str, ii: int) -> None:
    problem = build_kernel("fmha-forward", machine)
    line = plain_line(problem, ii)
    tight = tightened(line, problem.machine)
    longer = tight.core.between > line.core.between
    assert not tight.conflict and longer.sum() > 10
    for seed in range(2):
        tree = Enumeration(Case(line, problem.machine), seed)
        tree.run(2000, 60)
        starts, group = tree.schedule()
        start = [starts[op.name] for op in problem.graph]
        for u, v in zip(*longer.nonzero(), strict=True):
            assert start[v] - start[u] >= tight.core.between[u, v], (seed, u, v)
        for names in tight.bond_names:
            assert len({group[name] for name in names}) == 1, (seed, names)


@pytest.mark.parametrize(
    ("ii", "evidence"), [(8, "in the registers of one group"), (10, "ended after 3 conflicts")]
)
def test_the_joint_ilp_confirms_what_they_refute(ii: int, evidence: str) -> None:
    """The model that confirms has the plain rows, which do not refute by themselves."""
    problem = build_kernel("fmha-forward", "blackwell", sub_tiles=1)
    assert not plain_line(problem, ii).conflict
    options = SearchOptions(confirm=True, levels=("ii",), max_ii=ii)
    result = solve(problem, options)
    assert result.status == "infeasible"
    assert result.rejected[-1].evidence.endswith(f"{evidence}, confirmed by the joint ILP")


def test_a_conflict_of_the_plain_rows_stays() -> None:
    problem = build_kernel("fmha-forward", "blackwell")
    line = plain_line(problem, 7)
    assert line.conflict and tightened(line, problem.machine) is line


def test_with_a_partition_or_a_length_they_are_as_long_or_longer() -> None:
    """What is given only adds to what is sure, and the timeline itself is left alone."""
    longer = 0
    for seed in range(60):
        problem = random_joint_problem(random.Random(seed), 5)
        graph, machine, rules = problem.graph, problem.machine, Rules()
        graph = effective_graph(graph, rules)
        line = timeline(graph, machine, rules, 6)
        free = tightened(line, machine)
        for given, length in (
            ({op.name: int(not designates(op, rules)) for op in graph}, None),
            (None, 12),
        ):
            narrow = timeline(graph, machine, rules, 6, length, given)
            before = narrow.core.between.copy()
            tight = tightened(narrow, machine, given)
            assert (narrow.core.between == before).all()
            if not tight.conflict and not free.conflict:
                own = tight.core.between[: len(graph), : len(graph)]
                assert (own >= free.core.between).all(), seed
                longer += int((own > free.core.between).sum())
    assert longer > 100
