"""Iterative modulo scheduling: height-based list scheduling that evicts and tries again."""

from __future__ import annotations

import heapq

from twill_ilp.errors import OptionError
from twill_ilp.heuristics.indexed import IndexedLoop
from twill_ilp.heuristics.table import ReservationTable
from twill_ilp.problem import Problem
from twill_ilp.schedule import Schedule

__all__ = ["iterative_modulo_schedule"]


def iterative_modulo_schedule(
    problem: Problem, ii: int, *, budget_ratio: float = 6.0
) -> Schedule | None:
    """Schedule a loop at initiation interval ``ii`` (cycles) by Rau's algorithm.

    Operations are taken by height (longest path to the end of the iteration with weights
    ``delay - distance * ii``).  Each goes to the first free slot of the II cycles from its
    earliest start; if none is free it is forced in, and whatever it collides with (operations
    that hold its units, successors that now start too early) is scheduled again later.

    Args:
        problem: loop and machine.
        ii: initiation interval, cycles.
        budget_ratio: placements allowed, per operation of the loop.

    Returns:
        A valid, normalised schedule, or ``None`` if ``ii`` is below MII or the budget ran out;
        ``None`` proves nothing.

    Raises:
        OptionError: ``ii`` or ``budget_ratio`` is not positive.

    B. R. Rau, "Iterative modulo scheduling", MICRO 1994, section 3,
    https://doi.org/10.1145/192724.192731; long version HPL-94-115.
    """
    if budget_ratio <= 0:
        raise OptionError(f"budget_ratio={budget_ratio}; give a number > 0")
    loop = IndexedLoop.at(problem, ii)
    if loop is None:
        return None
    start = _Placement(loop).run(int(budget_ratio * len(problem.graph)))
    return loop.schedule(start) if start else None


class _Placement:
    """The partial schedule of one run."""

    def __init__(self, loop: IndexedLoop) -> None:
        self.loop = loop
        self.table = ReservationTable(loop.problem, loop.ii)
        size = len(loop.tail)
        self.start: list[int | None] = [None] * size
        self.last: list[int | None] = [None] * size  # the latest start ever tried
        self.queue = [(-height, v) for v, height in enumerate(loop.tail)]
        heapq.heapify(self.queue)

    def run(self, budget: int) -> list[int] | None:
        """Starts of all operations, or ``None`` once ``budget`` placements are spent."""
        while self.queue and budget > 0:
            _, v = heapq.heappop(self.queue)
            self._place(v, self._choose(v))
            budget -= 1
        start = [t for t in self.start if t is not None]
        return start if len(start) == len(self.start) else None

    def _choose(self, v: int) -> int:
        """The first free start, or the one to force (Rau's FindTimeSlot)."""
        starts = ((self.start[u], w) for u, w in self.loop.preds[v])
        earliest = max((t + w for t, w in starts if t is not None), default=0)
        earliest = max(earliest, 0)
        free = self.table.first(v, earliest, earliest + self.loop.ii - 1)
        if free is not None:
            return free
        last = self.last[v]
        # Moving on from the last try keeps two operations from evicting each other forever.
        return earliest if last is None or earliest > last else last + 1

    def _place(self, v: int, start: int) -> None:
        for u in self.table.evictions(v, start, self.loop.tail):
            self._unplace(u)
        self.table.place(v, start)
        self.start[v] = self.last[v] = start
        for u, w in self.loop.succs[v]:
            then = self.start[u]
            if then is not None and then < start + w:
                self._unplace(u)

    def _unplace(self, v: int) -> None:
        self.table.remove(v)
        self.start[v] = None
        heapq.heappush(self.queue, (-self.loop.tail[v], v))
