"""The verifier accepts what is right, and rejects the rest with a message that says where."""

from __future__ import annotations

import ast
import random
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import obeys, optimum
from strategies import FIGURE_1, problems, random_problem

from twill_ilp.errors import InvalidScheduleError
from twill_ilp.graph import Dependence, LoopGraph, Operation, Usage
from twill_ilp.machine import Machine
from twill_ilp.problem import Problem
from twill_ilp.schedule import Schedule
from twill_ilp.verify import verify


def check(problem: Problem, ii: Any, start: Mapping[Any, Any]) -> None:
    verify(problem.graph, problem.machine, Schedule(problem.graph, problem.machine, ii, start))


def refusal(problem: Problem, ii: Any, start: Mapping[Any, Any]) -> str:
    with pytest.raises(InvalidScheduleError) as caught:
        check(problem, ii, start)
    message = str(caught.value)
    assert message and "\n" not in message and len(message) < 200
    return message


def accepts(problem: Problem, ii: int, start: Mapping[str, int]) -> bool:
    try:
        check(problem, ii, start)
    except InvalidScheduleError:
        return False
    return True


def one_unit(*rows: Usage, capacity: int = 1) -> Problem:
    """Independent operations v0, v1, ... of one row each."""
    operations = tuple(Operation(f"v{i}", usage=(row,)) for i, row in enumerate(rows))
    return Problem(LoopGraph("rows", operations), Machine("m", {rows[0].unit: capacity}))


@pytest.mark.parametrize("start", [{"S": 0, "P": 1, "O": 3}, {"S": 0, "P": 2, "O": 3}])
def test_accepts_figure_1(start: dict[str, int]) -> None:
    """Soi et al. 2026, Fig. 1 shows S at 0, P at 2, O at 3; P may also start at 1."""
    check(FIGURE_1, 2, start)


def test_accepts_any_shift() -> None:
    check(FIGURE_1, 2, {"S": 7, "P": 9, "O": 10})


@pytest.mark.parametrize(
    ("ii", "start", "message"),
    [
        (2, {"S": 0, "P": 1, "O": 2}, "TC: slot 0 holds 2 of capacity 1 at II=2 (S, O)"),
        (1, {"S": 0, "P": 1, "O": 2}, "TC: slot 0 holds 2 of capacity 1 at II=1 (S, O)"),
        (2, {"S": 0, "P": 0, "O": 3}, "S -> P: 1 cycle too early at II=2"),
        (2, {"S": 4, "P": 3, "O": 7}, "S -> P: 2 cycles too early at II=2"),
        (2, {"S": 0, "P": 1}, "O: no start at II=2; give it one"),
        (0, {"S": 0, "P": 1, "O": 3}, "II is 0; give a whole number >= 1"),
        (-2, {"S": 0, "P": 1, "O": 3}, "II is -2; give a whole number >= 1"),
        (2.0, {"S": 0, "P": 1, "O": 3}, "II is 2.0; give a whole number >= 1"),
        (True, {"S": 0, "P": 1, "O": 3}, "II is True; give a whole number >= 1"),
        (None, {"S": 0, "P": 1, "O": 3}, "II is None; give a whole number >= 1"),
        pytest.param(
            10**5000,
            {"S": 0, "P": 1, "O": 3},
            "II is beyond 64 bits; give a whole number >= 1",
            id="unprintable",
        ),
        (
            2,
            {"S": 0, "P": 1, "O": 3, "X": 0},
            "'X': has a start at II=2, but graph figure-1 has no such operation",
        ),
    ],
)
def test_message(ii: Any, start: dict[str, Any], message: str) -> None:
    assert refusal(FIGURE_1, ii, start) == message


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (-1, "-1"),
        (1.0, "1.0"),
        (float("nan"), "nan"),
        (True, "True"),
        (None, "None"),
        ("1", "'1'"),
        (2**63, "beyond 64 bits"),
        pytest.param(-(10**5000), "beyond 64 bits", id="unprintable"),
    ],
)
def test_refuses_starts_that_are_not_whole_or_negative(value: Any, shown: str) -> None:
    message = refusal(FIGURE_1, 2, {"S": 0, "P": value, "O": 3})
    assert message == f"P: starts at {shown} at II=2; give a whole number >= 0"


@pytest.mark.parametrize("key", [3, None, "a\nb", "x" * 500, ("S", "P")])
def test_refuses_odd_keys_in_one_short_line(key: Any) -> None:
    assert "no such operation" in refusal(FIGURE_1, 2, {"S": 0, "P": 1, "O": 3, key: 0})


def test_names_the_slot_of_a_later_cycle() -> None:
    """v0 holds slots 1-3 and v1, in its third cycle, slot 3 of 4."""
    rows = one_unit(Usage("TC", 3, start=1), Usage("TC", 1, start=2))
    assert (
        refusal(rows, 4, {"v0": 0, "v1": 1}) == "TC: slot 3 holds 2 of capacity 1 at II=4 (v0, v1)"
    )
    check(rows, 4, {"v0": 0, "v1": 2})


def test_names_only_those_that_hold_the_slot() -> None:
    rows = one_unit(*[Usage("TC", 1)] * 4, capacity=2)
    start = {"v0": 0, "v1": 1, "v2": 4, "v3": 7}
    assert refusal(rows, 3, start) == "TC: slot 1 holds 3 of capacity 2 at II=3 (v1, v2, v3)"


def test_counts_amounts() -> None:
    rows = one_unit(Usage("TC", 1, amount=2), Usage("TC", 1), capacity=2)
    assert (
        refusal(rows, 1, {"v0": 0, "v1": 5}) == "TC: slot 0 holds 3 of capacity 2 at II=1 (v0, v1)"
    )
    check(rows, 2, {"v0": 0, "v1": 5})


@pytest.mark.parametrize(
    ("cycles", "ii", "held"), [(4, 4, 1), (5, 4, 2), (8, 4, 2), (9, 4, 3), (3, 1, 3)]
)
def test_rows_longer_than_ii_wrap_several_times(cycles: int, ii: int, held: int) -> None:
    row, other = Usage("TC", cycles), Usage("TC", 1)
    check(one_unit(row, capacity=held), ii, {"v0": 3})
    message = refusal(one_unit(row, other, capacity=held), ii, {"v0": 3, "v1": 3})
    slot = 3 % ii
    assert message == f"TC: slot {slot} holds {held + 1} of capacity {held} at II={ii} (v0, v1)"


def test_wraps_round_the_end_of_the_kernel() -> None:
    """v0 holds slots 3 and 0 of 4."""
    rows = one_unit(Usage("TC", 2), Usage("TC", 1))
    assert (
        refusal(rows, 4, {"v0": 3, "v1": 8}) == "TC: slot 0 holds 2 of capacity 1 at II=4 (v0, v1)"
    )
    check(rows, 4, {"v0": 3, "v1": 9})


def test_carried_dependence_counts_distance_times_ii() -> None:
    two = (Operation("A"), Operation("B"))
    carried = Problem(LoopGraph("g", two, (Dependence("A", "B", 7, distance=2),)), Machine("m", {}))
    check(carried, 3, {"A": 1, "B": 2})
    assert refusal(carried, 3, {"A": 2, "B": 2}) == "A -> B: 1 cycle too early at II=3"


def test_self_dependence_bounds_ii() -> None:
    loop = Problem(
        LoopGraph("g", (Operation("A"),), (Dependence("A", "A", 5, distance=2),)), Machine("m", {})
    )
    check(loop, 3, {"A": 0})
    assert refusal(loop, 2, {"A": 0}) == "A -> A: 1 cycle too early at II=2"


def test_a_unit_that_the_machine_lacks_has_no_capacity() -> None:
    schedule = Schedule(FIGURE_1.graph, FIGURE_1.machine, 2, {"S": 0, "P": 1, "O": 3})
    with pytest.raises(InvalidScheduleError, match=r"^EXP: slot 1 holds 1 of capacity 0 .*\(P\)$"):
        verify(FIGURE_1.graph, Machine("bare", {"TC": 1}), schedule)


def test_trusts_only_ii_and_starts_of_the_schedule() -> None:
    """The schedule's own graph and machine may be laxer than the ones to verify against."""
    lax = LoopGraph("lax", tuple(Operation(name) for name in "SPO"))
    schedule = Schedule(lax, Machine("lax", {}), 2, {"S": 0, "P": 1, "O": 2})
    with pytest.raises(InvalidScheduleError, match="TC: slot 0"):
        verify(FIGURE_1.graph, FIGURE_1.machine, schedule)


def test_large_numbers_are_exact_and_cost_nothing() -> None:
    """10^9 slots are not walked."""
    huge = 10**9
    check(one_unit(Usage("TC", huge)), huge, {"v0": 7})
    message = refusal(one_unit(Usage("TC", huge)), huge - 1, {"v0": 7})
    assert message == "TC: slot 7 holds 2 of capacity 1 at II=999999999 (v0)"


def test_thousand_long_rows() -> None:
    """Every 5 cycles a row of 3000 begins: 600 in every slot."""
    graph = one_unit(*[Usage("TC", 3000)] * 1000).graph
    start = {op.name: 5 * i for i, op in enumerate(graph)}
    check(Problem(graph, Machine("m", {"TC": 600})), 5000, start)
    message = refusal(Problem(graph, Machine("m", {"TC": 599})), 5000, start)
    named = ", ".join(f"v{i}" for i in (0, *range(401, 408)))
    assert message == f"TC: slot 0 holds 600 of capacity 599 at II=5000 ({named} and 592 more)"


@pytest.mark.parametrize("seed", range(100))
def test_moving_one_start_of_an_optimum(seed: int) -> None:
    """Every single move of an oracle's schedule is judged as the definition judges it."""
    problem = random_problem(random.Random(seed), 5)
    best = optimum(problem)
    assert best is not None
    check(problem, best.ii, best.start)
    for name, start in best.start.items():
        for moved in range(max(0, start - best.ii - 1), start + best.ii + 2):
            changed = {**best.start, name: moved}
            assert accepts(problem, best.ii, changed) == obeys(problem, best.ii, changed), changed


def test_moves_break_dependences_and_units() -> None:
    """The moves above are a real test: hundreds break a dependence, hundreds only a unit."""
    broken = {"too early": 0, "of capacity": 0}
    for seed in range(60):
        problem = random_problem(random.Random(seed), 5)
        best = optimum(problem)
        assert best is not None
        for name, start in best.start.items():
            for moved in range(max(0, start - 3), start + 4):
                changed = {**best.start, name: moved}
                if not obeys(problem, best.ii, changed):
                    message = refusal(problem, best.ii, changed)
                    broken["too early" if "too early" in message else "of capacity"] += 1
    assert min(broken.values()) > 100, broken


@settings(max_examples=200, deadline=None)
@given(problems(5), st.integers(1, 8), st.data())
def test_agrees_with_the_definition(problem: Problem, ii: int, data: st.DataObject) -> None:
    start = {op.name: data.draw(st.integers(0, 3 * ii), op.name) for op in problem.graph}
    assert accepts(problem, ii, start) == obeys(problem, ii, start)


def test_imports_data_modules_only() -> None:
    """No solver, no numpy, no model: what it finds cannot share their errors."""
    package = Path(str(sys.modules[verify.__module__].__file__)).parent
    imported: dict[str, set[str]] = {}
    for file in package.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module:
                names = imported.setdefault(node.module, set())
                names |= {alias.name for alias in node.names}
            assert not isinstance(node, ast.Import)
    data = {f"twill_ilp.{name}" for name in ("errors", "graph", "machine", "rules", "schedule")}
    own = {f"twill_ilp.verify.{file.stem}" for file in package.glob("*.py")}
    standard = {"__future__", "collections", "collections.abc", "itertools", "typing"}
    assert imported.keys() <= data | own | standard
    assert imported["twill_ilp.rules"] == {"Rules"}, "the models' helpers could share an error"
