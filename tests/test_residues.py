"""Residues: no schedule has two operations at a distance that is ruled out."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st
from tightening import answered, tight_line

from twill_ilp import Dependence, LoopGraph, Machine, Operation, Usage
from twill_ilp.ilp.residues import Residues, kept_apart
from twill_ilp.rules import Rules

UNIT = Machine("m", {"U": 1}, warps=8)


def chain(*edges: Dependence, spill: int = 0) -> LoopGraph:
    """a uses the unit in cycles 0 to 2, b in cycles 1 and 2; c uses none, but is held for 2."""
    ops = (
        Operation("a", cycles=3, usage=(Usage("U", 3),), spill=spill),
        Operation("b", cycles=3, usage=(Usage("U", 2, start=1),), spill=spill),
        Operation("c", cycles=2, spill=spill),
    )
    return LoopGraph("chain", ops, edges)


def test_who_shares_a_unit_keeps_apart_in_every_iteration() -> None:
    residues = Residues(chain(), UNIT, Rules(), 8)
    distances = {x: residues.next(0, 1, x, False) for x in range(-9, 9)}
    apart = [2, 3, 4, 5]  # b begins on the unit in the cycles 3 to 6, a's use ends before 3
    assert {x % 8 for x in distances.values() if x is not None} == set(apart)
    assert (distances[-6], distances[-2], distances[1], distances[6]) == (-6, 2, 2, 10)
    assert Residues(chain(), UNIT, Rules(), 4).next(0, 1, 0, False) is None


def busy_cycles(row: Usage, begin: int, ii: int) -> set[int]:
    return {(begin + row.start + cycle) % ii for cycle in range(row.cycles)}


def fit(rows: list[Usage], held: list[int], capacity: int) -> bool:
    """Whether there is a slot for each row beside what is held in every slot."""
    if not rows:
        return True
    for begin in range(len(held)):
        busy = busy_cycles(rows[0], begin, len(held))
        now = [n + rows[0].amount * (slot in busy) for slot, n in enumerate(held)]
        if max(now) <= capacity and fit(rows[1:], now, capacity):
            return True
    return False


@given(st.randoms(use_true_random=False))
def test_a_distance_is_left_only_if_the_others_go_into_the_gaps(rng: random.Random) -> None:
    """Found by trying all slots; where all exclude each other, nothing else is ruled out."""
    ii, capacity = rng.randint(2, 9), rng.choice((1, 3))
    rows = [
        Usage("U", rng.randint(1, min(ii, 4)), rng.randint(0, 9), rng.randint(1, capacity))
        for _ in range(rng.randint(2, 5))
    ]
    ops = tuple(Operation(name, usage=(row,)) for name, row in zip("abcde", rows, strict=False))
    apart = kept_apart(LoopGraph("unit", ops, ()), Machine("m", {"U": capacity}), ii)
    for (u, v), closed in apart.items():
        others = [row for w, row in enumerate(rows) if w not in (u, v)]
        for distance in range(ii):
            busy = busy_cycles(rows[u], 0, ii), busy_cycles(rows[v], distance, ii)
            held = [sum(rows[w].amount * (slot in busy[i]) for i, w in enumerate((u, v)))
                    for slot in range(ii)]  # fmt: skip
            possible = max(held) <= capacity and fit(others, held, capacity)
            left = not closed >> distance & 1
            assert left or not possible
            if all(2 * row.amount > capacity for row in rows):
                assert left == possible


def test_gaps_on_a_tensor_core_that_is_nearly_full() -> None:
    """Two products of 4 cycles and two of 3 at II 15: between those of 4 there is nothing, one or
    two of the others, and a cycle to spare."""
    ops = tuple(
        Operation(name, usage=(Usage("TC", n),))
        for name, n in zip("abcd", (4, 4, 3, 3), strict=True)
    )
    apart = kept_apart(LoopGraph("two", ops, ()), Machine("m", {"TC": 1}), 15)
    assert [d for d in range(15) if not apart[0, 1] >> d & 1] == [4, 5, 7, 8, 10, 11]


def test_who_waits_keeps_apart_within_a_group() -> None:
    graph = chain(Dependence("a", "b", 1, blocking=True))
    residues = Residues(graph, UNIT, Rules(), 8)
    assert residues.next(2, 1, -1, True) == -1, "b waits before c is in progress"
    assert residues.next(2, 1, 0, True) == 2, "c is in progress"
    assert residues.next(1, 2, -1, True) == 1, "the same, the other way round"
    assert residues.next(2, 1, 0, False) == 0, "b's group does not care"
    assert Residues(graph, UNIT, Rules().without("concurrency"), 8).next(2, 1, 0, True) == 0


def test_a_dependence_that_would_meet_takes_longer() -> None:
    """With a delay of 1 b would use the unit in a's last cycle; an iteration later, too."""
    line = tight_line(chain(Dependence("a", "b", 1)), UNIT, Rules(), 8)
    assert line.core.between[0, 1] == 2
    later = tight_line(chain(Dependence("a", "b", 1, distance=1)), UNIT, Rules(), 8)
    assert later.core.between[0, 1] == 2 - 8


def test_a_dependence_either_spills_or_keeps_apart() -> None:
    """Within a group b starts 2 cycles after c; between groups c's spill comes on top."""
    for spill, least in ((0, 0), (1, 1), (2, 2), (3, 2)):
        graph = chain(Dependence("c", "b", 0), Dependence("a", "b", 0, blocking=True), spill=spill)
        assert tight_line(graph, UNIT, Rules(), 8).core.between[2, 1] == least, spill


def test_too_near_and_too_far() -> None:
    graph = chain(Dependence("a", "b", 0), Dependence("b", "a", 7, distance=1))
    assert tight_line(graph, UNIT, Rules(), 9).conflict == ""
    assert tight_line(graph, UNIT, Rules(), 8).conflict == (
        "from a to b it takes 2 cycles at least, as nearer they exclude each other, and 1 at most"
    )
    assert tight_line(chain(Dependence("a", "b", 0)), UNIT, Rules(), 4).conflict == (
        "a and b exclude each other in every slot"
    )


def test_operations_too_wide_for_two_groups_share_one() -> None:
    ops = (
        Operation("load", variable_latency=True),
        Operation("wide", warps=4, registers=4),
        Operation("wider", warps=8, registers=8),
        Operation("thin", registers=1),
    )
    graph = LoopGraph("four", ops, ())
    for warps, most, classes in (
        (13, None, [["load"], ["wide"], ["wider"], ["thin"]]),
        (12, None, [["load"], ["wide", "wider"], ["thin"]]),
        (9, None, [["load"], ["wide", "wider", "thin"]]),
        (13, 2, [["load"], ["wide", "wider", "thin"]]),
        (13, 3, [["load"], ["wide"], ["wider"], ["thin"]]),
    ):
        line = tight_line(graph, Machine("m", {}, warps=warps), Rules(max_groups=most), 4)
        assert line.bond_names == classes, (warps, most)


def test_no_schedule_is_at_a_distance_that_is_ruled_out() -> None:
    met = rounded = refuted = 0
    for problem, rules, ii, found, line in answered(400):
        if found is None:
            refuted += "exclude" in line.conflict
            continue
        graph, machine = line.core.graph, problem.machine
        assert not line.conflict, (problem, ii)
        residues = Residues(graph, machine, rules, ii)
        for (u, a), (v, b) in ((x, y) for x in enumerate(graph) for y in enumerate(graph)):
            distance = found.start[b.name] - found.start[a.name]
            assert distance >= line.core.between[u, v], (problem, ii, a.name, b.name)
            if u != v:
                together = found.group[a.name] == found.group[b.name]
                assert residues.next(u, v, distance, together) == distance, (problem, ii)
                met += (u, v) in {**residues.units, **residues.waiting}
                rounded += residues.next(u, v, distance + 1, together) != distance + 1
    assert min(met, rounded, refuted) > 20, (met, rounded, refuted)
