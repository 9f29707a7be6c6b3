"""NumPy semantics of layer normalization and linear attention (see the kernels for the loops)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from twill_ilp.device import Device
from twill_ilp.kernels.numerics.semantics import Array, Compute, History, Semantics

__all__ = ["layer_norm", "linear_attention"]

EPSILON = 1e-5


def layer_norm(
    device: Device, tile: tuple[int, ...], sub_tiles: int, iterations: int, seed: int
) -> Semantics:
    """``iterations`` tiles of rows, one below the other: output ``Y``."""
    m, n = tile
    rng = np.random.default_rng(seed)
    tiles = rng.standard_normal((iterations, sub_tiles * m, n)) * 3 + 1
    gamma, beta = rng.standard_normal((2, n))
    compute: dict[str, Compute] = {
        "X": lambda i, j, x: tiles[i],
        "read": lambda i, j, x: x("X")[j * m : (j + 1) * m],
        "widen": lambda i, j, x: x("read"),
        "rowsum": lambda i, j, x: x("widen").sum(axis=1),
        "mean": lambda i, j, x: x("rowsum") / n,
        "center": lambda i, j, x: x("widen") - x("mean")[:, None],
        "rowsq": lambda i, j, x: (x("center") ** 2).sum(axis=1),
        "rstd": lambda i, j, x: (x("rowsq") / n + EPSILON) ** -0.5,
        "normalize": lambda i, j, x: x("center") * x("rstd")[:, None],
        "affine": lambda i, j, x: x("normalize") * gamma + beta,
        "convert": lambda i, j, x: x("affine"),
        "stageY": lambda i, j, x: x("convert"),
        "storeY": lambda i, j, x: x("stageY", "convert"),
    }

    def outputs(history: History) -> Mapping[str, Array]:
        return {"Y": history.stacked("storeY")}

    def reference() -> Mapping[str, Array]:
        results = []
        for x in tiles:
            c = x - x.sum(axis=1, keepdims=True) / n
            rstd = ((c * c).sum(axis=1, keepdims=True) / n + EPSILON) ** -0.5
            results.append(c * rstd * gamma + beta)
        return {"Y": np.concatenate(results)}

    return Semantics(iterations, compute, {}, outputs, reference)


def linear_attention(
    device: Device, tile: tuple[int, ...], sub_tiles: int, iterations: int, seed: int
) -> Semantics:
    """``iterations`` chunks of tokens; outputs ``O`` and the state ``H``."""
    c, d, e = tile
    rng = np.random.default_rng(seed)
    q, k = rng.standard_normal((2, iterations, c, d))
    v = rng.standard_normal((iterations, sub_tiles, c, e))
    decays = np.cumsum(-rng.uniform(0, 0.5, (iterations, c, d)), axis=1)
    compute = _gates(q, k, decays) | _state(v)

    def outputs(history: History) -> Mapping[str, Array]:
        columns = [np.concatenate(list(tiles)) for tiles in history.of("storeO")]
        return {
            "O": np.concatenate(columns, axis=1),
            "H": np.concatenate(history.last("H"), axis=1),
        }

    def reference() -> Mapping[str, Array]:
        return _chunks(q, k, decays, np.concatenate(v.transpose(1, 0, 2, 3), axis=-1))

    return Semantics(iterations, compute, {"H": np.zeros((d, e))}, outputs, reference)


def _gates(q: Array, k: Array, decays: Array) -> dict[str, Compute]:
    """From the shared loads to the gated operands."""
    return {
        "Q": lambda i, j, x: q[i],
        "K": lambda i, j, x: k[i],
        "G": lambda i, j, x: decays[i],
        "readQ": lambda i, j, x: x("Q"),
        "readK": lambda i, j, x: x("K"),
        "readG": lambda i, j, x: x("G"),
        "grow": lambda i, j, x: np.exp2(x("readG")),
        "shrink": lambda i, j, x: np.exp2(-x("readG")),
        "decay": lambda i, j, x: np.exp2(x("readG")[-1]),
        "qg": lambda i, j, x: x("readQ") * x("grow"),
        "kg": lambda i, j, x: x("readK") * x("shrink"),
        "kd": lambda i, j, x: x("readK") * x("shrink") * x("decay"),
    }


def _state(v: Array) -> dict[str, Compute]:
    """Scores, output and state."""
    return {
        "V": lambda i, j, x: v[i, j],
        "A": lambda i, j, x: x("qg") @ x("kg").T,
        "readA": lambda i, j, x: x("A"),
        "mask": lambda i, j, x: np.tril(x("readA", "A")),
        "convertA": lambda i, j, x: x("mask"),
        "storeA": lambda i, j, x: x("convertA"),
        "intra": lambda i, j, x: x("storeA", "convertA") @ x("V"),
        "convertH": lambda i, j, x: x("readH", ("H", 1)),
        "O": lambda i, j, x: x("intra") + x("qg") @ x("convertH"),
        "readH": lambda i, j, x: x(("H", 1)),
        "rescaleH": lambda i, j, x: x("decay")[:, None] * x("readH", ("H", 1)),
        "writeH": lambda i, j, x: x("rescaleH"),
        "H": lambda i, j, x: x("writeH", "rescaleH") + x("kd").T @ x("V"),
        "readO": lambda i, j, x: x("O"),
        "convertO": lambda i, j, x: x("readO", "O"),
        "stageO": lambda i, j, x: x("convertO"),
        "storeO": lambda i, j, x: x("stageO", "convertO"),
    }


def _chunks(q: Array, k: Array, decays: Array, v: Array) -> dict[str, Array]:
    """The loop of :mod:`twill_ilp.kernels.linear_attention`, undivided."""
    state, outputs = np.zeros((q.shape[-1], v.shape[-1])), []
    for q_c, k_c, g, v_c in zip(q, k, decays, v, strict=True):
        qg, kg = q_c * np.exp2(g), k_c * np.exp2(-g)
        outputs.append(np.tril(qg @ kg.T) @ v_c + qg @ state)
        state = np.exp2(g[-1])[:, None] * state + (kg * np.exp2(g[-1])).T @ v_c
    return {"O": np.concatenate(outputs), "H": state}
