"""Levels of a schedule beside II, and what a question allows of them."""

from __future__ import annotations

from dataclasses import astuple, dataclass, replace
from math import gcd

from twill_ilp.graph import LoopGraph
from twill_ilp.partitions import traffic_of, warps_of
from twill_ilp.rules import Rules, designates
from twill_ilp.schedule import Schedule

__all__ = ["Limits", "attainable", "least_warps", "level_value"]


@dataclass(frozen=True)
class Limits:
    """What a schedule may have at most; ``None``: any amount.

    ``length`` in cycles, ``traffic`` in register words per iteration.
    """

    length: int | None = None
    warps: int | None = None
    traffic: int | None = None

    def at_most(self, name: str, value: int) -> Limits:
        """These limits with another value of one of them."""
        return replace(self, **{name: value})

    def within(self, other: Limits) -> bool:
        """Whether whatever obeys these limits obeys the other ones."""
        pairs = zip(astuple(self), astuple(other), strict=True)
        return all(most is None or (own is not None and own <= most) for own, most in pairs)


def level_value(name: str, schedule: Schedule) -> int:
    """What a schedule with groups has of one level: cycles, warps, or words per iteration."""
    match name:
        case "ii":
            return schedule.ii
        case "length":
            return schedule.length
        case "warps":
            return warps_of(schedule.graph, schedule.group)
        case _:
            return traffic_of(schedule.graph, schedule.group)


def least_warps(graph: LoopGraph, rules: Rules) -> int:
    """Warps of one group for the operations of variable latency and one for all others."""
    varies = [op for op in graph if designates(op, rules)]
    others = [op for op in graph if op not in varies]
    return sum(max((op.warps for op in part), default=0) for part in (varies, others))


def attainable(name: str, graph: LoopGraph, rules: Rules, most: int) -> list[int] | None:
    """Values up to ``most`` that a level can have: sums of widths, or of register words; ``None``:
    any."""
    if name == "length":
        return None
    if name == "traffic":
        # A sum of register words is a multiple of what divides them all.
        step = gcd(*(op.registers for op in graph)) or 1
        return list(range(0, most + 1, step))
    sums = {max((op.warps for op in graph if designates(op, rules)), default=0)}
    for op in graph:
        if not designates(op, rules):
            sums |= {total + op.warps for total in sums if total + op.warps <= most}
    return sorted(sums)
