"""Guided ejection search: a schedule within a given length at a given II."""

from __future__ import annotations

import numpy as np

from twill_ilp.errors import OptionError
from twill_ilp.heuristics.indexed import IndexedLoop, Ints
from twill_ilp.heuristics.partial import PartialSchedule
from twill_ilp.heuristics.relaxation import Relaxation
from twill_ilp.problem import Problem
from twill_ilp.schedule import Schedule

__all__ = ["default_rounds", "ejection_schedule", "search_within"]

_RESTART = 500  # forced placements per attempt: the search is heavy-tailed, so give up early
_CANDIDATES = 128  # starts priced per forced placement


def ejection_schedule(
    problem: Problem, ii: int, length: int, *, rounds: int | None = None, seed: int = 0
) -> Schedule | None:
    """Search for a schedule of at most ``length`` cycles at initiation interval ``ii`` (cycles).

    Operations are placed one by one.  One that finds no free start in its window is forced to
    the start where the operations that must leave (holders of its units, operations that are
    now too close) have the least total weight; the weight of an operation counts how often it
    had to be forced, so the search learns which ones to leave alone.  This is the guided
    ejection search that Y. Nagata and O. Braysy use for vehicle routing (Operations Research
    Letters 37(5), 2009, https://doi.org/10.1016/j.orl.2009.04.006), on the placement rule of
    iterative modulo scheduling and with exact windows.

    Args:
        problem: loop and machine.
        ii: initiation interval, cycles.
        length: limit on last end minus first start, cycles.
        rounds: limit on forced placements, O(V) each; ``None`` for :func:`default_rounds`.
        seed: equal seeds give equal answers.

    Returns:
        A valid, normalised schedule, or ``None``, which proves nothing.

    Raises:
        OptionError: ``ii`` or ``rounds`` is out of range.
    """
    loop = IndexedLoop.at(problem, ii)
    if loop is None:
        return None
    rounds = default_rounds(problem) if rounds is None else rounds
    start = search_within(loop, length, rounds, np.random.default_rng(seed))
    return None if start is None else loop.schedule(start)


def default_rounds(problem: Problem) -> int:
    """Forced placements to allow so that a search takes about a second, at most 4000."""
    return max(_RESTART, min(4000, 1_200_000 // len(problem.graph)))


def search_within(
    loop: IndexedLoop, length: int, rounds: int, rng: np.random.Generator
) -> list[int] | None:
    """Starts of all operations within ``length`` cycles, or ``None``.

    Raises:
        OptionError: negative ``rounds``.
    """
    if rounds < 0:
        raise OptionError(f"rounds={rounds}; give a whole number >= 0")
    relaxation = Relaxation(loop, length)
    if relaxation.refute():
        return None
    earliest, latest = list(loop.head), [length - tail for tail in loop.tail]
    for i, v in enumerate(loop.users):
        earliest[v] = int(relaxation.least[i, -1])
        latest[v] = -int(relaxation.least[-1, i])
    patience = max(_RESTART, 4 * len(loop.users))
    late = True
    while True:
        attempt = _Attempt(loop, earliest, latest, late, rng)
        if attempt.run(min(rounds, patience)):
            return loop.complete(attempt.partial.start)
        rounds -= patience
        if rounds <= 0:
            return None
        late = not late


class _Attempt:
    """One run from the empty schedule; ``late`` says from which side windows are filled."""

    def __init__(
        self,
        loop: IndexedLoop,
        earliest: list[int],
        latest: list[int],
        late: bool,
        rng: np.random.Generator,
    ) -> None:
        self.partial = PartialSchedule(loop, earliest, latest)
        self.late = late
        self.rng = rng
        self.weight = [1.0] * len(loop.head)
        self.forced: list[int | None] = [None] * len(loop.head)
        self.pool = sorted(loop.users, key=lambda v: (earliest[v] - latest[v], rng.random()))

    def run(self, rounds: int) -> bool:
        """Whether all operations got a start before ``rounds`` were forced."""
        while self.pool:
            v = self.pool.pop()
            start = self.partial.fit(v, late=self.late)
            if start is None:
                if rounds <= 0:
                    return False
                rounds -= 1
                start = self._make_room(v)
            self.partial.place(v, start)
        return True

    def _make_room(self, v: int) -> int:
        """Eject the cheapest set of operations that lets ``v`` in; the start this makes free."""
        self.weight[v] += 1
        start, gone = self._cheapest(v)
        self.forced[v] = start
        for u in gone:
            self.partial.remove(u)
        self.pool += [gone[k] for k in self.rng.permutation(len(gone))]
        return start

    def _cheapest(self, v: int) -> tuple[int, list[int]]:
        """A start of ``v`` and the operations that must leave for it.

        Starts are priced exactly in order of a lower bound, the weight of the operations that
        clash with ``v`` whatever else leaves, until the bound reaches the best price.
        """
        low, high = self.partial.bounds(v)
        times = self._candidates(v, low, high)
        clash = (low[:, None] > times) | (high[:, None] < times)
        clash |= self.partial.table.collisions(v, times)
        bound = np.array(self.weight) @ clash
        best: tuple[int, list[int]] = (0, [])
        price = float("inf")
        for j in np.argsort(bound + self.rng.random(len(times)) / 2).tolist():
            if bound[j] >= price:
                break
            start = int(times[j])
            if start == self.forced[v] and len(times) > 1:
                continue
            gone = set(np.flatnonzero(clash[:, j]).tolist())
            gone.update(self.partial.table.evictions(v, start, self.weight, gone))
            total = sum(self.weight[u] for u in gone)
            if total < price:
                best, price = (start, sorted(gone)), total
        return best

    def _candidates(self, v: int, low: Ints, high: Ints) -> Ints:
        """Starts to price: all within the length, or a sample of those where prices change."""
        partial = self.partial
        first, last = partial.head[v], partial.limit[v]
        if last - first < _CANDIDATES:
            return np.arange(first, last + 1)
        ii = partial.loop.ii
        ahead = (np.array(partial.table.aligned(v), dtype=np.int64) - first) % ii
        laps = ii * np.arange((last - first) // ii + 1)
        times = np.concatenate([first + (ahead[:, None] + laps).ravel(), low, high, [first, last]])
        times = np.unique(times[(times >= first) & (times <= last)])
        if len(times) > _CANDIDATES:
            times = self.rng.choice(times, _CANDIDATES, replace=False)
        return times
