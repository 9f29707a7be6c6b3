"""Prove II and L of every problem file in a folder, and compare with known optima.

    python benchmarks/modulo.py DIR [--formulation NAME] [--out FILE.csv]

DIR holds problem files (``*.json``) and, if known, ``optima.csv`` with the columns ``name``,
``ii`` and ``length``.  Prints one row per problem: operations, II, L, what is proven, CPU
seconds, formulation and whether the known optimum is met; then the totals.  Exit code 1 if
anything is unproven or differs.
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
from pathlib import Path

import pandas as pd

from twill_ilp import SearchOptions, read_problem, solve


def known_optima(folder: Path) -> dict[str, tuple[int, int]]:
    table = folder / "optima.csv"
    if not table.exists():
        return {}
    with table.open(newline="") as lines:
        return {row["name"]: (int(row["ii"]), int(row["length"])) for row in csv.DictReader(lines)}


def measure(path: Path, formulation: str, optima: dict[str, tuple[int, int]]) -> dict[str, object]:
    problem = read_problem(path)
    began = time.process_time()
    result = solve(problem, SearchOptions(stage="modulo", formulation=formulation))
    seconds = time.process_time() - began
    known = optima.get(path.stem)
    proven = all(level.certainty == "proven" for level in result.objective.values())
    return {
        "name": path.stem,
        "operations": len(problem.graph),
        "ii": result.ii,
        "length": result.length,
        "proven": proven,
        "seconds": round(seconds, 3),
        "formulation": result.environment["formulation"],
        "known": "-"
        if known is None
        else "same"
        if known == (result.ii, result.length)
        else f"differs: II {known[0]}, L {known[1]}",
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--formulation", default="auto")
    parser.add_argument("--out", type=Path, help="write the table as CSV")
    arguments = parser.parse_args()
    paths = sorted(arguments.folder.glob("*.json"))
    if not paths:
        parser.error(f"{arguments.folder}: no problem files (*.json) there")
    optima = known_optima(arguments.folder)
    rows = []
    for path in paths:
        rows.append(measure(path, arguments.formulation, optima))
        print(
            "{name:45} {operations:4} ops  II {ii!s:>5}  L {length!s:>5}  proven {proven!s:5} "
            "{seconds:8.3f} s  {formulation}  {known}".format(**rows[-1]),
            flush=True,
        )
    table = pd.DataFrame(rows)
    same = table["known"].isin(["same", "-"])
    print(
        f"{len(table)} problems, {table['proven'].sum()} proven, {(~same).sum()} differ; "
        f"CPU seconds: {table['seconds'].sum():.1f} in all, {table['seconds'].max():.1f} at most"
    )
    if arguments.out:
        table.to_csv(arguments.out, index=False)
    return 0 if table["proven"].all() and same.all() else 1


if __name__ == "__main__":
    sys.exit(main())
