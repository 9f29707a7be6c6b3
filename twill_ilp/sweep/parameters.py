"""The parameters of a point: what a sweep may vary, with defaults and units.

A point is a flat mapping of parameter names to single values, so that it is a row of a table.
Shapes and sets are texts: ``tile = "128x128x64"``, ``without = "registers,spills"``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast, get_args

from twill_ilp.costs import DTYPES, Throughputs
from twill_ilp.errors import OptionError
from twill_ilp.kernels import KERNELS
from twill_ilp.options import LEVELS, METHODS, STAGES
from twill_ilp.reading import short
from twill_ilp.rules import EXTRA_FAMILIES, FAMILIES, Readings

__all__ = [
    "OPEN",
    "PARAMETERS",
    "Parameter",
    "PointError",
    "Value",
    "check_value",
    "complete",
    "parameter_text",
]

Value = str | int | float | bool | None
"""What a parameter may be; ``None``: not given."""

RANDOM = "random"
"""The name under which generated loops stand beside the kernels."""


class PointError(OptionError):
    """A parameter with a value that it cannot have.

    Attributes:
        parameter: the one to blame; empty: the point as a whole.
    """

    def __init__(self, parameter: str, reason: str) -> None:
        super().__init__(f"{parameter}: {reason}" if parameter else reason)
        self.parameter = parameter


@dataclass(frozen=True, slots=True)
class Parameter:
    """One column of the table of points.

    Attributes:
        kind: type of the value; ``float`` takes whole numbers too.
        default: the value of a point that does not name it; ``None``: left to the package.
        about: what it is, with its unit.
        least: smallest number.
        choices: the texts that are allowed; empty: any.
        many: the text is a list of choices with commas in between.
    """

    kind: type
    default: Value
    about: str
    least: float = 0
    choices: tuple[str, ...] = ()
    many: bool = False


_READINGS = Readings.choices()

PARAMETERS: Mapping[str, Parameter] = {
    # the loop
    "kernel": Parameter(str, None, "a built-in loop, or random", choices=(*KERNELS, RANDOM)),
    "file": Parameter(str, None, "a problem file instead of a kernel, relative to the sweep's"),
    "machine": Parameter(str, None, "a preset, or a device file (.toml) relative to the sweep's"),
    "tile": Parameter(str, None, "tile extents of a kernel, elements, such as 128x128x64"),
    "sub_tiles": Parameter(int, None, "sub-tiles of a kernel", 1),
    "dtype": Parameter(str, None, "operands of gemm", choices=tuple(DTYPES)),
    "quantum": Parameter(int, None, "clocks per model cycle", 1),
    "costs": Parameter(str, "model", "cycle counts", choices=("model", "raw", "normalized")),
    "u": Parameter(int, None, "largest sum of normalized costs (costs = normalized)", 1),
    "operations": Parameter(int, None, "operations of a random loop", 1),
    "loop_seed": Parameter(int, None, "which random loop"),
    # the machine
    "warps": Parameter(int, None, "warp budget", 1),
    "registers_per_thread": Parameter(int, None, "register limit of a thread, 32-bit words", 1),
    "registers_per_sm": Parameter(int, None, "register file, 32-bit words", 1),
    "spill": Parameter(int, None, "cycles to hand a register value to another warp"),
    # the rules
    "groups": Parameter(int, None, "largest number of warp groups", 1),
    "without": Parameter(str, "", "families left out", choices=FAMILIES, many=True),
    "also": Parameter(str, "", "further families", choices=EXTRA_FAMILIES, many=True),
    **{
        f"reading.{name}": Parameter(str, choices[0], "what the paper leaves open", choices=choices)
        for name, choices in _READINGS.items()
    },
    # the search
    "ii": Parameter(int, None, "the only initiation interval to decide, cycles", 1),
    "max_ii": Parameter(int, None, "largest initiation interval to try, cycles", 1),
    "stage": Parameter(str, "joint", "with warp groups or without", choices=STAGES),
    "method": Parameter(str, "ilp", "search", choices=METHODS),
    "formulation": Parameter(
        str, "auto", "ILP", choices=("auto", "structured", "aggregated", "order")
    ),
    "levels": Parameter(str, ",".join(LEVELS), "what is minimised", choices=LEVELS, many=True),
    "confirm": Parameter(bool, False, "a second formulation for every infeasible ILP"),
    "seed": Parameter(int, 0, "random seed of HiGHS and of the heuristics"),
    "time_limit": Parameter(float, None, "wall seconds that the search gives itself", 0.001),
    "solve_time_limit": Parameter(float, None, "wall seconds for each ILP", 0.001),
    "level_time_limit": Parameter(float, None, "wall seconds for each level after II", 0.001),
    # enforced from outside
    "wall_seconds": Parameter(float, 600.0, "wall seconds after which the process is ended", 0.01),
    "memory_mb": Parameter(int, 4096, "megabytes beyond which the process is ended", 64),
}
"""Every parameter with a fixed name, in the order of the table's columns."""

OPEN: Mapping[str, Parameter] = {
    "unit": Parameter(int, None, "capacity of a functional unit", 1),
    "memory": Parameter(int, None, "capacity of a memory: bytes; of tmem, columns"),
    "rate": Parameter(int, None, "work per clock", 1, choices=Throughputs.rates()),
    "solver": Parameter(object, None, "an option of HiGHS"),
}
"""Families of parameters: ``unit.TC``, ``memory.smem``, ``rate.exponential``, ``solver.NAME``."""


def lookup(name: str) -> Parameter:
    """The parameter called ``name``.

    Raises:
        PointError: there is none.
    """
    if name in PARAMETERS:
        return PARAMETERS[name]
    family, dot, member = name.partition(".")
    if not (dot and member and family in OPEN):
        known = ", ".join((*PARAMETERS, *(f"{family}.NAME" for family in OPEN)))
        raise PointError(name, f"no such parameter; choose from {known}")
    found = OPEN[family]
    if found.choices and member not in found.choices:
        raise PointError(name, f"no such {family}; choose from {', '.join(found.choices)}")
    return found


def check_value(name: str, value: Any) -> Value:
    """``value`` as parameter ``name`` takes it.

    Raises:
        PointError: an unknown parameter, or a value of the wrong type or out of range.
    """
    parameter = lookup(name)
    if not isinstance(value, get_args(Value)) or value is None:
        raise PointError(name, f"{short(value)} is no single value")
    if parameter.kind is object:
        return cast(Value, value)
    wanted = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}
    fits = type(value) is parameter.kind or (parameter.kind is float and type(value) is int)
    if not fits:
        raise PointError(name, f"{short(value)}; give {wanted[parameter.kind]}")
    if isinstance(value, int | float) and not isinstance(value, bool):
        if not parameter.least <= value < 1e18:
            raise PointError(name, f"{value}; give {wanted[parameter.kind]} >= {parameter.least:g}")
        return float(value) if parameter.kind is float else value
    return _text(name, parameter, value) if isinstance(value, str) else bool(value)


def _text(name: str, parameter: Parameter, value: str) -> str:
    parts = [part.strip() for part in value.split(",") if part.strip()]
    given = parts if parameter.many else [value]
    for part in given if parameter.choices else ():
        if part not in parameter.choices:
            raise PointError(name, f"{short(part)}; choose from {', '.join(parameter.choices)}")
    if name == "levels" and (parts[:1] != ["ii"] or len(set(parts)) < len(parts)):
        raise PointError(name, f"{short(value)}; begin with ii, and give each level once")
    if parameter.many and name != "levels":  # a set: one order, so that equal sets are equal
        parts = [choice for choice in parameter.choices if choice in parts]
    return ",".join(parts) if parameter.many else value


def complete(given: Mapping[str, Any]) -> dict[str, Value]:
    """The point with every default written out.

    Raises:
        PointError: neither a kernel nor a file, or parameters that exclude each other.
    """
    point: dict[str, Value] = {name: p.default for name, p in PARAMETERS.items()}
    point |= {name: check_value(name, value) for name, value in given.items()}
    kernel = point["kernel"]
    if (kernel is None) == (point["file"] is None):
        raise PointError("kernel", "give a kernel or a file, and not both")
    if kernel in KERNELS and point["machine"] is None:
        point["machine"] = KERNELS[str(kernel)].default_machine
    if kernel == RANDOM:
        point["operations"] = 10 if point["operations"] is None else point["operations"]
        point["loop_seed"] = 0 if point["loop_seed"] is None else point["loop_seed"]
    if point["costs"] == "normalized" and point["u"] is None:
        point["u"] = 300
    _check_together(point)
    return point


def _check_together(point: Mapping[str, Value]) -> None:
    for name in ("operations", "loop_seed"):
        if point[name] is not None and point["kernel"] != RANDOM:
            raise PointError(name, 'only for kernel = "random"; leave it out')
    if point["u"] is not None and point["costs"] != "normalized":
        raise PointError("u", 'only for costs = "normalized"; leave it out')
    if point["quantum"] is not None and point["costs"] != "model":
        raise PointError("quantum", f"costs {point['costs']} are in clocks; leave it out")
    if point["method"] != "ilp" and point["stage"] != "modulo":
        raise PointError("method", f'{point["method"]} knows no warp groups; add stage = "modulo"')
    if point["ii"] is not None and point["max_ii"] is not None:
        raise PointError("max_ii", "ii names the only one; leave it out")
    limit, wall = point["time_limit"], point["wall_seconds"]
    if isinstance(limit, float) and isinstance(wall, float) and limit > wall:
        raise PointError(
            "time_limit", f"{limit:g} s is beyond wall_seconds = {wall:g}, which ends the process"
        )


def parameter_text() -> str:
    """Every parameter with what it is, for ``twill-ilp sweep --parameters``."""
    rows = [
        *((name, p) for name, p in PARAMETERS.items()),
        *((f"{family}.NAME", p) for family, p in OPEN.items()),
    ]
    lines = []
    for name, p in rows:
        choices = f": {', '.join(p.choices)}" if p.choices else ""
        default = "" if p.default in (None, "") else f" (default {p.default})"
        lines.append(f"{name:22} {p.about}{choices}{default}")
    return "\n".join(lines)
