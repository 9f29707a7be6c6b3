"""The problem that a command line means; else an ``OptionError`` says what is wrong."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from twill_ilp.cli.terminal import complain
from twill_ilp.device import DEVICES, Device, device, read_device
from twill_ilp.errors import InvalidProblemError, OptionError, TwillError
from twill_ilp.frontends import Reading, is_ir, read_ttgir
from twill_ilp.frontends.ddg_json import ddg_reading, is_ddg
from twill_ilp.kernels import KERNELS, build_kernel
from twill_ilp.machine import PRESETS, Machine
from twill_ilp.problem import Problem, load_json, read_machine, read_problem

__all__ = ["add_source", "load_problem", "load_reading"]

KERNEL_OPTIONS = ("tile", "sub_tiles", "quantum", "dtype")
FILE_OPTIONS = ("without_rule", "with_rule", "strict")


def add_source(parser: argparse.ArgumentParser) -> None:
    """The arguments that name a problem: a kernel or a file, and the options about it."""
    parser.add_argument(
        "source",
        metavar="KERNEL_OR_FILE",
        help="a kernel of 'twill-ilp kernels', a problem file, a ddg-0.1 dump, or TTIR or TTGIR",
    )
    group = parser.add_argument_group("the problem")
    group.add_argument(
        "--machine",
        metavar="NAME_OR_FILE",
        help="hopper, blackwell, ..., or a .toml file that overrides figures of one; for a file "
        "also a .json machine file, which replaces its machine",
    )
    group.add_argument("--tile", type=_tile, metavar="M,N,K", help="tile extents of a kernel")
    group.add_argument("--sub-tiles", type=int, metavar="N", help="sub-tiles of a kernel")
    group.add_argument("--dtype", metavar="TYPE", help="operands of gemm: fp16, bf16, tf32, fp8")
    group.add_argument(
        "--quantum", type=int, metavar="N", help="clocks per model cycle of a kernel or of IR"
    )
    group.add_argument(
        "--loop",
        type=_loop,
        metavar="N",
        help="which loop of a dump or of IR; line:N: the loop in line N of IR or of its source",
    )
    for flag, text in (("without", "turn off"), ("with", "turn on")):
        group.add_argument(
            f"--{flag}-rule",
            action="append",
            default=[],
            metavar="NAME",
            help=f"{text} a rule of lowering of a dump or of IR (docs/frontends.md); repeatable",
        )
    group.add_argument(
        "--strict", action="store_true", help="refuse operations of IR whose cost is unknown"
    )


def load_problem(arguments: argparse.Namespace) -> Problem:
    """The problem of ``source`` and of the options about it; see :func:`load_reading`."""
    reading = load_reading(arguments)
    for warning in reading.warnings:
        complain(f"warning: {warning}")
    return reading.problem


def load_reading(arguments: argparse.Namespace) -> Reading:
    """The problem that ``source`` and the options about it mean, and how it was read.

    A registered kernel comes before a file of the same name.

    Raises:
        TwillError: no such kernel or file, a file that does not fit, or an option that does
            not apply.
    """
    source = arguments.source
    if source in KERNELS:
        _reject(arguments, source, "a kernel", ("loop", *FILE_OPTIONS))
        given = {key: getattr(arguments, key) for key in KERNEL_OPTIONS}
        given = {key: value for key, value in given.items() if value is not None}
        problem = build_kernel(source, _kernel_device(arguments.machine), **given)
        return Reading(problem, costs=dict.fromkeys(problem.graph.by_name, f"kernel {source}"))
    _reject(arguments, source, "no kernel", ("tile", "sub_tiles", "dtype"))
    if not os.path.exists(source):
        _reject(arguments, source, "no kernel", ("quantum",))
        raise OptionError(
            f"{source}: neither a kernel nor a file; kernels are {', '.join(KERNELS)}"
        )
    if is_ir(source):
        return _read_ir(arguments)
    _reject(arguments, source, "no kernel", ("quantum",))
    reading = _read(arguments)
    if arguments.machine is None:
        return reading
    return replace(reading, problem=_on(reading.problem, arguments.machine, source))


def _reject(arguments: argparse.Namespace, source: str, what: str, options: Iterable[str]) -> None:
    """Refuse options that do not apply to the source."""
    for key in options:
        value = getattr(arguments, key)
        if not (value is None or value is False or value == []):
            raise OptionError(f"--{key.replace('_', '-')}: {source} is {what}; leave it out")


def _read_ir(arguments: argparse.Namespace) -> Reading:
    machine = arguments.machine
    return read_ttgir(
        arguments.source,
        loop=arguments.loop,
        machine=None if machine is None else _machine(machine),
        quantum=arguments.quantum,
        without=arguments.without_rule,
        also=arguments.with_rule,
        strict=arguments.strict,
    )


def _read(arguments: argparse.Namespace) -> Reading:
    path, loop = arguments.source, arguments.loop
    try:
        data = load_json(path)
    except TwillError as e:
        raise InvalidProblemError(f"{path}: {e}") from None
    _reject(arguments, path, "not TTIR or TTGIR", ("strict",))
    if is_ddg(data):
        return _read_dump(arguments, data)
    _reject(arguments, path, "a problem file", FILE_OPTIONS)
    if loop is not None:
        raise OptionError(f"--loop: {path} is a problem file, not a ddg-0.1 dump; leave it out")
    problem = read_problem(path)
    return Reading(problem, costs=dict.fromkeys(problem.graph.by_name, "the file"))


def _read_dump(arguments: argparse.Namespace, data: object) -> Reading:
    path, loop = arguments.source, arguments.loop
    if isinstance(loop, str):
        raise OptionError(f"--loop {loop}: {path} has no lines; give a loop_id")
    try:
        return ddg_reading(
            data, loop, Path(path).stem, without=arguments.without_rule, also=arguments.with_rule
        )
    except OptionError as e:
        raise OptionError(f"{path}: {e}") from None
    except TwillError as e:
        raise InvalidProblemError(f"{path}: {e}") from None


def _on(problem: Problem, name: str, path: str) -> Problem:
    try:
        return Problem(problem.graph, _machine(name))
    except InvalidProblemError as e:
        if str(e).startswith(f"{name}: "):
            raise
        raise InvalidProblemError(f"{path} on --machine {name}: {e}") from None


def _machine(name: str) -> Machine:
    if name.lower() in {**PRESETS, **DEVICES}:
        return device(name).machine
    if not os.path.exists(name):
        raise OptionError(f"--machine {name}: neither a file nor one of {', '.join(PRESETS)}")
    return read_device(name).machine if _is_toml(name) else read_machine(name)


def _kernel_device(name: str | None) -> str | Device | None:
    """A device file's device; a preset's name as it is."""
    if name is None or name.lower() in {**PRESETS, **DEVICES}:
        return name
    if _is_toml(name):
        return read_device(name)
    if os.path.exists(name):
        raise OptionError(
            f"--machine {name}: a kernel needs rates too; give a .toml file with base and rates"
        )
    return name


def _is_toml(name: str) -> bool:
    return name.lower().endswith(".toml")


def _loop(text: str) -> int | str:
    if text.isascii() and text.removeprefix("line:").isdigit() and len(text) < 15:
        return text if text.startswith("line:") else int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no loop; give an index, or line:N")


def _tile(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(extent) for extent in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no tile; give whole numbers such as 128,128,64"
        ) from None
