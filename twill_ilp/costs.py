"""Clocks of tile operations on one SM: occupancy and latency, from documented throughputs.

The *occupancy* of a unit is the work of a tile divided by what the SM does per clock, rounded
up: a lower bound that a real instruction approaches when its unit is kept busy.  The *latency*
is the time until the result exists.  Vendors document throughputs, not latencies, so that both
are the same here, unless the rates carry a table of measured figures
(:mod:`twill_ilp.measured`).

Every function raises :class:`~twill_ilp.errors.OptionError` for an extent below 1 or an unknown
dtype.

References:
    [guide] NVIDIA, "CUDA C++ Programming Guide": "Throughput of Native Arithmetic
        Instructions" and "Shared Memory" (32 banks, 32 bits per bank and clock).
    [a100] NVIDIA, "NVIDIA A100 Tensor Core GPU Architecture", 2020.
    [h100] NVIDIA, "NVIDIA H100 Tensor Core GPU Architecture", 2022.
    [b200] NVIDIA, "NVIDIA Blackwell Architecture Technical Brief", 2024.
    [fa4] Zadouri et al., "FlashAttention-4: Algorithm and Kernel Pipelining Co-Design for
        Asymmetric Hardware Scaling", 2026, section 2.2, doi:10.48550/arXiv.2603.05451.
    [ptx] NVIDIA, "Parallel Thread Execution ISA", "Tensor Memory".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from math import prod

from twill_ilp.checks import check_natural
from twill_ilp.errors import InvalidMachineError, OptionError
from twill_ilp.measured import Measured

__all__ = [
    "AMPERE",
    "BLACKWELL",
    "DTYPES",
    "HOPPER",
    "THROUGHPUTS",
    "Cost",
    "Throughputs",
    "barrier",
    "convert",
    "cp_async",
    "elementwise",
    "exponential",
    "hand_over",
    "mma",
    "row_reduction",
    "shared_memory",
    "tensor_memory_columns",
    "tensor_memory_load",
    "tensor_memory_store",
    "tma",
]

WORD = 4
"""Bytes of a 32-bit register, and of one tensor-memory cell."""
LANES = 128
"""Lanes of tensor memory: the rows of one column [ptx]."""
DTYPES: Mapping[str, int] = {"fp32": 4, "tf32": 4, "fp16": 2, "bf16": 2, "fp8": 1}
"""Bytes per element."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Clocks of one tile operation on one unit.

    Attributes:
        occupancy: clocks for which the unit can do nothing else.
        latency: clocks until the result exists, at least the occupancy.
    """

    occupancy: int
    latency: int


@dataclass(frozen=True, slots=True)
class Throughputs:
    """What one SM does per clock.

    Other figures than the documented ones: ``dataclasses.replace(HOPPER, fp32=64)``, or a
    device file.

    Attributes:
        name: the machine that these figures belong to.
        tensor_core: dense 16-bit multiply-accumulates: 1024 on A100 [a100] (4 tensor cores of
            256), 2048 on H100 [h100] (twice that), 4096 on B200 [fa4] (8192 FLOP).
        exponential: base-2 exponentials of the special function units: 16 on all three [guide],
            [fa4].  Reciprocals and reciprocal square roots run there at the same rate [guide].
        fp32: FP32 additions, multiplications, fused multiply-adds and, by assumption, maxima:
            64 on A100 [a100], 128 on H100 [h100] and B200 [guide].  [guide] lists compare,
            minimum and maximum at 64 throughout.
        convert: FP32 values converted to or from a 16-bit type: 64 on H100 and B200 [guide].
            On A100 64 is an assumption.
        shared_memory: bytes read from, or written to, shared memory: 128 on all three [guide],
            [fa4].  That a TMA or cp.async copy occupies its unit for as long as this takes is
            an assumption, and so is that an atomic reduction of global memory does.
        tensor_core_tf32: the same for TF32: half of 16-bit [a100], [h100], [b200].
        tensor_core_fp8: the same for FP8: twice 16-bit [h100], [b200]; ``None``: no FP8.
        tensor_memory: bytes moved between tensor memory and registers; ``None`` where there is
            no tensor memory.  NVIDIA documents no figure: 512 is this model's assumption, one
            32-bit cell for each of the 128 lanes [ptx] per clock.  Public microbenchmarks of
            loads on Blackwell come to half of it (:mod:`twill_ilp.measured`).
        measured: figures that replace or complete the documented ones.

    Raises:
        InvalidMachineError: a rate that is not a whole number >= 1.
    """

    name: str
    tensor_core: int
    exponential: int
    fp32: int
    convert: int
    shared_memory: int
    tensor_core_tf32: int
    tensor_core_fp8: int | None = None
    tensor_memory: int | None = None
    measured: Measured | None = None

    def __post_init__(self) -> None:
        for rate in self.rates():
            value = getattr(self, rate)
            if value is not None:
                what = f"machine {self.name}: rate {rate}"
                check_natural(value, what, InvalidMachineError, least=1)

    @classmethod
    def rates(cls) -> tuple[str, ...]:
        """Names of the rates."""
        return tuple(f.name for f in fields(cls) if f.name not in ("name", "measured"))


AMPERE = Throughputs(
    "ampere",
    tensor_core=1024,
    exponential=16,
    fp32=64,
    convert=64,
    shared_memory=128,
    tensor_core_tf32=512,
)
"""A100, compute capability 8.0."""
HOPPER = Throughputs(
    "hopper",
    tensor_core=2048,
    exponential=16,
    fp32=128,
    convert=64,
    shared_memory=128,
    tensor_core_tf32=1024,
    tensor_core_fp8=4096,
)
"""H100, compute capability 9.0."""
BLACKWELL = Throughputs(
    "blackwell",
    tensor_core=4096,
    exponential=16,
    fp32=128,
    convert=64,
    shared_memory=128,
    tensor_core_tf32=2048,
    tensor_core_fp8=8192,
    tensor_memory=LANES * WORD,
)
"""B200, compute capability 10.0."""

THROUGHPUTS: Mapping[str, Throughputs] = {t.name: t for t in (AMPERE, HOPPER, BLACKWELL)}
"""Throughputs by the name of the machine preset."""


def mma(t: Throughputs, m: int, n: int, k: int, dtype: str = "fp16") -> Cost:
    """An ``m`` x ``n`` x ``k`` matrix product of operands of type ``dtype``.

    Raises:
        OptionError: a type that the tensor core does not multiply.
    """
    rates = {"tf32": t.tensor_core_tf32, "fp8": t.tensor_core_fp8}
    rate = rates.get(dtype, t.tensor_core) if _size(dtype) and dtype != "fp32" else None
    if rate is None:
        raise OptionError(f"dtype {dtype}: {t.name}'s tensor core lacks it; choose fp16 or bf16")
    # A short product drains sooner, so that it has its own measured latency.
    return _cost(t, "mma" if k >= 128 else "mma_short", _work(m, n, k), rate)


def exponential(t: Throughputs, m: int, n: int = 1) -> Cost:
    """The exponential, reciprocal or reciprocal square root of an ``m`` x ``n`` tile."""
    return _cost(t, "exponential", _work(m, n), t.exponential)


def elementwise(t: Throughputs, m: int, n: int = 1, instructions: int = 1) -> Cost:
    """FP32 ``instructions`` per element of an ``m`` x ``n`` tile."""
    return _cost(t, "elementwise", _work(m, n) * instructions, t.fp32)


def row_reduction(t: Throughputs, m: int, n: int) -> Cost:
    """The sum or maximum of each row of an ``m`` x ``n`` FP32 tile.

    One instruction per element.  A row may be spread over the threads of a quad (Hopper's
    accumulators); the two shuffles that then end each row are not counted.
    """
    return elementwise(t, m, n)


def convert(t: Throughputs, m: int, n: int) -> Cost:
    """The conversion of an ``m`` x ``n`` tile between FP32 and a 16-bit type."""
    return _cost(t, "convert", _work(m, n), t.convert)


def tma(t: Throughputs, m: int, n: int, dtype: str = "fp16") -> Cost:
    """A TMA copy of an ``m`` x ``n`` tile between global and shared memory."""
    return _cost(t, "tma", _work(m, n) * _size(dtype), t.shared_memory)


def cp_async(t: Throughputs, m: int, n: int, dtype: str = "fp16") -> Cost:
    """cp.async copies of that tile by the load/store units."""
    return _cost(t, "cp_async", _work(m, n) * _size(dtype), t.shared_memory)


def shared_memory(t: Throughputs, m: int, n: int, dtype: str = "fp16") -> Cost:
    """That tile between registers and shared memory, by the load/store units."""
    return _cost(t, "shared_memory", _work(m, n) * _size(dtype), t.shared_memory)


def tensor_memory_load(t: Throughputs, m: int, n: int, dtype: str = "fp32") -> Cost:
    """An ``m`` x ``n`` tile from tensor memory to registers.

    Raises:
        OptionError: the machine has no tensor memory.
    """
    return _cost(t, "tensor_memory_load", _work(m, n) * _size(dtype), _port(t))


def tensor_memory_store(t: Throughputs, m: int, n: int, dtype: str = "fp32") -> Cost:
    """That tile from registers to tensor memory, through the same port.

    Raises:
        OptionError: the machine has no tensor memory.
    """
    return _cost(t, "tensor_memory_store", _work(m, n) * _size(dtype), _port(t))


def barrier(t: Throughputs) -> Cost:
    """An arrival at a barrier until the waiting warp knows: free unless measured."""
    return Cost(0, t.measured.handshake if t.measured else 0)


def hand_over(t: Throughputs, words: int) -> int:
    """Clocks to hand 32-bit ``words`` to another warp: written to shared memory, read back."""
    if words and t.measured:
        per_kilobyte = t.measured.hand_over_per_kilobyte
        return t.measured.hand_over + _ceil_div(words * WORD * per_kilobyte, 1024)
    return 2 * _ceil_div(words * WORD, t.shared_memory)


def tensor_memory_columns(m: int, n: int, dtype: str = "fp32") -> int:
    """Columns of tensor memory that ``m`` rows of ``n`` elements occupy."""
    return _ceil_div(m, LANES) * _ceil_div(n * _size(dtype), WORD)


def _cost(t: Throughputs, operation: str, work: int, rate: int) -> Cost:
    """``work`` (elements, bytes or multiply-accumulates) at the documented or measured rate."""
    occupancy = _ceil_div(work, rate)
    figure = t.measured.figures.get(operation) if t.measured else None
    if figure is None:
        return Cost(occupancy, occupancy)
    if not figure.documented_rate:
        occupancy = _ceil_div(work * figure.occupancy, figure.work)
    return Cost(occupancy, occupancy + figure.latency - figure.occupancy)


def _port(t: Throughputs) -> int:
    if t.tensor_memory is None:
        raise OptionError(f"machine {t.name} has no tensor memory; keep the tile in registers")
    return t.tensor_memory


def _work(*extents: int) -> int:
    for extent in extents:
        if extent < 1:
            raise OptionError(f"tile extent is {extent}; give a whole number >= 1")
    return prod(extents)


def _size(dtype: str) -> int:
    if dtype not in DTYPES:
        raise OptionError(f"dtype {dtype}: unknown; choose from {', '.join(DTYPES)}")
    return DTYPES[dtype]


def _ceil_div(work: int, rate: int) -> int:
    return -(-work // rate)
