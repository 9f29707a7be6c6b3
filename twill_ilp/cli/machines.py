"""``twill-ilp machines``: every figure of the presets, and of device files, side by side."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping

from twill_ilp.cli.terminal import say
from twill_ilp.costs import Throughputs
from twill_ilp.device import DEVICES, Device, read_device
from twill_ilp.report import Table

__all__ = ["machines_table", "run"]

UNITS = {"smem": "bytes", "tmem": "columns"}
RATES = {"shared_memory": "bytes", "tensor_memory": "bytes"}
PLAIN = ("ampere", "hopper", "blackwell")


def run(arguments: argparse.Namespace) -> int:
    """Print the documented presets next to the files given."""
    devices = [*(DEVICES[name]() for name in PLAIN), *map(read_device, arguments.files)]
    say(machines_table(devices).text())
    return 0


def machines_table(devices: list[Device]) -> Table:
    """One row per figure, one column per device."""
    rows = [("base", *(d.base for d in devices))]
    for label, names in (
        ("unit", _names(d.machine.units for d in devices)),
        ("memory", _names(d.machine.memories for d in devices)),
    ):
        for name in names:
            held = (d.machine.units if label == "unit" else d.machine.memories for d in devices)
            unit = f" ({UNITS[name]})" if name in UNITS else ""
            rows.append((f"{label} {name}{unit}", *(_shown(h.get(name)) for h in held)))
    for limit in ("warps", "registers_per_thread", "registers_per_sm"):
        rows.append((limit, *(_shown(getattr(d.machine, limit)) for d in devices)))
    for rate in Throughputs.rates():
        shown = (_shown(getattr(d.rates, rate)) for d in devices)
        unit = "MAC" if rate.startswith("tensor_core") else RATES.get(rate, "elements")
        rows.append((f"rate {rate} ({unit}/clock)", *shown))
    for style in ("mma_warps", "mma_asynchronous", "accumulators", "copies"):
        rows.append((style, *(_shown(getattr(d, style)) for d in devices)))
    tables = (d.rates.measured.name if d.rates.measured else None for d in devices)
    rows.append(("measured", *map(_shown, tables)))
    return Table(("figure", *(d.name for d in devices)), tuple(rows))


def _names(holders: Iterable[Mapping[str, int]]) -> list[str]:
    return list(dict.fromkeys(name for holder in holders for name in holder))


def _shown(value: object) -> str:
    if value is None:
        return "-"
    return ("no", "yes")[value] if isinstance(value, bool) else str(value)
