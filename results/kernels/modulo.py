"""Every kernel on every machine with 1 and 2 sub-tiles: bounds and the modulo II.

::

    python results/kernels/modulo.py --out results/kernels/modulo.csv
"""

from __future__ import annotations

import argparse
import time

import pandas as pd

from twill_ilp.device import DEVICES, device
from twill_ilp.kernels import KERNELS, build_kernel
from twill_ilp.options import SearchOptions
from twill_ilp.search import solve


def row(name: str, machine: str, sub_tiles: int, quantum: int) -> dict[str, object]:
    """One problem, in model cycles of ``quantum`` clocks."""
    problem = build_kernel(name, machine, sub_tiles=sub_tiles, quantum=quantum)
    began = time.process_time()
    result = solve(problem, SearchOptions(stage="modulo", levels=("ii",), time_limit=60))
    return {
        "kernel": name,
        "machine": machine,
        "sub_tiles": sub_tiles,
        "operations": len(problem.graph),
        "res_mii": result.mii["res"],
        "rec_mii": result.mii["rec"],
        "modulo_ii": result.ii,
        "status": result.status,
        "seconds": round(time.process_time() - began, 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Bounds and modulo II of every kernel.")
    parser.add_argument("--out", required=True, metavar="CSV")
    parser.add_argument(
        "--quantum", type=int, default=1, metavar="N", help="clocks per model cycle (default: 1)"
    )
    arguments = parser.parse_args()
    rows = [
        row(name, machine, sub_tiles, arguments.quantum)
        for name, kernel in KERNELS.items()
        for machine in DEVICES
        if device(machine).base in kernel.machines
        for sub_tiles in (1, 2)
    ]
    table = pd.DataFrame(rows)
    print(table.to_string())
    table.to_csv(arguments.out, index=False)


if __name__ == "__main__":
    main()
