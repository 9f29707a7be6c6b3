"""Cycles per iteration that the simulation reaches, for every kernel, machine and program.

    python results/simulation/steady.py [--time-limit S] [--out FILE.csv]

One row per kernel, machine and number of sub-tiles: the II of the joint search (``--levels ii``),
the simulated rate of its program without jitter, and the rates of the baselines.  ``retimed`` is
the II of the schedule that the run settles in, if the verifier accepts it.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import pandas as pd

from twill_ilp import KERNELS, InvalidScheduleError, SearchOptions, build_kernel, solve, verify
from twill_ilp.baselines import baselines
from twill_ilp.bounds import rec_mii, res_mii
from twill_ilp.simulate import Run, simulate


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--time-limit", type=float, default=10.0, help="wall seconds per search")
    parser.add_argument("--out", type=Path, help="write the table as CSV")
    arguments = parser.parse_args()
    rows = []
    for kernel in KERNELS.values():
        for machine in kernel.machines:
            for sub_tiles in (1, 2):
                rows.append(row(kernel.name, machine, sub_tiles, arguments.time_limit))
                print(rows[-1], flush=True)
    table = pd.DataFrame(rows)
    print(table.to_string(index=False))
    if arguments.out:
        table.to_csv(arguments.out, index=False)
    return 0


def row(kernel: str, machine: str, sub_tiles: int, seconds: float) -> dict[str, object]:
    problem = build_kernel(kernel, machine, sub_tiles=sub_tiles)
    mii = max(res_mii(problem.graph, problem.machine).ii, rec_mii(problem.graph).ii)
    limits = SearchOptions(levels=("ii",), time_limit=seconds, max_ii=2 * mii)
    joint = solve(problem, limits)
    modulo = solve(problem, SearchOptions(stage="modulo", levels=("ii",), time_limit=seconds))
    done = simulate(joint.schedule) if joint.schedule else None
    return {
        "kernel": kernel,
        "machine": machine,
        "sub_tiles": sub_tiles,
        "status": joint.status,
        "joint_ii": joint.ii,
        "joint": done and float(done.cycles_per_iteration),
        "retimed": done and retimed(done),
        "depths": done and " ".join(str(done.program.buffers[n]) for n in done.program.loads),
        "fits": done and not done.program.excess,
        **{
            name: float(simulate(schedule).cycles_per_iteration)
            for name, schedule in baselines(problem, modulo.schedule).items()
        },
    }


def retimed(done: Run) -> int | None:
    schedule = done.repeated()
    if schedule is None:
        return None
    try:
        verify(schedule.graph, schedule.machine, schedule)
    except InvalidScheduleError:
        return None
    return schedule.ii


if __name__ == "__main__":
    sys.exit(main())
