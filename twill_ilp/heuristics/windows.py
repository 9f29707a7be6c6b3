"""Lower bounds that see both paths and busy units: windows, schedule length, impossible IIs.

Rows of one unit that all lie between two events need at least ``ceil(work / capacity)`` cycles
there, because the rows of one iteration that meet in a cycle also meet in its slot.  Taken over
all sets of rows that begin after one limit and end before another, this lengthens the longest
paths between operations; longer paths tighten the limits in turn.  This is the energetic
argument of J. Erschler, P. Lopez and C. Thuriot ("Raisonnement temporel sous contraintes de
ressource et problemes d'ordonnancement", Revue d'intelligence artificielle 5(3), 1991) on the
sets of task-interval propagation (Y. Caseau, F. Laburthe, ICLP 1994).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from twill_ilp.heuristics.indexed import FAR, IndexedLoop, Ints
from twill_ilp.heuristics.table import ReservationTable
from twill_ilp.problem import Problem

__all__ = ["Windows", "conflict", "length_bound", "windows"]

_PASSES = 10  # most loops settle in 3; a bound that still rises is valid all the same


@dataclass(frozen=True)
class Windows:
    """Where operations may start, in cycles from the first start.

    Attributes:
        head: earliest start per operation.
        tail: per operation, cycles from its start to the end of the iteration, at least.
        length: a lower bound on the schedule length.
    """

    head: list[int]
    tail: list[int]
    length: int


def length_bound(problem: Problem, ii: int) -> int | None:
    """A proven lower bound on the schedule length at ``ii``, both in cycles.

    Exact on most loops in practice.  O(passes * V^2 * unit rows) on whole arrays.

    Returns:
        The bound, or ``None`` if ``ii`` is below RecMII.

    Raises:
        OptionError: ``ii`` is not positive.
    """
    loop = IndexedLoop.at(problem, ii)
    return windows(loop).length if loop else None


def conflict(problem: Problem, ii: int) -> str | None:
    """Why no schedule has initiation interval ``ii`` (cycles), or ``None`` if this finds nothing.

    Looks from every operation of a recurrence at the operations on its cycles: if they need so
    long on their units that the operation would have to start after itself, ``ii`` is
    impossible.  This is a proof, above RecMII and ResMII; that nothing is found proves nothing.

    Raises:
        OptionError: ``ii`` is not positive.
    """
    loop = IndexedLoop.at(problem, ii)
    if loop is None:
        return "below RecMII"
    if not ReservationTable(problem, ii).possible:
        return "an operation collides with its own next iteration"
    for members in _recurrences(loop):
        system = _System(loop, members)
        for i, v in enumerate(members):
            late = system.tighten(system.paths[:, i].copy(), system.paths[i].copy(), stop=0)
            if late > 0:
                name = problem.graph.operations[v].name
                return f"cycles through {name} are {late} too long if its units take turns"
    return None


def windows(loop: IndexedLoop) -> Windows:
    """Windows of all operations, relative to the first start and the last end."""
    users = loop.users
    head, tail = np.array(loop.head), np.array(loop.tail)
    length = loop.critical_path
    if users:
        early, late = head[users], tail[users]
        length = max(length, _System(loop, users).tighten(early, late))
        head = np.maximum(head, (loop.paths[:, users] + early).max(axis=1))
        tail = np.maximum(tail, (loop.paths_from[:, users] + late).max(axis=1))
    return Windows(head.tolist(), tail.tolist(), max(length, int((head + tail).max())))


@dataclass(frozen=True)
class _Rows:
    """The reservation rows of one unit; ``op`` numbers the operations of a :class:`_System`."""

    op: Ints
    start: Ints
    cycles: Ints
    work: Ints
    capacity: int

    def mirrored(self) -> _Rows:
        """The rows with time running backwards from the operation's start."""
        return _Rows(self.op, -self.start - self.cycles, self.cycles, self.work, self.capacity)

    def span(self, early: Ints, lag: Ints, least: int) -> int:
        """Cycles between two events, if more than ``least``.

        ``early[i]`` is the least time from the first event to the start of operation ``i``,
        ``lag[i]`` from there to the second event.
        """
        begin = early[self.op] + self.start
        after = lag[self.op] - self.start - self.cycles
        most = begin + after - (-self.work.sum() // self.capacity)
        order = np.flatnonzero(most > least)
        order = order[np.argsort(-after[order], kind="stable")]
        begin, after, work = begin[order], after[order], self.work[order]
        for first in np.unique(begin):
            inside = begin >= first
            need = -(-np.cumsum(work[inside]) // self.capacity)
            least = max(least, int(first + (need + after[inside]).max()))
        return least


class _System:
    """Some operations that use units, with the longest paths between them."""

    def __init__(self, loop: IndexedLoop, members: list[int]) -> None:
        self.paths = np.ascontiguousarray(loop.paths[np.ix_(members, members)])
        self.paths_from = np.ascontiguousarray(self.paths.T)
        self.units = list(_rows(loop.problem, members))
        self.mirrored = [rows.mirrored() for rows in self.units]

    def tighten(self, head: Ints, tail: Ints, stop: int = FAR) -> int:
        """Raise ``head`` and ``tail`` in place; the least time between their two events.

        Ends early once that time exceeds ``stop``.
        """
        for _ in range(_PASSES):
            before = head.copy(), tail.copy()
            _raise(head, self.paths, self.units)
            _raise(tail, self.paths_from, self.mirrored)
            span = int((head + tail).max())
            for rows in self.units:
                span = rows.span(head, tail, span)
            settled = np.array_equal(before[0], head) and np.array_equal(before[1], tail)
            if settled or span > stop:
                break
        return span


def _raise(early: Ints, paths: Ints, units: list[_Rows]) -> None:
    """Raise the earliest start of every operation by the paths and rows before it."""
    for v in np.argsort(early, kind="stable"):
        least = int((paths[v] + early).max())
        for rows in units:
            least = rows.span(early, paths[v], least)
        early[v] = least


def _rows(problem: Problem, members: list[int]) -> Iterator[_Rows]:
    table: dict[str, list[tuple[int, int, int, int]]] = {}
    for i, v in enumerate(members):
        for row in problem.graph.operations[v].usage:
            table.setdefault(row.unit, []).append(
                (i, row.start, row.cycles, row.cycles * row.amount)
            )
    for unit, rows in table.items():
        yield _Rows(*np.array(rows, dtype=np.int64).T, capacity=problem.machine.units[unit])


def _recurrences(loop: IndexedLoop) -> list[list[int]]:
    """Sets of two or more operations with units that lie on common cycles."""
    users = np.array(loop.users, dtype=np.int64)
    reached = loop.paths[np.ix_(users, users)] > -FAR // 2
    classes = {tuple(users[row].tolist()) for row in reached & reached.T}
    return sorted(list(members) for members in classes if len(members) > 1)
