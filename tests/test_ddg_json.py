"""The reader of compilers' dependence graphs, on a small dump of its own."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from twill_ilp import InvalidProblemError, OptionError, SearchOptions, TwillError, solve
from twill_ilp.frontends import ddg_reading, read_ddg
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
    result = solve(problem, SearchOptions(stage="modulo"))
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


SMEM = "#ttg.shared_memory"
TMEM = "#ttng.tensor_memory"
TILE = "tensor<128x64xf16, #b>"
SCORES = "tensor<128x64xf32, #l>"
TOKEN = "!ttg.async.token"


def typed_dump() -> dict[str, Any]:
    """An address, a load, S = Q K, its read to registers, P to tensor memory, O += P V."""
    rows: list[tuple[dict[str, Any], list[str], list[dict[str, Any]]]] = [
        (node(0, "arith.muli", "CUDA", 1, 1), ["i32"], []),
        (node(1, "tt.descriptor_load", "TMA", 96, 556), [TILE], [{"op": "op0"}]),
        (
            node(2, "ttg.local_alloc", "NONE", 0, 0),
            [f"!ttg.memdesc<128x64xf16, #s, {SMEM}>"],
            [{"op": "op1"}],
        ),
        (
            node(3, "ttng.tc_gen5_mma", "TC", 256, 900),
            [TOKEN],
            [{"op": "q"}, {"op": "op2"}, {"op": "s", "result": 0}],
        ),
        (node(4, "ttng.tmem_load", "CUDA", 128, 266), [SCORES, TOKEN], [{"op": "op3"}]),
        (node(5, "arith.truncf", "CUDA", 32, 52), ["tensor<128x64xf16, #l>"], [{"op": "op4"}]),
        (
            node(6, "ttng.tmem_alloc", "NONE", 0, 0),
            [f"!ttg.memdesc<128x64xf16, #t, {TMEM}>"],
            [{"op": "op5"}],
        ),
        (node(7, "ttng.tc_gen5_mma", "TC", 256, 559), [TOKEN], [{"op": "op6"}, {"op": "op2"}]),
    ]
    ops: dict[str, Any] = {
        f"op{n['id']}": {"kind": n["op_kind"], "result_types": types, "operands": operands}
        for n, types, operands in rows
    }
    ops["q"] = {"kind": "ttg.memdesc_trans", "result_types": [], "operands": [{"op": "q0"}]}
    ops["q0"] = {
        "kind": "ttg.local_alloc",
        "result_types": [f"!ttg.memdesc<64x64xf16, #s, {SMEM}>"],
    }
    ops["s"] = {
        "kind": "ttng.tmem_alloc",
        "result_types": [f"!ttg.memdesc<128x64xf32, #t, {TMEM}, mutable>", TOKEN],
    }
    edges = [edge(0, 1, 1), edge(1, 2, 556), edge(2, 3, 0), edge(3, 4, 900), edge(4, 5, 266)]
    edges += [edge(5, 6, 52), edge(6, 7, 0), edge(2, 7, 0), edge(4, 3, 266, 1), edge(7, 7, 256, 1)]
    nodes = [{**n, "op_ref": f"op{n['id']}"} for n, _, _ in rows]
    return {
        "schema_version": "ddg-0.1",
        "config": {"smem_budget_bytes": 100_000, "tmem_budget_bytes": 262_144},
        "ops": ops,
        "loops": [{"loop_id": 0, "ddg": {"nodes": nodes, "edges": edges}}],
    }


def test_types_give_what_the_joint_problem_needs() -> None:
    reading = ddg_reading(typed_dump())
    ops = reading.problem.graph.by_name
    load, product, read = ops["descriptor_load_1"], ops["tc_gen5_mma_3"], ops["tmem_load_4"]
    assert (load.variable_latency, load.issue, load.footprint) == (True, 1, {"smem": 16384})
    assert (load.registers, product.registers, product.issue) == (0, 0, 1)
    assert (read.registers, read.issue, read.spill) == (8192, 128, 2 * 8192 * 4 // 128)
    assert ops["tmem_alloc_6"].footprint == {"tmem": 32}
    assert set(ops) == {
        "descriptor_load_1", "tc_gen5_mma_3", "tmem_load_4", "tmem_load_4.free", "truncf_5",
        "tmem_alloc_6", "tc_gen5_mma_7",
    }  # fmt: skip
    assert reading.dropped == [(0, "arith.muli", "address"), (2, "ttg.local_alloc", "allocation")]
    machine = reading.problem.machine
    assert machine.memories == {"smem": 100_000 - 64 * 64 * 2, "tmem": 512 - 64}
    assert (machine.warps, machine.registers_per_thread) == (16, 255)
    edges = {
        (e.src, e.dst, e.delay, e.distance): e.blocking for e in reading.problem.graph.dependences
    }
    assert edges == {
        ("descriptor_load_1", "tc_gen5_mma_3", 556, 0): True,
        ("descriptor_load_1", "tc_gen5_mma_7", 556, 0): True,
        ("tc_gen5_mma_3", "tmem_load_4", 900, 0): True,
        ("tmem_load_4", "truncf_5", 266, 0): False,
        ("truncf_5", "tmem_alloc_6", 52, 0): False,
        ("tmem_alloc_6", "tc_gen5_mma_7", 0, 0): True,
        ("tmem_load_4", "tmem_load_4.free", 266, 0): False,
        ("tmem_load_4.free", "tc_gen5_mma_3", 0, 1): True,
        ("tc_gen5_mma_7", "tc_gen5_mma_7", 256, 1): False,
    }


def test_without_rules_the_dump_is_read_as_it_stands() -> None:
    rules = ("addresses", "views", "releases", "blocking", "implied")
    graph = ddg_reading(typed_dump(), without=rules).problem.graph
    assert len(graph) == 8 and len(graph.dependences) == 10
    assert not any(e.blocking for e in graph.dependences)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (["ops"], [], "ops is not of type dict"),
        (["ops", "op4", "result_types"], 3, "result_types is no list of texts"),
        (["ops", "op4", "result_types"], ["tensor<0x64xf32>"], "is no tile"),
        (["config", "smem_budget_bytes"], 100, "take 8192 of smem, 8092 above the budget"),
        (["config", "smem_budget_bytes"], "x", "smem_budget_bytes is not of type int"),
    ],
)
def test_errors_in_types(path: list[Any], value: object, message: str) -> None:
    data = typed_dump()
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
