"""Chunked gated linear attention (GLA) on one SM, one chunk of C tokens per iteration.

The state H (D x E) decays per key dimension.  ``G`` is the running sum, within the chunk, of the
base-2 logarithms of the decays, its last row ``g`` the decay of the whole chunk [1]_.  Sub-tiles
are E value dimensions each, with their own part of V, H and O::

    for c:
        Q, K, G, V = load(c)                     # C x D three times, C x E
        qg = Q * exp2(G)                         # C x D
        kg = K * exp2(-G)                        # C x D
        A  = tril(qg @ kg.T)                     # C x C
        O  = to16(A) @ V + qg @ to16(H)          # C x E: intra, then inter
        kd = kg * exp2(g)                        # C x D
        H  = exp2(g)[:, None] * H + kd.T @ V     # D x E
        store(to16(O))

==============  ====  ==================================================================
op              unit
==============  ====  ==================================================================
Q, K, G, V      TMA   streaming loads (Ampere: LSU, cp.async); G in FP32
readQ, K, G     LSU   shared memory to registers
grow, shrink    SFU   exp2(G), exp2(-G)
decay           SFU   row vector: exp2(g)
qg, kg, kd      FP32  product, to 16 bit; then on LSU to shared memory, for the tensor core
A               TC    and on Blackwell readA, freeA
mask            FP32  tril, one selection per element
convertA        FP32  to 16 bit: operand of intra in registers
storeA          TMEM  Blackwell: to tensor memory, operand of intra
convertH        FP32  H to 16 bit; then on LSU to shared memory, operand of inter
intra, O        TC    to16(A) @ V; O accumulates qg @ to16(H) on it.  Blackwell: readO, freeO
rescaleH        FP32  one multiplication per element
readH, writeH   TMEM  Blackwell: the state to registers and back
H               TC    accumulates kd.T @ V
convertO        FP32  to 16 bit; then stageO, storeO
==============  ====  ==================================================================

Carried edges (distance 1): H -> convertH, rescaleH (Blackwell: H -> readH, and H -> H, whose
columns stay allocated); Blackwell: freeA -> A, freeO -> intra, intra -> storeA, one buffer each.

References:
    .. [1] Yang et al., "Gated Linear Attention Transformers with Hardware-Efficient Training",
       ICML 2024, arXiv:2312.06635, section 4.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from twill_ilp import costs
from twill_ilp.costs import Cost, tensor_memory_columns
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

__all__ = ["linear_attention"]

COMMON: tuple[Edge, ...] = (
    *(Edge(name, f"read{name}", blocking=True) for name in "QKG"),
    Edge("readG", "grow"),
    Edge("readG", "shrink"),
    Edge("readG", "decay"),
    Edge("readQ", "qg"),
    Edge("grow", "qg"),
    Edge("readK", "kg"),
    Edge("shrink", "kg"),
    Edge("readK", "kd"),
    Edge("shrink", "kd"),
    Edge("decay", "kd"),
    Edge("qg", "A", blocking=True),
    Edge("kg", "A", blocking=True),
    Edge("mask", "convertA"),
    Edge("V", "intra", blocking=True),
    Edge("intra", "O"),
    Edge("qg", "O", blocking=True),
    Edge("convertH", "O", blocking=True),
    Edge("decay", "rescaleH"),
    Edge("kd", "H", blocking=True),
    Edge("V", "H", blocking=True),
)
IN_REGISTERS = (
    *COMMON,
    Edge("A", "mask"),
    Edge("convertA", "intra"),
    Edge("H", "convertH", 1),
    Edge("H", "rescaleH", 1),
    Edge("rescaleH", "H"),
    Edge("O", "convertO"),
)
IN_TENSOR_MEMORY = (
    *COMMON,
    Edge("A", "readA"),
    Edge("readA", "freeA"),
    Edge("freeA", "A", 1, blocking=True),
    Edge("readA", "mask"),
    Edge("convertA", "storeA"),
    Edge("storeA", "intra", blocking=True),
    Edge("intra", "storeA", 1),
    Edge("H", "readH", 1),
    Edge("readH", "convertH"),
    Edge("readH", "rescaleH"),
    Edge("rescaleH", "writeH"),
    Edge("writeH", "H", blocking=True),
    Edge("H", "H", 1),
    Edge("O", "readO"),
    Edge("readO", "freeO"),
    Edge("freeO", "intra", 1, blocking=True),
    Edge("readO", "convertO"),
)


def linear_attention(
    device: Device,
    *,
    tile: Sequence[int] = (64, 128, 64),
    sub_tiles: int = 1,
    quantum: int | None = None,
) -> Problem:
    """Chunked gated linear attention.

    Args:
        tile: (C, D, E): tokens per chunk, key dimensions, value dimensions per sub-tile.
        sub_tiles: 1 or 2.
        quantum: clocks per model cycle; ``None``: the greatest common divisor of all costs but
            that of ``storeA``, which is rounded up.

    Raises:
        OptionError: a value out of range, or a tile too large for a memory.
    """
    c, d, e = check_tile(tile, "C, D, E")
    check_sub_tiles(sub_tiles)
    check_quantum(quantum)
    ops = [*_gates(device, c, d), *_scores(device, c, d), *_state(device, c, d, e)]
    edges = IN_TENSOR_MEMORY if device.in_tensor_memory else IN_REGISTERS
    return tile_problem(
        "linear-attention",
        device,
        (c, d, e),
        ops,
        [*edges, *parts.stored(device, "convertO", "O")],
        quantum=quantum,
        sub_tiles=sub_tiles,
    )


def _gates(device: Device, c: int, d: int) -> list[TileOp]:
    """The loads that all sub-tiles share, and the gated operands in shared memory."""
    t = device.rates
    half, word = costs.shared_memory(t, c, d), costs.shared_memory(t, c, d, "fp32")
    ops = [
        parts.load(device, "Q", c, d),
        parts.load(device, "K", c, d),
        parts.load(device, "G", c, d, "fp32"),
        TileOp("readQ", "smem_load", {"LSU": half}, registers=(c * d + 1) // 2),
        TileOp("readK", "smem_load", {"LSU": half}, registers=(c * d + 1) // 2),
        TileOp("readG", "smem_load", {"LSU": word}, registers=c * d),
        parts.exponential(device, "grow", "exp2", c, d),
        parts.exponential(device, "shrink", "exp2", c, d),
        parts.vector("decay", "exp2", d, SFU=costs.exponential(t, d)),
        _operand(device, "qg", "mul", c, d, 1),
        _operand(device, "kg", "mul", c, d, 1),
        _operand(device, "kd", "mul", c, d, 2),
    ]
    return [_shared(op) for op in ops]


def _scores(device: Device, c: int, d: int) -> list[TileOp]:
    """A, masked and in 16 bit; shared by all sub-tiles."""
    ops = [
        parts.product(device, "A", c, c, d),
        *parts.reading(device, "A", c, c),
        parts.elementwise(device, "mask", "select", c, c),
        parts.converted(device, "convertA", c, c),
    ]
    if device.in_tensor_memory:
        cost = costs.tensor_memory_store(device.rates, c, c, "fp16")
        columns = {"tmem": tensor_memory_columns(c, c, "fp16")}
        ops.append(TileOp("storeA", "tmem_store", {"TMEM": cost}, footprint=columns, exact=False))
    return [_shared(op) for op in ops]


def _state(device: Device, c: int, d: int, e: int) -> list[TileOp]:
    """One sub-tile: V, the output and the state."""
    t = device.rates
    ops = [
        parts.load(device, "V", c, e, splits=True),
        parts.product(device, "intra", c, e, c),
        _operand(device, "convertH", "convert", d, e, 0),
        parts.product(device, "O", c, e, d),
        parts.elementwise(device, "rescaleH", "mul", d, e),
        parts.product(device, "H", d, e, c),
        parts.converted(device, "convertO", c, e),
        *parts.storing(device, "O", c, e),
    ]
    if device.in_tensor_memory:
        load, store = costs.tensor_memory_load(t, d, e), costs.tensor_memory_store(t, d, e)
        ops += [
            TileOp("readH", "tmem_load", {"TMEM": load}, registers=d * e),
            TileOp("writeH", "tmem_store", {"TMEM": store}),
            *parts.reading(device, "O", c, e),
        ]
    return ops


def _operand(
    device: Device, name: str, kind: str, rows: int, columns: int, products: int
) -> TileOp:
    """``products`` per element, to 16 bit, and to shared memory."""
    t = device.rates
    work = costs.convert(t, rows, columns).occupancy
    if products:
        work += costs.elementwise(t, rows, columns, products).occupancy
    units = {"FP32": Cost(work, work), "LSU": costs.shared_memory(t, rows, columns)}
    return TileOp(name, kind, units, footprint={"smem": 2 * rows * columns})


def _shared(op: TileOp) -> TileOp:
    return replace(op, splits=False)
