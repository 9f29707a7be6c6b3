"""The problem file: round trips, defaults, and one-line refusals with place and mend."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from strategies import FIGURE_1, FULL, WRONG, Place, changed, keys, places, problems, value_at

from twill_ilp.errors import InvalidProblemError, TwillError
from twill_ilp.graph import Dependence, LoopGraph, Operation, Usage
from twill_ilp.machine import Machine
from twill_ilp.problem import PROBLEM_SCHEMA, Problem, load_json, read_machine, read_problem

Write = Callable[[Any], Path]


@pytest.fixture
def write_text(tmp_path: Path) -> Write:
    """Write text to a file."""

    def to_file(text: str) -> Path:
        path = tmp_path / "loop.json"
        path.write_text(text, encoding="utf-8")
        return path

    return to_file


@pytest.fixture
def write(write_text: Write) -> Write:
    """Write data to a file, as JSON."""
    return lambda data: write_text(json.dumps(data))


def refusal(path: Path, read: Callable[[Path], object] = read_problem) -> str:
    """The refusal without the path that it begins with."""
    with pytest.raises(InvalidProblemError) as caught:
        read(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ") and len(message.splitlines()) == 1
    assert "; " in message, f"no mend in: {message}"
    assert len(message) < len(str(path)) + 300
    return message.removeprefix(f"{path}: ")


def test_reads_every_key(write: Write) -> None:
    problem = read_problem(write(FULL))
    rows = (Usage("TC", 4), Usage("SFU", 2, start=1, amount=2))
    s0 = Operation("S0", "mma", rows, 5, 1, 4, 128, {"tmem": 128, "smem": 0}, 7, True)
    edges = (Dependence("S0", "load0", 4, 0, True), Dependence("load0", "S0", 1, 2))
    assert problem.graph == LoopGraph("full", (s0, Operation("load0")), edges)
    assert problem.machine == Machine(
        "little", {"TC": 1, "SFU": 2}, {"smem": 1000, "tmem": 512}, 16, 255, 65536
    )
    assert problem.name == "full"


def test_writes_what_it_reads() -> None:
    """All keys are written, defaults too; the second operation of FULL has defaults only."""
    data = json.loads(json.dumps(Problem.from_dict(FULL).to_dict()))
    defaults = data["graph"]["operations"].pop()
    assert defaults == {
        **{"name": "load0", "kind": "", "usage": [], "warps": 1, "footprint": {}},
        **{"cycles": 0, "issue": 0, "registers": 0, "spill": 0, "variable_latency": False},
    }
    rest = copy.deepcopy(FULL)
    rest["graph"]["operations"].pop()
    assert data == rest


def test_only_the_required_keys() -> None:
    small = {
        "schema": PROBLEM_SCHEMA,
        "graph": {"name": "g", "operations": [{"name": "A"}]},
        "machine": {"name": "m", "units": {}},
    }
    problem = Problem.from_dict(small)
    assert problem.graph == LoopGraph("g", (Operation("A"),))
    assert problem.machine == Machine("m", {})
    assert set(problem.to_dict()["machine"]) == {"name", "units", "memories"}


def test_defaults_of_a_dependence_and_of_issue() -> None:
    data = changed(
        ("graph", "operations", 0), {"name": "S0", "usage": [{"unit": "TC", "cycles": 3}]}
    )
    data["graph"]["dependences"] = [{"src": "S0", "dst": "load0", "delay": 3}]
    graph = Problem.from_dict(data).graph
    assert graph.dependences == (Dependence("S0", "load0", 3, 0, False),)
    assert (graph.by_name["S0"].cycles, graph.by_name["S0"].issue) == (3, 3)


@settings(max_examples=100, deadline=None)
@given(problems())
def test_round_trip_through_json(problem: Problem) -> None:
    assert Problem.from_dict(json.loads(json.dumps(problem.to_dict()))) == problem


@pytest.mark.parametrize("problem", [FIGURE_1, Problem.from_dict(FULL)])
def test_from_dict_inverts_to_dict(problem: Problem) -> None:
    """As the docstring promises, without a detour through JSON text."""
    assert Problem.from_dict(problem.to_dict()) == problem


def test_input_is_left_alone_and_equal_problems_hash_alike() -> None:
    data = copy.deepcopy(FULL)
    assert hash(Problem.from_dict(data)) == hash(Problem.from_dict(FULL))
    assert data == FULL


def test_reads_a_machine(write: Write) -> None:
    assert read_machine(write(FULL["machine"])) == Problem.from_dict(FULL).machine
    message = refusal(write({"name": "m", "units": {"TC": 0}}), read_machine)
    assert "unit TC is 0; give a whole number from 1" in message


def test_paths_that_cannot_be_read(tmp_path: Path) -> None:
    missing = refusal(tmp_path / "none.json")
    assert missing == "cannot be read: No such file or directory; check the path"
    assert refusal(tmp_path) == "cannot be read: Is a directory; check the path"
    with pytest.raises(InvalidProblemError, match="cannot be read"):
        read_problem("nul\0nul")


def test_binary_file(tmp_path: Path) -> None:
    (tmp_path / "loop.json").write_bytes(b"\xff\xfe\x00")
    assert refusal(tmp_path / "loop.json") == "not UTF-8 text; give a JSON file"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not JSON: Expecting value at line 1, column 1; mend the file there"),
        (
            '{"schema": 1,\n oops}',
            "not JSON: Expecting property name enclosed in double quotes at line 2, column 2; "
            "mend the file there",
        ),
        ("{} {}", "not JSON: Extra data at line 1, column 4; mend the file there"),
        ("NaN", "number NaN; give a whole number"),
        ('{"schema": -Infinity}', "number -Infinity; give a whole number"),
        ('{"a": 1, "a": 1}', "key 'a' stands twice in one object; remove one"),
        ("[" * 10**5, "not a problem: nested too deeply or a number too long; give a problem file"),
        ("9" * 5000, "not a problem: nested too deeply or a number too long; give a problem file"),
        ("[]", "problem is []; give an object {...}"),
        ("null", "problem is null; give an object {...}"),
        ("{}", "problem: key 'schema' is missing; add it"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_files_that_are_no_problem(write_text: Write, text: str, message: str) -> None:
    assert refusal(write_text(text)) == message


def test_load_json_says_what_it_cannot_parse(write_text: Write) -> None:
    assert load_json(write_text('[1, {"a": null}]')) == [1, {"a": None}]
    with pytest.raises(InvalidProblemError, match=r"^not JSON"):
        load_json(write_text("{"))


@pytest.mark.parametrize("schema", ["twill-ilp/problem/2", "twill-ilp/result/1", "", 1, [], None])
def test_wrong_schema(write: Write, schema: Any) -> None:
    message = refusal(write(changed(("schema",), schema)))
    assert message.startswith("schema is ")
    assert message.endswith("; this version reads 'twill-ilp/problem/1'")


def test_wrong_schema_comes_before_unknown_keys(write: Write) -> None:
    """A result file, or a later version of the format, is recognised as such."""
    later = {"schema": "twill-ilp/result/1", "problem": "full", "status": "optimal"}
    assert refusal(write(later)).startswith("schema is ")


OBJECTS = [
    ((), "problem"),
    (("graph",), "graph"),
    (("graph", "operations", 0), "graph.operations[0] (S0)"),
    (("graph", "operations", 0, "usage", 1), "graph.operations[0] (S0).usage[1]"),
    (("graph", "dependences", 1), "graph.dependences[1]"),
    (("machine",), "machine"),
]


@pytest.mark.parametrize(("at", "where"), OBJECTS)
def test_unknown_key(write: Write, at: Place, where: str) -> None:
    message = refusal(write(changed(at, {**value_at(FULL, at), "cylces": 1})))
    assert message.startswith(f"{where}: unknown key 'cylces'; known: ")


@pytest.mark.parametrize(("at", "where"), OBJECTS)
def test_duplicate_key(write_text: Write, at: Place, where: str) -> None:
    part = json.dumps(value_at(FULL, at))
    twice = json.dumps(FULL).replace(part, '{"name": 1, "name": 2, ' + part[1:])
    assert refusal(write_text(twice)) == "key 'name' stands twice in one object; remove one"


REQUIRED = [
    *[((key,), "problem") for key in ("schema", "graph", "machine")],
    *[(("graph", key), "graph") for key in ("name", "operations")],
    (("graph", "operations", 0, "name"), "graph.operations[0]"),
    *[((*OBJECTS[3][0], key), OBJECTS[3][1]) for key in ("unit", "cycles")],
    *[((*OBJECTS[4][0], key), OBJECTS[4][1]) for key in ("src", "dst", "delay")],
    *[(("machine", key), "machine") for key in ("name", "units")],
]


@pytest.mark.parametrize(("at", "where"), REQUIRED)
def test_missing_key(write: Write, at: Place, where: str) -> None:
    data = copy.deepcopy(FULL)
    del value_at(data, at[:-1])[at[-1]]
    assert refusal(write(data)) == f"{where}: key {at[-1]!r} is missing; add it"


@pytest.mark.parametrize("at", [at for at in places(FULL) if at and isinstance(at[-1], str)])
def test_every_other_key_may_be_left_out(write: Write, at: Place) -> None:
    """Only the capacities of units and memories in use cannot."""
    data = copy.deepcopy(FULL)
    for e in data["graph"]["dependences"]:
        e["delay"] = 0  # so that a distance may be left out, too
    del value_at(data, at[:-1])[at[-1]]
    in_use = at[:2] in (("machine", "units"), ("machine", "memories")) and len(at) == 3
    if in_use or keys(at) in {keys(required) for required, _ in REQUIRED}:
        refusal(write(data))
    else:
        read_problem(write(data))


@pytest.mark.parametrize(
    ("at", "value", "parts"),
    [
        (("graph", "operations", 0, "usage", 0, "unit"), "XU",
         ["operation S0: unit XU is unknown to machine little; it has TC, SFU"]),
        (("graph", "operations", 0, "usage", 0, "amount"), 2,
         ["operation S0: needs 2 of TC in its cycle 0", "little's capacity 1; lower the amount"]),
        (("graph", "operations", 0, "usage", 1),
         {"unit": "TC", "start": 3, "cycles": 1},
         ["operation S0: needs 2 of TC in its cycle 3, above"]),
        (("graph", "operations", 0, "usage", 1, "cycles"), 0,
         ["graph.operations[0] (S0).usage[1]", "cycles is 0; give a whole number from 1"]),
        (("graph", "operations", 0, "footprint"), {"gmem": 1},
         ["operation S0: footprint in gmem, which machine little lacks; it has smem, tmem"]),
        (("graph", "operations", 1, "name"), "S0", ["two operations named S0; rename one"]),
        (("graph", "operations"), [], ["graph full: no operations; give at least one"]),
        (("graph", "dependences", 0, "dst"), "lost",
         ["S0 -> lost: no operation named lost; add it or mend the name"]),
        (("graph", "dependences", 1, "distance"), 0,
         ["on a cycle of total distance 0", "give the carried dependence distance >= 1"]),
        (("graph", "operations", 0, "registers"), -1,
         ["graph.operations[0] (S0)", "registers is -1; give a whole number from 0"]),
        (("graph", "operations", 0, "cycles"), 1.5,
         ["graph.operations[0] (S0)", "cycles is 1.5; give a whole number >= 0"]),
        (("graph", "operations", 0, "spill"), None,
         ["graph.operations[0] (S0): spill is null; give a value or leave the key out"]),
        (("graph", "operations", 0, "variable_latency"), 1,
         ["graph.operations[0] (S0): variable_latency is 1; give true or false"]),
        (("graph", "dependences", 0, "delay"), 10**10,
         ["graph.dependences[0]", "S0 -> load0: delay is 10000000000; give a whole number from 0"]),
        (("graph", "dependences", 0, "src"), 3,
         ["graph.dependences[0]: src is 3; give an operation's name"]),
        (("machine", "units", "TC"), 0, ["unit TC is 0; give a whole number from 1"]),
        (("machine", "units", "TC"), -1, ["unit TC is -1; give a whole number from 1"]),
        (("machine", "memories"), 5, ["machine.memories is 5; give an object {...}"]),
        (("machine", "warps"), None, ["machine: warps is null; give a value or leave the key out"]),
    ],
    ids=lambda value: ".".join(map(str, value)) if isinstance(value, tuple) else None,
)  # fmt: skip
def test_names_place_and_mend(write: Write, at: Place, value: Any, parts: list[str]) -> None:
    message = refusal(write(changed(at, value)))
    assert all(part in message for part in parts), message


@pytest.mark.parametrize("at", list(places(FULL)), ids=lambda at: ".".join(map(str, at)) or "top")
def test_any_wrong_value_is_refused_or_kept(write: Write, at: Place) -> None:
    """No value at any place raises anything but a one-line refusal that begins with the path."""
    for wrong in WRONG:
        path = write(changed(at, wrong))
        try:
            problem = read_problem(path)
        except TwillError:
            refusal(path)
        else:
            assert Problem.from_dict(json.loads(json.dumps(problem.to_dict()))) == problem


@pytest.mark.parametrize(
    "at",
    [("schema",), ("graph", "name"), ("graph",), ("graph", "operations"), ("machine", "units")],
)
def test_no_depth_of_nesting_escapes(write_text: Write, at: Place) -> None:
    """Some depths are just parsed but too deep to print."""
    text = json.dumps(changed(at, "DEPTH"))
    for depth in range(700, 1010, 2):
        refusal(write_text(text.replace('"DEPTH"', "[" * depth + "]" * depth)))
