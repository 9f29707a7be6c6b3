"""Loop graphs refuse, at construction, what cannot be meant, and name the culprit."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from strategies import FIGURE_1, problems

from twill_ilp.checks import LARGEST
from twill_ilp.errors import InvalidGraphError
from twill_ilp.graph import Dependence, LoopGraph, Operation, Usage
from twill_ilp.problem import Problem

NOT_NATURAL = [-1, 1.0, 1.5, float("nan"), float("inf"), True, "1", [], LARGEST + 1, 10**20]
NOT_A_NAME = ["", " ", "\t\n", None, 3, True, b"S", ["S"], "two\nlines", "\ud800"]


def graph(names: str, *dependences: Dependence) -> LoopGraph:
    return LoopGraph("g", tuple(Operation(name) for name in names), dependences)


def refusal(make: Any, *args: Any, **kwargs: Any) -> str:
    with pytest.raises(InvalidGraphError) as caught:
        make(*args, **kwargs)
    message = str(caught.value)
    assert message and "\n" not in message and "; " in message
    assert len(message) < 300
    return message


def test_defaults() -> None:
    row = Usage("TC", 2, start=3)
    assert (row.amount, row.end) == (1, 5)
    op = Operation("S", usage=(Usage("TC", 1), row))
    assert (op.kind, op.cycles, op.issue, op.warps, op.registers) == ("", 5, 5, 1, 0)
    assert (op.footprint, op.spill, op.variable_latency) == ({}, 0, False)
    e = Dependence("S", "P", 1)
    assert (e.distance, e.blocking) == (0, False)


def test_issue_defaults_to_the_cycles_given() -> None:
    assert Operation("S", usage=(Usage("TC", 4),), cycles=7).issue == 7
    assert Operation("S", usage=(Usage("TC", 4),), cycles=7, issue=1).issue == 1
    assert Operation("S").cycles == Operation("S").issue == 0


@pytest.mark.parametrize("value", NOT_NATURAL)
@pytest.mark.parametrize("key", ["start", "cycles", "amount"])
def test_usage_numbers(key: str, value: Any) -> None:
    message = refusal(Usage, **{"unit": "TC", "cycles": 1, key: value})
    assert message.startswith(f"usage of TC: {key} is ")


def test_numbers_that_python_refuses_to_print() -> None:
    """``str`` of an integer of more than 4300 digits raises ValueError."""
    assert refusal(Usage, "TC", 10**5000).startswith("usage of TC: cycles is ")
    assert refusal(Dependence, "S", "P", -(10**5000)).startswith("S -> P: delay is ")


@pytest.mark.parametrize("key", ["cycles", "amount"])
def test_usage_is_positive(key: str) -> None:
    message = refusal(Usage, **{"unit": "TC", "cycles": 1, key: 0})
    assert message == f"usage of TC: {key} is 0; give a whole number from 1 to {LARGEST}"


@pytest.mark.parametrize("value", NOT_NATURAL)
@pytest.mark.parametrize("key", ["cycles", "issue", "warps", "registers", "spill"])
def test_operation_numbers(key: str, value: Any) -> None:
    assert refusal(Operation, "S", **{key: value}).startswith(f"operation S: {key} is ")


@pytest.mark.parametrize("value", [*NOT_NATURAL, None])
def test_footprints(value: Any) -> None:
    message = refusal(Operation, "S", footprint={"smem": value})
    assert message.startswith("operation S: footprint in smem is ")


def test_an_operation_needs_a_warp() -> None:
    assert refusal(Operation, "S", warps=0).startswith("operation S: warps is 0; give")


@pytest.mark.parametrize("value", [*NOT_NATURAL, None])
@pytest.mark.parametrize("key", ["delay", "distance"])
def test_dependence_numbers(key: str, value: Any) -> None:
    message = refusal(Dependence, **{"src": "S", "dst": "P", "delay": 0, key: value})
    assert message.startswith(f"S -> P: {key} is ")


@pytest.mark.parametrize("name", NOT_A_NAME)
def test_names(name: Any) -> None:
    assert refusal(Operation, name).startswith("operation: name is ")
    assert refusal(LoopGraph, name, (Operation("S"),)).startswith("graph: name is ")
    assert refusal(Usage, name, 1).startswith("usage: unit is ")


@pytest.mark.parametrize("name", NOT_A_NAME)
def test_names_of_ends_and_memories(name: Any) -> None:
    refusal(Dependence, name, "P", 1)
    refusal(Dependence, "S", name, 1)
    if not isinstance(name, list):
        refusal(Operation, "S", footprint={name: 1})


@pytest.mark.parametrize(
    ("make", "values"),
    [
        (Operation, {"name": "S", "kind": 3}),
        (Operation, {"name": "S", "kind": None}),
        (Operation, {"name": "S", "variable_latency": 1}),
        (Dependence, {"src": "S", "dst": "P", "delay": 1, "blocking": "yes"}),
    ],
)
def test_wrong_types_that_would_pass_unseen(make: Any, values: dict[str, Any]) -> None:
    refusal(make, **values)


def test_largest_numbers_are_accepted() -> None:
    op = Operation("S", usage=(Usage("TC", LARGEST, amount=LARGEST),), footprint={"m": LARGEST})
    assert op.cycles == op.issue == LARGEST
    assert Dependence("S", "P", LARGEST, LARGEST).delay == LARGEST


def test_empty_graph() -> None:
    assert refusal(graph, "") == "graph g: no operations; give at least one"


def test_duplicate_names() -> None:
    assert refusal(graph, "ABCB") == "graph g: two operations named B; rename one"


@pytest.mark.parametrize(("src", "dst", "lost"), [("A", "X", "X"), ("X", "A", "X")])
def test_dependence_to_nowhere(src: str, dst: str, lost: str) -> None:
    message = refusal(graph, "A", Dependence(src, dst, 1))
    assert message == f"{src} -> {dst}: no operation named {lost}; add it or mend the name"


@pytest.mark.parametrize(
    "dependences",
    [
        [Dependence("A", "A", 1)],
        [Dependence("A", "B", 0), Dependence("B", "A", 1)],
        [Dependence("A", "B", 0), Dependence("B", "C", 0), Dependence("C", "A", 2)],
        [Dependence("A", "B", 0), Dependence("B", "A", 0), Dependence("B", "A", 5)],
    ],
)
def test_operation_that_waits_for_itself(dependences: list[Dependence]) -> None:
    culprit = dependences[-1]
    message = refusal(graph, "ABC", *dependences)
    assert message == (
        f"{culprit.src} -> {culprit.dst}: delay {culprit.delay} on a cycle of total distance 0, "
        f"so {culprit.src} would wait for itself; give the carried dependence distance >= 1"
    )


@pytest.mark.parametrize(
    "dependences",
    [
        [Dependence("A", "A", 0)],
        [Dependence("A", "A", 9, distance=1)],
        [Dependence("A", "B", 0), Dependence("B", "A", 0), Dependence("B", "C", 3)],
        [Dependence("A", "B", 4), Dependence("B", "A", 4, distance=1)],
        [Dependence("A", "B", 1), Dependence("A", "B", 2), Dependence("A", "B", 2)],
    ],
)
def test_cycles_that_are_fine(dependences: list[Dependence]) -> None:
    assert graph("ABC", *dependences).dependences == tuple(dependences)


def test_long_chain_needs_no_recursion() -> None:
    names = [f"v{i}" for i in range(5000)]
    edges = [Dependence(a, b, 1) for a, b in pairwise(names)]
    operations = tuple(Operation(name) for name in names)
    assert len(LoopGraph("chain", operations, tuple(edges))) == 5000
    with pytest.raises(InvalidGraphError, match="would wait for itself"):
        LoopGraph("ring", operations, (*edges, Dependence(names[-1], names[0], 0)))


def test_container_and_views() -> None:
    fig = FIGURE_1.graph
    assert len(fig) == 3 and [op.name for op in fig] == ["S", "P", "O"]
    assert fig.by_name["P"].kind == "exp" and fig.units == ("TC", "EXP")
    assert repr(fig) == "<LoopGraph figure-1: 3 operations, 3 dependences, units TC, EXP>"
    assert repr(graph("A")) == "<LoopGraph g: 1 operations, 0 dependences, units none>"


def test_lists_become_tuples() -> None:
    fig = FIGURE_1.graph
    same = LoopGraph(fig.name, list(fig.operations), list(fig.dependences))  # type: ignore[arg-type]
    assert same == fig and hash(same) == hash(fig)
    assert Operation("S", usage=[Usage("TC", 1)]).usage == (Usage("TC", 1),)  # type: ignore[arg-type]


@pytest.mark.parametrize("part", [FIGURE_1.graph, *FIGURE_1.graph, *FIGURE_1.graph.dependences])
def test_parts_are_frozen(part: Any) -> None:
    with pytest.raises(FrozenInstanceError):
        setattr(part, fields(part)[0].name, "X")


def test_caller_keeps_its_footprint() -> None:
    mine = {"smem": 1}
    op = Operation("S", footprint=mine)
    mine["smem"] = 2
    assert op.footprint == {"smem": 1}


@settings(max_examples=100, deadline=None)
@given(problems())
def test_networkx_round_trip(problem: Problem) -> None:
    """The inverse is exact, parallel edges, isolated operations and all orders included."""
    assert LoopGraph.from_networkx(problem.graph.to_networkx()) == problem.graph


def test_networkx_attributes() -> None:
    multigraph = FIGURE_1.graph.to_networkx()
    assert multigraph.nodes["S"]["operation"] is FIGURE_1.graph.by_name["S"]
    (data,) = multigraph.get_edge_data("O", "O").values()
    assert (data["delay"], data["distance"], data["blocking"]) == (1, 1, False)
