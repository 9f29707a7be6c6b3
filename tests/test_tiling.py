"""Sub-tiling: identity at 1, no work lost, names, shared operations; also on files."""

from __future__ import annotations

import json
import random
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import random_problem

from twill_ilp.errors import OptionError
from twill_ilp.graph import Dependence, LoopGraph, Operation, Usage
from twill_ilp.kernels import KERNELS, build_kernel
from twill_ilp.problem import Problem
from twill_ilp.tiling import sub_tile


def work(graph: LoopGraph) -> Counter[str]:
    total: Counter[str] = Counter()
    for op in graph:
        for row in op.usage:
            total[row.unit] += row.cycles * row.amount
    return total


@st.composite
def marked(draw: st.DrawFn) -> Problem:
    """A random problem some of whose operations split."""
    problem = random_problem(draw(st.randoms(use_true_random=False)))
    rng = random.Random(draw(st.integers(0, 99)))
    ops = [replace(op, splits=rng.random() < 0.7) for op in problem.graph]
    ops[0] = replace(ops[0], splits=True)
    graph = LoopGraph("g", tuple(ops), problem.graph.dependences)
    return Problem(graph, problem.machine)


@given(marked(), st.integers(2, 4))
@settings(deadline=None, max_examples=100)
def test_work_of_every_unit_is_preserved(problem: Problem, n: int) -> None:
    divided = sub_tile(problem.graph, n)
    assert work(divided) == work(problem.graph)
    Problem(divided, problem.machine)  # no unit is over-subscribed within an operation
    for op in problem.graph:
        pieces = [divided.by_name[f"{op.name}.{i}"] for i in range(n)] if op.splits else []
        assert sum(piece.cycles for piece in pieces) == (op.cycles if op.splits else 0)


@given(marked())
@settings(deadline=None, max_examples=30)
def test_one_sub_tile_is_the_identity(problem: Problem) -> None:
    assert sub_tile(problem.graph, 1) == problem.graph


def test_names_shares_and_edges() -> None:
    load = Operation("K", usage=(Usage("TMA", 2),), footprint={"smem": 64})
    s = Operation("S", "mma", (Usage("TC", 5),), registers=7, issue=1, warps=4, splits=True)
    out = Operation("sum", usage=(Usage("FP32", 1),))
    edges = (
        Dependence("K", "S", 2, blocking=True),
        Dependence("S", "S", 5, 1),
        Dependence("S", "sum", 5),
    )
    divided = sub_tile(LoopGraph("g", (load, s, out), edges), 2)
    assert [op.name for op in divided] == ["K", "sum", "S.0", "S.1"]
    assert divided.by_name["K"] == load
    first, second = divided.by_name["S.0"], divided.by_name["S.1"]
    assert (first.cycles, second.cycles) == (3, 2)
    assert (first.registers, second.registers) == (4, 3)
    assert (first.issue, second.issue, first.warps, first.splits) == (1, 1, 4, False)
    assert set(divided.dependences) == {
        Dependence("K", "S.0", 2, blocking=True),
        Dependence("K", "S.1", 2, blocking=True),
        Dependence("S.0", "S.0", 3, 1),
        Dependence("S.1", "S.1", 2, 1),
        Dependence("S.0", "sum", 3),
        Dependence("S.1", "sum", 2),
    }


def test_graphs_from_files() -> None:
    """``splits`` is optional, and is written only where it is true."""
    data: dict[str, Any] = {
        "schema": "twill-ilp/problem/1",
        "graph": {
            "name": "g",
            "operations": [
                {"name": "K", "usage": [{"unit": "TMA", "cycles": 1}]},
                {"name": "S", "usage": [{"unit": "TC", "cycles": 4}], "splits": True},
            ],
            "dependences": [{"src": "K", "dst": "S", "delay": 1}],
        },
        "machine": {"name": "m", "units": {"TC": 1, "TMA": 1}},
    }
    problem = Problem.from_dict(data)
    assert work(sub_tile(problem.graph, 2)) == {"TMA": 1, "TC": 4}
    written = json.loads(json.dumps(problem.to_dict()))
    assert [op.get("splits") for op in written["graph"]["operations"]] == [None, True]
    assert Problem.from_dict(written) == problem


@pytest.mark.parametrize("n", [0, -1, 1.0, True, "2"])
def test_numbers_refused(n: Any) -> None:
    with pytest.raises(OptionError, match="give a whole number >= 1"):
        sub_tile(build_kernel("gemm").graph, n)


def test_nothing_to_split() -> None:
    with pytest.raises(OptionError, match="fig1: no operation splits; mark those"):
        sub_tile(build_kernel("fig1").graph, 2)


LARGE = {
    "gemm": ((256, 128, 64), (128, 128, 64)),
    "gemm-epilogue": ((256, 128, 64), (128, 128, 64)),
    "gated-mlp": ((256, 128, 64), (128, 128, 64)),
    "layer-norm": ((256, 256), (128, 256)),
    "linear-attention": ((64, 128, 256), (64, 128, 128)),
    "fmha-forward": ((256, 128, 128), (128, 128, 128)),
    "fmha-backward": ((256, 128, 64), (128, 128, 64)),
}


@pytest.mark.parametrize("name", [name for name, kernel in KERNELS.items() if kernel.machines])
@pytest.mark.parametrize("machine", ["ampere", "hopper", "blackwell"])
def test_kernels_divide_like_their_graphs(name: str, machine: str) -> None:
    """A tile of twice the size, divided, is two tiles: same names, same work."""
    one, half = LARGE[name]
    if name == "fmha-backward" and machine != "blackwell":  # keys are divided there
        one, half = (64, 256, 64), (64, 128, 64)
    whole = build_kernel(name, machine, tile=one, sub_tiles=1, quantum=1)
    two = build_kernel(name, machine, tile=half, sub_tiles=2, quantum=1)
    divided = sub_tile(whole.graph, 2)
    assert {op.name for op in divided} == {op.name for op in two.graph}
    assert work(divided) == work(two.graph)
    assert set(divided.dependences) == set(two.graph.dependences)
