"""Copies half a turn apart: rows between starts, pairs of groups, and what is found with them."""

from __future__ import annotations

import random
from itertools import combinations, product
from math import inf

import pytest
from instances import random_joint_loop
from strategies import random_joint_problem
from test_enumeration import ANY, models_of, trees_of
from test_enumeration_mirror import doubled
from test_joint_exactness import random_rules

from twill_ilp import Problem, build_kernel
from twill_ilp.bounds import rec_mii
from twill_ilp.enumeration import Case, Enumeration
from twill_ilp.enumeration.together import APART, TOGETHER, Together
from twill_ilp.graph import Dependence, LoopGraph, Operation
from twill_ilp.ilp import half_turn, timeline
from twill_ilp.joint import JointSearch
from twill_ilp.joint_problem import JointProblem
from twill_ilp.limits import Limits
from twill_ilp.machine import Machine
from twill_ilp.options import SearchOptions, Session
from twill_ilp.rules import Rules, effective_graph
from twill_ilp.schedule import Schedule
from twill_ilp.trees import Trees


def two(*edges: Dependence) -> LoopGraph:
    return LoopGraph("two", (Operation("a", cycles=1), Operation("b", cycles=1)), edges)


def test_twins_are_half_a_turn_apart() -> None:
    for ii in (6, 7):
        line = half_turn(timeline(two(), Machine("m", {"U": 1}), Rules(), ii), [(0, 1)])
        assert (line.core.between[0, 1], line.core.between[1, 0]) == (3, -3)
        assert not line.conflict


def test_twins_that_cannot_be() -> None:
    graph = two(Dependence("a", "b", 4), Dependence("b", "a", 0, 1))
    plain = timeline(graph, Machine("m", {"U": 1}), Rules(), 6)
    assert half_turn(plain, [(0, 1)]).conflict == "a and b cannot be 3 cycles apart"
    assert not half_turn(plain, []).conflict


def test_a_conflict_stays_one() -> None:
    """Of an operation that is no twin: the rows between twins do not show it."""
    wide = (*two().operations, Operation("wide", cycles=9))
    graph = LoopGraph("wide", wide, ())
    plain = timeline(graph, Machine("m", {"U": 1}), Rules(), 6, length=5)
    assert (
        half_turn(plain, [(0, 1)]).conflict == plain.conflict == "the critical path takes 9 cycles"
    )


@pytest.mark.parametrize(("most", "length"), [(None, 22), (99, 22), (20, 20), (0, 0)])
def test_short_is_never_longer_than_asked(most: int | None, length: int) -> None:
    ops = (Operation("a", cycles=0), Operation("b", cycles=10))
    problem = Problem(LoopGraph("ten", ops, ()), Machine("m", {"U": 1}, warps=2))
    search = JointSearch(problem, Rules(), 12, Session(SearchOptions()))
    assert search._short_limits(Limits(length=most)).length == length


def test_pairs_are_alike_exactly_where_the_groups_are() -> None:
    """All groups of six operations: two of them are twins of two others, and two stay in place."""
    ops = tuple(Operation(f"o{v}") for v in range(6))
    line = timeline(LoopGraph("six", ops, ()), Machine("m", {"U": 1}), Rules(), 4)
    pairs = Together(line, range(6), [7] * 6, 6)
    image = [3, 4, 2, 0, 1, 5]
    rows = list(pairs.alike([(0, 3), (1, 4)], range(6)))
    assert rows
    answers = set()
    for group in product(range(3), repeat=6):
        same = {
            x: TOGETHER if group[c] == group[d] else APART
            for x, (c, d) in enumerate(pairs.pairs, pairs.first)
        }
        truth = all(
            (group[u] == group[v]) == (group[image[u]] == group[image[v]])
            for u, v in combinations(range(6), 2)
        )
        assert truth is all(any(same[x] & mask for x, mask in row) for row in rows)
        answers.add(truth)
    assert answers == {True, False}


def is_half_turned(schedule: Schedule, trees: Trees) -> bool:
    """By definition."""
    names = [op.name for op in schedule.graph]
    image = {names[a]: names[b] for v, w in trees.joint.twins for a, b in ((v, w), (w, v))}
    start, group = schedule.start, schedule.group
    shifted = all(
        start[names[w]] - start[names[v]] == schedule.ii // 2 for v, w in trees.joint.twins
    )
    return shifted and all(
        (group[u] == group[v]) == (group[image.get(u, u)] == group[image.get(v, v)])
        for u, v in combinations(names, 2)
    )


def check_half_turn(seed: int) -> str:
    """Found only with the property; the rows between starts alone decide as the ILP does."""
    rng = random.Random(f"half turn {seed}")
    problem, rules = random_joint_problem(rng, 4), random_rules(rng)
    twice = doubled(problem, rng)
    ii = rec_mii(effective_graph(twice.graph, rules)).ii + rng.randrange(4)
    trees, models = trees_of(twice, rules, ii), models_of(twice, rules, ii)
    assert trees.joint.twins
    found = trees.half_turn(Limits(), ANY)
    assert not found.schedule or is_half_turned(found.schedule, trees), seed
    assert found.schedule or not found.proven
    line = trees.joint.half_turned(Limits())
    if line.conflict:
        assert found.schedule is None
        return "too far apart"
    tree = Enumeration(Case(line, twice.machine))
    tree.run(ANY, inf)
    model = models.ask(Limits(), None, inf, line=line)
    assert model.proven and (tree.verdict == "feasible") is (model.schedule is not None), seed
    if model.schedule is None:
        assert found.schedule is None
        return "none"
    return "found" if found.schedule else "only with other groups"


def test_what_is_found_has_the_property(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("twill_ilp.enumeration.search.PIN_CONFLICTS", 10**9)  # nobody is halved
    answers = [check_half_turn(seed) for seed in range(60)]
    assert min(map(answers.count, ("found", "none", "too far apart"))) > 3, answers


def test_a_loop_without_copies_is_not_asked() -> None:
    trees = trees_of(build_kernel("fmha-backward", "hopper"), Rules(), 40)
    verdict = trees.half_turn(Limits(), ANY)
    assert verdict.schedule is None and not verdict.proven
    assert "enumeration" not in trees.session.formulations


def test_a_partition_leaves_no_choice_of_groups() -> None:
    problem = build_kernel("fmha-forward", "hopper")
    assert JointProblem(problem, Rules(), 32).twins
    group = {op.name: 0 for op in problem.graph}
    assert not JointProblem(problem, Rules(), 32, group).twins


@pytest.mark.parametrize(("seed", "ii", "extra"), [(257, 14, 14), (106, 12, None), (52, 28, None)])
def test_loops_that_the_whole_question_leaves_open(seed: int, ii: int, extra: int | None) -> None:
    """Some are found among short schedules alone, others only among longer ones."""
    problem = random_joint_loop(seed)
    trees = trees_of(problem, Rules(), ii)
    length = None if extra is None else trees.joint.line.core.critical_path + extra
    found = trees.half_turn(Limits(length=length), 500).schedule
    assert found and is_half_turned(found, trees)
    assert not trees.ask(Limits(), None, 500).proven


def test_the_search_asks() -> None:
    search = JointSearch(random_joint_loop(257), Rules(), 14, Session(SearchOptions()))
    verdict, _ = search.decide()
    assert verdict.schedule and verdict.proven
    assert verdict.evidence == "enumeration with copies half a turn apart"
