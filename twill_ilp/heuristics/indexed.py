"""A problem at one initiation interval, with operations as numbers: what the heuristics share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from twill_ilp.bounds import alap, asap, positive_cycle, res_mii
from twill_ilp.errors import OptionError
from twill_ilp.heuristics.table import ReservationTable
from twill_ilp.problem import Problem
from twill_ilp.schedule import Schedule

__all__ = ["FAR", "Arcs", "IndexedLoop", "Ints"]

Ints = NDArray[np.int64]

Arcs = list[list[tuple[int, int]]]
"""Per operation: pairs of neighbour and weight in cycles."""

FAR = 1 << 60
"""Cycles beyond every start; ``-FAR`` in a matrix of longest paths stands for "no path"."""

_LEAST = -(1 << 40)  # far below minus any start, and still safe to add up along paths


@dataclass(frozen=True)
class IndexedLoop:
    """Dependences as weights ``delay - distance * II`` (cycles) between operation numbers.

    Attributes:
        problem, ii: what the numbers stand for; operation ``v`` is ``problem.graph.operations[v]``.
        preds, succs: dependences into and out of every operation; parallel ones are merged and
            self-dependences dropped (they hold from RecMII on).
        head: earliest starts, cycles from the first start.
        tail: cycles from the start of the operation to the end of the iteration, at least.
    """

    problem: Problem
    ii: int
    preds: Arcs
    succs: Arcs
    head: list[int]
    tail: list[int]

    @classmethod
    def at(cls, problem: Problem, ii: int) -> IndexedLoop | None:
        """Number the problem's operations; ``None`` if ``ii`` is trivially impossible.

        That is: below ResMII or RecMII, or an operation collides with its own next iteration.

        Raises:
            OptionError: ``ii`` is not positive.
        """
        if ii < 1:
            raise OptionError(f"II={ii} is no initiation interval; give cycles >= 1")
        graph = problem.graph
        if ii < res_mii(graph, problem.machine).ii or positive_cycle(graph, ii):
            return None
        if not ReservationTable(problem, ii).possible:
            return None
        number = {op.name: v for v, op in enumerate(graph)}
        weight: dict[tuple[int, int], int] = {}
        for e in graph.dependences:
            ends = number[e.src], number[e.dst]
            weight[ends] = max(weight.get(ends, _LEAST), e.delay - e.distance * ii)
        preds: Arcs = [[] for _ in number]
        succs: Arcs = [[] for _ in number]
        for (u, v), w in weight.items():
            if u != v:
                preds[v].append((u, w))
                succs[u].append((v, w))
        tail = [-start for start in alap(graph, ii, 0).values()]
        return cls(problem, ii, preds, succs, list(asap(graph, ii).values()), tail)

    @property
    def critical_path(self) -> int:
        """A lower bound on the schedule length at this II, cycles."""
        return max(self.tail)

    @cached_property
    def users(self) -> list[int]:
        """The operations that use some unit."""
        return [v for v, op in enumerate(self.problem.graph) if op.usage]

    @cached_property
    def paths(self) -> Ints:
        """Longest paths to every operation (row) from every operation (column).

        Rows are relaxed in order of earliest start, so that one pass settles all paths but
        those through carried dependences: O(V E) per pass, on whole rows.
        """
        size = len(self.head)
        paths = np.full((size, size), -FAR, dtype=np.int64)
        np.fill_diagonal(paths, 0)
        order = sorted(range(size), key=self.head.__getitem__)
        changed = True
        while changed:
            before = paths.copy()
            for v in order:
                for u, w in self.preds[v]:
                    np.maximum(paths[v], paths[u] + w, out=paths[v])
            paths[paths < -FAR // 2] = -FAR
            changed = not np.array_equal(before, paths)
        return paths

    @cached_property
    def paths_from(self) -> Ints:
        """:attr:`paths` with rows and columns exchanged, so that rows are contiguous too."""
        return np.ascontiguousarray(self.paths.T)

    @cached_property
    def collisions(self) -> list[tuple[list[int], list[int], Ints, Ints]]:
        """Pairs of classes of operations (equal rows each) that can collide on a unit.

        Each with the members of both classes (positions in :attr:`users`) and the runs of
        distances modulo II, start of first minus start of second, at which they collide: first
        and behind the last of every run, ascending; the first run begins at or below 0.
        """
        classes: dict[object, list[int]] = {}
        for i, v in enumerate(self.users):
            classes.setdefault(self.problem.graph.operations[v].usage, []).append(i)
        pairs: list[tuple[list[int], list[int], Ints, Ints]] = []
        table = ReservationTable(self.problem, self.ii)
        for theirs in classes.values():
            table.place(self.users[theirs[0]], 0)
            for mine in classes.values():
                runs = table.blocked(self.users[mine[0]])
                alone = mine is theirs and len(mine) == 1
                if runs and not alone:
                    first, end = runs[-1]
                    runs.insert(0, (first - self.ii, end - self.ii))
                    begins, ends = np.array(runs, dtype=np.int64).T
                    pairs.append((mine, theirs, begins, ends))
            table.remove(self.users[theirs[0]])
        return pairs

    def complete(self, start: Sequence[int | None]) -> list[int]:
        """Every operation as early as possible after those that have a start."""
        least = np.array([-FAR if t is None else t for t in start], dtype=np.int64)
        early: list[int] = np.maximum((self.paths + least).max(axis=1), self.head).tolist()
        return early

    def length(self, start: Sequence[int]) -> int:
        """Last end minus first start, cycles."""
        ends = (t + op.cycles for t, op in zip(start, self.problem.graph, strict=True))
        return max(ends) - min(start)

    def schedule(self, start: Sequence[int]) -> Schedule:
        """The schedule with these starts, normalised to a first start at 0."""
        graph, machine = self.problem.graph, self.problem.machine
        names = (op.name for op in graph)
        return Schedule(graph, machine, self.ii, dict(zip(names, start, strict=True))).normalized()
