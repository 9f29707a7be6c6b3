"""The reader of compilers' dependence graphs, on a small dump of its own."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from twill_ilp import InvalidProblemError, OptionError, TwillError, solve
from twill_ilp.frontends import read_ddg
from twill_ilp.frontends.ddg_json import problem_from_ddg


def node(number: int, kind: str, unit: str, occupancy: int, latency: int) -> dict[str, Any]:
    return {
        "id": number,
        "op_kind": kind,
        "pipeline": unit,
        "occupancy": occupancy,
        "latency": latency,
        "min_warps": 1,
    }


def edge(src: int, dst: int, latency: int, distance: int = 0) -> dict[str, Any]:
    return {"src": src, "dst": dst, "latency": latency, "distance": distance}


def dump() -> dict[str, Any]:
    nodes = [
        node(0, "tt.load", "TMA", 96, 556),
        node(1, "ttg.alloc", "NONE", 0, 0),
        node(7, "ttng.mma", "TC", 256, 559),
    ]
    edges = [edge(0, 1, 556), edge(1, 7, 0), edge(7, 7, 256, 1)]
    ddg = {"nodes": nodes, "edges": edges}
    return {"schema_version": "ddg-0.1", "loops": [{"loop_id": 0, "ddg": ddg}]}


def test_fields_are_mapped(tmp_path: Path) -> None:
    path = tmp_path / "gemm.json"
    path.write_text(json.dumps(dump()))
    problem = read_ddg(path)
    assert problem.name == "gemm"
    assert problem.machine.units == {"TMA": 1, "TC": 1}
    load, alloc, mma = problem.graph.operations
    assert (load.name, load.cycles, load.usage[0].cycles) == ("load_0", 556, 96)
    assert (alloc.usage, alloc.cycles) == ((), 0)
    assert [(e.src, e.dst, e.delay, e.distance) for e in problem.graph.dependences][-1] == (
        mma.name,
        mma.name,
        256,
        1,
    )
    result = solve(problem)
    assert (result.status, result.ii, result.length) == ("optimal", 256, 1115)


def test_one_of_several_loops_must_be_chosen() -> None:
    data = dump()
    data["loops"].append({"loop_id": 4, "ddg": {"nodes": [node(0, "x", "SFU", 1, 1)], "edges": []}})
    with pytest.raises(OptionError, match=r"2 loops; choose one with --loop: 0, 4"):
        problem_from_ddg(data)
    assert problem_from_ddg(data, 4).graph.units == ("SFU",)
    with pytest.raises(OptionError, match="no loop 3; choose from 0, 4"):
        problem_from_ddg(data, 3)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (["schema_version"], "ddg-9", "this version reads ddg-0.1"),
        (["loops"], [], "no loops"),
        (["loops"], 3, "loops is not of type list"),
        (["loops", 0, "ddg", "nodes", 1, "id"], 0, r"nodes\[1\]: id 0 stands twice"),
        (["loops", 0, "ddg", "nodes", 0, "occupancy"], -1, r"nodes\[0\]: .* cycles is -1"),
        (["loops", 0, "ddg", "nodes", 0, "occupancy"], 1.5, "occupancy is not of type int"),
        (["loops", 0, "ddg", "edges", 0, "dst"], 5, r"edges\[0\]: dst 5 is no node's id"),
        (["loops", 0, "ddg", "edges", 2, "distance"], 0, "total distance 0"),
        (["loops", 0, "ddg", "nodes"], [], r"edges\[0\]: src 0 is no node's id"),
    ],
)
def test_errors_name_the_place(path: list[Any], value: object, message: str) -> None:
    data = copy.deepcopy(dump())
    at: Any = data
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    with pytest.raises(InvalidProblemError, match=message):
        problem_from_ddg(data)


def test_a_missing_key_is_named() -> None:
    data = dump()
    del data["loops"][0]["ddg"]["nodes"][2]["latency"]
    with pytest.raises(InvalidProblemError, match=r"nodes\[2\]: key 'latency' is missing"):
        problem_from_ddg(data)


def test_files_are_named(tmp_path: Path) -> None:
    path = tmp_path / "no.json"
    with pytest.raises(TwillError, match=r"no\.json: cannot be read"):
        read_ddg(path)
