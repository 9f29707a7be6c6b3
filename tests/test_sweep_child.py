"""Workers: limits enforced from outside, and points that take their process down."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sweep_plants

from twill_ilp.errors import SolverError
from twill_ilp.sweep import child, complete
from twill_ilp.sweep.child import SweepStoppedError, end_children, solve_in_child
from twill_ilp.sweep.measure import RESULTS

PLANTED = "sweep_plants:planted"


@pytest.fixture(autouse=True)
def no_children_left() -> Iterator[None]:
    child.allow_children()
    yield
    end_children()
    child.allow_children()


def request(seed: int) -> dict[str, Any]:
    point = complete({"kernel": "random", "operations": 5, "loop_seed": seed, "stage": "modulo"})
    return {"point": point, "folder": ".", "keep": False}


def solve(seed: int, *, wall: float = 60, memory: float = 2000) -> dict[str, Any]:
    return solve_in_child(request(seed), wall, memory, PLANTED)


def own_pid() -> int:
    return int(child._own.child._process.pid)


def test_a_point_gets_a_row_and_the_worker_lives_on() -> None:
    first, pid = solve(10), own_pid()
    again = solve(11)
    assert (first["status"], again["status"]) == ("optimal", "optimal")
    assert own_pid() == pid
    assert set(RESULTS) < set(first)
    assert first["threads"] == 1
    assert 20 < first["peak_mb"] < 500


def test_a_hang_costs_its_point_only() -> None:
    began = time.monotonic()
    row = solve(sweep_plants.HANG, wall=1)
    assert 1 <= time.monotonic() - began < 10
    assert (row["status"], row["reason"]) == ("unknown", "wall limit")
    assert row["evidence"] == "ended from outside at 1 s"
    assert solve(10)["status"] == "optimal"


def test_a_memory_hog_costs_its_point_only() -> None:
    row = solve(sweep_plants.HOG, memory=300)
    assert (row["status"], row["reason"]) == ("unknown", "memory limit")
    assert row["evidence"] == "ended from outside at 300 MB"
    assert solve(10)["status"] == "optimal"


def test_a_crash_is_tried_three_times_and_then_recorded() -> None:
    row = solve(sweep_plants.CRASH)
    assert (row["status"], row["reason"]) == ("unknown", "crash")
    assert row["evidence"].startswith("the process ended 3 times: signal 11")
    assert solve(10)["status"] == "optimal"


def test_an_exception_names_its_place_and_spares_the_worker() -> None:
    solve(10)
    pid = own_pid()
    row = solve(sweep_plants.RAISE)
    assert (row["status"], row["reason"]) == ("unknown", "error")
    assert row["evidence"].startswith("ValueError: planted (sweep_plants.py:")
    assert own_pid() == pid


def test_a_worker_that_somebody_kills_is_replaced_and_its_point_solved() -> None:
    expected = solve_in_child(request(7), 60, 2000, "sweep_plants:quick")
    killer = threading.Timer(0.003, os.kill, (own_pid(), signal.SIGKILL))
    killer.start()
    for _ in range(3):
        row = solve_in_child(request(7), 60, 2000, "sweep_plants:quick")
        assert row["ii_found"] == expected["ii_found"]


def test_stopping_ends_the_points_under_way() -> None:
    solve(10)
    threading.Timer(0.3, end_children).start()
    with pytest.raises(SweepStoppedError):
        solve(sweep_plants.HANG)


def test_a_worker_ends_with_its_parent() -> None:
    solve(10)
    own = child._own.child
    assert own._process.stdin
    own._process.stdin.close()
    assert own._process.wait(timeout=10) == 0


def test_a_worker_that_cannot_start_is_an_error() -> None:
    with pytest.raises(SolverError, match=r"does not start: exit code 1; .*no_such_module"):
        solve_in_child(request(1), 60, 2000, "no_such_module:measure")


def test_a_worker_that_has_grown_is_retired() -> None:
    solve(10)
    pid = own_pid()
    resident = child._own.child.resident() / child.MEGABYTE
    assert solve(11, memory=1.5 * resident)["status"] == "optimal"
    assert child._own.child is None
    solve(12)
    assert own_pid() != pid


def test_the_worker_does_not_need_this_folder(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    assert solve(10)["status"] == "optimal"
