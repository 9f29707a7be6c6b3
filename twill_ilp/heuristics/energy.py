"""Longest paths that know that operations on one unit take turns.

Rows of one unit that all lie between two events need at least ``ceil(work / capacity)`` cycles
there, because the rows of one iteration that meet in a cycle also meet in its slot.  Taken over
all sets of rows that begin after one limit and end before another, this lengthens the longest
paths between operations; longer paths tighten the limits in turn.  It is the task-interval form
of energetic reasoning: P. Baptiste, C. Le Pape, W. Nuijten, *Constraint-Based Scheduling*, 2001,
chapter 3, https://doi.org/10.1007/978-1-4615-1479-4.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from twill_ilp.heuristics.indexed import FAR, IndexedLoop, Ints

__all__ = ["Energy"]

_PASSES = 10  # most loops settle in 3; bounds that would still rise are valid all the same
_CELLS = 10**6  # largest temporary matrix


class Energy:
    """Some operations that use units, with least distances between their starts.

    ``members`` are positions in ``loop.users``, ``least`` is a matrix over these positions:
    start of row minus start of column is at least the entry.
    """

    def __init__(self, loop: IndexedLoop, least: Ints, members: Sequence[int]) -> None:
        self._paths = least[np.ix_(members, members)]
        self._paths_from = np.ascontiguousarray(self._paths.T)
        self._units = list(_rows(loop, members))
        self._mirrored = [rows.mirrored() for rows in self._units]

    def tighten(self, head: Ints, tail: Ints, stop: int = FAR) -> int:
        """Raise, in place, least distances from one event and to another.

        ``head`` is from the first event to each start, ``tail`` from there to the second.
        Returns the least time between the two events; ends early once it exceeds ``stop``.
        """
        for _ in range(_PASSES):
            before = head.copy(), tail.copy()
            _raise(head, self._paths, self._units)
            _raise(tail, self._paths_from, self._mirrored)
            span = int((head + tail).max())
            for rows in self._units:
                span = rows.span(head, tail, span)
            settled = np.array_equal(before[0], head) and np.array_equal(before[1], tail)
            if settled or span > stop:
                break
        return span


@dataclass(frozen=True)
class _Rows:
    """The reservation rows of one unit; ``op`` says whose, ``work`` is in unit-cycles."""

    op: Ints
    start: Ints
    cycles: Ints
    work: Ints
    capacity: int

    def mirrored(self) -> _Rows:
        """The rows with time running backwards from the operation's start."""
        return _Rows(self.op, -self.start - self.cycles, self.cycles, self.work, self.capacity)

    def span(self, head: Ints, tail: Ints, least: int) -> int:
        """Time between two events (see :meth:`Energy.tighten`), if more than ``least``."""
        begin = head[self.op] + self.start
        after = tail[self.op] - self.start - self.cycles
        most = begin + after - (-self.work.sum() // self.capacity)
        if most.max() <= least:
            return least
        order = np.flatnonzero(most > least)
        order = order[np.argsort(-after[order], kind="stable")]
        begin, after, work = begin[order], after[order], self.work[order]
        firsts = np.unique(begin)[:, None]
        chunk = 1 + _CELLS // order.size
        for k in range(0, firsts.size, chunk):
            inside = begin >= firsts[k : k + chunk]
            need = -(-np.cumsum(inside * work, axis=1) // self.capacity)
            span = np.where(inside, firsts[k : k + chunk] + need + after, least)
            least = max(least, int(span.max()))
        return least


def _raise(head: Ints, paths: Ints, units: list[_Rows]) -> None:
    """Raise every ``head`` by the paths and the rows before it."""
    for v in np.argsort(head, kind="stable"):
        least = int((paths[v] + head).max())
        for rows in units:
            least = rows.span(head, paths[v], least)
        head[v] = least


def _rows(loop: IndexedLoop, members: Sequence[int]) -> Iterator[_Rows]:
    table: dict[str, list[tuple[int, int, int, int]]] = {}
    for i, member in enumerate(members):
        for row in loop.problem.graph.operations[loop.users[member]].usage:
            entry = (i, row.start, row.cycles, row.cycles * row.amount)
            table.setdefault(row.unit, []).append(entry)
    for unit, rows in table.items():
        op, start, cycles, work = np.array(rows, dtype=np.int64).T
        yield _Rows(op, start, cycles, work, loop.problem.machine.units[unit])
