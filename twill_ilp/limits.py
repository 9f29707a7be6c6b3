"""Levels of a schedule beside II, and what a question allows of them."""

from __future__ import annotations

from dataclasses import astuple, dataclass, replace

from twill_ilp.partitions import traffic_of, warps_of
from twill_ilp.schedule import Schedule

__all__ = ["Limits", "level_value"]


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
