"""Layer normalization over tiles of whole rows, one tile per iteration.

gamma and beta are loaded outside the loop.  A tile is M rows of N elements; its four warps hold it
in registers, so that mean and variance take two passes over registers and one over memory::

    for t:
        X      = load(x[t])                   # M x N, 16 bit, to shared memory
        x      = to32(X)                      # read, widen
        mean   = sum(x, axis=1) / N           # rowsum, mean
        c      = x - mean                     # center
        rstd   = rsqrt(sum(c * c) / N + eps)  # rowsq, rstd
        y      = c * rstd * gamma + beta      # normalize, affine
        store(to16(y))                        # convert, stageY, storeY

=========  ====  =====================================================================
op         unit
=========  ====  =====================================================================
X          TMA   streaming load (Ampere: LSU, cp.async), shared by all sub-tiles
read       LSU   shared memory to registers
widen      FP32  16 bit to FP32, at the rate of conversions
rowsum     FP32  one addition per element
mean       FP32  row vector
center     FP32  one subtraction per element
rowsq      FP32  one fused multiply-add per element
rstd       FP32  row vector: a multiply-add, then on SFU the reciprocal root
normalize  FP32  one multiplication per element
affine     FP32  one fused multiply-add per element
convert    FP32  to 16 bit
stageY     LSU   to shared memory; not on Ampere
storeY     TMA   to global memory (Ampere: LSU)
=========  ====  =====================================================================

No value is carried from one iteration to the next, and no device uses its tensor core or tensor
memory here: II is a question of units, memory and registers alone.
"""

from __future__ import annotations

from collections.abc import Sequence

from twill_ilp import costs
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

__all__ = ["layer_norm"]

EDGES: tuple[Edge, ...] = (
    Edge("X", "read", blocking=True),
    Edge("read", "widen"),
    Edge("widen", "rowsum"),
    Edge("rowsum", "mean"),
    Edge("widen", "center"),
    Edge("mean", "center"),
    Edge("center", "rowsq"),
    Edge("rowsq", "rstd"),
    Edge("center", "normalize"),
    Edge("rstd", "normalize"),
    Edge("normalize", "affine"),
    Edge("affine", "convert"),
)


def layer_norm(
    device: Device,
    *,
    tile: Sequence[int] = (8, 1024),
    sub_tiles: int = 1,
    quantum: int | None = None,
) -> Problem:
    """Layer normalization.

    Args:
        tile: (M, N): rows per sub-tile, elements per row.
        sub_tiles: 1 or 2.
        quantum: clocks per model cycle; ``None``: the greatest common divisor of all costs.

    Raises:
        OptionError: a value out of range, or a tile too large for a memory.
    """
    m, n = check_tile(tile, "M, N")
    check_sub_tiles(sub_tiles)
    check_quantum(quantum)
    t = device.rates
    row, pass_ = costs.elementwise(t, m), costs.row_reduction(t, m, n)
    read, widen = costs.shared_memory(t, m, n), costs.convert(t, m, n)
    half = (m * n + 1) // 2
    ops = [
        parts.load(device, "X", sub_tiles * m, n),
        TileOp("read", "smem_load", {"LSU": read}, registers=half),
        TileOp("widen", "convert", {"FP32": widen}, registers=m * n),
        TileOp("rowsum", "row_sum", {"FP32": pass_}, registers=m),
        parts.vector("mean", "mul", m, FP32=row),
        parts.elementwise(device, "center", "sub", m, n),
        TileOp("rowsq", "row_sum", {"FP32": pass_}, registers=m),
        parts.vector("rstd", "rsqrt", m, FP32=row, SFU=costs.exponential(t, m)),
        parts.elementwise(device, "normalize", "mul", m, n),
        parts.elementwise(device, "affine", "fma", m, n),
        parts.converted(device, "convert", m, n),
        *parts.storing(device, "Y", m, n),
    ]
    edges = [*EDGES, *parts.stored(device, "convert", "Y")]
    return tile_problem(
        "layer-norm", device, (m, n), ops, edges, quantum=quantum, sub_tiles=sub_tiles
    )
