"""The verifier of schedules with warp groups: each rule by itself, then against a simulation."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from joint_oracle import JointOptimum, joint_optimum
from joint_simulation import broken
from strategies import random_joint_problem
from test_joint_oracle import random_rules

from twill_ilp.errors import InvalidScheduleError
from twill_ilp.graph import Dependence, LoopGraph, Operation, Usage
from twill_ilp.machine import Machine
from twill_ilp.problem import Problem
from twill_ilp.rules import Readings, Rules
from twill_ilp.schedule import Schedule
from twill_ilp.verify import JOINT_CHECKS, verify

PAPER = Rules()
COMPLETION = Rules(readings=Readings(liveness="completion"))
LITERAL = Rules(readings=Readings(hold="cycles"))


def check(
    problem: Problem,
    ii: int,
    start: Mapping[str, int],
    group: Mapping[Any, Any],
    rules: Rules = PAPER,
) -> None:
    schedule = Schedule(problem.graph, problem.machine, ii, start, group)
    verify(problem.graph, problem.machine, schedule, rules)


def refusal(
    problem: Problem,
    ii: int,
    start: Mapping[str, int],
    group: Mapping[Any, Any],
    rules: Rules = PAPER,
) -> str:
    with pytest.raises(InvalidScheduleError) as caught:
        check(problem, ii, start, group, rules)
    message = str(caught.value)
    assert message and "\n" not in message and len(message) < 200
    return message


def loop(*parts: Operation | Dependence, **limits: Any) -> Problem:
    operations = tuple(part for part in parts if isinstance(part, Operation))
    edges = tuple(part for part in parts if isinstance(part, Dependence))
    limits = {"units": {"TC": 1}, **limits}
    return Problem(LoopGraph("by-hand", operations, edges), Machine("m", **limits))


A, B = Operation("A"), Operation("B")
A_B = Dependence("A", "B", 1)
TWO = {"A": 0, "B": 1}
"""Starts of A and B; as groups: apart."""
ONE = {"A": 0, "B": 0}
"""Groups: together."""


@pytest.mark.parametrize(
    ("group", "message"),
    [
        ({"A": 0}, "B: no group at II=2; give it one"),
        (
            {**ONE, "X": 0},
            "'X': has a group at II=2, but graph by-hand has no such operation",
        ),
        ({"A": 0, "B": -1}, "B: group is -1 at II=2; give a whole number >= 0"),
        ({"A": 0, "B": True}, "B: group is True at II=2; give a whole number >= 0"),
        ({"A": 0, "B": None}, "B: group is None at II=2; give a whole number >= 0"),
        ({"A": 0, "B": 1.0}, "B: group is 1.0 at II=2; give a whole number >= 0"),
        ({"A": 0, "B": [1]}, "B: group is [1] at II=2; give a whole number >= 0"),
        pytest.param(
            {"A": 0, "B": 10**5000},
            "B: group is beyond 64 bits at II=2; give a whole number >= 0",
            id="unprintable",
        ),
    ],
)
def test_groups_are_not_trusted(group: dict[str, Any], message: str) -> None:
    assert refusal(loop(A, B, A_B), 2, TWO, group) == message


def test_any_numbers_name_groups() -> None:
    """They need not be consecutive, nor small, and the rules see only which are equal."""
    wide = loop(replace(A, warps=2), B, A_B, warps=3)
    check(wide, 2, TWO, {"A": 10**18, "B": 7})
    message = refusal(replace(wide, machine=Machine("m", {}, warps=2)), 2, TWO, {"A": 99, "B": 7})
    assert message == (
        "warps: 3 of budget 2 at II=2 (group 7 of 1, group 99 of 2); "
        "merge groups or raise the budget"
    )


def test_without_groups_only_the_modulo_rules_hold() -> None:
    """Not even streaming takes a delay away."""
    stream = loop(Operation("A", warps=4, variable_latency=True), B, A_B, warps=1)
    check(stream, 1, TWO, {})
    assert refusal(stream, 1, ONE, {}) == "A -> B: 1 cycle too early at II=1"


def test_max_groups() -> None:
    check(loop(A, B), 1, ONE, {"A": 3, "B": 3}, Rules(max_groups=1))
    assert refusal(loop(A, B), 1, ONE, {"A": 3, "B": 0}, Rules(max_groups=1)) == (
        "groups 0, 3: 2 of at most 1 at II=1; merge groups or allow more"
    )


def test_warps() -> None:
    """A group is as wide as its widest operation."""
    wide = loop(Operation("A", warps=4), Operation("B", warps=1), warps=4)
    check(wide, 1, ONE, ONE)
    check(wide, 1, ONE, TWO, PAPER.without("warps"))
    narrow = replace(wide, machine=Machine("m", {}, warps=3))
    assert refusal(narrow, 1, ONE, ONE).startswith("warps: 4 of budget 3 at II=1 (group 0 of 4);")
    assert refusal(wide, 1, ONE, TWO) == (
        "warps: 5 of budget 4 at II=1 (group 0 of 4, group 1 of 1); "
        "merge groups or raise the budget"
    )


def test_variable_latency() -> None:
    load = loop(Operation("A", variable_latency=True), B)
    check(load, 1, ONE, TWO)
    check(load, 1, ONE, {"A": 2, "B": 0}, PAPER.without("variable-latency"))
    assert refusal(load, 1, ONE, {"A": 2, "B": 1}) == (
        "A: has variable latency, but is in group 2 at II=1; put it into group 0"
    )
    assert refusal(load, 1, ONE, ONE) == (
        "B: is in group 0 at II=1, which is for variable latencies; put it into another group"
    )


def test_group_0_is_ordinary_if_no_latency_varies() -> None:
    check(loop(A, B), 1, ONE, ONE)


def test_streaming_delays_nobody() -> None:
    """But its unit is occupied, and its value has to be handed over."""
    stream = Operation("A", usage=(Usage("TC", 1),), variable_latency=True, spill=2)
    long = Dependence("A", "B", 9)
    check(loop(stream, B, long), 1, {"A": 0, "B": 2}, TWO)
    assert refusal(loop(stream, B, long), 1, TWO, TWO) == (
        "A -> B: 1 cycle too early at II=1 (delay 0 and spill 2, group 0 to group 1); start B later"
    )
    check(loop(stream, B, long), 1, ONE, TWO, PAPER.without("spills"))
    user = Operation("B", usage=(Usage("TC", 1),))
    assert refusal(loop(stream, user, long), 1, {"A": 0, "B": 2}, TWO) == (
        "TC: slot 0 holds 2 of capacity 1 at II=1 (A, B)"
    )
    assert "too early" in refusal(
        loop(stream, B, long), 1, {"A": 0, "B": 2}, TWO, Rules(("spills",))
    )


@pytest.mark.parametrize("entering", [Dependence("A", "A", 0, 1), Dependence("B", "A", 0, 9)])
def test_what_waits_for_anything_does_not_stream(entering: Dependence) -> None:
    load = loop(Operation("A", variable_latency=True), B, A_B, entering)
    check(load, 1, TWO, TWO)
    assert refusal(load, 1, ONE, TWO) == (
        "A -> B: 1 cycle too early at II=1 (delay 1 and spill 0, group 0 to group 1); start B later"
    )


def test_spills() -> None:
    handed = loop(Operation("A", spill=3), B, Dependence("A", "B", 1, distance=1))
    check(handed, 2, ONE, ONE)
    check(handed, 2, {"A": 0, "B": 2}, TWO)
    check(handed, 2, {"A": 0, "B": 0}, TWO, PAPER.without("spills"))
    assert refusal(handed, 2, {"A": 0, "B": 0}, TWO) == (
        "A -> B: 2 cycles too early at II=2 (delay 1 and spill 3, group 0 to group 1); "
        "start B later"
    )


def test_memory() -> None:
    """A lives from 1 to 5: in slots 1 and 2 twice, in slot 0 once."""
    held = loop(
        Operation("A", footprint={"smem": 3}), B, Dependence("A", "B", 1, 1), memories={"smem": 6}
    )
    check(held, 3, {"A": 1, "B": 2}, ONE)
    tight = replace(held, machine=Machine("m", {}, {"smem": 5}))
    check(tight, 3, {"A": 1, "B": 2}, ONE, PAPER.without("memory"))
    check(tight, 4, {"A": 1, "B": 1}, ONE)
    assert refusal(tight, 3, {"A": 1, "B": 2}, ONE) == (
        "smem: slot 1 holds 6 of capacity 5 at II=3 (A); "
        "use the values sooner or raise the capacity"
    )


def test_a_value_dies_when_its_last_use_is_issued_or_completed() -> None:
    use = Operation("B", cycles=2)
    held = loop(Operation("A", footprint={"smem": 1}), use, A_B, memories={"smem": 1})
    check(held, 1, TWO, ONE)
    check(held, 3, TWO, ONE, COMPLETION)
    assert refusal(held, 2, TWO, ONE, COMPLETION).startswith("smem: slot 0 holds 2 of capacity 1")


def test_a_value_that_nobody_uses() -> None:
    """It is dead when it is born, or when it is complete."""
    held = loop(Operation("A", cycles=2, footprint={"smem": 1}), memories={"smem": 0})
    check(held, 1, {"A": 0}, {"A": 0})
    assert refusal(held, 4, {"A": 3}, {"A": 0}, COMPLETION).startswith("smem: slot 0 holds 1 of")


def test_registers() -> None:
    """33 words of two warps: 17 words each, and both values are live in slot 1."""
    value = Operation("A", registers=33, warps=2)
    other = Operation("B", registers=16)
    edges = [Dependence(name, "C", 0) for name in "AB"]
    limits = {"registers_per_thread": 1}
    held = loop(value, other, Operation("C"), *edges, **limits)
    start = {"A": 0, "B": 1, "C": 2}
    check(held, 2, start, {"A": 0, "B": 1, "C": 1})
    check(held, 2, {"A": 1, "B": 0, "C": 1}, dict.fromkeys("ABC", 0))
    check(held, 2, start, dict.fromkeys("ABC", 0), PAPER.without("registers"))
    assert refusal(held, 2, start, dict.fromkeys("ABC", 4)) == (
        "group 4: slot 1 holds 33 of 32 words per warp at II=2 (A, B); "
        "use the values sooner or split the group"
    )


def test_blocking_dependences() -> None:
    """B waits in slot 1; C holds slots 0 and 1 of its group."""
    other = Operation("C", issue=2)
    waits = loop(A, B, other, Dependence("A", "B", 1, blocking=True))
    start = {"A": 0, "B": 1, "C": 0}
    check(waits, 4, start, {"A": 0, "B": 0, "C": 1})
    check(waits, 4, {**start, "C": 1 + 4 + 1}, dict.fromkeys("ABC", 0))
    check(waits, 4, start, dict.fromkeys("ABC", 0), PAPER.without("concurrency"))
    assert refusal(waits, 4, {**start, "C": 8}, dict.fromkeys("ABC", 0)) == (
        "B: waits for A in slot 1 of group 0, which C holds for 2 cycles from slot 0 at II=4; "
        "move one or part them"
    )


def test_waiting_for_oneself_is_waiting() -> None:
    waits = loop(B, Operation("C", issue=1), Dependence("B", "B", 1, distance=1, blocking=True))
    check(waits, 2, {"B": 0, "C": 1}, {"B": 0, "C": 0})
    assert refusal(waits, 2, {"B": 0, "C": 0}, {"B": 0, "C": 0}).startswith(
        "B: waits for B in slot"
    )


def test_register_values_of_another_group_are_waited_for() -> None:
    value = Operation("A", registers=1)
    waits = loop(value, B, Operation("C", issue=1), A_B)
    start = {"A": 0, "B": 1, "C": 1}
    check(waits, 2, start, dict.fromkeys("ABC", 0))
    check(loop(A, B, Operation("C", issue=1), A_B), 2, start, {"A": 1, "B": 0, "C": 0})
    assert refusal(waits, 2, start, {"A": 1, "B": 0, "C": 0}).startswith("B: waits for A in slot 1")


def test_how_long_a_warp_is_held() -> None:
    """For its issue or for all its cycles; for no cycle at all, nobody waits."""
    blocking = Dependence("A", "B", 1, blocking=True)
    start = {"A": 1, "B": 2}
    check(loop(Operation("A", cycles=2, issue=1), B, blocking), 3, start, ONE)
    literal = loop(Operation("A", cycles=2, issue=1), B, blocking)
    assert "which A holds for 2 cycles" in refusal(literal, 3, start, ONE, LITERAL)
    check(loop(Operation("A", cycles=9, issue=0), B, Dependence("A", "B", 0, blocking=True)), 3,
          {"A": 1, "B": 1}, ONE)  # fmt: skip
    always = loop(Operation("A", cycles=0, issue=3), B, blocking)
    for late in range(3):
        assert "which A holds for 3 cycles" in refusal(always, 3, {"A": 1, "B": 2 + late}, ONE)


def test_no_cross_warp() -> None:
    rules = PAPER.also("no-cross-warp")
    value = loop(Operation("A", registers=64), B, A_B)
    check(value, 1, TWO, TWO)
    check(value, 1, TWO, ONE, rules)
    check(loop(A, B, A_B), 1, TWO, TWO, rules)
    assert refusal(value, 1, TWO, TWO, rules) == (
        "A -> B: 64 words in registers cross from group 0 to group 1 at II=1; "
        "put both into one group"
    )


def test_quotas() -> None:
    """A's group needs 25 registers per thread and gets 32, B's none and gets 24."""
    rules = PAPER.also("quotas")
    value = Operation("A", registers=2 * (24 * 32 + 1), warps=2)
    fits = loop(value, B, A_B, registers_per_sm=2 * 32 * 32 + 24 * 32)
    check(fits, 1, TWO, TWO, rules)
    tight = replace(fits, machine=Machine("m", {}, registers_per_sm=2815))
    check(tight, 1, TWO, ONE, rules)
    check(tight, 1, TWO, TWO)
    assert refusal(tight, 1, TWO, TWO, rules) == (
        "registers: quotas of 2816 words of 2815 on the SM at II=1 "
        "(group 0 of 2048, group 1 of 768); merge groups or use the values sooner"
    )


def test_the_largest_quota() -> None:
    rules = PAPER.also("quotas")
    value = loop(Operation("A", registers=124 * 32), B, Dependence("A", "B", 2))
    check(value, 1, {"A": 0, "B": 2}, ONE, rules)
    assert refusal(value, 1, {"A": 0, "B": 3}, ONE, rules) == (
        "group 0: needs 372 registers per thread of at most 248 at II=1; "
        "use the values sooner or split the group"
    )


def test_a_machine_without_limits() -> None:
    large = {"registers": 10**6, "footprint": {"smem": 10**6}}
    check(loop(Operation("A", warps=99, **large), B, A_B), 1, {"A": 0, "B": 99}, TWO)


def test_trusts_only_ii_starts_and_groups_of_the_schedule() -> None:
    strict = loop(Operation("A", warps=4), Operation("B", warps=4), warps=4)
    lax = loop(A, B)
    schedule = Schedule(lax.graph, lax.machine, 1, ONE, TWO)
    with pytest.raises(InvalidScheduleError, match="warps: 8 of budget 4"):
        verify(strict.graph, strict.machine, schedule)


def test_large_numbers_are_exact_and_cost_nothing() -> None:
    """10^9 slots and lifetimes of 10^12 cycles are not walked."""
    huge = 10**9
    held = loop(
        Operation("A", registers=32, footprint={"smem": 1}),
        Operation("B", issue=huge),
        Dependence("A", "B", 0),
        memories={"smem": 1000},
        registers_per_thread=1000,
    )
    check(held, huge, {"A": 0, "B": 1000 * huge}, ONE)
    message = refusal(held, huge, {"A": 7, "B": 1000 * huge + 8}, ONE)
    assert message.startswith(f"smem: slot 7 holds 1001 of capacity 1000 at II={huge} (A)")
    message = refusal(held, huge, {"A": 7, "B": 1000 * huge + 8}, ONE, PAPER.without("memory"))
    assert message.startswith(f"group 0: slot 7 holds 32032 of 32000 words per warp at II={huge}")


def test_every_family_has_its_check() -> None:
    named = {family for family, _ in JOINT_CHECKS if family}
    assert named | {"spills"} == {*PAPER.also("no-cross-warp", "quotas").families}


def agrees(
    problem: Problem, rules: Rules, ii: int, start: Mapping[str, int], group: Mapping[str, int]
) -> set[str]:
    """The rules that are broken, after the verifier has come to the same verdict."""
    rest = broken(problem, rules, ii, start, group)
    if rest:
        message = refusal(problem, ii, start, group, rules)
        assert any(words in message for rule in rest for words in SAYS[rule]), (message, rest)
    else:
        check(problem, ii, start, group, rules)
    return rest


SAYS = {
    "dependence": ["too early"],
    "units": ["TC: slot", "EXP: slot", "ALU: slot"],
    "groups": ["of at most"],
    "memory": ["mem: slot"],
    "warps": ["of budget"],
    "variable-latency": ["variable latenc"],
    "registers": ["words per warp"],
    "concurrency": ["waits for"],
    "no-cross-warp": ["in registers cross"],
    "quotas": ["quotas", "registers per thread"],
}


def neighbours(best: JointOptimum) -> Iterator[tuple[dict[str, int], dict[str, int]]]:
    """Schedules that differ by one start or one group."""
    for name in best.start:
        for moved in range(max(0, best.start[name] - best.ii), best.start[name] + best.ii + 1):
            yield {**best.start, name: moved}, dict(best.group)
        for group in range(max(best.group.values()) + 2):
            yield dict(best.start), {**best.group, name: group}


def test_moving_one_start_or_one_group_of_an_optimum() -> None:
    """Every neighbour is judged as the simulation judges it, and every rule is broken by some."""
    alone: Counter[str] = Counter()
    for seed in range(200):
        rng = random.Random(seed)
        problem, rules = random_joint_problem(rng, 5), random_rules(rng)
        best = joint_optimum(problem, rules, max_ii=5)
        if best is not None:
            assert agrees(problem, rules, best.ii, best.start, best.group) == set()
            for start, group in neighbours(best):
                rest = agrees(problem, rules, best.ii, start, group)
                alone.update(rest if len(rest) == 1 else ["none" if not rest else "several"])
    assert len(alone) == len(SAYS) + 2 and min(alone.values()) >= 3, alone


@pytest.mark.parametrize("block", range(4))
def test_random_assignments(block: int) -> None:
    """Most break something; loops with few dependences and large II break little."""
    verdicts: Counter[bool] = Counter()
    for seed in range(1000 * block, 1000 * block + 1000):
        rng = random.Random(seed)
        problem = random_joint_problem(rng, rng.choice((1, 2, 3, 5)), min_operations=1)
        ii, groups = rng.randint(1, 9), rng.randint(0, 2)
        start = {op.name: rng.randint(0, 2 * ii) for op in problem.graph}
        group = {
            op.name: 0 if op.variable_latency else rng.randint(0, groups) for op in problem.graph
        }
        verdicts[agrees(problem, random_rules(rng), ii, start, group) == set()] += 1
    assert min(verdicts.values()) > 100, verdicts
