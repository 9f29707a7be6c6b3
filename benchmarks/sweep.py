"""What a sweep costs beside its solves: 1,000 random loops of a few hundredths of a second each.

    python benchmarks/sweep.py [--points N] [--jobs N] [--operations N] [--out FILE.csv]

Prints the wall time of the whole run, starting and ending of the worker processes included; the
share of it for which the processes were solving (building, HiGHS, verifying); and what the runner
itself cost: its CPU time per point, and the wall time per point and process that was not a solve.
"""

from __future__ import annotations

import argparse
import csv
import os
import tempfile
import time
from pathlib import Path

from twill_ilp.sweep import load, process_executor, read_sweep, run_sweep

SWEEP = """
[fixed]
kernel = "random"
stage = "modulo"
operations = {operations}
[[grid]]
loop_seed = {{ from = 1, to = {points} }}
"""


def measure(points: int, jobs: int, operations: int, folder: Path) -> dict[str, object]:
    path = folder / "sweep.toml"
    path.write_text(SWEEP.format(points=points, operations=operations), encoding="utf-8")
    sweep = read_sweep(path)
    began, cpu = time.perf_counter(), time.process_time()
    with process_executor(jobs) as executor:
        run_sweep(sweep, folder / "out", executor)
    wall, runner = time.perf_counter() - began, time.process_time() - cpu
    rows = load(folder / "out")
    solving = float(rows["seconds_total"].sum())
    return {
        "points": len(rows),
        "jobs": jobs,
        "wall_seconds": round(wall, 2),
        "mean_point_seconds": round(solving / len(rows), 4),
        "busy_percent": round(100 * solving / (jobs * wall), 1),
        "runner_cpu_ms_per_point": round(1000 * runner / len(rows), 2),
        "other_wall_ms_per_point": round(1000 * (jobs * wall - solving) / len(rows), 2),
        "load_average": round(os.getloadavg()[0], 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--points", type=int, default=1000)
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--operations", type=int, default=11)
    parser.add_argument("--out", type=Path, help="write the figures as CSV")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        row = measure(arguments.points, arguments.jobs, arguments.operations, Path(folder))
    for name, value in row.items():
        print(f"{name:24} {value}")
    if arguments.out:
        with arguments.out.open("w", newline="") as file:
            table = csv.DictWriter(file, row)
            table.writeheader()
            table.writerow(row)


if __name__ == "__main__":
    main()
