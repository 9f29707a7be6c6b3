"""How many buffers hide the jitter of loads: cycles per iteration against pipeline depth.

    python results/simulation/depth.py [--jitter lognormal:4] [--out FILE.csv] [--plot FILE.svg]

Joint schedules (``--levels ii``), all depths from the least that a schedule can use to 10, mean of
five seeds.  ``fits`` says whether the machine's memory holds the buffers.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import pandas as pd
from matplotlib import pyplot as plt

from twill_ilp import OptionError, SearchOptions, build_kernel, solve
from twill_ilp.plot.palette import INK, RULE, unit_paint
from twill_ilp.simulate import Jitter, simulate

CASES = (
    ("gemm", "hopper", 2),
    ("gemm", "blackwell", 2),
    ("fmha-forward", "hopper", 2),
    ("fmha-forward", "blackwell", 2),
    ("fmha-backward", "hopper", 1),
    ("layer-norm", "hopper", 2),
)
DEPTHS = range(1, 11)
SEEDS = range(5)
MARKS = "osD^vP"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jitter", default="lognormal:4")
    parser.add_argument("--iterations", type=int, default=600)
    parser.add_argument("--out", type=Path, help="write the table as CSV")
    parser.add_argument("--plot", type=Path, help="draw it")
    arguments = parser.parse_args()
    jitter = Jitter.parse(arguments.jitter)
    rows = [row for case in CASES for row in sweep(*case, jitter, arguments.iterations)]
    table = pd.DataFrame(rows)
    print(table.to_string(index=False))
    if arguments.out:
        table.to_csv(arguments.out, index=False)
    if arguments.plot:
        draw(table, str(jitter), arguments.plot)
    return 0


def sweep(
    kernel: str, machine: str, sub_tiles: int, jitter: Jitter, iterations: int
) -> list[dict[str, object]]:
    problem = build_kernel(kernel, machine, sub_tiles=sub_tiles)
    schedule = solve(problem, SearchOptions(levels=("ii",))).schedule
    assert schedule is not None
    rows = []
    for depth in DEPTHS:
        try:
            calm = simulate(schedule, depth=depth, iterations=240)
        except OptionError:  # fewer buffers than the schedule needs
            continue
        runs = [
            simulate(schedule, depth=depth, iterations=iterations, jitter=jitter, seed=seed)
            for seed in SEEDS
        ]
        rates = [float(run.cycles_per_iteration) for run in runs]
        rows.append(
            {
                "kernel": kernel,
                "machine": machine,
                "sub_tiles": sub_tiles,
                "ii": schedule.ii,
                "depth": depth,
                "fits": not calm.program.excess,
                "calm": float(calm.cycles_per_iteration),
                "jittered": round(sum(rates) / len(rates), 3),
                "least": round(min(rates), 3),
                "most": round(max(rates), 3),
            }
        )
        print(rows[-1], flush=True)
    return rows


def draw(table: pd.DataFrame, jitter: str, path: Path) -> None:
    figure, ax = plt.subplots(figsize=(7, 4.4), layout="constrained")
    cases = table.groupby(["kernel", "machine", "sub_tiles"], sort=False)
    for number, ((kernel, machine, sub_tiles), rows) in enumerate(cases):
        style = {"color": unit_paint(number).fill, "marker": MARKS[number], "ms": 5}
        lost = 100 * (rows["jittered"] / rows["ii"] - 1)
        tiles = "sub-tile" if sub_tiles == 1 else "sub-tiles"
        name = f"{kernel}, {machine}, {sub_tiles} {tiles}: II {rows['ii'].iloc[0]}"
        ax.plot(rows["depth"], lost, lw=1.2, mfc="w", **style)
        ax.plot(rows["depth"][rows["fits"]], lost[rows["fits"]], ls="", **style)
        ax.plot([], [], lw=1.2, label=name, **style)
    ax.plot([], [], color=INK, marker="o", mfc="w", ls="", label="hollow: exceeds a memory")
    ax.set_yscale("log")
    ax.set_yticks([1, 2, 5, 10, 20, 50, 100], ["1", "2", "5", "10", "20", "50", "100"])
    ax.minorticks_off()
    ax.grid(axis="y", color=RULE, lw=0.3)
    ax.set_xticks(DEPTHS)
    ax.set_xlabel("buffers per streaming load")
    ax.set_ylabel("percent above II")
    ax.set_title(f"Cycles per iteration with load latencies {jitter}", fontsize=9)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(fontsize=7, frameon=False, ncols=2, loc="lower left", bbox_to_anchor=(0, 1.06))
    figure.savefig(path, dpi=200)


if __name__ == "__main__":
    sys.exit(main())
