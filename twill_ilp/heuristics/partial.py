"""Partial schedules in which the window of every operation is known exactly."""

from __future__ import annotations

import numpy as np

from twill_ilp.heuristics.indexed import FAR, IndexedLoop, Ints
from twill_ilp.heuristics.table import ReservationTable

__all__ = ["PartialSchedule"]


class PartialSchedule:
    """Some operations of a loop with their starts.

    Windows come from longest paths, not single dependences, so operations without usage need
    not be placed: once all others are, they fit in along longest paths
    (:meth:`IndexedLoop.complete`).

    Attributes:
        start: start per operation, ``None`` if it is not placed.
        head, limit: earliest and latest start allowed per operation.
    """

    def __init__(self, loop: IndexedLoop, head: list[int], limit: list[int]) -> None:
        size = len(head)
        self.loop = loop
        self.table = ReservationTable(loop.problem, loop.ii)
        self.head = head
        self.limit = limit
        self.start: list[int | None] = [None] * size
        self._least: Ints = np.full(size, -FAR)
        self._most: Ints = np.full(size, FAR)

    def place(self, v: int, start: int) -> None:
        """Place ``v``; the caller knows that its units are free and its window holds."""
        self.table.place(v, start)
        self.start[v] = self._least[v] = self._most[v] = start

    def remove(self, v: int) -> None:
        """Take ``v`` out again."""
        self.table.remove(v)
        self.start[v], self._least[v], self._most[v] = None, -FAR, FAR

    def bounds(self, v: int) -> tuple[Ints, Ints]:
        """Earliest and latest start of ``v``, which is not placed, that each operation allows.

        Those that are not placed, or on no path with ``v``, allow everything: at least
        ``FAR // 2`` cycles either way.
        """
        return self._least + self.loop.paths[v], self._most - self.loop.paths_from[v]

    def window(self, v: int) -> tuple[int, int]:
        """First and last start of ``v``, which is not placed, between those placed."""
        low, high = self.bounds(v)
        return max(self.head[v], int(low.max())), min(self.limit[v], int(high.min()))

    def fit(self, v: int, *, late: bool) -> int | None:
        """The first (or the last) start of ``v`` that suits its window and its units."""
        low, high = self.window(v)
        if low > high:
            return None
        return self.table.last(v, low, high) if late else self.table.first(v, low, high)
