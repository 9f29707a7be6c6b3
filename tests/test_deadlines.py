"""Deadlines: no schedule has a longer life, and what they refute has no schedule."""

from __future__ import annotations

import random

import pytest
from joint_oracle import joint_at
from strategies import random_joint_problem
from test_joint_exactness import random_rules

from twill_ilp import Dependence, LoopGraph, Machine, Operation, Problem, build_kernel
from twill_ilp.bounds import rec_mii
from twill_ilp.ilp import Timeline, tightened, timeline
from twill_ilp.ilp.deadlines import stores, uses_of
from twill_ilp.ilp.group_slots import group_slots
from twill_ilp.rules import Rules, effective_graph


def tight_line(graph: LoopGraph, machine: Machine, rules: Rules, ii: int) -> Timeline:
    return tightened(timeline(graph, machine, rules, ii), machine)


def pair(amount: int, capacity: int) -> Problem:
    """a is used by b after at least 4 cycles, c by d after at least 9."""
    ops = tuple(Operation(name, footprint={"m": amount} if name in "ac" else {}) for name in "abcd")
    edges = (Dependence("a", "b", 4), Dependence("c", "d", 9))
    return Problem(LoopGraph("pair", ops, edges), Machine("m", {}, memories={"m": capacity}))


@pytest.mark.parametrize(
    ("capacity", "longest"),
    [
        (1, None),  # c lives 9 of 6 cycles
        (2, None),  # a and c live 13 of 12 cycles
        (3, (9, 14)),  # 13 of 18 cycles are taken
        (4, (15, 20)),
    ],
)
def test_a_value_has_what_the_others_leave(capacity: int, longest: tuple[int, int] | None) -> None:
    problem = pair(1, capacity)
    line = tight_line(problem.graph, problem.machine, Rules(), 6)
    if longest is None:
        assert line.conflict
    else:
        between = line.core.between
        assert (-int(between[1, 0]), -int(between[3, 2])) == longest
        assert [line.most_live(u) for u in (0, 2)] == [-(-life // 6) for life in longest]


def test_of_two_values_over_a_half_one_lives_at_a_time() -> None:
    problem = pair(51, 100)
    line = tight_line(problem.graph, problem.machine, Rules(), 14)
    assert -int(line.core.between[1, 0]) == 14 - 9, "not 14, the cycles of one instance"
    assert "lives at least" in tight_line(problem.graph, problem.machine, Rules(), 8).conflict


def test_why_attention_without_sub_tiles_does_not_fit() -> None:
    """Soi et al. 2026, section 6: without sub-tiling the II of 8 is out of reach."""
    problem = build_kernel("fmha-forward", "blackwell", sub_tiles=1)
    graph = effective_graph(problem.graph, Rules())
    assert tight_line(graph, problem.machine, Rules(), 8).conflict == (
        "the value of readS lives at least 1 cycle, and the others leave it 0 in the registers "
        "of one group"
    )


def test_no_schedule_misses_a_deadline() -> None:
    tight = refuted = 0
    for seed in range(400):
        rng = random.Random(seed)
        problem, rules = random_joint_problem(rng, 5), random_rules(rng)
        graph, machine = effective_graph(problem.graph, rules), problem.machine
        for ii in range(rec_mii(graph).ii, 6):
            line, found = tight_line(graph, machine, rules, ii), joint_at(problem, ii, rules)
            refuted += found is None and "leave it" in line.conflict + "need"
            if found is None:
                continue
            assert not line.conflict, (seed, ii)
            start = [found.start[op.name] for op in graph]
            for u in range(len(graph)):
                for v in range(len(graph)):
                    assert start[v] - start[u] >= line.core.between[u, v], (seed, ii, u, v)
            for store in stores(graph, machine, rules, line.bonds):
                for u in store.amounts:
                    ends = [start[v] + offset for v, offset in uses_of(graph, u, ii, rules)]
                    most = line.most_live(u)
                    assert most is not None and max(ends) - start[u] <= most * ii
                    tight += most * store.amounts[u] <= store.capacity // 2
    assert tight > 100 and refuted > 10, (tight, refuted)


@pytest.mark.parametrize(
    ("warps", "most", "widths"),
    [(5, None, [1, 4]), (6, None, [1, 4, 1]), (9, None, [1, 4, 4, 1, 1]), (9, 2, [1, 4]),
     (9, 3, [1, 4, 4, 1])],
)  # fmt: skip
def test_one_group_is_the_widest_operations(
    warps: int, most: int | None, widths: list[int]
) -> None:
    ops = (
        Operation("load", variable_latency=True),
        *(Operation(f"wide{i}", warps=4, registers=4) for i in range(2)),
        *(Operation(f"thin{i}", registers=1) for i in range(2)),
    )
    machine = Machine("m", {}, warps=warps)
    line = tight_line(LoopGraph("five", ops, ()), machine, Rules(max_groups=most), 4)
    assert [slot.warps for slot in group_slots(line, machine)] == widths
