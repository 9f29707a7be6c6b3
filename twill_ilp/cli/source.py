"""The problem that a command line means."""

from __future__ import annotations

import argparse
import os

from twill_ilp.device import DEVICES, Device, device, read_device
from twill_ilp.errors import InvalidProblemError, OptionError, TwillError
from twill_ilp.frontends.ddg_json import is_ddg, read_ddg
from twill_ilp.kernels import KERNELS, build_kernel
from twill_ilp.machine import PRESETS, Machine
from twill_ilp.problem import Problem, load_json, read_machine, read_problem

__all__ = ["load_problem"]

KERNEL_OPTIONS = ("tile", "sub_tiles", "quantum", "dtype")


def load_problem(arguments: argparse.Namespace) -> Problem:
    """The problem of ``source`` and of the options about it.

    A registered kernel comes before a file of the same name.

    Raises:
        TwillError: no such kernel or file, a file that does not fit, or an option that does
            not apply.
    """
    given = {key: getattr(arguments, key) for key in KERNEL_OPTIONS}
    given = {key: value for key, value in given.items() if value is not None}
    source = arguments.source
    if source in KERNELS:
        if arguments.loop is not None:
            raise OptionError(f"--loop: {source} is a kernel, not a ddg-0.1 dump; leave it out")
        return build_kernel(source, _kernel_device(arguments.machine), **given)
    if given:
        flag = "--" + next(iter(given)).replace("_", "-")
        raise OptionError(f"{flag}: {source} is no kernel; leave it out")
    if not os.path.exists(source):
        raise OptionError(
            f"{source}: neither a kernel nor a file; kernels are {', '.join(KERNELS)}"
        )
    problem = _read(source, arguments.loop)
    return problem if arguments.machine is None else _on(problem, arguments.machine, source)


def _read(path: str, loop: int | None) -> Problem:
    try:
        data = load_json(path)
    except TwillError as e:
        raise InvalidProblemError(f"{path}: {e}") from None
    if is_ddg(data):
        return read_ddg(path, loop)
    if loop is not None:
        raise OptionError(f"--loop: {path} is a problem file, not a ddg-0.1 dump; leave it out")
    return read_problem(path)


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
