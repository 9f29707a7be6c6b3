"""What is proven, claim by claim: for every smaller II, and for every shorter schedule."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from twill_ilp.report.table import Table
from twill_ilp.schedule import Level, Rejection, Result

__all__ = ["proof_table"]

Claim = tuple[str, str, str]
"""What is claimed, the verdict (``impossible``, ``unknown``, ``found``), and the evidence."""

SLOW = 1.0
"""Seconds from which on the time spent on an II is worth telling."""


def proof_table(result: Result) -> Table:
    """One row per claim about II, then about the length L at the II found (cycles)."""
    claims = [*_intervals(result), *_lengths(result)]
    return Table(("", "", ""), tuple(claims), wraps=True)


def _intervals(result: Result) -> Iterator[Claim]:
    if not result.rejected:
        yield "II < 1", "impossible", "an initiation interval is at least 1"
    for _, group in groupby(result.rejected, key=lambda r: (r.reason, r.evidence)):
        yield _rejection(list(group))


def _rejection(same: list[Rejection]) -> Claim:
    """Consecutive II that were passed over for the same reason."""
    first, last = same[0], same[-1]
    if first.reason == "bound":
        claim = f"II <= {last.ii}"
    else:
        claim = f"II = {first.ii}" if first.ii == last.ii else f"II = {first.ii}..{last.ii}"
    evidence = f"{first.reason}: {first.evidence}" if first.proven else first.evidence
    seconds = sum(rejection.seconds for rejection in same)
    spent = f" ({seconds:.1f} s)" if seconds >= SLOW else ""
    return claim, "impossible" if first.proven else "unknown", evidence + spent


def _lengths(result: Result) -> Iterator[Claim]:
    """What is known below the length found, and the schedule itself."""
    if result.schedule is None:
        return
    level = result.objective.get("length", Level("skipped"))
    length, bound, at = result.schedule.length, level.bound, f"II = {result.ii}, L "
    if level.certainty == "skipped":
        yield f"{at}< {length}", "unknown", "no shorter schedule was looked for"
    elif level.certainty == "proven":
        yield f"{at}<= {length - 1}", "impossible", level.evidence
    elif bound is None:
        yield f"{at}< {length}", "unknown", level.evidence
    else:
        gap = f"{bound}" if bound == length - 1 else f"{bound}..{length - 1}"
        yield f"{at}<= {bound - 1}", "impossible", "see the next line"
        yield f"{at}= {gap}", "unknown", f"all that is known: {level.evidence}"
    yield f"{at}= {length}", "found", "the schedule above, accepted by the verifier"
