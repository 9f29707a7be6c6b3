"""The modulo reservation table (MRT), as bit masks over slots.

Bit ``r`` of a mask stands for slot ``r`` of ``[0, II)``.  A unit's use per slot is a counter
sliced into bit planes: plane ``k`` holds bit ``k`` of all II counters, so that adding a
reservation, comparing with a limit and finding free slots are a few operations on whole masks
(Python integers), at II in the thousands as at II = 4.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from twill_ilp.graph import Usage
from twill_ilp.problem import Problem

__all__ = ["ReservationTable"]

Piece = tuple[int, int, int]
"""A run of slots with constant demand: first slot, slots, amount; for a start in slot 0."""


class ReservationTable:
    """What one iteration reserves on every unit, modulo ``ii``.

    Operations are numbered as in ``problem.graph``; those without usage fit everywhere.  A row
    longer than II meets its own next iteration, and then demands a multiple of its amount.
    """

    def __init__(self, problem: Problem, ii: int) -> None:
        units = {unit: i for i, unit in enumerate(problem.graph.units)}
        self.ii = ii
        self._full = (1 << ii) - 1
        self._capacity = [problem.machine.units[unit] for unit in units]
        self._planes = [[0] * capacity.bit_length() for capacity in self._capacity]
        self._holders: list[dict[int, int]] = [{} for _ in units]  # per unit: operation, its mask
        self._slot = [0] * len(problem.graph)
        self._demand: list[dict[int, list[Piece]]] = []  # per operation: unit, folded rows
        for op in problem.graph:
            rows: dict[int, list[Usage]] = {}
            for row in op.usage:
                rows.setdefault(units[row.unit], []).append(row)
            self._demand.append({unit: _pieces(mine, ii) for unit, mine in rows.items()})

    @property
    def possible(self) -> bool:
        """Whether every operation fits into the empty table."""
        return all(
            amount <= self._capacity[unit]
            for demand in self._demand
            for unit, pieces in demand.items()
            for _, _, amount in pieces
        )

    def place(self, v: int, start: int) -> None:
        """Reserve the units of ``v`` for a start in cycle ``start``; the caller knows it fits."""
        self._slot[v] = start % self.ii
        for unit, pieces in self._demand[v].items():
            held = 0
            for piece in pieces:
                mask = self._mask(piece, start)
                held |= mask
                _add(self._planes[unit], mask, piece[2])
            self._holders[unit][v] = held

    def remove(self, v: int) -> None:
        """Give back what :meth:`place` reserved."""
        for unit, pieces in self._demand[v].items():
            for piece in pieces:
                _subtract(self._planes[unit], self._mask(piece, self._slot[v]), piece[2])
            del self._holders[unit][v]

    def first(self, v: int, lo: int, hi: int) -> int | None:
        """The first free start of ``v`` in ``[lo, hi]``, or ``None``."""
        if not self._demand[v]:
            return lo if lo <= hi else None
        ahead = self._rotate(self._free(v), -lo)
        start = lo + (ahead & -ahead).bit_length() - 1
        return start if ahead and start <= hi else None

    def last(self, v: int, lo: int, hi: int) -> int | None:
        """The last free start of ``v`` in ``[lo, hi]``, or ``None``."""
        if not self._demand[v]:
            return hi if lo <= hi else None
        behind = self._rotate(self._free(v), -hi - 1)
        start = hi - self.ii + behind.bit_length()
        return start if behind and start >= lo else None

    def blocked(self, v: int) -> list[tuple[int, int]]:
        """Runs of slots, first and behind the last, in which ``v`` cannot start.

        In order of their first slots, which lie in ``[0, II)``; the last may reach beyond II.
        """
        blocked = self._full & ~self._free(v)
        if blocked == self._full:
            return [(0, self.ii)]
        before = self._rotate(blocked, 1)
        firsts, ends = _bits(blocked & ~before), _bits(before & ~blocked)
        if firsts and ends[0] <= firsts[0]:
            ends = [*ends[1:], ends[0] + self.ii]
        return list(zip(firsts, ends, strict=True))

    def evictions(
        self, v: int, start: int, price: Sequence[float], gone: Container[int] = ()
    ) -> list[int]:
        """Operations to remove so that ``v`` fits at ``start``: greedily, the cheapest first.

        Operations in ``gone`` leave anyway and are taken first.
        """
        evicted: list[int] = []
        for unit, pieces in self._demand[v].items():
            while excess := self._excess(unit, pieces, start):
                holders = [u for u, held in self._holders[unit].items() if held & excess]
                u = min(holders, key=lambda u: (u not in gone, price[u]))
                self.remove(u)
                evicted.append(u)
        for u in evicted:
            self.place(u, self._slot[u])
        return evicted

    def collisions(self, v: int, starts: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Per operation (row) and start of ``v`` (column): whether the two cannot share a unit.

        Other operations that hold the unit are ignored, so at capacity 1 this says all.
        """
        found = np.zeros((len(self._slot), len(starts)), dtype=np.bool_)
        for unit, pieces in self._demand[v].items():
            for first, mine, amount in pieces:
                spare = self._capacity[unit] - amount
                rivals = [
                    (u, self._slot[u] + begin, length)
                    for u in self._holders[unit]
                    for begin, length, other in self._demand[u][unit]
                    if other > spare
                ]
                if rivals:
                    op, begin, length = np.array(rivals, dtype=np.int64).T
                    ahead = (begin[:, None] - starts - first) % self.ii
                    hit = (ahead < mine) | (self.ii - ahead < length[:, None])
                    np.logical_or.at(found, op, hit)
        return found

    def aligned(self, v: int) -> list[int]:
        """Slots for ``v`` in which it begins where a holder of its units ends, or vice versa."""
        slots: set[int] = set()
        for unit, pieces in self._demand[v].items():
            for u in self._holders[unit]:
                for begin, length, _ in self._demand[u][unit]:
                    edge = self._slot[u] + begin
                    for first, mine, _ in pieces:
                        slots.update((edge + length - first, edge - mine - first))
        return sorted({slot % self.ii for slot in slots})

    def _excess(self, unit: int, pieces: Iterable[Piece], start: int) -> int:
        """Slots in which ``unit`` cannot take these pieces on top of what it holds."""
        excess = 0
        for piece in pieces:
            full = self._above(unit, self._capacity[unit] - piece[2])
            excess |= full and full & self._mask(piece, start)
        return excess

    def _free(self, v: int) -> int:
        blocked = 0
        for unit, pieces in self._demand[v].items():
            for first, length, amount in pieces:
                full = self._above(unit, self._capacity[unit] - amount)
                if full:
                    blocked |= self._rotate(self._widen(full, length), -first)
        return self._full & ~blocked

    def _widen(self, mask: int, length: int) -> int:
        """Slots from which a run of ``length`` slots meets ``mask``, by doubling."""
        width = 1
        while width < length:
            step = min(width, length - width)
            mask |= self._rotate(mask, -step)
            width += step
        return mask

    def _above(self, unit: int, limit: int) -> int:
        """Slots in which more than ``limit`` of ``unit`` is in use."""
        more, equal = 0, self._full
        for k, plane in reversed(list(enumerate(self._planes[unit]))):
            if limit >> k & 1:
                equal &= plane
            else:
                more |= equal & plane
                equal &= ~plane
        return more

    def _mask(self, piece: Piece, start: int) -> int:
        first, length, _ = piece
        return self._rotate((1 << length) - 1, start + first)

    def _rotate(self, mask: int, by: int) -> int:
        by %= self.ii
        return ((mask << by) | (mask >> (self.ii - by))) & self._full


def _bits(mask: int) -> list[int]:
    """The set bits, lowest first."""
    bits = []
    while mask:
        lowest = mask & -mask
        bits.append(lowest.bit_length() - 1)
        mask ^= lowest
    return bits


def _add(planes: list[int], mask: int, amount: int) -> None:
    """Add ``amount`` to the counters of every slot in ``mask``."""
    carry = 0
    for k, plane in enumerate(planes):
        bit = mask if amount >> k & 1 else 0
        planes[k] = plane ^ bit ^ carry
        carry = (plane & (bit | carry)) | (bit & carry)


def _subtract(planes: list[int], mask: int, amount: int) -> None:
    """Inverse of :func:`_add`."""
    borrow = 0
    for k, plane in enumerate(planes):
        bit = mask if amount >> k & 1 else 0
        planes[k] = plane ^ bit ^ borrow
        borrow = (~plane & (bit | borrow)) | (bit & borrow)


def _pieces(rows: Iterable[Usage], ii: int) -> list[Piece]:
    """The summed demand of one operation's rows on one unit, folded into ``[0, ii)``."""
    level = 0
    change = {0: 0, ii: 0}
    for row in rows:
        laps, rest = divmod(row.cycles, ii)
        first = row.start % ii
        end = first + rest
        level += laps * row.amount
        for begin, stop in ((first, min(end, ii)), (0, max(0, end - ii))):
            change[begin] = change.get(begin, 0) + row.amount
            change[stop] = change.get(stop, 0) - row.amount
    pieces: list[Piece] = []
    for begin, stop in pairwise(sorted(change)):
        level += change[begin]
        if level:
            pieces.append((begin, stop - begin, level))
    return pieces
