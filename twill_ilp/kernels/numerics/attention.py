"""NumPy semantics of attention forward and backward (see the kernels for the loops)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

import numpy as np

from twill_ilp.device import Device
from twill_ilp.kernels.numerics.semantics import Array, Compute, History, Semantics

__all__ = ["fmha_backward", "fmha_forward"]

LOG2E = float(np.log2(np.e))

Part: TypeAlias = Callable[[Array, int], Array]
"""What of a tensor belongs to a sub-tile."""


def fmha_forward(
    device: Device, tile: tuple[int, ...], sub_tiles: int, iterations: int, seed: int
) -> Semantics:
    """``q`` of ``sub_tiles`` x (M, D), ``iterations`` tiles of keys and values; output ``O``."""
    m, n, d = tile
    rng = np.random.default_rng(seed)
    q = rng.standard_normal((sub_tiles, m, d))
    k, v = rng.standard_normal((2, iterations, n, d))
    factor = LOG2E / np.sqrt(d)  # base-2 exponentials of scaled scores
    compute: dict[str, Compute] = {
        "K": lambda i, j, x: k[i],
        "V": lambda i, j, x: v[i],
        "S": lambda i, j, x: q[j] @ x("K").T,
        "readS": lambda i, j, x: x("S"),
        "rowmax": lambda i, j, x: x("readS", "S").max(axis=1),
        "m": lambda i, j, x: np.maximum(x(("m", 1)), x("rowmax") * factor),
        "alpha": lambda i, j, x: np.exp2(x(("m", 1)) - x("m")),
        "scale": lambda i, j, x: x("readS", "S") * factor - x("m")[:, None],
        "P": lambda i, j, x: np.exp2(x("scale")),
        "rowsum": lambda i, j, x: x("P").sum(axis=1),
        "l": lambda i, j, x: x(("l", 1)) * x("alpha") + x("rowsum"),
        "convert": lambda i, j, x: x("P"),
        "storeP": lambda i, j, x: x("convert"),
        "readO": lambda i, j, x: x(("O", 1)),
        "rescaleO": lambda i, j, x: x("readO", ("O", 1)) * x("alpha")[:, None],
        "writeO": lambda i, j, x: x("rescaleO"),
        "O": lambda i, j, x: x("writeO", "rescaleO") + x("storeP", "convert") @ x("V"),
    }

    def outputs(history: History) -> Mapping[str, Array]:
        pairs = zip(history.last("O"), history.last("l"), strict=True)
        return {"O": np.concatenate([o / total[:, None] for o, total in pairs])}

    def reference() -> Mapping[str, Array]:
        return {
            "O": np.concatenate([_online_softmax(q[j], k, v, factor) for j in range(sub_tiles)])
        }

    initial = {"m": np.full(m, -np.inf), "l": np.zeros(m), "O": np.zeros((m, d))}
    return Semantics(iterations, compute, initial, outputs, reference)


def _online_softmax(q: Array, k: Array, v: Array, factor: float) -> Array:
    """The loop of :mod:`twill_ilp.kernels.fmha` for one sub-tile: softmax(q k.T / sqrt(D)) v."""
    m, total, o = np.full(len(q), -np.inf), np.zeros(len(q)), np.zeros(q.shape)
    for k_tile, v_tile in zip(k, v, strict=True):
        s = q @ k_tile.T
        m_old, m = m, np.maximum(m, s.max(axis=1) * factor)
        alpha = np.exp2(m_old - m)
        p = np.exp2(s * factor - m[:, None])
        total = total * alpha + p.sum(axis=1)
        o = o * alpha[:, None] + p @ v_tile
    return np.asarray(o / total[:, None])


def fmha_backward(
    device: Device, tile: tuple[int, ...], sub_tiles: int, iterations: int, seed: int
) -> Semantics:
    """``iterations`` tiles of queries against keys that stay; outputs ``dQ``, ``dK``, ``dV``."""
    m, n, d = tile
    tmem = device.in_tensor_memory
    queries, keys = (sub_tiles * m, n) if tmem else (m, sub_tiles * n)
    rng = np.random.default_rng(seed)
    q, do = rng.standard_normal((2, iterations, queries, d))
    k, v = rng.standard_normal((2, keys, d))
    lse, delta = _statistics(q, k, v, do)

    def rows(tensor: Array, j: int) -> Array:
        return tensor[j * m : (j + 1) * m] if tmem else tensor

    def columns(tensor: Array, j: int) -> Array:
        return tensor if tmem else tensor[j * n : (j + 1) * n]

    compute = _scores(q, do, k, v, np.stack([lse, delta], axis=2), rows, columns) | _gradients(k)

    def outputs(history: History) -> Mapping[str, Array]:
        return {
            "dQ": history.stacked("reducedQ") / np.sqrt(d),
            "dK": _below(history.last("dK")) / np.sqrt(d),
            "dV": _below(history.last("dV")),
        }

    def reference() -> Mapping[str, Array]:
        return _backward_loop(q, k, v, do, lse, delta)

    initial = {"dK": np.zeros((n, d)), "dV": np.zeros((n, d))}
    return Semantics(iterations, compute, initial, outputs, reference)


def _scores(
    q: Array, do: Array, k: Array, v: Array, stats: Array, rows: Part, columns: Part
) -> dict[str, Compute]:
    """From the loads to dS; ``rows`` and ``columns`` are a sub-tile's part of queries and keys."""
    factor = LOG2E / np.sqrt(k.shape[1])
    return {
        "Q": lambda i, j, x: q[i],
        "dO": lambda i, j, x: do[i],
        "stats": lambda i, j, x: stats[i],
        "S": lambda i, j, x: rows(x("Q"), j) @ columns(k, j).T,
        "readS": lambda i, j, x: x("S"),
        "scale": lambda i, j, x: x("readS", "S") * factor - rows(x("stats"), j)[:, :1],
        "P": lambda i, j, x: np.exp2(x("scale")),
        "convertP": lambda i, j, x: x("P"),
        "storeP": lambda i, j, x: x("convertP"),
        "dP": lambda i, j, x: rows(x("dO"), j) @ columns(v, j).T,
        "readdP": lambda i, j, x: x("dP"),
        "shift": lambda i, j, x: x("readdP", "dP") - rows(x("stats"), j)[:, 1:],
        "dS": lambda i, j, x: x("P") * x("shift"),
        "convertdS": lambda i, j, x: x("dS"),
        "stagedS": lambda i, j, x: x("convertdS"),
    }


def _gradients(k: Array) -> dict[str, Compute]:
    """Sums over queries see those of all sub-tiles where these split, and likewise over keys."""
    return {
        "dV": lambda i, j, x: x(("dV", 1)) + _below(x.pieces("storeP", "convertP")).T @ x("dO"),
        "dK": lambda i, j, x: x(("dK", 1)) + _below(x.pieces("stagedS", "convertdS")).T @ x("Q"),
        "dQ": lambda i, j, x: np.concatenate(x.pieces("stagedS"), axis=1) @ k,
        "readdQ": lambda i, j, x: x("dQ"),
        "stagedQ": lambda i, j, x: x("readdQ", "dQ"),
        "reducedQ": lambda i, j, x: x("stagedQ", "readdQ", "dQ"),
    }


def _backward_loop(
    q: Array, k: Array, v: Array, do: Array, lse: Array, delta: Array
) -> dict[str, Array]:
    """The loop of :mod:`twill_ilp.kernels.fmha_backward`, undivided."""
    d = k.shape[1]
    dk, dv, dq = np.zeros(k.shape), np.zeros(v.shape), []
    for i in range(len(q)):
        p = np.exp2(q[i] @ k.T * LOG2E / np.sqrt(d) - lse[i][:, None])
        dv = dv + p.T @ do[i]
        ds = p * (do[i] @ v.T - delta[i][:, None])
        dk = dk + ds.T @ q[i]
        dq.append(ds @ k)
    return {"dQ": _below(dq) / np.sqrt(d), "dK": dk / np.sqrt(d), "dV": dv}


def _statistics(q: Array, k: Array, v: Array, do: Array) -> tuple[Array, Array]:
    """What forward leaves: base-2 logarithms of the softmax sums, and row sums of dO * O."""
    s = q @ k.T * LOG2E / np.sqrt(k.shape[1])
    lse = np.log2(np.exp2(s).sum(axis=-1))
    o = np.exp2(s - lse[..., None]) @ v
    return lse, (do * o).sum(axis=-1)


def _below(pieces: list[Array]) -> Array:
    return np.concatenate(pieces)
