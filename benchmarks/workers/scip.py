"""Worker: SCIP on an exported model."""

from __future__ import annotations

from typing import Any

from protocol import cpu_seconds, serve
from pyscipopt import Model


def answer(question: dict[str, Any]) -> dict[str, Any]:
    model = Model()
    model.hideOutput()
    model.readProblem(question["path"])
    model.setParam("randomization/randomseedshift", question["seed"])
    model.setParam("timing/clocktype", 1)  # CPU seconds
    if question["seconds"] is not None:
        model.setParam("limits/time", float(question["seconds"]))
    began = cpu_seconds()
    if question["threads"] > 1:
        model.setParam("parallel/maxnthreads", question["threads"])
        model.solveConcurrent()
    else:
        model.optimize()
    result: dict[str, Any] = {"verdict": "unknown", "solve": cpu_seconds() - began}
    if model.getStatus() == "infeasible":
        result["verdict"] = "infeasible"
    elif model.getStatus() == "optimal":
        result["verdict"] = "feasible"
        result["values"] = {v.name: model.getVal(v) for v in model.getVars()}
    return result


if __name__ == "__main__":
    serve(f"SCIP {Model().version()}", answer)
