"""The joint oracle: cases solved by hand, a naive second one, and the variety of its inputs."""

from __future__ import annotations

import random
from collections import Counter
from itertools import product

import pytest
from joint_oracle import LEVELS, JointOptimum, joint_at, joint_optimum, released
from joint_placement import horizon
from joint_simulation import broken
from oracle import shortest
from strategies import random_joint_problem

from twill_ilp.graph import Dependence, LoopGraph, Operation
from twill_ilp.machine import Machine
from twill_ilp.problem import Problem
from twill_ilp.rules import EXTRA_FAMILIES, FAMILIES, Readings, Rules
from twill_ilp.schedule import Schedule

PAPER = Rules(max_groups=3)


def random_rules(rng: random.Random) -> Rules:
    """Often all families, with random readings, now and then an ablation or an extra family."""
    families = [f for f in FAMILIES if rng.random() < 0.8]
    families += [f for f in EXTRA_FAMILIES if rng.random() < 0.25]
    readings = Readings(
        **{name: rng.choice(choices) for name, choices in Readings.choices().items()}
    )
    return Rules(tuple(families), readings, rng.choice((2, 3, 3, None)))


def levels_of(best: JointOptimum, problem: Problem) -> dict[str, int]:
    """The levels of a schedule, by their definitions."""
    graph, group = problem.graph, best.group
    schedule = Schedule(graph, problem.machine, best.ii, best.start, best.group)
    readers = {
        op.name: {group[e.dst] for e in graph.dependences if e.src == op.name} for op in graph
    }
    return {
        "length": schedule.length,
        "warps": sum(g.warps for g in schedule.groups),
        "traffic": sum(op.registers * len(readers[op.name] - {group[op.name]}) for op in graph),
    }


def loop(operations: list[Operation], edges: list[Dependence], **limits: int | None) -> Problem:
    return Problem(
        LoopGraph("by-hand", tuple(operations), tuple(edges)),
        Machine("m", {"TC": 1}, {"smem": 2}, **limits),  # type: ignore[arg-type]
    )


CHAIN = [Dependence("A", "B", 2)]
EARLY = Dependence("B", "A", 0, distance=1)

# Name: (problem, II, length, warps, traffic).
GOLDEN = {
    "nothing to share": (loop([Operation("A"), Operation("B")], CHAIN), 1, 2, 1, 0),
    # The value lives 2 cycles and more than one does not fit: II = 2.
    "memory": (loop([Operation("A", footprint={"smem": 2}), Operation("B")], CHAIN), 2, 2, 1, 0),
    # 33 words per warp of 32 would be needed by two values at once.
    "registers": (
        loop([Operation("A", registers=17), Operation("B")], CHAIN, registers_per_thread=1),
        2, 2, 1, 0,
    ),
    # A holds the warp for one cycle of two, and B must not start in it: slot 1, at 3.
    "waiting for a held warp": (
        loop([Operation("A", issue=1), Operation("B")], [Dependence("A", "B", 2, blocking=True)]),
        1, 2, 2, 0,
    ),
    "waiting on one warp": (
        loop([Operation("A", issue=1), Operation("B")], [Dependence("A", "B", 2, blocking=True)],
             warps=1),
        2, 3, 1, 0,
    ),
    # A must be alone in group 0, so the round trip pays both spills.
    "spills": (
        loop([Operation("A", spill=1, variable_latency=True), Operation("B", spill=3)],
             [*CHAIN, EARLY]),
        6, 3, 2, 0,
    ),
    # Nobody waits for a streaming operation, but its value has to be handed over.
    "streaming": (
        loop([Operation("A", spill=1, variable_latency=True), Operation("B")], CHAIN),
        1, 1, 2, 0,
    ),
    "traffic": (
        loop([Operation("A", registers=5, variable_latency=True), Operation("B", warps=4),
              Operation("C")], [Dependence("A", "B", 0), Dependence("A", "C", 0)]),
        1, 0, 5, 5,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", GOLDEN)
def test_by_hand(name: str) -> None:
    problem, *expected = GOLDEN[name]
    best = joint_optimum(problem, Rules(), LEVELS)
    assert best is not None
    assert [best.ii, *best.values] == expected
    assert broken(problem, Rules(), best.ii, best.start, best.group) == set()


def test_infeasible_at_any_ii() -> None:
    two = [Operation("A", warps=4, variable_latency=True), Operation("B", warps=4)]
    assert joint_optimum(loop(two, [], warps=7), Rules()) is None
    assert joint_optimum(loop(two, [], warps=7), Rules().without("variable-latency")) is not None
    assert joint_optimum(loop(two, []), Rules(max_groups=1)) is None


def test_the_order_of_levels_counts() -> None:
    """One warp group pays a cycle, two pay a warp."""
    problem = GOLDEN["waiting for a held warp"][0]
    best = joint_at(problem, 2, Rules(), ("length", "warps"))
    assert best is not None and best.values == (2, 2)
    best = joint_at(problem, 2, Rules(), ("warps", "length"))
    assert best is not None and best.values == (1, 3)


def naive(
    problem: Problem, rules: Rules, ii: int, levels: tuple[str, ...]
) -> tuple[int, ...] | None:
    """The best values of the levels, over all starts in the horizon and all groups."""
    names = [op.name for op in problem.graph]
    longest: float = float("inf")
    if rules.readings.window == "paper":
        plain = shortest(Problem(released(problem.graph, rules), problem.machine), ii)
        if plain is None:
            return None
        longest = ii * max(1, -(-plain.length // ii))
    found = []
    for times, groups in product(
        product(range(horizon(problem.graph, ii)), repeat=len(names)), groupings(len(names))
    ):
        start, group = (dict(zip(names, x, strict=True)) for x in (times, groups))
        if min(times) == 0 and not broken(problem, rules, ii, start, group):
            values = levels_of(JointOptimum(ii, (), start, group), problem)
            if values["length"] <= longest:
                found.append(tuple(values[level] for level in levels))
    return min(found, default=None)


def groupings(size: int) -> list[tuple[int, ...]]:
    """All groups of ``size`` operations; those after group 0 are numbered as they appear."""
    grown: list[tuple[int, ...]] = [()]
    for _ in range(size):
        grown = [(*g, new) for g in grown for new in range(max((0, *g)) + 2)]
    return grown


def agree(seed: int, size: int, cost: int) -> tuple[int, int]:
    """Compare both oracles at II 1 to 3; the number of comparisons, and of schedules in them."""
    rng = random.Random(seed)
    problem, rules = random_joint_problem(rng, size, min_operations=2), random_rules(rng)
    levels = tuple(rng.sample(LEVELS, 3))
    compared = found = 0
    for ii in range(1, 4):
        if horizon(problem.graph, ii) ** len(problem.graph) * 5 ** (len(problem.graph) - 1) <= cost:
            best = joint_at(problem, ii, rules, levels)
            expected = naive(problem, rules, ii, levels)
            assert (None if best is None else best.values) == expected, (seed, ii)
            compared += 1
            found += best is not None
    return compared, found


def test_agrees_with_the_naive_oracle() -> None:
    counts = [agree(seed, 2, 1500) for seed in range(200)]
    assert sum(compared for compared, _ in counts) > 300
    assert sum(found for _, found in counts) > 100


@pytest.mark.slow
def test_agrees_with_the_naive_oracle_at_length() -> None:
    counts = [agree(seed, 3, 40000) for seed in range(1000, 1300)]
    assert sum(compared for compared, _ in counts) > 300
    assert sum(found for _, found in counts) > 100


@pytest.mark.parametrize("block", range(4))
def test_optimum_is_a_schedule_with_these_levels(block: int) -> None:
    """By the simulation, and by the definitions of the levels."""
    for seed in range(25 * block, 25 * block + 25):
        rng = random.Random(seed)
        problem, rules = random_joint_problem(rng, 5), random_rules(rng)
        levels = tuple(rng.sample(LEVELS, rng.randint(0, 3)))
        best = joint_optimum(problem, rules, levels, max_ii=6)
        if best is not None:
            assert broken(problem, rules, best.ii, best.start, best.group) == set()
            assert min(best.start.values()) == 0
            expected = levels_of(best, problem)
            assert best.values == tuple(expected[level] for level in levels)


def test_generator_is_repeatable() -> None:
    assert random_joint_problem(random.Random(5)) == random_joint_problem(random.Random(5))
    assert random_joint_problem(random.Random(5)) != random_joint_problem(random.Random(6))


def test_generator_sizes_and_traits() -> None:
    """Every special case in at least a twentieth of the loops."""
    count: Counter[str] = Counter()
    for seed in range(400):
        problem = random_joint_problem(random.Random(seed), 8)
        assert 4 <= len(problem.graph) <= 8
        ops, edges, machine = problem.graph.operations, problem.graph.dependences, problem.machine
        waiting = {e.dst for e in edges}
        traits = {
            "short issue": any(op.issue < op.cycles for op in ops),
            "long issue": any(op.issue > op.cycles for op in ops),
            "streaming": any(op.variable_latency and op.name not in waiting for op in ops),
            "waits, varying": any(op.variable_latency and op.name in waiting for op in ops),
            "nothing varies": not any(op.variable_latency for op in ops),
            "blocking": any(e.blocking for e in edges),
            "spill": any(op.spill for op in ops),
            "ragged tile": any(op.registers % op.warps for op in ops),
            "two memories": any(len(op.footprint) > 1 for op in ops),
            "no memories": not machine.memories,
            "no warps": machine.warps is None,
            "no registers": machine.registers_per_thread is None,
            "no quotas": machine.registers_per_sm is None,
        }
        count.update(trait for trait, holds in traits.items() if holds)
    assert len(count) == 13 and min(count.values()) >= 20, count


def test_generator_makes_every_rule_bind() -> None:
    """Each family and reading changes the least II, or the length there, of some loops."""
    changed: Counter[str] = Counter()
    others = {f"without {family}": PAPER.without(family) for family in FAMILIES}
    others |= {f"also {family}": PAPER.also(family) for family in EXTRA_FAMILIES}
    others["two groups"] = Rules(max_groups=2)
    for name, choices in Readings.choices().items():
        other = Readings(**{name: choices[1]})  # type: ignore[arg-type]
        others[name] = Rules(readings=other, max_groups=3)
    for seed in range(60):
        problem = random_joint_problem(random.Random(seed), 5)
        value = {
            name: None if best is None else (best.ii, best.values)
            for name, rules in [("", PAPER), *others.items()]
            for best in [joint_optimum(problem, rules, ("length",), max_ii=6)]
        }
        changed.update(name for name in others if value[name] != value[""])
    assert len(changed) == len(others) and min(changed.values()) >= 1, changed
