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

The operations, without the sub-tile's suffix ``.i`` (one sub-tile alone has none); four warps run
each of them unless the table says otherwise:

========  ====  ========================================================================
op        unit
========  ====  ========================================================================
K, V      TMA   asynchronous, 1 warp; of variable latency, streaming.  Ampere: LSU, cp.async
S         TC    asynchronous; Hopper: 4 warps, S in registers; Blackwell: 1 warp, S in
                tensor memory.  Ampere: as Hopper, but synchronous
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
O -> rescaleO   Ampere, Hopper: O lives in registers; blocking on Hopper
O -> readO      Blackwell: O lives in tensor memory; blocking
O -> O          Blackwell: its columns stay allocated from one iteration to the next
freeS -> S      Blackwell: S has one buffer, which must have been read before the next
                product overwrites it.  Not readS -> S: that would keep readS's tile in
                registers until then, and hand it over to the MMA's warp
O -> storeP     Blackwell: P has one buffer, which the tensor core must have read;
                blocking
==============  =====================================================================

On Ampere and Hopper S and P are values in registers, which need no buffer to become free.  How
many K and V tiles are in flight is for the memory constraints to say: Q's tiles are taken off the
shared memory of the problem's machine.
"""

from __future__ import annotations

from collections.abc import Sequence

from twill_ilp import costs
from twill_ilp.costs import tensor_memory_columns
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
    # the copy is asynchronous, whoever issues it
    Edge("K", "S", blocking=True),
    Edge("V", "O", blocking=True),
)
IN_REGISTERS: tuple[Edge, ...] = (
    *SOFTMAX,
    Edge("S", "rowmax"),
    Edge("S", "scale"),
    Edge("convert", "O"),
    Edge("O", "rescaleO", 1),
    Edge("rescaleO", "O"),
)
# The tensor core does not see the order of a warp's accesses to tensor memory: whoever issues
# an MMA waits at a barrier for the reads and writes before it, hence ``blocking``.
IN_TENSOR_MEMORY: tuple[Edge, ...] = (
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
    device: Device,
    *,
    tile: Sequence[int] | None = None,
    sub_tiles: int = 2,
    quantum: int | None = None,
) -> Problem:
    """Attention forward with ``sub_tiles`` tiles of M query rows each.

    Args:
        tile: (M, N, D): query rows per sub-tile, keys, head dimension.  Default 128, 128, 128
            with accumulators in tensor memory, else 64, 128, 128, because S and O of 128 rows
            do not fit together into the registers of four warps (2 x 4096 words of each warp's
            8160).
        sub_tiles: 1 or 2.
        quantum: clocks per model cycle.  The default, 128 on Blackwell and 64 on Hopper, is the
            greatest common divisor of all tile costs but ``storeP``: a 16-bit tile takes half as
            long to store as an FP32 tile, and is rounded up (on Blackwell ``quantum=64`` is
            exact, at twice the II).  Row vectors round to 0; ``quantum=1`` gives raw clocks.

    Raises:
        OptionError: a value out of range, or a tile too large for a memory.
    """
    rows = 128 if device.in_tensor_memory else 64
    m, n, d = check_tile((rows, 128, 128) if tile is None else tile, "M, N, D")
    check_sub_tiles(sub_tiles)
    check_quantum(quantum)
    sub_tile = _in_tensor_memory if device.in_tensor_memory else _in_registers
    return tile_problem(
        "fmha-forward",
        device,
        (m, n, d),
        [parts.load(device, "K", n, d), parts.load(device, "V", n, d), *sub_tile(device, m, n, d)],
        IN_TENSOR_MEMORY if device.in_tensor_memory else IN_REGISTERS,
        quantum=quantum,
        sub_tiles=sub_tiles,
        resident={"smem": sub_tiles * 2 * m * d},  # Q
    )


def _in_registers(device: Device, m: int, n: int, d: int) -> list[TileOp]:
    """One sub-tile, S and O in registers."""
    return [
        parts.product(device, "S", m, n, d),
        *_softmax(device, m, n),
        parts.elementwise(device, "rescaleO", "mul", m, d),
        parts.product(device, "O", m, d, n),
    ]


def _in_tensor_memory(device: Device, m: int, n: int, d: int) -> list[TileOp]:
    """One sub-tile, S, P and O in tensor memory."""
    store_p = costs.tensor_memory_store(device.rates, m, n, "fp16")
    read_o = costs.tensor_memory_load(device.rates, m, d)
    write_o = costs.tensor_memory_store(device.rates, m, d)
    p = {"tmem": tensor_memory_columns(m, n, "fp16")}
    return [
        parts.product(device, "S", m, n, d),
        *parts.reading(device, "S", m, n),
        *_softmax(device, m, n),
        TileOp("storeP", "tmem_store", {"TMEM": store_p}, footprint=p, exact=False),
        TileOp("readO", "tmem_load", {"TMEM": read_o}, registers=m * d),
        parts.elementwise(device, "rescaleO", "mul", m, d),
        TileOp("writeO", "tmem_store", {"TMEM": write_o}),
        parts.product(device, "O", m, d, n),
    ]


def _softmax(device: Device, m: int, n: int) -> list[TileOp]:
    """From S in registers to P in 16 bit, and the state m, l of every row."""
    t = device.rates
    row, reduction = costs.elementwise(t, m), costs.row_reduction(t, m, n)
    return [
        TileOp("rowmax", "row_max", {"FP32": reduction}, registers=m),
        parts.vector("m", "max", m, FP32=row),
        parts.vector("alpha", "exp2", m, FP32=row, SFU=costs.exponential(t, m)),
        parts.elementwise(device, "scale", "fma", m, n),
        parts.exponential(device, "P", "exp2", m, n),
        TileOp("rowsum", "row_sum", {"FP32": reduction}, registers=m),
        parts.vector("l", "fma", m, FP32=row),
        parts.converted(device, "convert", m, n),
    ]
