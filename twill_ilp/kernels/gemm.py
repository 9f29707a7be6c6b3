"""The main loop of a matrix product on one SM.

::

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
"""

from __future__ import annotations

from collections.abc import Sequence

from twill_ilp.costs import (
    Throughputs,
    cp_async,
    mma,
    tensor_memory_columns,
    throughputs,
    tma_load,
)
from twill_ilp.kernels.tiles import WARPGROUP, Edge, TileOp, check_quantum, check_tile, tile_problem
from twill_ilp.machine import Machine
from twill_ilp.problem import Problem

__all__ = ["gemm"]


def gemm(
    machine: Machine, *, tile: Sequence[int] = (128, 128, 128), quantum: int | None = None
) -> Problem:
    """Matrix product with a tile of ``tile`` = (M, N, K) elements per iteration.

    Args:
        machine: the Ampere, Hopper or Blackwell preset.
        quantum: clocks per model cycle; ``None``: the greatest common divisor of all costs.

    Raises:
        OptionError: a value out of range, or a tile too large for a memory.
    """
    t = throughputs(machine.name)
    m, n, k = check_tile(tile, "M, N, K")
    check_quantum(quantum)
    ops = [_load("A", t, m, k), _load("B", t, k, n), _product(t, m, n, k)]
    edges = [Edge("A", "C", blocking=True), Edge("B", "C", blocking=True), Edge("C", "C", 1)]
    return tile_problem("gemm", machine, (m, n, k), ops, edges, quantum=quantum)


def _load(name: str, t: Throughputs, rows: int, columns: int) -> TileOp:
    tile = {"smem": 2 * rows * columns}
    if t.name == "ampere":
        return TileOp(name, "cp.async", {"LSU": cp_async(t, rows, columns)}, footprint=tile)
    return TileOp(
        name,
        "tma",
        {"TMA": tma_load(t, rows, columns)},
        asynchronous=True,
        warps=1,
        footprint=tile,
        variable_latency=True,
    )


def _product(t: Throughputs, m: int, n: int, k: int) -> TileOp:
    tensor_memory = t.tensor_memory is not None
    return TileOp(
        "C",
        "mma",
        {"TC": mma(t, m, n, k)},
        asynchronous=t.name != "ampere",
        warps=1 if tensor_memory else WARPGROUP,
        registers=0 if tensor_memory else m * n,
        footprint={"tmem": tensor_memory_columns(m, n)} if tensor_memory else {},
    )
