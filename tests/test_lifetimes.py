"""Lifetimes, registers and traffic: small cases by hand, random ones against the definition."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

import pytest
from joint_schedules import fmha, handmade, pair
from strategies import random_problem

from twill_ilp.graph import Dependence, LoopGraph, Operation, Usage
from twill_ilp.heuristics import schedule_upwards
from twill_ilp.lifetimes import (
    QUOTAS,
    Wait,
    buffers,
    handed_over,
    lifetime,
    live,
    register_peaks,
    register_profile,
    register_quotas,
    traffic,
    waits,
    words_per_warp,
)
from twill_ilp.machine import Machine
from twill_ilp.rules import Readings
from twill_ilp.schedule import Schedule

ISSUE, COMPLETION = Readings(), Readings(liveness="completion")


def by_definition(schedule: Schedule, name: str, readings: Readings) -> list[int]:
    """Walk through the cycles of a lifetime."""
    birth, death = lifetime(schedule, name, readings)
    count = Counter(cycle % schedule.ii for cycle in range(birth, death))
    return [count[slot] for slot in range(schedule.ii)]


def test_a_value_lives_from_its_start_to_its_last_readers_start() -> None:
    """A at 1; B reads it at 4 and, an iteration later, C at 0: until 0 + 3 and 4."""
    schedule = pair()
    assert lifetime(schedule, "A") == (1, 4)
    assert live(schedule, "A") == [1, 1, 1]
    assert lifetime(schedule, "A", COMPLETION) == (1, 6)
    assert live(schedule, "A", COMPLETION) == [1, 2, 2]


def test_a_value_that_nobody_reads_lives_until_it_is_complete_or_not_at_all() -> None:
    schedule = pair()
    assert live(schedule, "B") == [0, 0, 0]
    assert live(schedule, "B", COMPLETION) == [0, 1, 1]


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("readings", [ISSUE, COMPLETION])
def test_live_instances_are_counted_as_defined(seed: int, readings: Readings) -> None:
    rng = random.Random(seed)
    schedule = schedule_upwards(random_problem(rng), "ims", 200)
    assert schedule
    shifted = replace(schedule, start={v: t - 5 for v, t in schedule.start.items()})
    operations = tuple(
        replace(op, registers=rng.randrange(99), warps=rng.choice((1, 4)), footprint={"m": 8})
        for op in schedule.graph
    )
    graph = LoopGraph("g", operations, schedule.graph.dependences)
    group = {op.name: rng.randrange(3) for op in graph}
    joint = Schedule(graph, schedule.machine, schedule.ii, shifted.start, group)
    words = {g: [0] * schedule.ii for g in set(group.values())}
    for op in graph:
        lives = by_definition(joint, op.name, readings)
        assert live(joint, op.name, readings) == lives
        assert buffers(joint, readings)["m"][op.name] == max(lives)
        for slot, n in enumerate(lives):
            words[group[op.name]][slot] += n * -(-op.registers // op.warps)
    assert register_profile(joint, readings) == {g: tuple(w) for g, w in words.items()}
    assert register_peaks(joint, readings) == {g: max(w) for g, w in words.items()}


def test_traffic_counts_a_value_once_per_group_that_reads_it() -> None:
    """Group 0 hands A (64 words) to B in 1, and to C and D in 2; group 1 hands B to C."""
    ops = {"A": 64, "B": 5, "C": 0, "D": 7}
    graph = LoopGraph(
        "g",
        tuple(Operation(name, registers=words) for name, words in ops.items()),
        tuple(Dependence(*edge, 0) for edge in ("AB", "AC", "AD", "BC", "BC")),
    )
    group = {"A": 0, "B": 1, "C": 2, "D": 2}
    schedule = Schedule(graph, Machine("m", {}), 1, dict.fromkeys(ops, 0), group)
    assert traffic(schedule) == 2 * 64 + 5
    assert handed_over(schedule) == {"B": ("A",), "C": ("A", "B"), "D": ("A",)}
    assert traffic(replace(schedule, group=dict.fromkeys(ops, 0))) == 0
    assert traffic(replace(schedule, group={})) == 0


def test_reasons_to_wait() -> None:
    schedule = handmade()
    assert waits(schedule) == (
        Wait("P", ("S",), ()),
        Wait("O", (), ("P",)),
    )
    assert [str(wait) for wait in waits(schedule)] == [
        "P waits for S (blocking)",
        "O waits for P (register value of another group)",
    ]
    assert [wait.operation for wait in waits(replace(schedule, group={}))] == ["P"]


@pytest.mark.parametrize(
    ("words", "quota"),
    [(0, 24), (24 * 32, 24), (24 * 32 + 1, 32), (248 * 32, 248), (248 * 32 + 1, None)],
)
def test_quotas_are_multiples_of_8(words: int, quota: int | None) -> None:
    ops = (Operation("A", registers=4 * words, warps=4), Operation("B"))
    graph = LoopGraph("g", ops, (Dependence("A", "B", 1),))
    schedule = Schedule(graph, Machine("m", {}), 1, {"A": 0, "B": 1}, {"A": 3, "B": 3})
    assert register_quotas(schedule) == {3: quota}
    assert (QUOTAS[0], QUOTAS[-1]) == (24, 248)


def test_words_per_warp_are_rounded_up() -> None:
    assert words_per_warp(Operation("A", registers=5, warps=4)) == 2


def test_fmha_forward() -> None:
    """Two K or V tiles in flight; alpha (128 words per sub-tile) goes to the rescale group."""
    schedule = fmha()
    assert traffic(schedule) == 256
    counts = buffers(schedule)
    assert list(counts) == ["smem", "tmem"]
    assert set(counts["smem"]) == {"K", "V"}
    for memory, values in counts.items():
        assert all(n == max(live(schedule, v)) for v, n in values.items()), memory
    assert register_quotas(schedule)[0] == 24


def test_long_intervals_take_no_longer() -> None:
    ii = 10**12
    ops = (Operation("A", usage=(Usage("TC", 1),), registers=64), Operation("B"))
    graph = LoopGraph("g", ops, (Dependence("A", "B", 1, 1),))
    schedule = Schedule(graph, Machine("m", {"TC": 1}), ii, {"A": 5, "B": 9}, {"A": 0, "B": 0})
    assert register_peaks(schedule) == {0: 128}
    assert buffers(schedule) == {}
