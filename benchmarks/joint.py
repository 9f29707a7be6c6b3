"""The joint problem on the attention kernels and on problem files, level by level.

    python benchmarks/joint.py [FILE ...] [--level-time-limit S] [--out FILE.csv]

Prints one row per case: II, L, warps, groups and traffic with what is proven of each, CPU seconds
with ``--levels ii`` alone and with all levels, and how the smaller II were rejected.  Ablations of
the Blackwell forward loop follow, at the smallest II of the modulo problem.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path

import pandas as pd

from twill_ilp import Problem, SearchOptions, build_kernel, read_problem, solve
from twill_ilp.rules import Rules
from twill_ilp.schedule import Result


def with_machine(problem: Problem, **limits: int) -> Problem:
    return Problem(problem.graph, replace(problem.machine, **limits))


def cases(files: list[Path]) -> list[tuple[str, Problem, Rules]]:
    hopper = build_kernel("fmha-forward", "hopper")
    blackwell = build_kernel("fmha-forward", "blackwell")
    rules = Rules()
    return [
        ("fmha-forward hopper", hopper, rules),
        ("fmha-forward blackwell", blackwell, rules),
        ("blackwell, 144 registers", with_machine(blackwell, registers_per_thread=144), rules),
        *((path.stem, read_problem(path), rules) for path in files),
    ]


def ablations() -> list[tuple[str, Problem, Rules, int]]:
    blackwell = build_kernel("fmha-forward", "blackwell")
    single = build_kernel("fmha-forward", "blackwell", sub_tiles=1)
    return [
        ("blackwell, 12 warps", with_machine(blackwell, warps=12), Rules(), 16),
        ("blackwell, 9 warps", with_machine(blackwell, warps=9), Rules(), 16),
        ("blackwell, no cross-warp", blackwell, Rules().also("no-cross-warp"), 16),
        ("blackwell, 2 groups", blackwell, Rules(max_groups=2), 16),
        ("blackwell, 3 groups", blackwell, Rules(max_groups=3), 16),
        ("blackwell, 4 groups", blackwell, Rules(max_groups=4), 16),
        ("blackwell, 5 groups", blackwell, Rules(max_groups=5), 16),
        ("blackwell, one sub-tile", single, Rules(), 8),
    ]


def timed(problem: Problem, options: SearchOptions) -> tuple[Result, float]:
    began = time.process_time()
    result = solve(problem, options)
    return result, time.process_time() - began


def row(name: str, result: Result, first: float, whole: float | None) -> dict[str, object]:
    levels = {
        key: f"{level.value}{'' if level.certainty == 'proven' else f' ({level.certainty})'}"
        for key, level in result.objective.items()
    }
    why = [f"{r.ii} {r.reason}" for r in result.rejected]
    groups = len(result.schedule.groups) if result.schedule else 0
    return {
        "case": name,
        "status": result.status,
        **{key: levels.get(key, "-") for key in ("ii", "length", "warps", "traffic")},
        "groups": groups,
        "seconds_ii": round(first, 2),
        "seconds_all": None if whole is None else round(whole, 2),
        "rejected": "; ".join(why),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", type=Path, nargs="*")
    parser.add_argument("--level-time-limit", type=float, default=200.0)
    parser.add_argument("--out", type=Path, help="write the table as CSV")
    arguments = parser.parse_args()
    rows = []
    for name, problem, rules in cases(arguments.files):
        _, first = timed(problem, SearchOptions(rules=rules, levels=("ii",), time_limit=600))
        limit = arguments.level_time_limit
        result, whole = timed(
            problem, SearchOptions(rules=rules, level_time_limit=limit, time_limit=600)
        )
        rows.append(row(name, result, first, whole))
        print(rows[-1], flush=True)
    for name, problem, rules, ii in ablations():
        options = SearchOptions(rules=rules, levels=("ii",), max_ii=ii, time_limit=200)
        result, first = timed(problem, options)
        rows.append(row(f"{name}, II {ii}", result, first, None))
        print(rows[-1], flush=True)
    table = pd.DataFrame(rows)
    print(table.to_string(index=False))
    if arguments.out:
        table.to_csv(arguments.out, index=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
