"""Tile operations that the kernels share, with what follows from the device.

*Matrix products.*  Ampere: synchronous, four warps, accumulators in registers.  Hopper: the same,
but asynchronous.  Blackwell: asynchronous, told by one warp, accumulators in tensor memory.  There
an accumulator is read by ``readX``, a tensor-memory load, which is followed by ``freeX``, the
arrival at the barrier "X has been read".  What overwrites X waits for ``freeX`` and not for
``readX``: that would keep ``readX``'s tile in registers until then, and hand it over to the warp
that issues the product.

*Loads.*  TMA: asynchronous, one warp, of variable latency.  Ampere: cp.async, issued by the four
warps that compute.  How many loaded tiles are in flight is for the memory constraints to say.

*Stores.*  TMA: a tile in registers goes to shared memory (``stageX``, on the load/store units) and
from there to global memory (``storeX``); nobody waits for the end of that, so its latency plays no
role.  Ampere: ``storeX`` alone, from registers.
"""

from __future__ import annotations

from twill_ilp import costs
from twill_ilp.costs import DTYPES, Cost, tensor_memory_columns
from twill_ilp.device import Device
from twill_ilp.kernels.tiles import Edge, TileOp

__all__ = [
    "converted",
    "elementwise",
    "exponential",
    "free",
    "load",
    "product",
    "read",
    "reading",
    "staged",
    "store",
    "stored",
    "storing",
    "vector",
]


def load(
    d: Device,
    name: str,
    rows: int,
    columns: int,
    dtype: str = "fp16",
    *,
    vector: bool = False,
    splits: bool = False,
) -> TileOp:
    """A tile from global to shared memory."""
    tile = {"smem": DTYPES[dtype] * rows * columns}
    if d.copies == "LSU":
        cost = costs.cp_async(d.rates, rows, columns, dtype)
        return TileOp(name, "cp.async", {"LSU": cost}, footprint=tile, vector=vector, splits=splits)
    return TileOp(
        name,
        "tma",
        {"TMA": costs.tma(d.rates, rows, columns, dtype)},
        asynchronous=True,
        warps=1,
        footprint=tile,
        variable_latency=True,
        vector=vector,
        splits=splits,
    )


def product(
    d: Device, name: str, m: int, n: int, k: int, dtype: str = "fp16", *, splits: bool = True
) -> TileOp:
    """An ``m`` x ``n`` x ``k`` product, FP32; in tensor memory its rows lie on the lanes."""
    tmem = d.in_tensor_memory
    return TileOp(
        name,
        "mma",
        {"TC": costs.mma(d.rates, m, n, k, dtype)},
        asynchronous=d.mma_asynchronous,
        warps=d.mma_warps,
        registers=0 if tmem else m * n,
        footprint={"tmem": tensor_memory_columns(m, n)} if tmem else {},
        splits=splits,
    )


def reading(d: Device, name: str, m: int, n: int, *, splits: bool = True) -> list[TileOp]:
    """Accumulator ``name`` to registers, where it does not live there."""
    if not d.in_tensor_memory:
        return []
    cost = costs.tensor_memory_load(d.rates, m, n)
    return [
        TileOp(f"read{name}", "tmem_load", {"TMEM": cost}, registers=m * n, splits=splits),
        free(d, name, splits=splits),
    ]


def free(d: Device, name: str, *, splits: bool = True) -> TileOp:
    """The arrival at the barrier "``name`` has been read"."""
    return TileOp(
        f"free{name}",
        "arrive",
        delay=costs.barrier(d.rates).latency,
        asynchronous=True,
        splits=splits,
    )


def read(d: Device, name: str, buffers: int = 1) -> tuple[str, list[Edge]]:
    """Who has accumulator ``name`` in registers, and the edges of getting it there.

    With ``buffers`` buffers in tensor memory a product overwrites what that many iterations
    earlier was read.
    """
    if not d.in_tensor_memory:
        return name, []
    return f"read{name}", [
        Edge(name, f"read{name}"),
        Edge(f"read{name}", f"free{name}"),
        Edge(f"free{name}", name, buffers, blocking=True),
    ]


def elementwise(d: Device, name: str, kind: str, m: int, n: int, instructions: int = 1) -> TileOp:
    """FP32 instructions on every element, result in registers."""
    cost = costs.elementwise(d.rates, m, n, instructions)
    return TileOp(name, kind, {"FP32": cost}, registers=m * n)


def exponential(d: Device, name: str, kind: str, m: int, n: int) -> TileOp:
    """An exponential or a reciprocal of every element, result in registers."""
    return TileOp(name, kind, {"SFU": costs.exponential(d.rates, m, n)}, registers=m * n)


def converted(d: Device, name: str, m: int, n: int) -> TileOp:
    """A tile to 16 bit, two elements per register."""
    cost = costs.convert(d.rates, m, n)
    return TileOp(name, "convert", {"FP32": cost}, registers=(m * n + 1) // 2)


def vector(name: str, kind: str, rows: int, **unit_costs: Cost) -> TileOp:
    """One value per row."""
    return TileOp(name, kind, unit_costs, registers=rows, vector=True)


def staged(
    d: Device,
    name: str,
    m: int,
    n: int,
    dtype: str = "fp16",
    *,
    size: int | None = None,
    splits: bool = True,
) -> TileOp:
    """A tile from registers to shared memory, ``size`` bytes of it at a time (default: all)."""
    cost = costs.shared_memory(d.rates, m, n, dtype)
    footprint = {"smem": DTYPES[dtype] * m * n if size is None else size}
    return TileOp(name, "smem_store", {"LSU": cost}, footprint=footprint, splits=splits)


def storing(d: Device, name: str, m: int, n: int) -> list[TileOp]:
    """A 16-bit tile from registers to global memory."""
    if d.copies == "LSU":
        cost = costs.shared_memory(d.rates, m, n)
        return [TileOp(f"store{name}", "global_store", {"LSU": cost})]
    return [staged(d, f"stage{name}", m, n), store(d, f"store{name}", "tma_store", m, n)]


def store(
    d: Device, name: str, kind: str, m: int, n: int, dtype: str = "fp16", *, splits: bool = True
) -> TileOp:
    """A tile from shared to global memory, stored or added there by the TMA."""
    cost = costs.tma(d.rates, m, n, dtype)
    return TileOp(name, kind, {"TMA": cost}, asynchronous=True, warps=1, splits=splits)


def stored(d: Device, src: str, name: str) -> list[Edge]:
    """The edges of storing ``src``, a tile in registers, as ``name``."""
    if d.copies == "LSU":
        return [Edge(src, f"store{name}")]
    # Whoever tells the TMA waits at a barrier for the warps that wrote the tile.
    return [Edge(src, f"stage{name}"), Edge(f"stage{name}", f"store{name}", blocking=True)]
