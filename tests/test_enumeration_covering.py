"""Covering rows of units and groups that have no slot to spare."""

from __future__ import annotations

import pytest
from test_enumeration import ANY, case_at

from twill_ilp.enumeration import Case, Enumeration
from twill_ilp.graph import Dependence, LoopGraph, Operation, Usage
from twill_ilp.ilp import timeline
from twill_ilp.machine import Machine
from twill_ilp.rules import Rules


def busy_loop(ii: int, *, waits: bool = False, warps: int | None = None) -> Case:
    """Three operations that use a unit for 2, 3 and 1 cycles; the last one may wait."""
    operations = tuple(
        Operation(name, usage=(Usage("U", cycles),), registers=1)
        for name, cycles in (("A", 2), ("B", 3), ("C", 1))
    )
    graph = LoopGraph("busy", operations, (Dependence("A", "C", 2, blocking=waits),))
    machine = Machine("m", {"U": 1}, warps=warps)
    return Case(timeline(graph, machine, Rules(), ii), machine)


def test_a_unit_without_a_slot_to_spare_is_never_empty() -> None:
    loop = busy_loop(6)
    assert len(loop.covering) == 6
    frame = loop.frame
    for r, row in enumerate(loop.covering):
        assert [v for v, _ in row] == [0, 1, 2]
        for (_, mask), cycles in zip(row, (2, 3, 1), strict=True):
            assert mask == frame.starts_in(sum(1 << (r - back) % 6 for back in range(cycles)))


def test_one_slot_to_spare_is_enough_for_no_row() -> None:
    assert busy_loop(7).covering == []


def test_who_waits_takes_time_of_its_group() -> None:
    """Two operations on two units, 3 cycles each: the second waits, which takes one slot of the
    first unit as well, if they share the only group."""
    operations = (
        Operation("A", usage=(Usage("U", 3),)),
        Operation("B", usage=(Usage("V", 3),)),
    )
    graph = LoopGraph("pair", operations, (Dependence("A", "B", 3, blocking=True),))

    def rows(ii: int, warps: int) -> list[list[tuple[int, int]]]:
        machine = Machine("m", {"U": 1, "V": 1}, warps=warps)
        return Case(timeline(graph, machine, Rules(), ii), machine).covering

    assert len(rows(4, 1)) == 4
    for row in rows(4, 1):
        assert [v for v, _ in row] == [0, 1]
    assert rows(4, 2) == []  # two groups are possible
    assert rows(5, 1) == []  # there is a slot to spare


def test_every_schedule_satisfies_the_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Schedules that trees find which do not know the rows."""
    monkeypatch.setattr("twill_ilp.enumeration.search.PIN_CONFLICTS", ANY)  # rows are of one pin
    checked = 0
    for seed in range(300):
        for ii in range(2, 7):
            loop = case_at(seed, ii)
            if loop and loop.covering:
                rows, loop.covering = loop.covering, []
                for tree in [Enumeration(loop, seed) for seed in range(3)]:
                    tree.run(ANY, 60)
                    for row in rows if tree.found else ():
                        checked += 1
                        assert any(tree.found.sets[x] & mask for x, mask in row)  # type: ignore[union-attr]
    assert checked > 100, checked
