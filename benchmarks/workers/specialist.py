"""Worker: CP-SAT models written for the problem itself, as a specialist in CP would.

They are made from the problem file and share no code with the package, so that they are a second
opinion on its verdicts.
"""

from __future__ import annotations

from typing import Any

from cpsat import VERSION, solve
from joint_cp import build_joint
from loop import Loop
from modulo_cp import build_modulo
from protocol import serve


def answer(question: dict[str, Any]) -> dict[str, Any]:
    loop = Loop(question["problem"], question["rules"], question["stage"], question["ii"])
    if loop.contradiction:
        return {"verdict": "infeasible", "solve": 0.0}
    build = build_joint if question["stage"] == "joint" else build_modulo
    model, read = build(loop)
    return solve(model, question, read)


if __name__ == "__main__":
    serve(f"CP-SAT of {VERSION}, model of its own", answer)
