"""Workers work nearly all the time, and the runner costs little per point."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from twill_ilp.sweep import load, process_executor, read_sweep, run_sweep

JOBS = 2


@pytest.mark.slow
def test_a_thousand_points_of_50_ms_keep_two_workers_busy(tmp_path: Path) -> None:
    """From the start of the worker processes to the written tables."""
    path = tmp_path / "busy.toml"
    path.write_text('[[grid]]\nkernel = "random"\nloop_seed = { from = 1, to = 1000 }\n')
    sweep = read_sweep(path)
    began, cpu = time.perf_counter(), time.process_time()
    with process_executor(JOBS) as executor:
        report = run_sweep(sweep, tmp_path / "out", executor, function="sweep_plants:busy")
    wall, runner = time.perf_counter() - began, time.process_time() - cpu
    busy = float(load(tmp_path / "out")["seconds_total"].sum()) / (JOBS * wall)
    print(f"wall {wall:.1f} s, busy {busy:.1%}, runner {1000 * runner / 1000:.2f} ms per point")
    assert report.solved == 1000
    assert busy >= 0.8
    assert runner / 1000 < 0.005
