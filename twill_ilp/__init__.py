"""Provably optimal software pipelines for tile loops on tensor-core GPUs, by integer programs.

>>> from twill_ilp import build_kernel, solve
>>> result = solve(build_kernel("fig1"))
>>> result.status, result.ii, result.length
('optimal', 2, 4)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from twill_ilp._version import __version__
from twill_ilp.device import Device, read_device
from twill_ilp.errors import (
    ExecutionError,
    InvalidGraphError,
    InvalidIRError,
    InvalidMachineError,
    InvalidProblemError,
    InvalidScheduleError,
    OptionError,
    SolverError,
    TwillError,
)
from twill_ilp.graph import Dependence, LoopGraph, Operation, Usage
from twill_ilp.kernels import KERNELS, Kernel, build_kernel
from twill_ilp.machine import Machine, ampere, blackwell, hopper
from twill_ilp.options import SearchOptions
from twill_ilp.problem import Problem, read_machine, read_problem
from twill_ilp.schedule import Level, Rejection, Result, Schedule
from twill_ilp.tiling import sub_tile
from twill_ilp.verify import verify

if TYPE_CHECKING:
    from twill_ilp.pipeline import build_program
    from twill_ilp.search import solve

__all__ = [
    "KERNELS",
    "Dependence",
    "Device",
    "ExecutionError",
    "InvalidGraphError",
    "InvalidIRError",
    "InvalidMachineError",
    "InvalidProblemError",
    "InvalidScheduleError",
    "Kernel",
    "Level",
    "LoopGraph",
    "Machine",
    "Operation",
    "OptionError",
    "Problem",
    "Rejection",
    "Result",
    "Schedule",
    "SearchOptions",
    "SolverError",
    "TwillError",
    "Usage",
    "__version__",
    "ampere",
    "blackwell",
    "build_kernel",
    "build_program",
    "hopper",
    "read_device",
    "read_machine",
    "read_problem",
    "solve",
    "sub_tile",
    "verify",
]

_LAZY = {"build_program": "twill_ilp.pipeline", "solve": "twill_ilp.search"}
"""Names that few need; imported on first use, so that ``import twill_ilp`` stays light."""


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
