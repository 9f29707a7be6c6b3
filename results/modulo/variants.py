"""Compare ways to write the modulo ILP: same questions, same solver options, one process.

    python results/modulo/variants.py DIR [--seconds S] [--out FILE.csv]

DIR holds problem files (``*.json``) and ``optima.csv`` (columns ``name``, ``ii``, ``length``).
At the known optimal II every variant is asked, without any heuristic and without structural
bounds, whether a schedule of at most L cycles exists (the answer is yes) and one of at most
L - 1 (no).  Variants:

cumulative    the package's ``structured`` formulation
one-hot       the same rows and windows with one-hot slots, as the literature writes them
aggregated, order    the package's other formulations
minimise      one ``structured`` solve that minimises L over the schedules of at most
              L + II cycles; answers both questions at once (question ``min``)
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pulp

from twill_ilp import Problem, SearchOptions, build_kernel, read_problem, solve
from twill_ilp.ilp import (
    FORMULATIONS,
    Core,
    Family,
    Formulation,
    add_length_objective,
    build_model,
    reduce_loop,
    windows_for_length,
)
from twill_ilp.ilp.capacity import add_capacity
from twill_ilp.ilp.slots import add_windows
from twill_ilp.solver import SolveStatus, run

KERNELS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("fmha-forward", "blackwell", {}),
    ("fmha-forward", "hopper", {}),
    ("fmha-forward", "blackwell", {"quantum": 1}),
    ("fmha-forward", "hopper", {"quantum": 1}),
)
"""Kernel, machine and options; ``quantum=1`` means raw clocks and an II of about 2000."""


LARGEST_ONE_HOT_II = 200
"""Beyond it the one-hot rows, of O(II) terms each, take gigabytes; not asked there."""


def add_one_hot(f: Formulation) -> None:
    """One 0-1 variable per node and allowed slot; partial sums stand in for ``reached``."""
    for v, (first, last) in enumerate(f.windows):
        label = f.label(v)
        slots = sorted({t % f.ii for t in range(first, min(last, first + f.ii - 1) + 1)})
        k = f.lp.add_variable(f"stage_{label}", first // f.ii, last // f.ii, pulp.LpInteger)
        x = {r: f.lp.add_variable(f"slot_{label}_{r}", 0, 1, pulp.LpInteger) for r in slots}
        f.lp += pulp.lpSum(x.values()) == 1, f"assignment_{label}"
        f.stage.append(k)
        f.reached.append([pulp.lpSum(x[z] for z in slots if z <= r) for r in range(f.ii)])
        f.start.append(f.ii * k + pulp.lpSum(r * x[r] for r in slots))


def add_one_hot_dependences(f: Formulation) -> None:
    """The rows of Eichenberger and Davidson in x, as printed."""
    for u, v, w in f.needed_edges():
        for r in range(f.ii):
            carry, slot = divmod(r + w - 1, f.ii)
            later = f.reached[u][f.ii - 1] - f.by_slot(u, r - 1)
            row = later + f.by_slot(v, slot) + f.stage[u] - f.stage[v] <= 1 - carry
            f.require(row, f"dependence_{f.label(u)}_{f.label(v)}_{r}")


VARIANTS: dict[str, tuple[Family, ...]] = {
    "cumulative": FORMULATIONS["structured"],
    "one-hot": (add_one_hot, add_windows, add_one_hot_dependences, add_capacity),
    "aggregated": FORMULATIONS["aggregated"],
    "order": FORMULATIONS["order"],
}


def measure(
    problem: Problem, core: Core, length: int, families: Sequence[Family], seconds: float
) -> dict[str, Any] | None:
    """Size, wall seconds in HiGHS and verdict of one question; ``None``: an empty window."""
    windows = windows_for_length(core, length)
    if windows is None:
        return None
    began = time.perf_counter()
    lp = build_model(core, problem.machine, windows, families).lp
    built = time.perf_counter() - began
    outcome = run(lp, time_limit=seconds)
    return {
        "columns": len(lp.variables()),
        "rows": len(lp.constraints()),
        "nonzeros": sum(c != 0 for row in lp.constraints() for c in row.values()),
        "build": round(built, 3),
        "seconds": round(outcome.seconds, 3),
        "nodes": outcome.nodes,
        "length": outcome.values.get("length"),
        "verdict": {
            SolveStatus.OPTIMAL: "yes",
            SolveStatus.FEASIBLE: "feasible",
            SolveStatus.INFEASIBLE: "no",
            SolveStatus.UNKNOWN: "open",
        }[outcome.status],
    }


def questions(
    name: str, problem: Problem, ii: int, length: int, seconds: float
) -> list[dict[str, Any]]:
    core = reduce_loop(problem.graph, ii)
    asked = [
        (variant, question, limit, families)
        for question, limit in (("yes", length), ("no", length - 1))
        for variant, families in VARIANTS.items()
        if variant != "one-hot" or ii <= LARGEST_ONE_HOT_II
    ]
    shortest = (*FORMULATIONS["structured"], add_length_objective)
    asked.append(("minimise", "min", length + ii, shortest))
    rows = []
    for variant, question, limit, families in asked:
        answer = measure(problem, core, limit, families, seconds)
        if answer is None:
            continue
        minimum = answer.pop("length")
        right = minimum == length if question == "min" else answer["verdict"] == question
        if answer["verdict"] not in ("open", "feasible") and not right:
            raise SystemExit(f"{name}: {variant} answers {answer['verdict']}, {minimum}")
        head = {"name": name, "ii": ii, "nodes_in_core": len(core.nodes)}
        rows.append(head | {"variant": variant, "question": question} | answer)
        print(
            "{name:42} {variant:10} {question:3} {columns:6} {rows:6} {nonzeros:7} "
            "{seconds:8.3f} s  {verdict}".format(**rows[-1]),
            flush=True,
        )
    return rows


def proven_optimum(problem: Problem) -> tuple[int, int]:
    """II and L of a kernel by the package's own search."""
    result = solve(problem, SearchOptions(stage="modulo"))
    assert all(level.certainty == "proven" for level in result.objective.values())
    assert result.ii is not None and result.length is not None
    return result.ii, result.length


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seconds", type=float, default=10.0, help="limit of each question")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    rows: list[dict[str, Any]] = []
    with (arguments.folder / "optima.csv").open(newline="") as lines:
        for row in csv.DictReader(lines):
            problem = read_problem(arguments.folder / f"{row['name']}.json")
            rows += questions(
                row["name"], problem, int(row["ii"]), int(row["length"]), arguments.seconds
            )
    for kernel, machine, options in KERNELS:
        problem = build_kernel(kernel, machine, **options)
        name = " ".join([kernel, machine, *(f"{key}={value}" for key, value in options.items())])
        rows += questions(name, problem, *proven_optimum(problem), arguments.seconds)
    if arguments.out:
        pd.DataFrame(rows).to_csv(arguments.out, index=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
