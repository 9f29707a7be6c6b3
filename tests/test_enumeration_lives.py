"""What is sure of the lives of values: parts, shares, and how many groups can hold them."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_enumeration import ANY, case_at, hopper_case

from twill_ilp.enumeration import Case, Enumeration
from twill_ilp.enumeration.learned import Learned
from twill_ilp.enumeration.lives import (
    OWN_SLOT,
    TURNS,
    WINDOWS,
    Part,
    Store,
    Value,
    _in_shares,
    sure_part,
    why_meets,
    why_so_long,
)
from twill_ilp.enumeration.node import Node
from twill_ilp.enumeration.propagation import propagate
from twill_ilp.graph import Dependence, LoopGraph, Operation
from twill_ilp.ilp import timeline
from twill_ilp.machine import Machine
from twill_ilp.rules import Rules


@given(st.integers(1, 60), st.integers(1, 3), st.lists(st.integers(1, 60), max_size=8))
def test_what_fits_also_fits_in_shares(capacity: int, k: int, amounts: list[int]) -> None:
    values = [Value(u, 0, amount, ()) for u, amount in enumerate(amounts)]
    shares = _in_shares((capacity, values), k)
    if sum(amounts) <= capacity and shares:
        assert sum(value.amount for value in shares[1]) <= shares[0] == k
    for value in shares[1] if shares else ():
        assert amounts[value.u] * (k + 1) > capacity * value.amount


def test_of_values_over_a_half_one_lives_at_a_time() -> None:
    values = [Value(0, 0, 51, ()), Value(1, 0, 50, ()), Value(2, 0, 34, ())]
    one, two = _in_shares((100, values), 1), _in_shares((100, values), 2)
    assert one and [(v.u, v.amount) for v in one[1]] == [(0, 1)]
    assert two and [(v.u, v.amount) for v in two[1]] == [(0, 1), (1, 1), (2, 1)]
    assert _in_shares((100, values[2:]), 1) is None


def narrowed(tree: Enumeration, rng: random.Random) -> Iterator[Node]:
    """Nodes above the schedule that was found: its slots for some, and random sets around it for
    others, propagated."""
    assert tree.found
    frame = tree.case.frame
    for i in range(8):
        node = Node(tree.case)
        for x in rng.sample(range(len(node.sets)), rng.randrange(1, len(node.sets) + 1)):
            if i % 2 and x < len(node.slot):
                node.keep(x, frame.starts_in(frame.slots_of(tree.found.sets[x])))
                continue
            extra = node.sets[x] & rng.getrandbits(node.sets[x].bit_length())
            node.keep(x, tree.found.sets[x] | extra & rng.getrandbits(extra.bit_length() + 1))
        propagate(node, Learned(len(node.sets)))
        yield node


KINDS = {WINDOWS: "mandatory", OWN_SLOT: "start", TURNS: "turns"}


def check_parts(loop: Case, rng: random.Random) -> dict[str, int]:
    """Parts are within the lives that the schedule has; returns how many there were of each."""
    tree = Enumeration(loop, rng.randrange(100))
    tree.run(ANY, 60)
    kinds: dict[str, int] = {}
    lives = tree.case.lives
    for node in narrowed(tree, rng) if tree.found else ():
        for value in lives.distinct:
            part = sure_part(node, value)
            begin = tree.found.first[value.u]  # type: ignore[union-attr]
            end = max(tree.found.first[v] + offset for v, offset in value.uses)  # type: ignore[union-attr]
            had, sure = lives.part(begin, end), lives.part(part.begin, part.end)
            digit = (1 << lives.digit) - 1
            for r in range(lives.ii):
                assert sure >> lives.digit * r & digit <= had >> lives.digit * r & digit
            kind = "both" if part.both else KINDS.get(part.source, "use")
            kinds[kind] = kinds.get(kind, 0) + (sure > 0)
    return kinds


def test_what_is_sure_of_a_life_is_within_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("twill_ilp.enumeration.search.PIN_CONFLICTS", ANY)
    total = dict.fromkeys([*KINDS.values(), "use", "both"], 0)
    loops = [case_at(seed, ii) for seed in range(120) for ii in (3, 5)] + [hopper_case()]
    for i, loop in enumerate(loops):
        for kind, count in check_parts(loop, random.Random(i)).items() if loop else ():
            total[kind] += count
    assert min(total.values()) > 20, total


@pytest.mark.parametrize(
    ("warps", "most", "groups"),
    [(4, None, 1), (7, None, 1), (8, None, 2), (None, None, 3), (None, 2, 2)],
)
def test_how_many_groups_can_hold_values(warps: int | None, most: int | None, groups: int) -> None:
    operations = tuple(Operation(f"v{i}", cycles=1, warps=4, registers=4) for i in range(3))
    rules = Rules(max_groups=most)
    machine = Machine("m", {"U": 1}, warps=warps, registers_per_thread=64)
    line = timeline(LoopGraph("three", operations, ()), machine, rules, 4)
    loop = Case(line, machine)
    assert loop.groups.most_of(range(3)) == groups
    capacities = [capacity for capacity, values in loop.lives.memories if values]
    assert capacities == ([groups * 64 * 32] if groups > 1 else [])


def spilled_node(ii: int) -> tuple[Node, Value]:
    """a lives for 3 cycles, and for 9 with the spill: that a and b are apart (6) is why."""
    operations = tuple(
        Operation(name, cycles=1, warps=4, registers=4, spill=6 if name == "a" else 0)
        for name in "abc"
    )
    machine = Machine("m", {"U": 1}, warps=8, registers_per_thread=64)
    graph = LoopGraph("three", operations, (Dependence("a", "b", 3), Dependence("c", "a", 1)))
    node = Node(Case(timeline(graph, machine, Rules(), ii), machine, None, pin=2))
    propagate(node, Learned(len(node.sets)))
    value = next(value for value in node.case.lives.distinct if value.u == 0)
    assert sure_part(node, value).source == WINDOWS, "nothing is sure"
    node.keep(3, 1)
    node.keep(4, 2)
    propagate(node, Learned(len(node.sets)))
    return node, value


def reason(node: Node, value: Value, part: Part, r: int) -> dict[int, int]:
    """What has to be lost for the value to live in slot r."""
    store = Store(64 * 32, [value], 1, {0: part}, node.paths)
    return dict(why_meets(node, value, store, r))


def test_a_life_of_whole_turns_is_sure_wherever_it_begins() -> None:
    node, value = spilled_node(4)
    part = sure_part(node, value)
    assert part == Part(0, 8, TURNS) and node.slot[0] < 0
    for r in range(4):
        assert reason(node, value, part, r).keys() == {6}


@pytest.mark.parametrize("x", [0, 1])
def test_a_life_is_sure_from_a_slot_on_and_before_that_of_a_use(x: int) -> None:
    """In slot 5 of 20, a lives in 5 to 13; before b in slot 5, in 16 to 4.  The nearer a slot is,
    the fewer slots of a, or b, meet it, and beyond 3 cycles the spill is why."""
    node, value = spilled_node(20)
    node.keep(x, node.case.frame.starts_in(1 << 5))
    node.slot[x] = 5
    part = sure_part(node, value)
    assert (part.source, part.end - part.begin) == (0 if x else OWN_SLOT, 9)
    for away in range(9):
        r = (5 - 1 - away if x else 5 + away) % 20
        told = reason(node, value, part, r)
        assert told.keys() == ({x, 6} if away >= 3 else {x}), away
        left = node.case.frame.slots_of(node.case.starts[x] & ~told[x])
        near = {(5 - i if x else 5 + i) % 20 for i in range(away + 1)}
        assert left == sum(1 << slot for slot in near), away


@pytest.mark.parametrize(("b", "length"), [(4, 19), (10, 25), (13, 28), (14, 9), (15, 10), (5, 20)])
def test_a_life_is_sure_from_slot_to_slot(b: int, length: int) -> None:
    """a in slot 5 of 20 and b in that slot, at least 9 cycles later: where a reason's slots are
    left, every such life meets the slot, and it is 3 cycles long without the spill."""
    node, value = spilled_node(20)
    frame = node.case.frame
    for x, slot in ((0, 5), (1, b)):
        node.keep(x, frame.starts_in(1 << slot))
        node.slot[x] = slot
    part = sure_part(node, value)
    assert (part.begin, part.end, part.both) == (5, 5 + length, length > 9)
    for r in range(20):
        times = sum(cycle % 20 == r for cycle in range(5, 5 + length))
        told = reason(node, value, part, r) if times else {}
        mine = frame.slots_of(node.case.starts[0] & ~told.get(0, 0))
        theirs = frame.slots_of(node.case.starts[1] & ~told.get(1, 0))
        assert mine >> 5 & 1 and theirs >> b & 1
        for begin in (slot for slot in range(20) if mine >> slot & 1):
            for end in (slot for slot in range(20) if theirs >> slot & 1):
                least = 9 if 6 in told else 3
                life = least + (end - begin - least) % 20
                assert sum(c % 20 == r for c in range(begin, begin + life)) >= times
    why = dict(why_so_long(node, value, Store(64 * 32, [value], 1, {0: part}, node.paths)))
    assert why.keys() == ({6} if not part.both else {0, 1, 6} if length > 22 else {0, 1})
