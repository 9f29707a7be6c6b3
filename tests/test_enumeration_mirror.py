"""What automorphisms that swap the pinned operation leave to decide."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from joint_oracle import joint_at
from strategies import random_joint_problem
from test_enumeration import ANY, trees_of
from test_joint_exactness import random_rules

from twill_ilp import Problem, build_kernel
from twill_ilp.automorphisms import swap
from twill_ilp.bounds import rec_mii
from twill_ilp.enumeration import Case
from twill_ilp.graph import LoopGraph
from twill_ilp.ilp import timeline
from twill_ilp.limits import Limits
from twill_ilp.rules import Rules, effective_graph


def doubled(problem: Problem, rng: random.Random) -> Problem:
    """Two copies of a small loop, on a machine that may have twice as much."""
    graph, machine = problem.graph, problem.machine
    operations = tuple(replace(op, name=f"{op.name}.{copy}") for copy in range(2) for op in graph)
    edges = tuple(
        replace(e, src=f"{e.src}.{copy}", dst=f"{e.dst}.{copy}")
        for copy in range(2)
        for e in graph.dependences
    )
    larger = replace(
        machine,
        units={unit: rng.choice((1, 2)) * amount for unit, amount in machine.units.items()},
        memories={name: rng.choice((1, 2)) * size for name, size in machine.memories.items()},
        warps=machine.warps and rng.choice((1, 2)) * machine.warps,
    )
    return Problem(LoopGraph("doubled", operations, edges), larger)


def test_the_mirror_image_has_only_half_of_its_slots() -> None:
    problem = build_kernel("fmha-forward", "hopper")
    line = timeline(effective_graph(problem.graph, Rules()), problem.machine, Rules(), 32)
    loop = Case(line, problem.machine)
    for pin in range(len(problem.graph)):
        image = swap(line.core.graph, pin)
        starts = loop.pinned(pin).starts
        if image is not None:
            frame = loop.pinned(pin).frame
            assert frame.slots_of(starts[image[pin]]) < 1 << 17


def check_doubled(seed: int) -> list[bool]:
    """Whether two copies of a loop have a schedule, at a few II."""
    rng = random.Random(f"doubled {seed}")
    problem, rules = random_joint_problem(rng, 4), random_rules(rng)
    twice, answers = doubled(problem, rng), list[bool]()
    first = rec_mii(effective_graph(twice.graph, rules)).ii
    for ii in range(first, first + 3):
        truth = joint_at(twice, ii, rules) is not None
        verdict = trees_of(twice, rules, ii).ask(Limits(), None, ANY)
        assert verdict.proven and (verdict.schedule is not None) is truth, (seed, ii)
        answers.append(truth)
    return answers


def test_two_copies_against_brute_force(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("twill_ilp.enumeration.search.PIN_CONFLICTS", 0)  # mirrored from the start
    answers = [answer for seed in range(25) for answer in check_doubled(seed)]
    assert min(answers.count(True), answers.count(False)) > 5, answers


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [range(n, n + 25) for n in range(25, 250, 25)], ids=str)
def test_two_copies_against_brute_force_slow(monkeypatch: pytest.MonkeyPatch, seeds: range) -> None:
    monkeypatch.setattr("twill_ilp.enumeration.search.PIN_CONFLICTS", 0)
    for seed in seeds:
        check_doubled(seed)
