"""Minimisation by yes/no questions, so that every answer is a schedule or a proof."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from twill_ilp.options import Session
from twill_ilp.schedule import Level, Schedule

__all__ = ["NO_TIME", "Verdict", "descend"]

NO_TIME = "time limit reached before the joint ILP was tried"
"""The evidence of a question that was not asked."""

QUESTION_SECONDS = 10.0
"""Wall seconds for a question when it is first asked."""


@dataclass(frozen=True)
class Verdict:
    """The answer to one question: a verified schedule, or why there is none.

    ``proven`` tells an impossibility from a question that a limit left open.
    """

    schedule: Schedule | None
    proven: bool
    evidence: str


def descend(
    name: str,
    best: Schedule,
    least: int,
    evidence: str,
    value: Callable[[Schedule], int],
    ask: Callable[[int, float], Verdict],
    session: Session,
    attainable: Sequence[int] | None = None,
) -> tuple[Schedule, Level]:
    """The least value of a schedule, and what is proven about it.

    The best schedule is challenged one below; after that, values are bisected between the bound
    and the least value that is found or was left open.  Where only open values remain, they are
    asked again with more patience.

    Args:
        name: of the value, for progress and evidence, such as ``L``.
        best: a schedule to begin with.
        least, evidence: a lower bound of the value, and its reason.
        value: what is minimised.
        ask: whether some schedule has at most that value, given so many wall seconds; if it is
            proven impossible, so is every smaller value.
        attainable: values that a schedule can have, ascending; ``None``: any whole number.
    """
    still_open = ""
    if attainable is not None:
        least = attainable[bisect_left(attainable, least)]
    ceiling, question, patience = value(best), _below(value(best), attainable), QUESTION_SECONDS
    while least < value(best) and session.options.method == "ilp":
        session.progress(f"II {best.ii}: {name} in {least}..{value(best)}, is {question} possible?")
        verdict = ask(question, patience)
        if verdict.schedule:
            best = verdict.schedule
            ceiling = value(best)
        elif verdict.proven:
            least = _above(question, attainable)
            evidence = f"{name} {question}: {verdict.evidence}"
        else:
            ceiling, still_open = question, f"; {name} {question}: {verdict.evidence}"
        if least >= ceiling:
            if patience >= session.allowance():
                break
            patience, ceiling = patience * 4, value(best)
        question = _below((least + ceiling) // 2 + 1, attainable)
    proven = least == value(best)
    level = Level("proven" if proven else "found", value(best), least, evidence)
    return best, level if proven else replace(level, evidence=evidence + still_open)


def _below(value: int, attainable: Sequence[int] | None) -> int:
    """The largest attainable value that is less."""
    return value - 1 if attainable is None else attainable[bisect_left(attainable, value) - 1]


def _above(value: int, attainable: Sequence[int] | None) -> int:
    """The smallest attainable value that is more."""
    return value + 1 if attainable is None else attainable[bisect_right(attainable, value)]
