"""Pairs of classes: together or apart, whatever the group."""

from __future__ import annotations

import pytest

from twill_ilp import Dependence, LoopGraph, Machine, Operation
from twill_ilp.enumeration import Case
from twill_ilp.enumeration.conflict import Conflict
from twill_ilp.enumeration.learned import Learned
from twill_ilp.enumeration.node import Node
from twill_ilp.enumeration.propagation import propagate
from twill_ilp.enumeration.together import (
    APART,
    TOGETHER,
    are_apart,
    are_together,
    join,
    part,
    why_apart,
    why_together,
)
from twill_ilp.ilp import timeline
from twill_ilp.rules import Rules

EITHER = APART | TOGETHER


def root(words: int = 4, spill: int = 0, registers: int = 64, ii: int = 4) -> Node:
    """load (class 0) in the designated group; a, b, c (1 to 3) in any of three others."""
    ops = tuple(
        Operation(name, cycles=1, warps=4, registers=words, spill=spill if name == "a" else 0)
        for name in "abc"
    )
    load = Operation("load", cycles=1, variable_latency=True)
    machine = Machine("m", {"U": 1}, warps=13, registers_per_thread=registers)
    graph = LoopGraph("four", (load, *ops), (Dependence("a", "b", 1), Dependence("b", "c", 1)))
    node = Node(Case(timeline(graph, machine, Rules(), ii), machine))
    propagate(node, Learned(len(node.sets)))
    return node


def pair(node: Node, c: int, d: int) -> int:
    return node.sets[node.case.together.number[c][d]]


def groups_of(node: Node, c: int) -> int:
    return node.sets[len(node.first) + c]


def settle(node: Node) -> None:
    propagate(node, Learned(len(node.sets)))


def test_every_two_classes_have_a_variable() -> None:
    node = root()
    together = node.case.together
    assert together.pairs == [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]
    assert [together.number[c][d] for c, d in together.pairs] == list(
        range(together.first, len(node.sets))
    )
    assert all(together.number[c][d] == together.number[d][c] for c, d in together.pairs)
    assert [pair(node, 0, c) for c in (1, 2, 3)] == [APART] * 3, "load has a group of its own"
    assert are_apart(node, 0, 1) and not are_apart(node, 1, 1) and are_together(node, 1, 1)


def test_groups_settle_a_pair_and_a_pair_groups() -> None:
    node = root()
    assert pair(node, 1, 2) == EITHER and not are_apart(node, 1, 2)
    settled = node.copy()
    settled.keep(len(node.first) + 2, groups_of(node, 1))  # a opens a group, b goes into it
    settle(settled)
    assert pair(settled, 1, 2) == TOGETHER
    elsewhere = node.copy()
    elsewhere.keep(len(node.first) + 2, ~groups_of(node, 1))
    settle(elsewhere)
    assert pair(elsewhere, 1, 2) == APART
    joined = node.copy()
    join(joined, 2, 3)
    settle(joined)
    assert groups_of(joined, 2) == groups_of(joined, 3) and pair(joined, 2, 3) == TOGETHER
    part(joined, 1, 2)
    settle(joined)
    assert not groups_of(joined, 3) & groups_of(joined, 1) and are_apart(joined, 1, 3)


def test_together_and_apart_is_a_conflict() -> None:
    node = root()
    join(node, 1, 2)
    settle(node)
    with pytest.raises(Conflict):
        part(node, 1, 2)


def test_why() -> None:
    node = root()
    number = node.case.together.number
    assert list(why_apart(node, 1, 2)) == [(number[1][2], TOGETHER)], "it has lost that"
    assert list(why_together(node, 1, 2)) == [(number[1][2], APART)]
    assert list(why_together(node, 1, 1)) == []


def test_a_pair_that_is_apart_has_its_spill_before_groups_are_known() -> None:
    node = root(spill=5)
    assert groups_of(node, 2).bit_count() > 1
    before = node.paths.rows[1][2]
    part(node, 1, 2)
    settle(node)
    assert (before, node.paths.rows[1][2]) == (1, 6)


def test_values_too_large_for_one_group_are_apart() -> None:
    """Each fills 3 of 4 parts of a warp's registers.  At II 1 a's lives in every slot; so b waits
    for it in every slot, and c, which has no use and does not live, cannot be beside b."""
    node = root(words=48 * 32 * 4, ii=1)
    assert pair(node, 1, 2) == pair(node, 2, 3) == APART
    free = root(words=48 * 32 * 4, ii=2)
    assert pair(free, 1, 2) == pair(free, 2, 3) == EITHER
