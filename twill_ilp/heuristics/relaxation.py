"""What must hold between the starts of any schedule: least distances, or a contradiction."""

from __future__ import annotations

import numpy as np

from twill_ilp.heuristics.energy import Energy
from twill_ilp.heuristics.indexed import FAR, IndexedLoop, Ints

__all__ = ["Relaxation"]

_ROUNDS = 4  # distances that would still grow are valid all the same
_PASSES = 10  # likewise
_CLOSE = 400  # operations up to which steps may take time O(V^3)


class Relaxation:
    """Least distances in cycles between the starts of operations that use units.

    Three rules raise them, and none removes a schedule: longest paths; two operations that
    collide on a unit at some distance must keep another (modulo II); operations between two
    others take turns on their units (:class:`Energy`).  An operation that must start after
    itself is a contradiction: then no schedule exists.

    Attributes:
        least: start of row minus start of column is at least the entry, ``-FAR`` if unlimited.
            Numbered as ``loop.users``; with a ``length``, the first start of the iteration is
            the last row and column.
    """

    def __init__(self, loop: IndexedLoop, length: int | None = None) -> None:
        users = loop.users
        self.loop = loop
        self.length = length
        self.least: Ints = loop.paths[np.ix_(users, users)]
        if length is not None:
            self.least = np.pad(self.least, (0, 1))
            self.least[:-1, -1] = np.array(loop.head)[users]
            self.least[-1, :-1] = np.array(loop.tail)[users] - length
            self.least[-1, -1] = loop.critical_path - length

    def refute(self, pivots: int = 0) -> str | None:
        """Raise the distances; the contradiction met on the way, or ``None``.

        ``None`` proves nothing.  Turns are taken as seen from the first start (if there is a
        length), and from so many operations of each recurrence: more find more, in more time.
        """
        if any((end - begin >= self.loop.ii).any() for _, _, begin, end in self.loop.collisions):
            return "two operations collide on a unit at every distance"
        small = len(self.least) <= _CLOSE
        for _ in range(_ROUNDS if small else 1):
            before = self.least.copy()
            reason = self._keep_apart(small) or self._take_turns(pivots)
            if reason or np.array_equal(before, self.least):
                return reason
        return None

    def _keep_apart(self, close: bool) -> str | None:
        """Raise the distances at which two operations collide to the next without."""
        for _ in range(_PASSES if close else 1):
            if close:
                _close(self.least)
            late = self.least.diagonal()
            if (late > 0).any():
                return self._reason(int(late.argmax()), int(late.max()), "wait or avoid collisions")
            if not self._raise_pairs():
                break
        return None

    def _raise_pairs(self) -> bool:
        """Whether a distance was raised."""
        raised = False
        for rows, columns, begin, end in self.loop.collisions:
            part = self.least[np.ix_(rows, columns)]
            distance = part % self.loop.ii
            run = np.searchsorted(begin, distance, side="right") - 1
            delay = np.where(part > -FAR // 2, np.maximum(end[run] - distance, 0), 0)
            if rows is columns:
                np.fill_diagonal(delay, 0)
            self.least[np.ix_(rows, columns)] += delay
            raised |= bool(delay.any())
        return raised

    def _take_turns(self, pivots: int) -> str | None:
        """Raise the distances to and from some operations by the work in between."""
        least, size = self.least, len(self.loop.users)
        for members in self._groups():
            inner = least[np.ix_(members, members)]
            tightest = np.argsort(-(inner + inner.T).sum(axis=1), kind="stable")[:pivots]
            chosen = [members[i] for i in tightest]
            if self.length is not None:
                chosen.insert(0, size)
            for pivot in chosen:
                energy = Energy(self.loop, least, members)
                head, tail = least[members, pivot], least[pivot, members]
                late = energy.tighten(head, tail, stop=0)
                if late > 0:
                    return self._reason(pivot, late, "take turns on units")
                least[members, pivot], least[pivot, members] = head, tail
        return None

    def _groups(self) -> list[tuple[int, ...]]:
        """Sets of operations that limit each other both ways."""
        size = len(self.loop.users)
        if self.length is not None:
            return [tuple(range(size))] if size else []
        limits = self.least[:size, :size] > -FAR // 2
        groups = {tuple(np.flatnonzero(row).tolist()) for row in limits & limits.T}
        return sorted(group for group in groups if len(group) > 1)

    def _reason(self, at: int, late: int, rule: str) -> str:
        if at == len(self.loop.users):
            return f"{late} more cycles than {self.length} are needed, as operations {rule}"
        name = self.loop.problem.graph.operations[self.loop.users[at]].name
        return f"{name} starts {late} cycles after itself, as operations on its cycles {rule}"


def _close(least: Ints) -> None:
    """Floyd and Warshall's longest paths, in place, a row and a column at a time."""
    for via in range(len(least)):
        np.maximum(least, least[:, via, None] + least[via], out=least)
        if least[via, via] > 0:  # a positive cycle: stop before the numbers explode
            break
    least[least < -FAR // 2] = -FAR
