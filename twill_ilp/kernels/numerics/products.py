"""NumPy semantics of the matrix products and the gated MLP (see the kernels for the loops)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from twill_ilp.device import Device
from twill_ilp.kernels.numerics.semantics import Array, Compute, History, Semantics

__all__ = ["gated_mlp", "gemm", "gemm_epilogue"]

LOG2E = float(np.log2(np.e))


def gemm(
    device: Device, tile: tuple[int, ...], sub_tiles: int, iterations: int, seed: int
) -> Semantics:
    """One tile of a product, ``iterations`` steps along K; output ``C``."""
    m, n, k = tile
    rng = np.random.default_rng(seed)
    a = rng.standard_normal((iterations, sub_tiles, m, k))
    b = rng.standard_normal((iterations, k, n))
    compute: dict[str, Compute] = {
        "A": lambda i, j, x: a[i, j],
        "B": lambda i, j, x: b[i],
        "C": lambda i, j, x: x(("C", 1)) + x("A") @ x("B"),
    }

    def outputs(history: History) -> Mapping[str, Array]:
        return {"C": np.concatenate(history.last("C"))}

    def reference() -> Mapping[str, Array]:
        c = np.zeros((sub_tiles * m, n))
        for i in range(iterations):
            c = c + a[i].reshape(-1, k) @ b[i]
        return {"C": c}

    return Semantics(iterations, compute, {"C": np.zeros((m, n))}, outputs, reference)


def gemm_epilogue(
    device: Device, tile: tuple[int, ...], sub_tiles: int, iterations: int, seed: int
) -> Semantics:
    """``iterations`` output tiles, one below the other: output ``D``."""
    m, n, k = tile
    rng = np.random.default_rng(seed)
    a = rng.standard_normal((iterations, sub_tiles, m, k))
    b = rng.standard_normal((iterations, k, n))
    bias = rng.standard_normal(n)
    compute: dict[str, Compute] = {
        "A": lambda i, j, x: a[i, j],
        "B": lambda i, j, x: b[i],
        "C": lambda i, j, x: x("A") @ x("B"),
        "readC": lambda i, j, x: x("C"),
        "bias": lambda i, j, x: x("readC", "C") + bias,
        "relu": lambda i, j, x: np.maximum(x("bias"), 0),
        "convert": lambda i, j, x: x("relu"),
        "stageD": lambda i, j, x: x("convert"),
        "storeD": lambda i, j, x: x("stageD", "convert"),
    }

    def outputs(history: History) -> Mapping[str, Array]:
        return {"D": history.stacked("storeD")}

    def reference() -> Mapping[str, Array]:
        tiles = [np.maximum(a[i].reshape(-1, k) @ b[i] + bias, 0) for i in range(iterations)]
        return {"D": np.concatenate(tiles)}

    return Semantics(iterations, compute, {}, outputs, reference)


def gated_mlp(
    device: Device, tile: tuple[int, ...], sub_tiles: int, iterations: int, seed: int
) -> Semantics:
    """``iterations`` tiles of hidden units, one below the other: output ``H``."""
    m, n, k = tile
    rng = np.random.default_rng(seed)
    x_tile = rng.standard_normal((sub_tiles, m, k))
    wg, wu = rng.standard_normal((2, iterations, k, n))
    compute: dict[str, Compute] = {
        "Wg": lambda i, j, x: wg[i],
        "Wu": lambda i, j, x: wu[i],
        "G": lambda i, j, x: x_tile[j] @ x("Wg"),
        "readG": lambda i, j, x: x("G"),
        "U": lambda i, j, x: x_tile[j] @ x("Wu"),
        "readU": lambda i, j, x: x("U"),
        "scale": lambda i, j, x: x("readG", "G") * -LOG2E,
        "exp": lambda i, j, x: np.exp2(x("scale")),
        "plus": lambda i, j, x: 1 + x("exp"),
        "sigmoid": lambda i, j, x: 1 / x("plus"),
        "silu": lambda i, j, x: x("readG", "G") * x("sigmoid"),
        "H": lambda i, j, x: x("silu") * x("readU", "U"),
        "convert": lambda i, j, x: x("H"),
        "stageH": lambda i, j, x: x("convert"),
        "storeH": lambda i, j, x: x("stageH", "convert"),
    }

    def outputs(history: History) -> Mapping[str, Array]:
        return {"H": history.stacked("storeH")}

    def reference() -> Mapping[str, Array]:
        tiles = []
        for i in range(iterations):
            g, u = x_tile.reshape(-1, k) @ wg[i], x_tile.reshape(-1, k) @ wu[i]
            tiles.append(g / (1 + np.exp2(-g * LOG2E)) * u)
        return {"H": np.concatenate(tiles)}

    return Semantics(iterations, compute, {}, outputs, reference)
