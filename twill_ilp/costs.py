"""Clocks of tile operations on one SM, from documented throughputs.

Every function divides the work of a tile by what the SM does per clock and rounds up: a lower
bound that a real instruction approaches when its unit is kept busy.  Latencies beyond that
(the depth of the tensor core's pipeline, a TMA load's trip to memory) are not documented and
not modelled here.

References:
    [guide] NVIDIA, "CUDA C++ Programming Guide": "Throughput of Native Arithmetic
        Instructions" and "Shared Memory" (32 banks, 32 bits per bank and clock).
    [a100] NVIDIA, "NVIDIA A100 Tensor Core GPU Architecture", 2020.
    [h100] NVIDIA, "NVIDIA H100 Tensor Core GPU Architecture", 2022.
    [fa4] Zadouri et al., "FlashAttention-4: Algorithm and Kernel Pipelining Co-Design for
        Asymmetric Hardware Scaling", 2026, section 2.2, doi:10.48550/arXiv.2603.05451.
    [ptx] NVIDIA, "Parallel Thread Execution ISA", "Tensor Memory".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from twill_ilp.errors import OptionError

__all__ = [
    "AMPERE",
    "BLACKWELL",
    "HOPPER",
    "THROUGHPUTS",
    "Throughputs",
    "convert",
    "cp_async",
    "elementwise",
    "exponential",
    "hand_over",
    "mma",
    "row_reduction",
    "tensor_memory_columns",
    "tensor_memory_load",
    "tensor_memory_store",
    "throughputs",
    "tma_load",
]

WORD = 4
"""Bytes of a 32-bit register, and of one tensor-memory cell."""
LANES = 128
"""Lanes of tensor memory: the rows of one column [ptx]."""


@dataclass(frozen=True, slots=True)
class Throughputs:
    """What one SM does per clock.

    Other figures than the documented ones: ``dataclasses.replace(HOPPER, fp32=64)``.

    Attributes:
        name: the machine preset that these figures belong to.
        tensor_core: dense 16-bit multiply-accumulates: 1024 on A100 [a100] (4 tensor cores of
            256), 2048 on H100 [h100] (twice that), 4096 on B200 [fa4] (8192 FLOP).
        exponential: base-2 exponentials of the special function units: 16 on all three [guide],
            [fa4].
        fp32: FP32 additions, multiplications, fused multiply-adds and, by assumption, maxima:
            64 on A100 [a100], 128 on H100 [h100] and B200 [guide].  [guide] lists compare,
            minimum and maximum at 64 throughout.
        convert: FP32 values converted to a 16-bit type: 64 on H100 and B200 [guide].  On A100 64
            is an assumption; no kernel of this package converts there.
        shared_memory: bytes read from, or written to, shared memory: 128 on all three [guide],
            [fa4].  That a TMA or cp.async load occupies its unit for as long as this write takes
            is an assumption.
        tensor_memory: bytes moved between tensor memory and registers; ``None`` where there is
            no tensor memory.  NVIDIA documents no figure: 512 is this model's assumption, one
            32-bit cell for each of the 128 lanes [ptx] per clock.  Public microbenchmarks of
            loads on Blackwell come to about half of it.
    """

    name: str
    tensor_core: int
    exponential: int
    fp32: int
    convert: int
    shared_memory: int
    tensor_memory: int | None = None


AMPERE = Throughputs(
    "ampere", tensor_core=1024, exponential=16, fp32=64, convert=64, shared_memory=128
)
"""A100, compute capability 8.0."""
HOPPER = Throughputs(
    "hopper", tensor_core=2048, exponential=16, fp32=128, convert=64, shared_memory=128
)
"""H100, compute capability 9.0."""
BLACKWELL = Throughputs(
    "blackwell",
    tensor_core=4096,
    exponential=16,
    fp32=128,
    convert=64,
    shared_memory=128,
    tensor_memory=LANES * WORD,
)
"""B200, compute capability 10.0."""

THROUGHPUTS: Mapping[str, Throughputs] = {t.name: t for t in (AMPERE, HOPPER, BLACKWELL)}
"""Throughputs by the name of the machine preset."""


def throughputs(machine: str) -> Throughputs:
    """Throughputs of the machine preset called ``machine``.

    Raises:
        OptionError: none are known.
    """
    if machine not in THROUGHPUTS:
        raise OptionError(
            f"machine {machine}: no throughputs known; choose from {', '.join(THROUGHPUTS)}"
        )
    return THROUGHPUTS[machine]


def mma(t: Throughputs, m: int, n: int, k: int) -> int:
    """Clocks of an ``m`` x ``n`` x ``k`` matrix product of 16-bit operands."""
    return _ceil_div(m * n * k, t.tensor_core)


def exponential(t: Throughputs, m: int, n: int = 1) -> int:
    """Clocks of the exponential of an ``m`` x ``n`` tile."""
    return _ceil_div(m * n, t.exponential)


def elementwise(t: Throughputs, m: int, n: int = 1) -> int:
    """Clocks of one FP32 instruction per element of an ``m`` x ``n`` tile."""
    return _ceil_div(m * n, t.fp32)


def row_reduction(t: Throughputs, m: int, n: int) -> int:
    """Clocks of the sum or maximum of each row of an ``m`` x ``n`` FP32 tile.

    One instruction per element.  A row may be spread over the threads of a quad (Hopper's
    accumulators); the two shuffles that then end each row are not counted.
    """
    return elementwise(t, m, n)


def convert(t: Throughputs, m: int, n: int) -> int:
    """Clocks of the conversion of an ``m`` x ``n`` tile from FP32 to a 16-bit type."""
    return _ceil_div(m * n, t.convert)


def tma_load(t: Throughputs, m: int, n: int, size: int = 2) -> int:
    """Clocks for which a TMA load of ``m`` x ``n`` elements of ``size`` bytes occupies the TMA."""
    return _ceil_div(m * n * size, t.shared_memory)


def cp_async(t: Throughputs, m: int, n: int, size: int = 2) -> int:
    """Clocks for which cp.async copies of that tile occupy the load/store units."""
    return _ceil_div(m * n * size, t.shared_memory)


def tensor_memory_load(t: Throughputs, m: int, n: int, size: int = WORD) -> int:
    """Clocks to read ``m`` x ``n`` elements of ``size`` bytes from tensor memory to registers.

    Raises:
        OptionError: the machine has no tensor memory.
    """
    if t.tensor_memory is None:
        raise OptionError(f"machine {t.name} has no tensor memory; keep the tile in registers")
    return _ceil_div(m * n * size, t.tensor_memory)


def tensor_memory_store(t: Throughputs, m: int, n: int, size: int = WORD) -> int:
    """Clocks to write that tile from registers to tensor memory, through the same port.

    Raises:
        OptionError: the machine has no tensor memory.
    """
    return tensor_memory_load(t, m, n, size)


def hand_over(t: Throughputs, words: int) -> int:
    """Clocks to hand 32-bit ``words`` to another warp: written to shared memory, read back."""
    return 2 * _ceil_div(words * WORD, t.shared_memory)


def tensor_memory_columns(m: int, n: int, size: int = WORD) -> int:
    """Columns of tensor memory that ``m`` rows of ``n`` elements of ``size`` bytes occupy."""
    return _ceil_div(m, LANES) * _ceil_div(n * size, WORD)


def _ceil_div(work: int, rate: int) -> int:
    return -(-work // rate)
