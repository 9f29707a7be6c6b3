"""Rows learned from conflicts: no schedule violates them, and they say what they have to."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from strategies import random_joint_problem
from test_enumeration import ANY
from test_joint_exactness import case

from twill_ilp import build_kernel
from twill_ilp.bounds import rec_mii
from twill_ilp.enumeration import Case, Enumeration
from twill_ilp.enumeration.analysis import Lesson, learn
from twill_ilp.enumeration.conflict import Conflict, Literal, Reason, explained
from twill_ilp.enumeration.learned import Learned
from twill_ilp.enumeration.node import Node
from twill_ilp.enumeration.propagation import propagate
from twill_ilp.errors import OptionError
from twill_ilp.ilp import timeline
from twill_ilp.rules import Rules, effective_graph

EXPLAINERS = (
    "groups._closed",
    "timetable._begins_later",
    "timetable._ends_sooner",
    "energy._no_space",
    "timetable._over_full",
    "quotas._too_many",
    "spills._no_time",
    "spills._too_early",
    "spills._too_late",
    "symmetry._too_soon",
    "timetable._would_meet",
    "together._elsewhere",
    "together._in_the_same",
    "together._likewise",
    "together._nothing_in_common",
    "units._kept_apart",
    "units._no_room",
    "waiting._excluded",
    "waiting._parted",
)
"""Reasons that random loops have often; the others are those of attention, and of limits."""


def lessons_of(tree: Enumeration, monkeypatch: pytest.MonkeyPatch) -> list[Lesson]:
    """Run a tree to its end, and return all that it learned."""
    from twill_ilp.enumeration import search

    lessons: list[Lesson] = []

    def listening(*arguments: object) -> Lesson | None:
        lesson = learn(*arguments)  # type: ignore[arg-type]
        if lesson:
            lessons.append(lesson)
        return lesson

    with monkeypatch.context() as patch:
        patch.setattr(search, "learn", listening)
        tree.run(ANY, 60)
    return lessons


def check_lessons(loop: Case, monkeypatch: pytest.MonkeyPatch, seeds: int) -> int:
    """Schedules that trees with other seeds find satisfy every row; returns how many rows."""
    monkeypatch.setattr("twill_ilp.enumeration.search.PIN_CONFLICTS", ANY)  # rows are of one pin
    trees = [Enumeration(loop, seed) for seed in range(seeds)]
    lessons = [lesson for tree in trees for lesson in lessons_of(tree, monkeypatch)]
    assert len({tree.verdict for tree in trees}) == 1
    for tree in trees:
        rows = [lesson.row for lesson in lessons] + loop.covering
        for row in rows if tree.found else ():
            assert any(tree.found.sets[x] & mask for x, mask in row)
    return len(lessons) if trees[0].found else 0


def test_no_schedule_violates_what_was_learned(monkeypatch: pytest.MonkeyPatch) -> None:
    learned = 0
    for seed in range(60):
        problem, rules, _ = case(seed)
        graph = effective_graph(problem.graph, rules)
        for ii in range(2, 8):
            try:
                line = timeline(graph, problem.machine, rules, ii)
            except OptionError:
                continue  # below RecMII
            if not line.conflict:
                learned += check_lessons(Case(line, problem.machine), monkeypatch, 4)
    assert learned > 200


def test_a_row_has_as_many_levels_as_decisions_took_its_masks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Counted again from the sets above the conflict; often fewer than the row has masks."""
    counted: list[tuple[int, int, int]] = []

    def listening(conflict: Conflict, node: Node, above: list[Node]) -> Lesson | None:
        sets = [other.sets.copy() for other in above]
        lesson = learn(conflict, node, above)
        if lesson:
            ends = [sum(1 for s in sets if s[x] & mask) for x, mask in lesson.row[1:]]
            counted.append((lesson.levels, 1 + len(set(ends)), len(lesson.row)))
        return lesson

    monkeypatch.setattr("twill_ilp.enumeration.search.learn", listening)
    problem = build_kernel("fmha-forward", "blackwell")
    line = timeline(effective_graph(problem.graph, Rules()), problem.machine, Rules(), 16)
    Enumeration(Case(line, problem.machine)).run(ANY, 60)
    assert len(counted) > 20
    assert all(levels == again for levels, again, _ in counted)
    assert any(levels < masks for levels, _, masks in counted)


@pytest.mark.parametrize(("machine", "ii"), [("hopper", 32), ("blackwell", 16)])
def test_no_schedule_of_attention_violates_what_was_learned(
    monkeypatch: pytest.MonkeyPatch, machine: str, ii: int
) -> None:
    problem = build_kernel("fmha-forward", machine)
    line = timeline(effective_graph(problem.graph, Rules()), problem.machine, Rules(), ii)
    assert check_lessons(Case(line, problem.machine), monkeypatch, 5) > 50


def schedules_below(node: Node, rng: random.Random, most: int, budget: list[int]) -> list[Node]:
    """Some schedules, by a tree that learns nothing and so asks no reason."""
    open_sets = [x for x, choices in enumerate(node.sets) if choices & choices - 1]
    if not open_sets:
        return [node]
    x = rng.choice(open_sets)
    one = 1 << rng.choice([b for b in range(node.sets[x].bit_length()) if node.sets[x] >> b & 1])
    found: list[Node] = []
    for mask in (one, ~one):
        budget[0] -= 1
        child = node.copy()
        try:
            child.keep(x, mask)
            propagate(child, Learned(len(node.sets)))
        except Conflict:
            continue
        if budget[0] > 0 and len(found) < most:
            found += schedules_below(child, rng, most - len(found), budget)
    return found


def name_of(reason: Reason) -> str:
    return f"{reason[0].__module__.rpartition('.')[2]}.{reason[0].__name__}"


def reasons_of_a_dive(root: Node, rng: random.Random) -> list[tuple[str, list[Literal], int, int]]:
    """Of every removal on a random dive: who explains it, the literals, and what is removed."""
    node, reasons = root.copy(), []
    node.trail = []
    try:
        while open_sets := [x for x, choices in enumerate(node.sets) if choices & choices - 1]:
            x = rng.choice(open_sets)
            choices = [b for b in range(node.sets[x].bit_length()) if node.sets[x] >> b & 1]
            node.keep(x, 1 << rng.choice(choices))
            propagate(node, Learned(len(node.sets)))
    except Conflict as conflict:
        removed = ~conflict.mask & root.sets[conflict.x] if conflict.x >= 0 else -1
        literals = list(explained(conflict.reason, node, removed))
        reasons.append((name_of(conflict.reason), literals, conflict.x, removed))
    for x, old, mask, reason in reversed(node.trail):
        node.undo(x, old)
        if reason:
            removed = old & ~mask
            some = removed & rng.getrandbits(removed.bit_length()) or removed
            literals = list(explained(reason, node, some))
            assert all(not m & node.sets[y] & root.sets[y] for y, m in literals)
            reasons.append((name_of(reason), literals, x, some))
    return reasons


def test_no_schedule_violates_a_reason() -> None:
    """Where all literals of a reason hold, what it explains has gone: for every family."""
    checked: Counter[str] = Counter()
    for seed in range(300):
        rng = random.Random(seed)
        problem = random_joint_problem(rng, 9, min_operations=6)
        rules = rng.choice((Rules(), Rules().also("quotas"), Rules(max_groups=3)))
        graph, machine = effective_graph(problem.graph, rules), problem.machine
        ii = rec_mii(graph).ii + rng.randrange(4)
        line = timeline(graph, machine, rules, ii)
        if line.conflict:
            continue
        traffic = rng.choice((None, sum(op.registers for op in graph) // 2))
        root = Node(Case(line, machine, traffic=traffic))
        try:
            propagate(root, Learned(len(root.sets)))
        except Conflict:
            continue
        schedules = [node for _ in range(10) for node in schedules_below(root, rng, 10, [200])]
        check_reasons(root, schedules, rng, checked)
    assert min(checked[name] for name in EXPLAINERS) > 10, checked


def check_reasons(
    root: Node, schedules: list[Node], rng: random.Random, checked: Counter[str]
) -> None:
    """On twenty random dives."""
    for _ in range(20):
        for name, literals, x, removed in reasons_of_a_dive(root, rng):
            checked[name] += bool(schedules)
            for node in schedules:
                holds = all(not m & node.sets[y] for y, m in literals)
                gone = x >= 0 and not removed & node.sets[x]
                assert gone or not holds, name


def test_no_schedule_of_attention_violates_a_reason() -> None:
    """Under a limit on traffic, too, and on groups."""
    checked: Counter[str] = Counter()
    questions = (("hopper", 33, None), ("blackwell", 16, None), ("blackwell", 16, 512))
    for machine, ii, traffic in questions:
        problem, rules = build_kernel("fmha-forward", machine), Rules(max_groups=4)
        line = timeline(effective_graph(problem.graph, rules), problem.machine, rules, ii)
        attention = Case(line, problem.machine, traffic=traffic)
        trees = [Enumeration(attention, seed) for seed in range(8)]
        for tree in trees:
            tree.run(ANY, 60)
        schedules = [tree.found for tree in trees if tree.found]
        assert len(schedules) == len(trees)
        root = Node(attention)
        propagate(root, Learned(len(root.sets)))
        for seed in range(5):
            check_reasons(root, schedules, random.Random(seed), checked)
    wanted = ("groups._no_time", "traffic._not_to", "traffic._not_from", "timetable._over_full")
    assert min(checked[name] for name in wanted) > 10, checked


def loop() -> Case:
    problem, rules, _ = case(1)
    line = timeline(effective_graph(problem.graph, rules), problem.machine, rules, 7)
    return Case(line, problem.machine)


def test_rows_imply_their_last_mask_whatever_is_watched() -> None:
    """Random rows and removals, against reading every row after each of them."""
    implied = conflicts = 0
    for seed in range(300):
        rng = random.Random(seed)
        node = Node(loop())
        node.moved.clear()
        learned = Learned(len(node.sets))
        rows = []
        for _ in range(20):
            chosen = rng.sample(range(len(node.sets)), 3)
            rows.append([(x, rng.getrandbits(40) & node.sets[x]) for x in chosen])
            rows[-1] = [(x, mask) for x, mask in rows[-1] if mask]
            if len(rows[-1]) > 1:
                learned.add(list(rows[-1]), 2)
            else:
                rows.pop()
        try:
            while True:
                x = rng.randrange(len(node.sets))
                node.keep(x, rng.getrandbits(40) | 1 << node.sets[x].bit_length() - 1)
                while node.moved:
                    learned.propagate(node, node.moved.pop())
                for row in rows:
                    left = [(x, mask) for x, mask in row if node.sets[x] & mask]
                    assert left, "no row is violated unnoticed"
                    if len(left) == 1:
                        x, mask = left[0]
                        assert not node.sets[x] & ~mask
                        implied += 1
                if all(not choices & choices - 1 for choices in node.sets):
                    break
        except Conflict:
            conflicts += 1
    assert implied > 100 and conflicts > 10


def test_rows_that_are_kept_are_of_the_fewest_levels_the_shortest_and_newest() -> None:
    node = Node(loop())
    learned = Learned(len(node.sets))
    several = [x for x, choices in enumerate(node.sets) if choices & choices - 1]
    pairs = [[(x, 1 << node.first[x]) for x in several[i : i + 2]] for i in range(2)]
    triple = [(x, 1 << node.first[x]) for x in several[:3]]
    learned.add([(x, 1 << node.first[x]) for x in several[1:3]], 3)
    for row in [triple, *pairs]:
        learned.add(row, 2)
    learned.forget(node, 3)
    assert learned.rows == [(2, triple), *((2, pair) for pair in pairs)], (
        "the pair of 3 levels goes"
    )
    learned.forget(node, 2)
    assert learned.rows == [(2, pair) for pair in pairs]
    learned.forget(node, 1)
    assert learned.rows == [(2, pairs[1])]
    node.keep(several[1], 1 << node.first[several[1]])
    learned.forget(node, 1)
    assert not learned.rows, "what the root satisfies says nothing any more"
