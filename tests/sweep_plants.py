"""What the workers of sweep tests run in place of a solve, and points that go wrong on purpose."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from twill_ilp.sweep.measure import RESULTS, measure_point

HANG, HOG, CRASH, RAISE = 1, 2, 3, 4
"""Loop seeds of the points that go wrong."""


def row(**known: Any) -> dict[str, Any]:
    """A complete row in which only some columns are known."""
    return {name: None for name in RESULTS} | {"status": "optimal", **known}


def quick(point: Mapping[str, Any], folder: Path, keep: bool) -> dict[str, Any]:
    """A row that depends on the point alone, after 10 ms."""
    time.sleep(0.01)
    return row(ii_found=100 + point["loop_seed"])


def busy(point: Mapping[str, Any], folder: Path, keep: bool) -> dict[str, Any]:
    """50 ms of work, and how long they took."""
    began = time.perf_counter()
    until = time.process_time() + 0.05
    while time.process_time() < until:
        pass
    return row(seconds_total=time.perf_counter() - began)


def planted(point: Mapping[str, Any], folder: Path, keep: bool) -> dict[str, Any]:
    """A solve, unless the point's seed says what goes wrong."""
    match point["loop_seed"]:
        case 1:
            time.sleep(3600)
        case 2:
            hoard = []
            while True:
                hoard.append(bytearray(8 << 20))
                time.sleep(0.005)
        case 3:
            os.kill(os.getpid(), signal.SIGSEGV)
        case 4:
            raise ValueError("planted")
    return measure_point(point, folder, keep)
