"""Matrix products on one SM: a main loop, and a persistent loop with a fused epilogue.

``gemm``, a step along K per iteration, sub-tiles along M::

    for k:
        A = load(a[:, k])            # M x K, 16 bit, to shared memory
        B = load(b[k, :])            # K x N, 16 bit, to shared memory
        C = C + A @ B                # M x N, FP32

===  =============================  ===========================  ==============================
op   Ampere                         Hopper                       Blackwell
===  =============================  ===========================  ==============================
A    LSU: cp.async, 4 warps         TMA, asynchronous, 1 warp    as Hopper
B    LSU: cp.async, 4 warps         TMA, asynchronous, 1 warp    as Hopper
C    TC: mma.sync, synchronous,     TC: wgmma, asynchronous,     TC: tcgen05.mma, asynchronous,
     4 warps, C in registers        4 warps, C in registers      1 warp, C in tensor memory
===  =============================  ===========================  ==============================

========  ========  =====================================================================
edge      distance  reason
========  ========  =====================================================================
A -> C    0         operand; blocking: the copy is asynchronous
B -> C    0         operand; blocking
C -> C    1         the accumulator.  The tensor core accumulates in order, so that the
                    next product may follow as soon as this one has left the unit; the
                    edge also keeps the accumulator's storage allocated throughout
========  ========  =====================================================================

No edge says that a load must not overwrite a tile that is still in use: how many tiles exist at
once is a question of shared memory (the ``smem`` footprints), and the loads stay streaming.
Ampere's copies are not marked as of variable latency, because that would move them to a warp
group of their own, while cp.async is issued by the computing warps.  Reading the operands from
shared memory (ldmatrix on Ampere) is counted as part of the matrix product.

``gemm-epilogue``, an output tile per iteration, K in one step, the bias in registers::

    for t:
        A, B = load(a[t]), load(b[t])
        C    = A @ B                 # M x N, FP32
        D    = max(C + bias, 0)      # bias, relu: one FP32 instruction each
        store(to16(D))               # convert, stageD, storeD

On Blackwell C has two buffers in tensor memory, as in persistent kernels: while one is read the
next product fills the other (freeC -> C, distance 2).
"""

from __future__ import annotations

from collections.abc import Sequence

from twill_ilp.device import Device
from twill_ilp.kernels import parts
from twill_ilp.kernels.tiles import Edge, check_quantum, check_sub_tiles, check_tile, tile_problem
from twill_ilp.problem import Problem

__all__ = ["gemm", "gemm_epilogue"]

BUFFERS = 2
"""Accumulators of the persistent loop on Blackwell."""


def gemm(
    device: Device,
    *,
    tile: Sequence[int] = (128, 128, 128),
    sub_tiles: int = 1,
    quantum: int | None = None,
    dtype: str = "fp16",
) -> Problem:
    """Matrix product with a tile of ``tile`` = (M, N, K) elements per sub-tile and iteration.

    Args:
        quantum: clocks per model cycle; ``None``: the greatest common divisor of all costs.
        dtype: of A and B: fp16, bf16, tf32 or fp8.

    Raises:
        OptionError: a value out of range, or a tile too large for a memory.
    """
    m, n, k = check_tile(tile, "M, N, K")
    check_sub_tiles(sub_tiles)
    check_quantum(quantum)
    c = parts.product(device, "C", m, n, k, dtype)
    ops = [
        parts.load(device, "A", m, k, dtype, splits=True),
        parts.load(device, "B", k, n, dtype),
        c,
    ]
    edges = [Edge("A", "C", blocking=True), Edge("B", "C", blocking=True), Edge("C", "C", 1)]
    return tile_problem("gemm", device, (m, n, k), ops, edges, quantum=quantum, sub_tiles=sub_tiles)


def gemm_epilogue(
    device: Device,
    *,
    tile: Sequence[int] = (128, 128, 128),
    sub_tiles: int = 1,
    quantum: int | None = None,
) -> Problem:
    """Persistent matrix product, tiles of (M, N, K), with bias and ReLU in the loop.

    Raises:
        OptionError: a value out of range, or a tile too large for a memory.
    """
    m, n, k = check_tile(tile, "M, N, K")
    check_sub_tiles(sub_tiles)
    check_quantum(quantum)
    ops = [
        parts.load(device, "A", m, k, splits=True),
        parts.load(device, "B", k, n),
        parts.product(device, "C", m, n, k),
        *parts.reading(device, "C", m, n),
        parts.elementwise(device, "bias", "add", m, n),
        parts.elementwise(device, "relu", "max", m, n),
        parts.converted(device, "convert", m, n),
        *parts.storing(device, "D", m, n),
    ]
    c, read_c = parts.read(device, "C", BUFFERS)
    edges = [
        Edge("A", "C", blocking=True),
        Edge("B", "C", blocking=True),
        *read_c,
        Edge(c, "bias"),
        Edge("bias", "relu"),
        Edge("relu", "convert"),
        *parts.stored(device, "convert", "D"),
    ]
    return tile_problem(
        "gemm-epilogue", device, (m, n, k), ops, edges, quantum=quantum, sub_tiles=sub_tiles
    )
