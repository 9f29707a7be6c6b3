"""Deadlines: no schedule has a longer life, and what they refute has no schedule."""

from __future__ import annotations

import pytest
from tightening import answered, tight_line

from twill_ilp import Dependence, LoopGraph, Machine, Operation, Problem, build_kernel
from twill_ilp.ilp.deadlines import stores, uses_of
from twill_ilp.ilp.group_slots import group_slots
from twill_ilp.rules import Rules, effective_graph


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
    for problem, rules, ii, found, line in answered(400):
        if found is None:
            refuted += any(words in line.conflict for words in ("leave it", "need"))
            continue
        graph, machine = line.core.graph, problem.machine
        assert not line.conflict, (problem, ii)
        start = [found.start[op.name] for op in graph]
        for u in range(len(graph)):
            for v in range(len(graph)):
                assert start[v] - start[u] >= line.core.between[u, v], (problem, ii, u, v)
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
