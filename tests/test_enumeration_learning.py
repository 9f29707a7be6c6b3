"""Rows learned from conflicts: no schedule violates them, and they say what they have to."""

from __future__ import annotations

import random

import pytest
from test_enumeration import ANY
from test_joint_exactness import case

from twill_ilp import build_kernel
from twill_ilp.enumeration import Case, Enumeration
from twill_ilp.enumeration.analysis import Lesson
from twill_ilp.enumeration.conflict import Conflict
from twill_ilp.enumeration.learned import Learned
from twill_ilp.enumeration.node import Node
from twill_ilp.errors import OptionError
from twill_ilp.ilp import timeline
from twill_ilp.rules import Rules, effective_graph


def lessons_of(tree: Enumeration, monkeypatch: pytest.MonkeyPatch) -> list[Lesson]:
    """Run a tree to its end, and return all that it learned."""
    from twill_ilp.enumeration import search

    lessons: list[Lesson] = []
    learn = search.learn

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
    trees = [Enumeration(loop, seed) for seed in range(seeds)]
    lessons = [lesson for tree in trees for lesson in lessons_of(tree, monkeypatch)]
    assert len({tree.verdict for tree in trees}) == 1
    for tree in trees:
        for lesson in lessons if tree.found else ():
            assert any(tree.found.sets[x] & mask for x, mask in lesson.row)
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


@pytest.mark.parametrize(("machine", "ii"), [("hopper", 32), ("blackwell", 16)])
def test_no_schedule_of_attention_violates_what_was_learned(
    monkeypatch: pytest.MonkeyPatch, machine: str, ii: int
) -> None:
    problem = build_kernel("fmha-forward", machine)
    line = timeline(effective_graph(problem.graph, Rules()), problem.machine, Rules(), ii)
    assert check_lessons(Case(line, problem.machine), monkeypatch, 5) > 50


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
                learned.add(list(rows[-1]))
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


def test_rows_that_are_kept_are_the_shortest_and_newest() -> None:
    node = Node(loop())
    learned = Learned(len(node.sets))
    several = [x for x, choices in enumerate(node.sets) if choices & choices - 1]
    pairs = [[(x, 1 << node.first[x]) for x in several[i : i + 2]] for i in range(2)]
    triple = [(x, 1 << node.first[x]) for x in several[:3]]
    for row in [triple, *pairs]:
        learned.add(row)
    learned.forget(node, 2)
    assert learned.rows == pairs
    learned.forget(node, 1)
    assert learned.rows == pairs[1:]
    node.keep(several[1], 1 << node.first[several[1]])
    learned.forget(node, 1)
    assert not learned.rows, "what the root satisfies says nothing any more"
