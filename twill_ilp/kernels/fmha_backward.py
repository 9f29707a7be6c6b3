"""Attention backward (FlashAttention-3) on one SM, one pass, one query tile per iteration.

The SM owns N keys per sub-tile or in all: K and V are loaded, and dK and dV written, outside the
loop.  ``lse`` is the logarithm of every row's softmax sum, ``delta`` the row sum of dO * O; both
come as ``stats``::

    for i:
        Q, dO, lse, delta = load(i)            # M x D, M x D, M, M
        S   = Q @ K.T                          # M x N
        P   = exp2(S * scale - lse)
        dV  = dV + to16(P).T @ dO              # N x D
        dP  = dO @ V.T                         # M x N
        dS  = P * (dP - delta)
        dK  = dK + to16(dS).T @ Q              # N x D
        dQ  = to16(dS) @ K                     # M x D
        atomically add dQ to global memory

===============  ====  =================================================================
op               unit
===============  ====  =================================================================
Q, dO, stats     TMA   streaming loads (Ampere: LSU, cp.async)
S, dP            TC
dV, dK, dQ       TC
readX, freeX     TMEM  Blackwell: accumulators S, dP, dQ to registers, and "has been read"
scale            FP32  S * scale - lse
P                SFU   one exponential per element
convertP         FP32  to 16 bit
storeP           TMEM  Blackwell: P to tensor memory, the operand of dV
shift, dS        FP32  dP - delta; times P
convertdS        FP32  to 16 bit; Ampere, Hopper: operand of dK in registers
stagedS          LSU   to shared memory: operand of dQ, on Blackwell also of dK
stagedQ          LSU   FP32, through a buffer of 64 columns at a time; not on Ampere
reducedQ         TMA   added to global memory; Ampere: LSU, from registers
===============  ====  =================================================================

*What a sub-tile is* follows from where accumulators live.  In registers a sub-tile is N keys:
each warp group keeps its own dK and dV, and dQ, which sums over all keys, is one product that
reads every dS from shared memory.  In tensor memory it is M queries (FlashAttention-4): each warp
group has its own rows of S and dP and its own dQ, and dV and dK, which sum over the queries, are
one product each.

Carried edges (distance 1): dV -> dV, dK -> dK accumulate in order.  Blackwell: freeX -> X, since
S, dP and dQ have one buffer each (blocking), and dV -> storeP, since P has one (blocking).
"""

from __future__ import annotations

from collections.abc import Sequence

from twill_ilp import costs
from twill_ilp.costs import WORD, tensor_memory_columns
from twill_ilp.device import Device
from twill_ilp.kernels import parts
from twill_ilp.kernels.tiles import (
    Edge,
    TileOp,
    check_quantum,
    check_sub_tiles,
    check_tile,
    tile_problem,
)
from twill_ilp.problem import Problem

__all__ = ["fmha_backward"]

CHUNK = 64
"""Columns of dQ that are in shared memory at a time: two chunks of 32, as in FlashAttention-4."""

GRADIENT: tuple[Edge, ...] = (
    Edge("Q", "S", blocking=True),
    Edge("dO", "dP", blocking=True),
    Edge("dO", "dV", blocking=True),
    Edge("Q", "dK", blocking=True),
    Edge("stats", "scale", blocking=True),
    Edge("stats", "shift", blocking=True),
    Edge("scale", "P"),
    Edge("P", "convertP"),
    Edge("P", "dS"),
    Edge("shift", "dS"),
    Edge("dS", "convertdS"),
    Edge("convertdS", "stagedS"),
    Edge("stagedS", "dQ", blocking=True),
    Edge("dV", "dV", 1),
    Edge("dK", "dK", 1),
)
IN_REGISTERS = (*GRADIENT, Edge("convertP", "dV"), Edge("convertdS", "dK"))
IN_TENSOR_MEMORY = (
    *GRADIENT,
    Edge("convertP", "storeP"),
    Edge("storeP", "dV", blocking=True),
    Edge("dV", "storeP", 1),
    Edge("stagedS", "dK", blocking=True),
)


def fmha_backward(
    device: Device,
    *,
    tile: Sequence[int] | None = None,
    sub_tiles: int = 1,
    quantum: int | None = None,
) -> Problem:
    """Attention backward.

    Args:
        tile: (M, N, D): query rows, keys, head dimension; M per sub-tile with accumulators in
            tensor memory, else N per sub-tile.  Default 128 / sub-tiles, 128, 128 or
            64, 64, 128: dK and dV of 128 keys would take 2 x 4096 words of a warp's 8160.
        sub_tiles: 1 or 2.
        quantum: as for :func:`~twill_ilp.kernels.fmha.fmha_forward`.

    Raises:
        OptionError: a value out of range, or a tile too large for a memory.
    """
    check_sub_tiles(sub_tiles)
    check_quantum(quantum)
    tmem = device.in_tensor_memory
    default = (128 // sub_tiles, 128, 128) if tmem else (64, 64, 128)
    m, n, d = check_tile(default if tile is None else tile, "M, N, D")
    queries, keys = (sub_tiles * m, n) if tmem else (m, sub_tiles * n)
    ops = [
        parts.load(device, "Q", queries, d),
        parts.load(device, "dO", queries, d),
        parts.load(device, "stats", queries, 2, "fp32", vector=True),
        *_scores(device, m, n, d),
        parts.product(device, "dV", n, d, queries, splits=not tmem),
        parts.product(device, "dK", n, d, queries, splits=not tmem),
        *_query_gradient(device, m, d, keys, splits=tmem),
    ]
    edges = [*(IN_TENSOR_MEMORY if tmem else IN_REGISTERS), *_accumulator_edges(device)]
    return tile_problem(
        "fmha-backward",
        device,
        (m, n, d),
        ops,
        edges,
        quantum=quantum,
        sub_tiles=sub_tiles,
        resident={"smem": 2 * 2 * keys * d},  # K and V
    )


def _scores(device: Device, m: int, n: int, d: int) -> list[TileOp]:
    """S, P, dP and dS of one sub-tile; keys on the lanes of tensor memory."""
    ops = [
        parts.product(device, "S", n, m, d),
        *parts.reading(device, "S", n, m),
        parts.elementwise(device, "scale", "fma", m, n),
        parts.exponential(device, "P", "exp2", m, n),
        parts.converted(device, "convertP", m, n),
        parts.product(device, "dP", n, m, d),
        *parts.reading(device, "dP", n, m),
        parts.elementwise(device, "shift", "sub", m, n),
        parts.elementwise(device, "dS", "mul", m, n),
        parts.converted(device, "convertdS", m, n),
        parts.staged(device, "stagedS", m, n),
    ]
    if device.in_tensor_memory:
        cost = costs.tensor_memory_store(device.rates, n, m, "fp16")
        columns = {"tmem": tensor_memory_columns(n, m, "fp16")}
        ops.append(TileOp("storeP", "tmem_store", {"TMEM": cost}, footprint=columns, exact=False))
    return ops


def _query_gradient(device: Device, m: int, d: int, keys: int, *, splits: bool) -> list[TileOp]:
    """dQ (head dimension on the lanes of tensor memory) and its way to global memory."""
    ops = [
        parts.product(device, "dQ", d, m, keys, splits=splits),
        *parts.reading(device, "dQ", d, m, splits=splits),
    ]
    if device.copies == "LSU":
        cost = costs.shared_memory(device.rates, m, d, "fp32")
        return [*ops, TileOp("reducedQ", "global_reduce", {"LSU": cost}, splits=splits)]
    size = WORD * m * min(d, CHUNK)
    ops.append(parts.staged(device, "stagedQ", m, d, "fp32", size=size, splits=splits))
    ops.append(parts.store(device, "reducedQ", "tma_reduce", m, d, "fp32", splits=splits))
    return ops


def _accumulator_edges(device: Device) -> list[Edge]:
    """Reading S, dP and dQ, and the way of dQ to global memory."""
    s, read_s = parts.read(device, "S")
    dp, read_dp = parts.read(device, "dP")
    dq, read_dq = parts.read(device, "dQ")
    edges = [*read_s, *read_dp, *read_dq, Edge(s, "scale"), Edge(dp, "shift")]
    if device.copies == "LSU":
        return [*edges, Edge(dq, "reducedQ")]
    return [*edges, Edge(dq, "stagedQ"), Edge("stagedQ", "reducedQ", blocking=True)]
