"""Worker: CP-SAT on an exported model, row by row as it stands there."""

from __future__ import annotations

import threading
from math import inf
from typing import Any

import ortools
from mps import read_mps
from ortools.sat.python import cp_model
from protocol import cpu_seconds, serve

FAR = 10**9
"""Stands for no bound."""


def answer(question: dict[str, Any]) -> dict[str, Any]:
    given = read_mps(question["path"])
    model = cp_model.CpModel()
    variable = {
        name: model.new_int_var(*(_limit(bound) for bound in bounds), name)
        for name, bounds in given.bounds.items()
    }
    for name, row in given.rows.items():
        total = cp_model.LinearExpr.weighted_sum([variable[v] for v in row], list(row.values()))
        low, high = given.sides[name]
        domain = cp_model.Domain(
            cp_model.INT_MIN if low == -inf else int(low),
            cp_model.INT_MAX if high == inf else int(high),
        )
        model.add_linear_expression_in_domain(total, domain)
    if given.cost:
        model.minimize(sum(cost * variable[name] for name, cost in given.cost.items()))
    return solve(model, question, lambda solver: {
        "values": {name: solver.value(v) for name, v in variable.items()}
    })  # fmt: skip


def solve(model: cp_model.CpModel, question: dict[str, Any], read: Any) -> dict[str, Any]:
    """Run CP-SAT; ``read(solver)`` is added to the answer if there is a solution."""
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = question["threads"]
    solver.parameters.random_seed = question["seed"]
    began, ended = cpu_seconds(), threading.Event()
    if question["seconds"] is not None:
        limit = began + question["seconds"]
        threading.Thread(target=_watch, args=(solver, limit, ended), daemon=True).start()
    status = solver.solve(model)
    ended.set()
    result: dict[str, Any] = {"verdict": "unknown", "solve": cpu_seconds() - began}
    if status == cp_model.MODEL_INVALID:
        raise ValueError(model.validate())
    if status == cp_model.INFEASIBLE:
        result["verdict"] = "infeasible"
    elif status == cp_model.OPTIMAL:
        result |= {"verdict": "feasible", **read(solver)}
    return result


def _watch(solver: cp_model.CpSolver, limit: float, ended: threading.Event) -> None:
    """Stop the solver after so many CPU seconds, which other work on the machine does not eat."""
    while not ended.wait(0.1):
        if cpu_seconds() > limit:
            solver.stop_search()


def _limit(bound: float) -> int:
    return int(max(-FAR, min(FAR, bound)))


VERSION = f"OR-tools {ortools.__version__}"

if __name__ == "__main__":
    serve(f"CP-SAT of {VERSION}", answer)
