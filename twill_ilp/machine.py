"""Machines: the capacities that a schedule must respect, and presets of real GPUs.

One machine is one streaming multiprocessor (SM).  Memories are counted in bytes, tensor
memory in columns of 128 lanes x 4 bytes; registers are 32-bit words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from twill_ilp.checks import check_name, check_natural
from twill_ilp.errors import InvalidMachineError

__all__ = ["PRESETS", "Machine", "ampere", "blackwell", "hopper", "preset"]


@dataclass(frozen=True, slots=True)
class Machine:
    """Capacities of one SM; ``None`` or a missing memory means: no such limit.

    Attributes:
        units: operations of one kind that may be in flight at once, per functional unit.
        memories: capacity per memory, in the memory's own unit.
        warps: warp budget of the kernel (the sum over groups of their widths).
        registers_per_thread: 32-bit words; a warp's limit is 32 times that.
        registers_per_sm: 32-bit words.

    Raises:
        InvalidMachineError: a blank name, or a number that is negative, zero or not whole.
    """

    name: str
    units: Mapping[str, int] = field(hash=False)
    memories: Mapping[str, int] = field(default_factory=dict, hash=False)
    warps: int | None = None
    registers_per_thread: int | None = None
    registers_per_sm: int | None = None

    def __post_init__(self) -> None:
        check_name(self.name, "machine: name", InvalidMachineError)
        object.__setattr__(self, "units", dict(self.units))
        object.__setattr__(self, "memories", dict(self.memories))
        for unit, capacity in self.units.items():
            check_name(unit, "machine: unit", InvalidMachineError)
            check_natural(capacity, f"machine: unit {unit}", InvalidMachineError, least=1)
        for memory, capacity in self.memories.items():
            check_name(memory, "machine: memory", InvalidMachineError)
            check_natural(capacity, f"machine: memory {memory}", InvalidMachineError)
        for key in ("warps", "registers_per_thread", "registers_per_sm"):
            if getattr(self, key) is not None:
                check_natural(getattr(self, key), f"machine: {key}", InvalidMachineError, least=1)


def ampere() -> Machine:
    """A100 (compute capability 8.0): synchronous tensor cores, asynchronous copies by the LSU.

    163 KB of shared memory per block, 65,536 registers, at most 255 per thread; CUDA C++
    Programming Guide, "Technical Specifications per Compute Capability".
    """
    return Machine(
        "ampere",
        units={"TC": 1, "SFU": 1, "FP32": 1, "LSU": 1},
        memories={"smem": 163 * 1024},
        warps=16,
        registers_per_thread=255,
        registers_per_sm=65536,
    )


def hopper() -> Machine:
    """H100 (compute capability 9.0): warpgroup-wide asynchronous MMA, TMA, 227 KB of shared memory.

    CUDA C++ Programming Guide, "Technical Specifications per Compute Capability".
    """
    return Machine(
        "hopper",
        units={"TC": 1, "SFU": 1, "FP32": 1, "TMA": 1, "LSU": 1},
        memories={"smem": 227 * 1024},
        warps=16,
        registers_per_thread=255,
        registers_per_sm=65536,
    )


def blackwell() -> Machine:
    """B200 (compute capability 10.0): as Hopper, with MMA accumulators in 512 columns of
    tensor memory that are read and written through their own port (unit ``TMEM``).

    CUDA C++ Programming Guide, "Technical Specifications per Compute Capability"; PTX ISA,
    "Tensor Memory".
    """
    return Machine(
        "blackwell",
        units={"TC": 1, "SFU": 1, "FP32": 1, "TMA": 1, "LSU": 1, "TMEM": 1},
        memories={"smem": 227 * 1024, "tmem": 512},
        warps=16,
        registers_per_thread=255,
        registers_per_sm=65536,
    )


PRESETS: Mapping[str, Callable[[], Machine]] = {
    "ampere": ampere,
    "a100": ampere,
    "hopper": hopper,
    "h100": hopper,
    "blackwell": blackwell,
    "b200": blackwell,
}


def preset(name: str) -> Machine:
    """The preset called ``name`` (any case).

    Raises:
        InvalidMachineError: there is no such preset.
    """
    try:
        return PRESETS[name.lower()]()
    except KeyError:
        raise InvalidMachineError(
            f"machine {name}: no such preset; choose from {', '.join(PRESETS)}, or give a file"
        ) from None
