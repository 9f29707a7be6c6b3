"""Costs of tile operations, from the documented throughputs of :mod:`twill_ilp.costs`.

Other functions of that module than those for the operation's own tile are never guessed: where
it has none, the operation's cost is unknown, and the reader says so.
"""

from __future__ import annotations

from twill_ilp import costs
from twill_ilp.costs import Throughputs
from twill_ilp.frontends.ttgir.nodes import Work
from twill_ilp.frontends.ttgir.types import TileType

__all__ = [
    "UNKNOWN",
    "arithmetic_work",
    "dot_work",
    "layout_work",
    "memory_bytes",
    "reduction_work",
    "register_copy_work",
    "tensor_memory_work",
    "tma_work",
]

BYTE = "fp8"
"""A type of one byte: sizes of tiles are given in bytes."""

UNKNOWN = Work((), "unknown, counted as 0")


def arithmetic_work(role: str, tile: TileType, t: Throughputs) -> Work:
    """One instruction per element; two units where an exponential needs a scaling first."""
    shape = f"({tile.rows}, {tile.columns})"
    if tile.vector:
        shape = f"({tile.size})"
    m, n = (tile.size, 1) if tile.vector else (tile.rows, tile.columns)
    fp32 = ("FP32", costs.elementwise(t, m, n).occupancy)
    sfu = ("SFU", costs.exponential(t, m, n).occupancy)
    if role == "special":
        return Work((sfu,), f"costs.exponential{shape}")
    if role == "scaled special":
        return Work((fp32, sfu), f"costs.elementwise{shape} + costs.exponential{shape}")
    if role == "convert":
        return Work((("FP32", costs.convert(t, m, n).occupancy),), f"costs.convert{shape}")
    return Work((fp32,), f"costs.elementwise{shape}")


def reduction_work(tile: TileType, t: Throughputs) -> Work:
    """The reduction of a tile along either extent."""
    clocks = costs.row_reduction(t, tile.rows, tile.columns).occupancy
    return Work((("FP32", clocks),), f"costs.row_reduction({tile.rows}, {tile.columns})")


def dot_work(m: int, n: int, k: int, bits: int, t: Throughputs) -> Work:
    """A matrix product; the tensor core's rate is inverse to the operands' width.

    ``costs.mma`` counts 16-bit operands; 8-bit ones run at twice, TF32 at half that rate
    (NVIDIA H100 and B200 architecture white papers).
    """
    depth = max(1, -(-k * bits // 16))
    note = "" if bits == 16 else f" for K = {k} of {bits} bit"
    clocks = costs.mma(t, m, n, depth).occupancy
    return Work((("TC", clocks),), f"costs.mma({m}, {n}, {depth}){note}")


def tma_work(tile: TileType, t: Throughputs) -> Work:
    """A TMA transfer in either direction; by assumption both take equally long."""
    size = max(1, -(-tile.bits // 8))
    clocks = costs.tma(t, tile.rows, tile.columns * size, BYTE).occupancy
    return Work((("TMA", clocks),), f"costs.tma({tile.rows}, {tile.columns}, {size})")


def tensor_memory_work(tile: TileType, t: Throughputs) -> Work:
    """A transfer between tensor memory and registers."""
    if t.tensor_memory is None:
        return UNKNOWN
    size = max(1, -(-tile.bits // 8))
    clocks = costs.tensor_memory_load(t, tile.rows, tile.columns * size, BYTE).occupancy
    return Work(
        (("TMEM", clocks),), f"costs.tensor_memory_load({tile.rows}, {tile.columns}, {size})"
    )


def register_copy_work(tile: TileType, t: Throughputs) -> Work:
    """A transfer between registers and shared memory, or global memory through it."""
    size = max(1, -(-tile.bits // 8))
    clocks = costs.cp_async(t, tile.rows, tile.columns * size, BYTE).occupancy
    return Work((("LSU", clocks),), f"costs.cp_async({tile.rows}, {tile.columns}, {size})")


def layout_work(tile: TileType, t: Throughputs) -> Work:
    """A change of layout by way of shared memory."""
    clocks = costs.hand_over(t, tile.words)
    return Work((("LSU", clocks),), f"costs.hand_over({tile.words})")


def memory_bytes(tile: TileType) -> dict[str, int]:
    """What a tile holds of its memory: bytes of shared, columns of tensor memory."""
    if tile.space == "tmem":
        size = tile.bits / 8
        rows, columns = tile.rows, tile.columns
        return {"tmem": -(-rows // costs.LANES) * -(-int(columns * size) // costs.WORD)}
    return {"smem": tile.bytes} if tile.space == "smem" else {}
