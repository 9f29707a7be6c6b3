"""Attention forward (FlashAttention) on one SM, one key/value tile per iteration.

A sub-tile is M query rows with their own S, P, O and softmax state; all sub-tiles share the K
and V tiles (N keys, head dimension D).  Q is loaded, and O and l are written, outside the loop.

::

    for k:
        K, V = load(k[k]), load(v[k])
        for each sub-tile i:
            S       = Q[i] @ K.T                   # M x N
            rowmax  = max(S, axis=1)               # M
            m_old, m = m, max(m, rowmax * scale)
            alpha   = exp2(m_old - m)
            P       = exp2(S * scale - m)
            l       = l * alpha + sum(P, axis=1)
            O       = O * alpha + to16(P) @ V      # M x D

The operations, without the sub-tile's suffix ``.i``; four warps run each of them unless the
table says otherwise:

========  ====  ========================================================================
op        unit
========  ====  ========================================================================
K, V      TMA   asynchronous, 1 warp; of variable latency, streaming
S         TC    asynchronous; Hopper: 4 warps, S in registers; Blackwell: 1 warp, S in
                tensor memory
readS     TMEM  Blackwell: S to registers
freeS     --    Blackwell: arrives at the barrier "S has been read"
rowmax    FP32  one maximum per element
m         FP32  row vector
alpha     FP32  row vector: the difference, then on SFU the exponential
scale     FP32  one fused multiply-add per element
P         SFU   one exponential per element
rowsum    FP32  one addition per element
l         FP32  row vector: one fused multiply-add per row
convert   FP32  P to 16 bit
storeP    TMEM  Blackwell: P to tensor memory
readO     TMEM  Blackwell: O to registers
rescaleO  FP32  one multiplication per element
writeO    TMEM  Blackwell: O back to tensor memory
O         TC    like S
========  ====  ========================================================================

Carried edges (distance 1); all others lead from a result to its reader:

==============  =====================================================================
m -> m, alpha   the running maximum
l -> l          the running sum
O -> rescaleO   Hopper: O lives in registers; blocking
O -> readO      Blackwell: O lives in tensor memory; blocking
O -> O          Blackwell: its columns stay allocated from one iteration to the next
freeS -> S      Blackwell: S has one buffer, which must have been read before the next
                product overwrites it.  Not readS -> S: that would keep readS's tile in
                registers until then, and hand it over to the MMA's warp
O -> storeP     Blackwell: P has one buffer, which the tensor core must have read;
                blocking
==============  =====================================================================

On Hopper S and P are values in registers, which need no buffer to become free.  How many K and V
tiles are in flight is for the memory constraints to say: Q's tiles are taken off the shared
memory of the problem's machine.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from twill_ilp import costs
from twill_ilp.costs import Throughputs, tensor_memory_columns, throughputs
from twill_ilp.kernels.tiles import (
    WARPGROUP,
    Edge,
    TileOp,
    check_quantum,
    check_sub_tiles,
    check_tile,
    tile_problem,
)
from twill_ilp.machine import Machine
from twill_ilp.problem import Problem

__all__ = ["fmha_forward"]

SOFTMAX: tuple[Edge, ...] = (
    Edge("rowmax", "m"),
    Edge("m", "m", 1),
    Edge("m", "alpha"),
    Edge("m", "alpha", 1),
    Edge("m", "scale"),
    Edge("scale", "P"),
    Edge("P", "rowsum"),
    Edge("P", "convert"),
    Edge("alpha", "l"),
    Edge("rowsum", "l"),
    Edge("l", "l", 1),
    Edge("alpha", "rescaleO"),
    Edge("K", "S"),
    Edge("V", "O"),
)
HOPPER: tuple[Edge, ...] = (
    *SOFTMAX,
    Edge("S", "rowmax"),
    Edge("S", "scale"),
    Edge("convert", "O"),
    Edge("O", "rescaleO", 1),
    Edge("rescaleO", "O"),
)
# The tensor core does not see the order of a warp's accesses to tensor memory: whoever issues
# an MMA waits at a barrier for the reads and writes before it, hence ``blocking``.
BLACKWELL: tuple[Edge, ...] = (
    *SOFTMAX,
    Edge("S", "readS"),
    Edge("readS", "freeS"),
    Edge("freeS", "S", 1, blocking=True),
    Edge("readS", "rowmax"),
    Edge("readS", "scale"),
    Edge("convert", "storeP"),
    Edge("storeP", "O", blocking=True),
    Edge("O", "storeP", 1),
    Edge("O", "readO", 1),
    Edge("readO", "rescaleO"),
    Edge("rescaleO", "writeO"),
    Edge("writeO", "O", blocking=True),
    Edge("O", "O", 1),
)


def fmha_forward(
    machine: Machine,
    *,
    tile: Sequence[int] | None = None,
    sub_tiles: int = 2,
    quantum: int | None = None,
) -> Problem:
    """Attention forward with ``sub_tiles`` tiles of M query rows each.

    Args:
        machine: the Hopper or Blackwell preset.
        tile: (M, N, D): query rows per sub-tile, keys, head dimension.  Default 128, 128, 128;
            on Hopper 64, 128, 128, because there S and O of 128 rows do not fit together into
            the registers of four warps (2 x 4096 words of each warp's 8160).
        sub_tiles: 1 or 2.
        quantum: clocks per model cycle.  The default, 128 on Blackwell and 64 on Hopper, is the
            greatest common divisor of all tile costs but ``storeP``: a 16-bit tile takes half as
            long to store as an FP32 tile, and is rounded up (on Blackwell ``quantum=64`` is
            exact, at twice the II).  Row vectors round to 0; ``quantum=1`` gives raw clocks.

    Raises:
        OptionError: a value out of range, or a tile too large for a memory.
    """
    t = throughputs(machine.name)
    rows = 64 if t.tensor_memory is None else 128
    m, n, d = check_tile((rows, 128, 128) if tile is None else tile, "M, N, D")
    check_sub_tiles(sub_tiles)
    check_quantum(quantum)
    ops = [_load("K", n, d, t), _load("V", n, d, t)]
    edges: list[Edge] = []
    for i in range(sub_tiles):
        sub_tile = _hopper if t.tensor_memory is None else _blackwell
        ops += [replace(op, name=f"{op.name}.{i}") for op in sub_tile(m, n, d, t)]
        edges += _numbered(HOPPER if t.tensor_memory is None else BLACKWELL, i)
    q = {"smem": sub_tiles * 2 * m * d}
    return tile_problem("fmha-forward", machine, (m, n, d), ops, edges, quantum=quantum, resident=q)


def _numbered(edges: Iterable[Edge], i: int) -> list[Edge]:
    """The edges of sub-tile ``i``; the loads belong to all of them."""
    return [
        replace(e, src=e.src if e.src in ("K", "V") else f"{e.src}.{i}", dst=f"{e.dst}.{i}")
        for e in edges
    ]


def _hopper(m: int, n: int, d: int, t: Throughputs) -> list[TileOp]:
    """One sub-tile, S and O in registers."""
    return [
        _product("S", costs.mma(t, m, n, d), warps=WARPGROUP, registers=m * n),
        *_softmax(m, n, t),
        _rescale(m, d, t),
        _product("O", costs.mma(t, m, d, n), warps=WARPGROUP, registers=m * d),
    ]


def _blackwell(m: int, n: int, d: int, t: Throughputs) -> list[TileOp]:
    """One sub-tile, S, P and O in tensor memory."""
    s, o = tensor_memory_columns(m, n), tensor_memory_columns(m, d)
    p = tensor_memory_columns(m, n, size=2)
    read_s, read_o = costs.tensor_memory_load(t, m, n), costs.tensor_memory_load(t, m, d)
    store_p = costs.tensor_memory_store(t, m, n, size=2)
    write_o = costs.tensor_memory_store(t, m, d)
    return [
        _product("S", costs.mma(t, m, n, d), warps=1, footprint={"tmem": s}),
        TileOp("readS", "tmem_load", {"TMEM": read_s}, registers=m * n),
        TileOp("freeS", "arrive"),
        *_softmax(m, n, t),
        TileOp("storeP", "tmem_store", {"TMEM": store_p}, footprint={"tmem": p}, exact=False),
        TileOp("readO", "tmem_load", {"TMEM": read_o}, registers=m * d),
        _rescale(m, d, t),
        TileOp("writeO", "tmem_store", {"TMEM": write_o}),
        _product("O", costs.mma(t, m, d, n), warps=1, footprint={"tmem": o}),
    ]


def _softmax(m: int, n: int, t: Throughputs) -> list[TileOp]:
    """From S in registers to P in 16 bit, and the state m, l of every row."""
    element, row = costs.elementwise(t, m, n), costs.elementwise(t, m)
    return [
        TileOp("rowmax", "row_max", {"FP32": costs.row_reduction(t, m, n)}, registers=m),
        TileOp("m", "max", {"FP32": row}, registers=m, vector=True),
        TileOp(
            "alpha",
            "exp2",
            {"FP32": row, "SFU": costs.exponential(t, m)},
            registers=m,
            vector=True,
        ),
        TileOp("scale", "fma", {"FP32": element}, registers=m * n),
        TileOp("P", "exp2", {"SFU": costs.exponential(t, m, n)}, registers=m * n),
        TileOp("rowsum", "row_sum", {"FP32": costs.row_reduction(t, m, n)}, registers=m),
        TileOp("l", "fma", {"FP32": row}, registers=m, vector=True),
        TileOp("convert", "convert", {"FP32": costs.convert(t, m, n)}, registers=(m * n + 1) // 2),
    ]


def _rescale(m: int, d: int, t: Throughputs) -> TileOp:
    return TileOp("rescaleO", "mul", {"FP32": costs.elementwise(t, m, d)}, registers=m * d)


def _product(
    name: str,
    clocks: int,
    *,
    warps: int,
    registers: int = 0,
    footprint: Mapping[str, int] | None = None,
) -> TileOp:
    return TileOp(
        name,
        "mma",
        {"TC": clocks},
        asynchronous=True,
        warps=warps,
        registers=registers,
        footprint=footprint or {},
    )


def _load(name: str, n: int, d: int, t: Throughputs) -> TileOp:
    return TileOp(
        name,
        "tma",
        {"TMA": costs.tma_load(t, n, d)},
        asynchronous=True,
        warps=1,
        footprint={"smem": 2 * n * d},
        variable_latency=True,
    )
