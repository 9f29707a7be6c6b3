"""Implicit enumeration: against brute force, against the joint ILP, and piece by piece."""

from __future__ import annotations

import random
from dataclasses import replace
from math import inf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from joint_oracle import joint_at
from test_joint_exactness import case

from twill_ilp import Problem, SearchOptions, build_kernel
from twill_ilp.bounds import rec_mii
from twill_ilp.descent import Verdict
from twill_ilp.enumeration import Case, Enumeration
from twill_ilp.enumeration.frame import Frame, first_bit, from_bit, up_to_bit
from twill_ilp.enumeration.parts import part_of
from twill_ilp.enumeration.paths import Link, Paths
from twill_ilp.enumeration.units import Units
from twill_ilp.errors import OptionError, SolverError
from twill_ilp.graph import Dependence, LoopGraph, Operation, Usage
from twill_ilp.ilp import timeline
from twill_ilp.joint_problem import JointProblem
from twill_ilp.lifetimes import register_quotas
from twill_ilp.limits import Limits, level_value
from twill_ilp.machine import Machine
from twill_ilp.models import Models
from twill_ilp.options import Session
from twill_ilp.rules import Rules, effective_graph
from twill_ilp.trees import Trees

ANY = 10**9


def trees_of(problem: Problem, rules: Rules, ii: int) -> Trees:
    return Trees(JointProblem(problem, rules, ii), Session(SearchOptions(rules=rules)))


def models_of(problem: Problem, rules: Rules, ii: int, *, confirm: bool = False) -> Models:
    options = SearchOptions(rules=rules, confirm=confirm)
    return Models(JointProblem(problem, rules, ii), Session(options))


def check_against_brute_force(seed: int) -> list[bool]:
    """Whether there is a schedule, at every II up to the first that has one."""
    problem, rules, _ = case(seed)
    answers = []
    for ii in range(rec_mii(effective_graph(problem.graph, rules)).ii, 7):
        truth = joint_at(problem, ii, rules) is not None
        verdict = trees_of(problem, rules, ii).ask(Limits(), None, ANY)
        assert verdict.proven and (verdict.schedule is not None) is truth, (seed, ii)
        answers.append(truth)
        if truth:
            break
    return answers


def test_against_brute_force() -> None:
    answers = [answer for seed in range(40) for answer in check_against_brute_force(seed)]
    assert answers.count(True) > 10 and answers.count(False) > 20


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [range(n, n + 40) for n in range(40, 1000, 40)], ids=str)
def test_against_brute_force_slow(seeds: range) -> None:
    assert any(answer for seed in seeds for answer in check_against_brute_force(seed))


def check_against_the_ilp(seed: int) -> str:
    """The same verdict within random limits and, in half of the cases, with a given partition."""
    rng = random.Random(f"limits {seed}")
    problem, rules, _ = case(seed)
    ii = rec_mii(effective_graph(problem.graph, rules)).ii + rng.randrange(4)
    trees, models = trees_of(problem, rules, ii), models_of(problem, rules, ii)
    free = models.ask(Limits(), None, inf).schedule
    if free is None:
        assert trees.ask(Limits(), None, ANY).schedule is None, seed
        return "impossible"
    partition = rng.choice((None, free.group))
    names = rng.sample(("length", "traffic", *{"warps"} & {*rules.families}), rng.choice((1, 2)))
    most = {name: max(1, level_value(name, free) - rng.choice((0, 1, 2, 16))) for name in names}
    limits = Limits(**most)
    model = models.ask(limits, partition, inf)
    verdict = trees.ask(limits, partition, ANY)
    if "quotas" not in rules or model.schedule is None:
        assert verdict.proven
        assert (verdict.schedule is None) is (model.schedule is None), (seed, limits, partition)
    return "within" if model.schedule else "beyond"


def test_against_the_joint_ilp() -> None:
    answers = [check_against_the_ilp(seed) for seed in range(100)]
    assert min(answers.count(answer) for answer in ("within", "beyond", "impossible")) > 4


@pytest.mark.parametrize("seed", [235, 1543, 1576, 1963])
def test_without_a_slot_for_an_operation_there_is_no_schedule(seed: int) -> None:
    """Its paths grow beyond where any schedule needs to be; no model has to be built."""
    assert check_against_the_ilp(seed) == "impossible"


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [range(n, n + 100) for n in range(100, 2000, 100)], ids=str)
def test_against_the_joint_ilp_slow(seeds: range) -> None:
    assert {check_against_the_ilp(seed) for seed in seeds} == {"within", "beyond", "impossible"}


def hopper_case() -> Case:
    problem, rules = build_kernel("fmha-forward", "hopper"), Rules()
    line = timeline(effective_graph(problem.graph, rules), problem.machine, rules, 32)
    return Case(line, problem.machine)


def test_equal_seeds_give_equal_trees_and_steps_do_not_matter() -> None:
    case = hopper_case()
    whole, steps = Enumeration(case, 3), Enumeration(case, 3)
    whole.run(ANY, inf)
    while steps.verdict == "unknown":
        steps.run(ANY, 0.01)
        assert steps.conflicts < ANY
    assert whole.schedule()[1].keys() == steps.schedule()[1].keys()
    again = Enumeration(case, 3)
    again.run(ANY, inf)
    assert again.schedule() == whole.schedule() and again.conflicts == whole.conflicts


def case_at(seed: int, ii: int) -> Case | None:
    """A small random loop at that II, if no bound says that it has no schedule."""
    problem, rules, _ = case(seed)
    try:
        line = timeline(effective_graph(problem.graph, rules), problem.machine, rules, ii)
    except OptionError:
        return None  # below RecMII
    return None if line.conflict else Case(line, problem.machine)


def test_whoever_is_pinned_the_verdict_is_the_same() -> None:
    verdicts = []
    for seed in range(60):
        for ii in range(2, 6):
            loop = case_at(seed, ii)
            if loop:
                trees = [Enumeration(loop.pinned(v)) for v in range(len(loop.line.core.graph))]
                for v, tree in enumerate(trees):
                    assert tree.case.starts[v] == 1 << -tree.case.frame.base
                    tree.run(ANY, 60)
                assert len({tree.verdict for tree in trees}) == 1, (seed, ii)
                verdicts.append(trees[0].verdict)
    assert min(verdicts.count("feasible"), verdicts.count("infeasible")) > 30


def test_the_tree_is_planted_anew_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the operation in cycle 0 that is in most rows, each counted once per level."""
    monkeypatch.setattr("twill_ilp.enumeration.search.PIN_CONFLICTS", 5)
    tree = Enumeration(hopper_case())
    first = tree.case
    tree.run(5, 60)
    assert tree.case is first and tree._pinned is None
    often = {
        v: sum(1 / levels for levels, row in tree._learned.rows if v in dict(row))
        for v in range(len(first.line.core.graph))
    }
    assert len(set(often.values())) > 2
    tree.run(ANY, 60)
    assert tree.verdict == "feasible" and tree.conflicts > 5
    assert tree.case is not first and tree._pinned == max(often, key=often.__getitem__)
    assert tree.case.starts[tree._pinned].bit_count() == 1


def test_a_limit_leaves_the_question_open() -> None:
    problem = build_kernel("fmha-forward", "blackwell")
    trees = trees_of(problem, Rules(), 16)
    first = trees.ask(Limits(), None, 10)
    more = trees.ask(Limits(), None, 10)
    assert first.schedule is None and not first.proven and not more.proven
    assert first.evidence.startswith("enumeration undecided after ")
    conflicts = [int(verdict.evidence.split()[-2]) for verdict in (first, more)]
    assert conflicts[0] < conflicts[1], "a question that is asked again is gone on with"


def test_weights_stay_positive_in_long_searches() -> None:
    """Weights are scaled down every 11,600 conflicts; those of the blameless must not vanish."""
    tree = Enumeration(hopper_case())
    for _ in range(5):
        tree._gain = 1e101
        tree._blame({0})
    assert min(tree._weight) > 0


def test_partitions_are_told_apart_whatever_their_order() -> None:
    """The same numbers in the same order are two questions: only the first keeps a with b."""
    ops = tuple(Operation(name, registers=32) for name in "abc")
    graph = LoopGraph("three", ops, (Dependence("a", "b", 1),))
    rules = Rules().also("no-cross-warp")
    trees = trees_of(Problem(graph, Machine("m", {"U": 1}, warps=3)), rules, 4)
    assert trees.ask(Limits(), {"a": 0, "b": 0, "c": 1}, ANY).schedule
    assert trees.ask(Limits(), {"c": 0, "b": 0, "a": 1}, ANY).schedule is None


def test_confirmation_by_the_joint_ilp(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = build_kernel("fmha-forward", "blackwell", sub_tiles=1)
    trees, models = trees_of(problem, Rules(), 10), models_of(problem, Rules(), 10, confirm=True)
    refuted = trees.ask(Limits(), None, ANY)
    assert refuted.proven and refuted.evidence.endswith("conflicts")
    verdict = models.confirmed(refuted, Limits(), None)
    assert verdict.proven and verdict.evidence.endswith("conflicts, confirmed by the joint ILP")
    asked = models_of(problem, Rules(), 10).confirmed(refuted, Limits(), None)
    assert asked == refuted, "only if it is asked for"
    short = Limits(length=1)
    too_short = trees.ask(short, None, ANY)
    assert models.confirmed(too_short, short, None) == too_short, "no model was built"
    monkeypatch.setattr(models, "ask", lambda *_, **__: Verdict(None, False, "time limit"))
    verdict = models.confirmed(refuted, Limits(), None)
    assert verdict.proven and verdict.evidence.endswith("not confirmed by the joint ILP")
    feasible = trees_of(problem, Rules(), 32).ask(Limits(), None, ANY)
    assert feasible.schedule and models.confirmed(feasible, Limits(), None) == feasible
    monkeypatch.setattr(models, "ask", lambda *_, **__: feasible)
    with pytest.raises(SolverError, match=r"II 10: enumeration ended .* report this bug"):
        models.confirmed(refuted, Limits(), None)


@given(st.integers(1, 9), st.integers(-20, 5), st.integers(0, 40), st.integers(0, 2**40))
def test_slots_of_sets_of_starts(ii: int, first: int, length: int, noise: int) -> None:
    frame = Frame(ii, [(first, first + length)])
    assert frame.base % ii == 0 and frame.base <= first
    starts = frame.window(first, first + length)
    cycles = [frame.base + bit for bit in range(starts.bit_length()) if starts >> bit & 1]
    assert cycles == list(range(first, first + length + 1))
    some = starts & noise or starts
    slots = {(frame.base + bit) % ii for bit in range(some.bit_length()) if some >> bit & 1}
    assert frame.slots_of(some) == sum(1 << slot for slot in slots)
    assert frame.starts_in(frame.slots_of(some)) & some == some
    assert some & from_bit(first_bit(some)) == some == some & up_to_bit(some.bit_length() - 1)
    assert not some & up_to_bit(first_bit(some) - 1)


@given(st.randoms(use_true_random=False))
def test_who_is_kept_apart_on_a_unit(rng: random.Random) -> None:
    ii = rng.randint(1, 7)
    ops = tuple(
        Operation(name, usage=(Usage("U", rng.randint(1, 8), rng.randint(0, 9)),)) for name in "ab"
    )
    frame = Frame(ii, [(0, 2 * ii)])
    units = Units(LoopGraph("pair", ops, ()), Machine("m", {"U": 1}), frame)
    for slot in range(ii):
        forbidden = dict(units.forbidden(0, slot)).get(1, 0)
        for start in range(ii):
            busy = [
                {(at + op.usage[0].start + cycle) % ii for cycle in range(op.usage[0].cycles)}
                for at, op in zip((slot, start), ops, strict=True)
            ]
            assert bool(forbidden >> start & 1) is not busy[0].isdisjoint(busy[1])


def test_longest_paths_with_one_more_row() -> None:
    """Within a part, as if the row had been there from the beginning; else a contradiction."""
    answers = {True: 0, False: 0}
    for seed in range(200):
        rng = random.Random(seed)
        problem, rules, _ = case(seed)
        graph = effective_graph(problem.graph, rules)
        ii = rec_mii(graph).ii + rng.randrange(3)
        line = timeline(graph, problem.machine, rules, ii)
        part = part_of(line.core.between.tolist())
        pairs = [(u, v) for u in range(len(part)) for v in range(len(part)) if part[u] == part[v]]
        u, v = rng.choice(pairs)
        if line.conflict or u == v:
            continue
        paths = Paths.within(line.core.between, part, [line.uses(v) for v in range(len(graph))])
        weight = paths.rows[u][v] + rng.randint(1, 3)
        longer = paths.with_link(Link(u, v, 0, 1, weight))
        answers[longer is not None] += 1
        if longer is None:
            assert paths.rows[v][u] + weight > 0
            continue
        rows = line.core.between.copy()
        rows[u, v] = weight
        for via in range(len(rows)):
            np.maximum(rows, rows[:, via, None] + rows[None, via, :], out=rows)
        assert all(longer.rows[x][y] == rows[x, y] for x, y in pairs), seed
        for x, y in pairs:
            assert not list(longer.links(x, y, paths.rows[x][y]))
            if longer.rows[x][y] > paths.rows[x][y]:
                assert [link.weight for link in longer.links(x, y, rows[x, y])] == [weight]
    assert min(answers.values()) > 5, answers


def test_parts_follow_each_other_without_deadlines() -> None:
    """A chain without values: three parts, whose slots do not depend on each other."""
    ops = tuple(Operation(name, usage=(Usage("U", 2),), cycles=5) for name in "abc")
    graph = LoopGraph("chain", ops, (Dependence("a", "b", 5), Dependence("b", "c", 5)))
    problem = Problem(graph, Machine("m", {"U": 1}, warps=3))
    line = timeline(graph, problem.machine, Rules(), 6)
    assert part_of(line.core.between.tolist()) == [0, 1, 2]
    verdict = trees_of(problem, Rules(), 6).ask(Limits(), None, ANY)
    assert verdict.schedule and verdict.schedule.start["c"] >= 10
    assert trees_of(problem, Rules(), 5).ask(Limits(), None, ANY).proven


def test_an_operation_that_needs_too_much_by_itself() -> None:
    """Two rows of one operation meet each other modulo II."""
    rows = (Usage("U", 2), Usage("U", 2, 3))
    graph = LoopGraph("self", (Operation("a", usage=rows),), ())
    problem = Problem(graph, Machine("m", {"U": 1}, warps=1))
    answers = {
        ii: trees_of(problem, Rules(), ii).ask(Limits(), None, ANY).schedule is not None
        for ii in range(1, 8)
    }
    assert answers == {ii: joint_at(problem, ii, Rules()) is not None for ii in range(1, 8)}
    assert set(answers.values()) == {True, False}


def test_a_group_that_is_too_wide_for_the_limit() -> None:
    """A class without any group slot is refuted, not overlooked."""
    ops = (Operation("load", variable_latency=True), Operation("wide", warps=4))
    problem = Problem(LoopGraph("two", ops, ()), Machine("m", {"U": 1}, warps=8))
    trees = trees_of(problem, Rules(), 4)
    assert trees.ask(Limits(warps=5), None, ANY).schedule
    verdict = trees.ask(Limits(warps=4), None, ANY)
    assert verdict.proven and verdict.schedule is None


def test_quotas_are_enumerated() -> None:
    """Hopper's loop fits into its register file, and into no eighth of it."""
    problem, rules = build_kernel("fmha-forward", "hopper"), Rules().also("quotas")
    found = trees_of(problem, rules, 32).ask(Limits(), None, ANY)
    assert found.schedule and sum(register_quotas(found.schedule).values()) > 0  # type: ignore[arg-type]
    few = Problem(problem.graph, replace(problem.machine, registers_per_sm=8192))
    refuted = trees_of(few, rules, 32).ask(Limits(), None, ANY)
    assert refuted.proven and refuted.schedule is None


def test_a_value_over_the_largest_quota() -> None:
    """Also without a limit for the whole SM."""
    ops = (Operation("a", registers=32 * 256, cycles=1), Operation("b"))
    graph = LoopGraph("wide", ops, (Dependence("a", "b", 1),))
    problem = Problem(graph, Machine("m", {"U": 1}, warps=1))
    for rules, fits in ((Rules(), True), (Rules().also("quotas"), False)):
        verdict = trees_of(problem, rules, 3).ask(Limits(), None, ANY)
        assert verdict.proven and (verdict.schedule is not None) is fits
        assert (joint_at(problem, 3, rules) is not None) is fits
