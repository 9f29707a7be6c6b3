"""What is proven, claim by claim: for every smaller II, and for every better schedule at it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from twill_ilp.report.headline import level_value, ranking
from twill_ilp.report.table import Table
from twill_ilp.schedule import Level, Rejection, Result

__all__ = ["proof_table"]

Claim = tuple[str, str, str]
"""What is claimed, the verdict (``impossible``, ``unknown``, ``found``), and the evidence."""

SYMBOLS = {"length": "L"}
BETTER = {"length": "shorter schedule", "warps": "schedule with fewer warps"}
LEAST = {"length": -1, "warps": 1}
"""Values below which a level has none, so that nothing need be said; 0 by default."""

SLOW = 1.0
"""Seconds from which on the time spent on an II is worth telling."""


def proof_table(result: Result) -> Table:
    """One row per claim about II, then about the levels below it at the II found.

    L is in cycles and traffic in 32-bit words per iteration.
    """
    claims = [*_intervals(result), *_levels(result)]
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


def _levels(result: Result) -> Iterator[Claim]:
    """What is known below the value found of every level, and the schedule itself.

    Each level is minimised among the schedules that keep the values of the levels above it, so
    these belong to the claim.
    """
    if (schedule := result.schedule) is None:
        return
    levels = ranking(result)
    if "length" not in result.objective:
        levels.insert(0, ("length", Level("skipped")))
    above = everything = f"II = {result.ii}, "
    for name, level in levels:
        value = level_value(name, level, schedule)
        if value is None:
            continue
        symbol = SYMBOLS.get(name, name)
        yield from _level(f"{above}{symbol} ", name, value, level)
        everything += f"{symbol} = {value}, "
        if level.certainty != "skipped":
            above += f"{symbol} = {value}, "
    yield everything[:-2], "found", "the schedule above, accepted by the verifier"


def _level(at: str, name: str, value: int, level: Level) -> Iterator[Claim]:
    """What is known below one value; the claims begin with ``at``."""
    bound, least = level.bound, LEAST.get(name, 0)
    if level.certainty == "skipped":
        better = BETTER.get(name, f"schedule with less {name}")
        yield f"{at}< {value}", "unknown", f"no {better} was looked for"
    elif level.certainty == "proven":
        below = f"<= {value - 1}" if value > least else f"< {value}"
        yield f"{at}{below}", "impossible", level.evidence
    elif bound is None:
        yield f"{at}< {value}", "unknown", level.evidence
    else:
        gap = f"{bound}" if bound == value - 1 else f"{bound}..{value - 1}"
        if bound > least:
            yield f"{at}<= {bound - 1}", "impossible", "see the next line"
        yield f"{at}= {gap}", "unknown", f"all that is known: {level.evidence}"
