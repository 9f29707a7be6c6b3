"""Gated MLP (SwiGLU): two matrix products and SiLU, one tile of hidden units per iteration.

M rows of the input X (K columns) stay in shared memory; sub-tiles are further M rows::

    for j:
        Wg, Wu = load(wg[:, j]), load(wu[:, j])    # K x N each, 16 bit
        G = X @ Wg                                 # M x N, FP32: the gate
        U = X @ Wu                                 # M x N, FP32
        H = G / (1 + exp2(-G * log2(e))) * U       # SiLU(G) * U
        store(to16(H))                             # M x N

========  ====  =====================================================================
op        unit
========  ====  =====================================================================
Wg, Wu    TMA   streaming loads (Ampere: LSU, cp.async)
G, U      TC
readG     TMEM  Blackwell: accumulators to registers (readU alike), and freeG, freeU
scale     FP32  -G * log2(e)
exp       SFU   exp2
plus      FP32  1 + exp
sigmoid   SFU   the reciprocal
silu      FP32  G * sigmoid
H         FP32  silu * U
convert   FP32  to 16 bit
stageH    LSU   to shared memory; not on Ampere
storeH    TMA   to global memory (Ampere: LSU)
========  ====  =====================================================================

Nothing is carried from one iteration to the next but, on Blackwell, the buffers of G and U
(freeG -> G, freeU -> U, distance 1, blocking): two sub-tiles fill tensor memory.
"""

from __future__ import annotations

from collections.abc import Sequence

from twill_ilp.device import Device
from twill_ilp.kernels import parts
from twill_ilp.kernels.tiles import Edge, check_quantum, check_sub_tiles, check_tile, tile_problem
from twill_ilp.problem import Problem

__all__ = ["gated_mlp"]


def gated_mlp(
    device: Device,
    *,
    tile: Sequence[int] | None = None,
    sub_tiles: int = 1,
    quantum: int | None = None,
) -> Problem:
    """Gated MLP.

    Args:
        tile: (M, N, K): rows per sub-tile, hidden units per iteration, input columns.  Default
            128, 128, 128 with accumulators in tensor memory, else 64, 128, 128, because G and U
            of 128 rows do not fit into the registers of four warps.
        sub_tiles: 1 or 2.
        quantum: clocks per model cycle; ``None``: the greatest common divisor of all costs.

    Raises:
        OptionError: a value out of range, or a tile too large for a memory.
    """
    rows = 128 if device.in_tensor_memory else 64
    m, n, k = check_tile((rows, 128, 128) if tile is None else tile, "M, N, K")
    check_sub_tiles(sub_tiles)
    check_quantum(quantum)
    ops = [
        parts.load(device, "Wg", k, n),
        parts.load(device, "Wu", k, n),
        parts.product(device, "G", m, n, k),
        *parts.reading(device, "G", m, n),
        parts.product(device, "U", m, n, k),
        *parts.reading(device, "U", m, n),
        parts.elementwise(device, "scale", "mul", m, n),
        parts.exponential(device, "exp", "exp2", m, n),
        parts.elementwise(device, "plus", "add", m, n),
        parts.exponential(device, "sigmoid", "rcp", m, n),
        parts.elementwise(device, "silu", "mul", m, n),
        parts.elementwise(device, "H", "mul", m, n),
        parts.converted(device, "convert", m, n),
        *parts.storing(device, "H", m, n),
    ]
    return tile_problem(
        "gated-mlp",
        device,
        (m, n, k),
        ops,
        _edges(device),
        quantum=quantum,
        sub_tiles=sub_tiles,
        resident={"smem": sub_tiles * 2 * m * k},  # X
    )


def _edges(device: Device) -> list[Edge]:
    g, read_g = parts.read(device, "G")
    u, read_u = parts.read(device, "U")
    return [
        Edge("Wg", "G", blocking=True),
        Edge("Wu", "U", blocking=True),
        *read_g,
        *read_u,
        Edge(g, "scale"),
        Edge("scale", "exp"),
        Edge("exp", "plus"),
        Edge("plus", "sigmoid"),
        Edge("sigmoid", "silu"),
        Edge(g, "silu"),
        Edge("silu", "H"),
        Edge(u, "H"),
        Edge("H", "convert"),
        *parts.stored(device, "convert", "H"),
    ]
