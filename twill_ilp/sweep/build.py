"""From a point to the problem and the search that it means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from twill_ilp.bounds import rec_mii, res_mii, unit_work
from twill_ilp.device import DEVICES, Device, device, read_device
from twill_ilp.errors import TwillError
from twill_ilp.graph import LoopGraph
from twill_ilp.kernels import KERNELS, build_kernel
from twill_ilp.machine import PRESETS, Machine
from twill_ilp.normalized import normalized_problem
from twill_ilp.options import SearchOptions
from twill_ilp.problem import Problem, read_problem
from twill_ilp.rules import FAMILIES, Readings, Rules
from twill_ilp.sweep.parameters import PointError, Value
from twill_ilp.sweep.random_loops import random_loop

__all__ = ["Built", "build"]

TENSOR_CORE = "TC"
KERNEL_OPTIONS = ("sub_tiles", "quantum", "dtype")
PASSED_ON = (
    "stage",
    "method",
    "formulation",
    "confirm",
    "seed",
    "time_limit",
    "solve_time_limit",
    "level_time_limit",
)
"""Parameters that are search options as they are."""
LIMITS = ("warps", "registers_per_thread", "registers_per_sm")

Point = Mapping[str, Value]


@dataclass(frozen=True)
class Built:
    """What a point means.

    Attributes:
        problem: what is solved.
        options: how.
        clocks: clocks per cycle of the problem; ``None`` where cycles are no clocks.
        work: clocks per iteration for which the tensor core is busy; ``None`` likewise.
        mii_clocks: lower bound of II before rounding and normalization, clocks.
    """

    problem: Problem
    options: SearchOptions
    clocks: float | None = None
    work: int | None = None
    mii_clocks: int | None = None


def build(point: Point, folder: Path, *, normalize: bool = True) -> Built:
    """The problem and the search of a complete point.

    Args:
        folder: what file names among the parameters are relative to.
        normalize: also solve the normalization (costs = "normalized"), which needs the solver;
            otherwise the problem is left in clocks, good enough for a check.

    Raises:
        PointError: a parameter that does not apply, such as the capacity of an unknown unit.
        DoesNotFitError: tiles that exceed a memory in every schedule.
        TwillError: anything else that the package refuses.
    """
    options = _options(point)
    if point["kernel"] not in KERNELS:
        return Built(_limited(_spilled(_given(point, folder), point), point), options)
    problem = _spilled(_kernel(point, folder, _quantum(point)), point)
    if not KERNELS[str(point["kernel"])].machines:
        return Built(problem, options)
    raw = problem if point["costs"] != "model" else _kernel(point, folder, 1)
    mii = max(res_mii(raw.graph, raw.machine).ii, rec_mii(raw.graph).ii)
    work = unit_work(raw.graph).get(TENSOR_CORE, 0)
    clocks = _clocks(point, raw, problem)
    if point["costs"] == "normalized" and normalize:
        limit = int(str(point["u"]))
        problem, answer = normalized_problem(problem, limit=limit)
        clocks = float(answer.scale)
    return Built(problem, options, clocks, work, mii)


def _quantum(point: Point) -> int | None:
    return 1 if point["costs"] != "model" else _whole(point, "quantum")


def _whole(point: Point, name: str) -> int | None:
    value = point[name]
    return value if isinstance(value, int) else None


def _clocks(point: Point, raw: Problem, problem: Problem) -> float | None:
    """Clocks per cycle: the quantum, or what the tensor core's exact costs say it is."""
    if quantum := _quantum(point):
        return float(quantum)
    work, cycles = (unit_work(p.graph).get(TENSOR_CORE, 0) for p in (raw, problem))
    return work / cycles if cycles else None


def _kernel(point: Point, folder: Path, quantum: int | None) -> Problem:
    name = str(point["kernel"])
    kernel = KERNELS[name]
    given: dict[str, Any] = {key: point[key] for key in KERNEL_OPTIONS if point[key] is not None}
    if quantum is not None:
        given["quantum"] = quantum
    if point["tile"] is not None:
        given["tile"] = _tile(str(point["tile"]))
    for key in given:
        if key not in kernel.options:
            at = "costs" if key == "quantum" and point["quantum"] is None else key
            raise PointError(at, f"kernel {name} has no option {key}; leave it out")
    if kernel.machines:
        return build_kernel(name, _device(point, folder), **given)
    _refuse_rates(point, f"kernel {name}")
    if point["machine"] is not None:
        raise PointError("machine", f"kernel {name} has its own; leave it out")
    return _limited(build_kernel(name, **given), point)


def _tile(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(extent) for extent in text.split("x"))
    except ValueError:
        raise PointError("tile", f"{text!r}; give extents such as 128x128x64") from None


def _given(point: Point, folder: Path) -> Problem:
    """A random loop, or the problem of a file."""
    _refuse_rates(point, "a loop that is no kernel")
    for name in ("tile", *KERNEL_OPTIONS, "machine"):
        if point[name] is not None:
            raise PointError(name, "only for kernels; leave it out")
    if point["costs"] != "model":
        raise PointError("costs", f"{point['costs']} is for kernels only; leave it out")
    if point["file"] is not None:
        return read_problem(folder / str(point["file"]))
    return random_loop(_whole(point, "operations") or 1, _whole(point, "loop_seed") or 0)


def _refuse_rates(point: Point, what: str) -> None:
    for name, value in point.items():
        if name.startswith("rate.") and value is not None:
            raise PointError(name, f"{what} has no rates; leave it out")


def _device(point: Point, folder: Path) -> Device:
    name = str(point["machine"])
    chosen = device(name) if name.lower() in {**PRESETS, **DEVICES} else None
    if chosen is None:
        if not name.lower().endswith(".toml"):
            known = ", ".join({**PRESETS, **DEVICES})
            raise PointError("machine", f"{name}: no such one; choose from {known}, or a .toml")
        chosen = read_device(folder / name)
    rates = {key: value for key, value in _members(point, "rate").items()}
    chosen = replace(chosen, machine=_machine(chosen.machine, point))
    return replace(chosen, rates=replace(chosen.rates, **rates)) if rates else chosen


def _limited(problem: Problem, point: Point) -> Problem:
    machine = _machine(problem.machine, point)
    return problem if machine == problem.machine else replace(problem, machine=machine)


def _machine(machine: Machine, point: Point) -> Machine:
    """The machine with the capacities that the point gives."""
    changed: dict[str, Any] = {key: point[key] for key in LIMITS if point[key] is not None}
    for family, known in (("unit", machine.units), ("memory", machine.memories)):
        given = _members(point, family)
        for name in given:
            if name not in known:
                raise PointError(
                    f"{family}.{name}",
                    f"machine {machine.name} has no such {family}; "
                    f"it has {', '.join(known) or 'none'}",
                )
        if given:
            changed["units" if family == "unit" else "memories"] = {**known, **given}
    return replace(machine, **changed) if changed else machine


def _members(point: Point, family: str) -> dict[str, Any]:
    """The given members of an open family of parameters, by their own names."""
    prefix = f"{family}."
    return {
        name.removeprefix(prefix): value
        for name, value in point.items()
        if name.startswith(prefix) and value is not None
    }


def _spilled(problem: Problem, point: Point) -> Problem:
    """The problem with another hand-over cost for every value that has one."""
    cycles = _whole(point, "spill")
    if cycles is None:
        return problem
    ops = tuple(replace(op, spill=cycles) if op.spill else op for op in problem.graph)
    graph = LoopGraph(problem.graph.name, ops, problem.graph.dependences)
    return Problem(graph, problem.machine)


def _options(point: Point) -> SearchOptions:
    without = str(point["without"]).split(",")
    families = tuple(family for family in FAMILIES if family not in without)
    extra = tuple(family for family in str(point["also"]).split(",") if family)
    readings: dict[str, Any] = _members(point, "reading")
    rules = Rules((*families, *extra), Readings(**readings), _whole(point, "groups"))
    one = _whole(point, "ii")
    given: dict[str, Any] = {name: point[name] for name in PASSED_ON}
    try:
        return SearchOptions(
            **given,
            levels=tuple(str(point["levels"]).split(",")),
            rules=rules,
            min_ii=one,
            max_ii=one if one is not None else _whole(point, "max_ii"),
            solver=_members(point, "solver"),
        )
    except TwillError as e:
        raise PointError("", str(e)) from None
