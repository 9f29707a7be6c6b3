"""Worker: HiGHS on an exported model, with the options that keep its answers right."""

from __future__ import annotations

from typing import Any

import highspy
from protocol import cpu_seconds, serve

from twill_ilp.solver import EXACT

STATUS = highspy.HighsModelStatus


def answer(question: dict[str, Any]) -> dict[str, Any]:
    highs = highspy.Highs()
    chosen = dict(EXACT) | {"threads": question["threads"], "random_seed": question["seed"]}
    if question["seconds"] is not None:
        chosen["time_limit"] = float(question["seconds"])
    for name, value in chosen.items():
        highs.setOptionValue(name, value)
    highs.readModel(question["path"])
    began = cpu_seconds()
    highs.run()
    result: dict[str, Any] = {"verdict": "unknown", "solve": cpu_seconds() - began}
    if highs.getModelStatus() == STATUS.kInfeasible:
        result["verdict"] = "infeasible"
    elif highs.getModelStatus() in (STATUS.kOptimal, STATUS.kModelEmpty):
        names = highs.getLp().col_names_
        result["verdict"] = "feasible"
        result["values"] = dict(zip(names, map(float, highs.getSolution().col_value), strict=True))
    return result


if __name__ == "__main__":
    serve(f"HiGHS {highspy.Highs().version()}", answer)
