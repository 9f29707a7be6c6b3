"""Devices: a machine together with its rates and the way its tensor core is used.

A :class:`~twill_ilp.machine.Machine` says what a schedule must respect and is part of every
problem file.  Building a kernel needs more: clocks per tile, who issues a matrix product, where
accumulators live.  A device has both, so that a change to any figure gives another device and
from it another problem.  Kernels take devices; solvers see machines only.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from twill_ilp.checks import check_natural
from twill_ilp.costs import AMPERE, BLACKWELL, HOPPER, Throughputs
from twill_ilp.errors import InvalidMachineError, InvalidProblemError, TwillError
from twill_ilp.machine import PRESETS, Machine, ampere, blackwell, hopper
from twill_ilp.measured import MEASURED, Measured
from twill_ilp.reading import read_object, short

__all__ = ["DEVICES", "Device", "device", "read_device"]


@dataclass(frozen=True, slots=True)
class Device:
    """One SM: capacities, rates, and how matrix products and copies are issued.

    Attributes:
        base: the preset that it is or derives from.
        machine: capacities.
        rates: work per clock.
        mma_warps: warps that issue a matrix product together.
        mma_asynchronous: the issuing warps go on while the tensor core works.
        accumulators: ``registers`` of the issuing warps, or ``tmem`` (tensor memory), which is
            read and written by operations of their own.
        copies: unit that copies between global and shared memory: ``TMA``, told by one warp, or
            ``LSU``, busy for the warps that want the tile (cp.async).

    Raises:
        InvalidMachineError: no warp to issue a product, or accumulators in a tensor memory
            that has no rate or no capacity.
    """

    base: str
    machine: Machine
    rates: Throughputs
    mma_warps: int
    mma_asynchronous: bool
    accumulators: Literal["registers", "tmem"]
    copies: Literal["TMA", "LSU"]

    def __post_init__(self) -> None:
        what = f"machine {self.name}: mma_warps"
        check_natural(self.mma_warps, what, InvalidMachineError, least=1)
        if self.in_tensor_memory and not (
            self.rates.tensor_memory and "tmem" in self.machine.memories
        ):
            raise InvalidMachineError(
                f"machine {self.name}: accumulators in tmem, which has no rate or no capacity; "
                "give rates.tensor_memory and memories.tmem"
            )

    @property
    def name(self) -> str:
        """The machine's name."""
        return self.machine.name

    @property
    def in_tensor_memory(self) -> bool:
        """Whether accumulators live in tensor memory."""
        return self.accumulators == "tmem"


def _ampere() -> Device:
    """A100: mma.sync holds its warps; cp.async [a100]."""
    return Device("ampere", ampere(), AMPERE, 4, False, "registers", "LSU")


def _hopper() -> Device:
    """H100: wgmma, issued by a warpgroup, accumulates in its registers; TMA [h100]."""
    return Device("hopper", hopper(), HOPPER, 4, True, "registers", "TMA")


def _blackwell() -> Device:
    """B200: tcgen05.mma, issued by one thread, accumulates in tensor memory; TMA [ptx]."""
    return Device("blackwell", blackwell(), BLACKWELL, 1, True, "tmem", "TMA")


def _blackwell_measured() -> Device:
    """B200 with the measured figures of ``b200-microbenchmarks``."""
    plain, name = _blackwell(), "blackwell-measured"
    rates = replace(plain.rates, name=name, measured=MEASURED["b200-microbenchmarks"])
    return replace(plain, machine=replace(plain.machine, name=name), rates=rates)


DEVICES: Mapping[str, Callable[[], Device]] = {
    "ampere": _ampere,
    "hopper": _hopper,
    "blackwell": _blackwell,
    "blackwell-measured": _blackwell_measured,
}
"""Presets by name; ``[a100]`` and so on are the references of :mod:`twill_ilp.costs`."""


def device(name: str) -> Device:
    """The preset called ``name`` (any case; also ``a100``, ``h100``, ``b200``).

    Raises:
        InvalidMachineError: there is no such preset.
    """
    key = name.lower()
    if key in PRESETS:
        key = PRESETS[key]().name
    if key not in DEVICES:
        raise InvalidMachineError(
            f"machine {name}: no such preset; choose from {', '.join({**PRESETS, **DEVICES})}, "
            "or give a file"
        )
    return DEVICES[key]()


def read_device(path: str | Path) -> Device:
    """Read a device file: TOML that names a preset and overrides any of its figures.

    ::

        base = "blackwell"           # required; every other key is optional
        name = "twice-the-sfu"       # default: the name of the file
        measured = "b200-microbenchmarks"
        warps = 12                   # registers_per_thread, registers_per_sm, mma_warps, ...

        [rates]                      # see twill_ilp.costs.Throughputs
        exponential = 32
        [memories]
        tmem = 256
        [units]
        TC = 2

    Raises:
        InvalidProblemError: the file cannot be read, is no TOML, or has a key or a value that
            a device cannot have; the message begins with the path.
    """
    try:
        data = tomllib.loads(Path(path).read_text(encoding="utf-8"))
        return _derived(data, Path(path).stem)
    except tomllib.TOMLDecodeError as e:
        raise InvalidProblemError(f"{path}: not TOML: {e}; mend the file there") from None
    except UnicodeDecodeError:
        raise InvalidProblemError(f"{path}: not UTF-8 text; give a TOML file") from None
    except OSError as e:
        raise InvalidProblemError(f"{path}: cannot be read: {e.strerror}; check the path") from None
    except TwillError as e:
        raise InvalidProblemError(f"{path}: {e}") from None


_LIMITS = ("warps", "registers_per_thread", "registers_per_sm")
_STYLE: Mapping[str, tuple[Any, ...]] = {
    "mma_asynchronous": (True, False),
    "accumulators": ("registers", "tmem"),
    "copies": ("TMA", "LSU"),
}


def _derived(data: object, name: str) -> Device:
    """The device that a parsed device file means."""
    tables = ("units", "memories", "rates")
    keys = ("name", "measured", "mma_warps", *_LIMITS, *_STYLE, *tables)
    given = read_object(data, "machine", ("base",), keys)
    base = device(str(given["base"]))
    name = given.get("name", name)
    known = {
        "units": tuple(base.machine.units),
        "memories": tuple(base.machine.memories),
        "rates": base.rates.rates(),
    }
    for table in tables:
        given[table] = read_object(given.get(table, {}), table, optional=known[table])
    for key, choices in _STYLE.items():
        if key in given and given[key] not in choices:
            raise InvalidMachineError(
                f"{key} is {short(given[key])}; give {' or '.join(map(short, choices))}"
            )
    machine = replace(
        base.machine,
        name=name,
        units=base.machine.units | given["units"],
        memories=base.machine.memories | given["memories"],
        **{key: given[key] for key in _LIMITS if key in given},
    )
    rates = replace(base.rates, name=name, **given["rates"])
    if "measured" in given:
        rates = replace(rates, measured=_measured_table(given["measured"]))
    style = {key: given[key] for key in ("mma_warps", *_STYLE) if key in given}
    return replace(base, machine=machine, rates=rates, **style)


def _measured_table(name: object) -> Measured:
    if not isinstance(name, str) or name not in MEASURED:
        raise InvalidMachineError(f"measured is {short(name)}; choose from {', '.join(MEASURED)}")
    return MEASURED[name]
