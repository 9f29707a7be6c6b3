"""Worker: the project's own search.  It answers the whole question at once."""

from __future__ import annotations

from typing import Any

from protocol import serve

from twill_ilp import Problem, SearchOptions, __version__, solve
from twill_ilp.rules import Readings, Rules
from twill_ilp.solver import highs_version


def answer(question: dict[str, Any]) -> dict[str, Any]:
    problem = Problem.from_dict(question["problem"])
    given = question["rules"]
    rules = Rules(tuple(given["families"]), Readings(**given["readings"]), given["max_groups"])
    options = SearchOptions(
        stage=question["stage"],
        levels=tuple(question["levels"]),
        rules=rules,
        max_ii=question["last_ii"],
        time_limit=question["seconds"],
    )
    result = solve(problem, options)
    first, last = question["first_ii"], question["last_ii"]
    verdicts = dict.fromkeys(range(first, last + 1), "infeasible")
    if result.ii is not None:
        verdicts = {ii: verdicts[ii] for ii in range(first, result.ii)} | {result.ii: "feasible"}
    verdicts |= {r.ii: "unknown" for r in result.rejected if not r.proven}
    return {
        "verdicts": verdicts,
        "start": dict(result.schedule.start) if result.schedule else None,
        "group": dict(result.schedule.group) if result.schedule else None,
        "levels": {name: [level.value, level.certainty]
                   for name, level in result.objective.items()},
        "why": "; ".join(f"{r.ii}: {r.evidence}" for r in result.rejected),
    }  # fmt: skip


if __name__ == "__main__":
    serve(f"twill-ilp {__version__}, HiGHS {highs_version()}", answer)
