"""Sweeps: thousands of exact solves from one TOML file, resumable, on one machine or a cluster.

>>> from twill_ilp.sweep import complete
>>> complete({"kernel": "fig1"})["stage"]
'joint'

``read_sweep`` reads a file, ``run_sweep`` solves what is not done yet, ``load`` gives the table.
Only the parts that run or read something load a solver or pandas.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from twill_ilp.sweep.parameters import PARAMETERS, PointError, complete
from twill_ilp.sweep.spec import InvalidSweepError, Sweep, read_sweep

if TYPE_CHECKING:
    from twill_ilp.sweep.cluster import cluster_executor
    from twill_ilp.sweep.measure import measure_point
    from twill_ilp.sweep.processes import process_executor
    from twill_ilp.sweep.random_loops import random_loop
    from twill_ilp.sweep.runner import Report, check_points, run_sweep
    from twill_ilp.sweep.store import StoreError
    from twill_ilp.sweep.table import load

__all__ = [
    "PARAMETERS",
    "InvalidSweepError",
    "PointError",
    "Report",
    "StoreError",
    "Sweep",
    "check_points",
    "cluster_executor",
    "complete",
    "load",
    "measure_point",
    "process_executor",
    "random_loop",
    "read_sweep",
    "run_sweep",
]

_LAZY = {
    "Report": "runner",
    "StoreError": "store",
    "check_points": "runner",
    "cluster_executor": "cluster",
    "load": "table",
    "measure_point": "measure",
    "process_executor": "processes",
    "random_loop": "random_loops",
    "run_sweep": "runner",
}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(f"twill_ilp.sweep.{_LAZY[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
