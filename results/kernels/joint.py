"""Every kernel on every preset with 1 and 2 sub-tiles: MII, modulo II and joint II.

::

    python results/kernels/joint.py --time-limit 10 --out results/kernels/joint.csv

Each is in the kernel's own model cycles, in which ``clocks_per_cycle`` clocks are one.
"""

from __future__ import annotations

import argparse
import time

import pandas as pd

from twill_ilp.kernels import KERNELS, build_kernel
from twill_ilp.options import SearchOptions
from twill_ilp.search import solve

MACHINES = ("ampere", "hopper", "blackwell")


def row(name: str, machine: str, sub_tiles: int, time_limit: float) -> dict[str, object]:
    problem = build_kernel(name, machine, sub_tiles=sub_tiles)
    modulo = solve(problem, SearchOptions(stage="modulo", levels=("ii",), time_limit=60))
    mii = max(modulo.mii.values())
    began = time.process_time()
    options = SearchOptions(levels=("ii",), max_ii=2 * mii, time_limit=time_limit)
    joint = solve(problem, options)
    bound = joint.objective["ii"].bound
    schedule = joint.schedule
    return {
        "kernel": name,
        "machine": machine,
        "sub_tiles": sub_tiles,
        "operations": len(problem.graph),
        "mii": mii,
        "modulo_ii": modulo.ii,
        "joint_ii": joint.ii,
        "status": joint.status,
        "at_least": bound,
        "warps": sum(group.warps for group in schedule.groups) if schedule else None,
        "groups": len(schedule.groups) if schedule else None,
        "seconds": round(time.process_time() - began, 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Joint II of every kernel.")
    parser.add_argument("--out", required=True, metavar="CSV")
    parser.add_argument("--time-limit", type=float, default=10.0, metavar="S")
    arguments = parser.parse_args()
    rows = []
    for name, kernel in KERNELS.items():
        for machine in (m for m in MACHINES if m in kernel.machines):
            for sub_tiles in (1, 2):
                rows.append(row(name, machine, sub_tiles, arguments.time_limit))
                print(rows[-1], flush=True)
                pd.DataFrame(rows).to_csv(arguments.out, index=False)


if __name__ == "__main__":
    main()
