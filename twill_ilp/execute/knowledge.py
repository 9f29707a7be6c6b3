"""What is known to have happened: *happens before*, as sets of events in whole numbers.

Events are the issue and the completion of every operation in every iteration.  Whoever waits at a
barrier learns what those who arrived knew.  An access is right if what it comes after is *known*,
not if it happened to be over: so a missing barrier is found in every interleaving, as by the
vector clocks of a race detector.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["Events", "Knowledge"]


class Events:
    """A bit for every event of a run with ``trip_count`` iterations."""

    def __init__(self, operations: Iterable[str], trip_count: int) -> None:
        self._first = {name: i * 2 * trip_count for i, name in enumerate(operations)}

    def issue(self, name: str, iteration: int) -> int:
        """The operation of an iteration has been issued, with all its waits over."""
        return int(1 << (self._first[name] + 2 * iteration))

    def done(self, name: str, iteration: int) -> int:
        """It is complete: its operands are read, its result is written."""
        return int(2 << (self._first[name] + 2 * iteration))


@dataclass(slots=True)
class Knowledge:
    """Events that are known, and those known because of a barrier."""

    events: int = 0
    told: int = 0

    def learn(self, other: Knowledge) -> None:
        """What another one knew, without a barrier: in order, within a group."""
        self.events |= other.events
        self.told |= other.told

    def hear(self, other: Knowledge) -> None:
        """What another one knew when it arrived at a barrier."""
        self.events |= other.events
        self.told |= other.events

    def copy(self) -> Knowledge:
        """The same knowledge, to be added to separately."""
        return Knowledge(self.events, self.told)
