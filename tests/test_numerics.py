"""Kernels compute what they say: operations against the loop, the loop against the mathematics."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from twill_ilp.errors import InvalidGraphError, OptionError
from twill_ilp.graph import Dependence, LoopGraph, Operation
from twill_ilp.kernels import KERNELS, build_kernel
from twill_ilp.kernels.numerics import Array, execute, kernel_semantics

GPUS = ("ampere", "hopper", "blackwell")
TILES = {name: (4, 8, 6) for name, kernel in KERNELS.items() if kernel.machines} | {
    "layer-norm": (4, 16)
}


def semantics(name: str, machine: str, sub_tiles: int, **options: Any) -> Any:
    return kernel_semantics(name, machine, tile=TILES[name], sub_tiles=sub_tiles, **options)


def data(compute: Any, name: str, iterations: int, sub_tile: int = 0) -> list[Array]:
    """What a load brings in every iteration."""
    return [compute.compute[name](i, sub_tile, None) for i in range(iterations)]


def softmax(s: Array) -> Array:
    p = np.exp(s - s.max(axis=-1, keepdims=True))
    return np.asarray(p / p.sum(axis=-1, keepdims=True))


@pytest.mark.parametrize("name", TILES)
@pytest.mark.parametrize("machine", GPUS)
@pytest.mark.parametrize("sub_tiles", [1, 2])
def test_operations_one_by_one_give_the_reference(name: str, machine: str, sub_tiles: int) -> None:
    graph = build_kernel(name, machine, tile=TILES[name], sub_tiles=sub_tiles).graph
    loop = semantics(name, machine, sub_tiles, iterations=5)
    result, reference = execute(graph, loop), loop.reference()
    assert result.keys() == reference.keys()
    for key, expected in reference.items():
        np.testing.assert_allclose(result[key], expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", TILES)
@pytest.mark.parametrize("machine", GPUS)
@pytest.mark.parametrize("sub_tiles", [1, 2])
def test_every_operation_computes_or_only_synchronises(
    name: str, machine: str, sub_tiles: int
) -> None:
    graph = build_kernel(name, machine, sub_tiles=sub_tiles).graph
    silent = {
        op.name
        for op in graph
        if op.name.split(".")[0] not in semantics(name, machine, sub_tiles).compute
    }
    assert silent == {op.name for op in graph if op.kind == "arrive"}


@pytest.mark.parametrize("name", TILES)
@pytest.mark.parametrize("machine", GPUS)
@pytest.mark.parametrize("sub_tiles", [1, 2])
def test_missing_dependences_are_noticed(name: str, machine: str, sub_tiles: int) -> None:
    """Without all edges into it, an operation that computes cannot: nothing is known otherwise."""
    graph = build_kernel(name, machine, tile=TILES[name], sub_tiles=sub_tiles).graph
    loop = semantics(name, machine, sub_tiles, iterations=2)
    fed = {e.dst for e in graph.dependences if graph.by_name[e.dst].kind != "arrive"}
    for op in fed:
        edges = tuple(e for e in graph.dependences if e.dst != op)
        with pytest.raises(InvalidGraphError, match=f"{op} reads .*, but no dependence brings it"):
            execute(LoopGraph("g", graph.operations, edges), loop)


@pytest.mark.parametrize("sub_tiles", [1, 2])
def test_forward_is_attention(sub_tiles: int) -> None:
    """softmax(Q K.T / sqrt(D)) V."""
    loop = kernel_semantics(
        "fmha-forward", "blackwell", tile=(16, 24, 32), sub_tiles=sub_tiles, iterations=6
    )
    k, v = (np.concatenate(data(loop, name, 6)) for name in "KV")
    eye = {("K", 0): np.eye(32)}
    names = [f"S.{j}" for j in range(sub_tiles)]
    q = np.concatenate([loop.run(name, 0, eye) for name in names])
    expected = softmax(q @ k.T / np.sqrt(32)) @ v
    np.testing.assert_allclose(loop.reference()["O"], expected, atol=1e-5, rtol=0)
    np.testing.assert_allclose(loop.reference()["O"], expected, atol=1e-12, rtol=1e-10)


def test_backward_is_the_gradient() -> None:
    """Against the analytic gradient of the whole, and against finite differences."""
    loop = kernel_semantics("fmha-backward", "hopper", tile=(5, 7, 4), sub_tiles=1, iterations=3)
    q, do = (np.concatenate(data(loop, name, 3)) for name in ("Q", "dO"))
    k = loop.run("S", 0, {("Q", 0): np.eye(4)}).T
    v = loop.run("dP", 0, {("dO", 0): np.eye(4)}).T

    def loss(q: Array, k: Array, v: Array) -> float:
        return float((softmax(q @ k.T / 2) @ v * do).sum())

    p = softmax(q @ k.T / 2)
    dp = do @ v.T
    ds = p * (dp - (dp * p).sum(axis=1, keepdims=True)) / 2
    result = loop.reference()
    for key, expected in (("dQ", ds @ k), ("dK", ds.T @ q), ("dV", p.T @ do)):
        np.testing.assert_allclose(result[key], expected, atol=1e-12)
    step = 1e-6
    for which, key in enumerate(("dQ", "dK", "dV")):
        for place in ((0, 0), (3, 2), (6, 1)):
            tensors = [q.copy(), k.copy(), v.copy()]
            tensors[which][place] += step
            above = loss(*tensors)
            tensors[which][place] -= 2 * step
            slope = (above - loss(*tensors)) / (2 * step)
            assert result[key][place] == pytest.approx(slope, abs=1e-7)


def test_linear_attention_is_its_recurrence() -> None:
    """Token by token: H = diag(2**g) H + k v.T, o = q H."""
    loop = semantics("linear-attention", "blackwell", 1, iterations=3)
    names = ("Q", "K", "G", "V")
    state, outputs = np.zeros((8, 6)), []
    for q, k, g, v in zip(*(data(loop, name, 3) for name in names), strict=True):
        for t in range(len(q)):
            decay = g[t] - (g[t - 1] if t else 0)
            state = np.exp2(decay)[:, None] * state + np.outer(k[t], v[t])
            outputs.append(q[t] @ state)
    np.testing.assert_allclose(loop.reference()["O"], outputs, atol=1e-12)
    np.testing.assert_allclose(loop.reference()["H"], state, atol=1e-12)


def test_layer_norm_normalizes() -> None:
    loop = semantics("layer-norm", "hopper", 1, iterations=2)
    x = np.concatenate(data(loop, "X", 2))
    z = (x - x.mean(axis=1, keepdims=True)) / np.sqrt(x.var(axis=1, keepdims=True) + 1e-5)
    affine = loop.compute["affine"]
    one = affine(0, 0, lambda name: np.ones(16)) - affine(0, 0, lambda name: np.zeros(16))
    expected = z * one + affine(0, 0, lambda name: np.zeros(16))
    np.testing.assert_allclose(loop.reference()["Y"], expected, atol=1e-12)


def test_refused() -> None:
    with pytest.raises(OptionError, match="kernel fig1: no NumPy semantics; choose from gemm"):
        kernel_semantics("fig1", "hopper", tile=(1, 1, 1), sub_tiles=1)
    with pytest.raises(OptionError, match="iterations is 0"):
        kernel_semantics("gemm", "hopper", tile=(1, 1, 1), sub_tiles=1, iterations=0)
    loop = semantics("gemm", "hopper", 1)
    circle = LoopGraph(
        "g", (Operation("A"), Operation("B")), (Dependence("A", "B", 0), Dependence("B", "A", 0))
    )
    with pytest.raises(OptionError, match="wait for each other"):
        execute(circle, replace(loop, compute={}))
