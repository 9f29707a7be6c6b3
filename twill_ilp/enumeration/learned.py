r"""Rows learned from conflicts: at least one of some variables is in its mask.

With a binary for every element of a set this is the covering row
:math:`\sum_x \sum_{b \in mask_x} z_{xb} \ge 1`.  It says something once all masks but one are out
of reach.  So it is enough to watch two masks that are not (Moskewicz et al., DAC 2001), and a row
costs nothing while they stay so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from twill_ilp.enumeration.conflict import Literal, Reason
from twill_ilp.enumeration.node import Node

__all__ = ["Learned"]

Row = list[Literal]
"""``(x, mask)`` of every variable; the first two are watched."""


class Learned:
    """The rows, by the variables that are watched.

    Args:
        given: rows that hold from the start, and stay (:mod:`.covering`).
    """

    def __init__(self, variables: int, given: Iterable[Row] = ()) -> None:
        self.rows: list[Row] = []
        self._given = [list(row) for row in given]  # others may watch them too
        self._watching: list[list[tuple[int, Row]]] = [[] for _ in range(variables)]
        for row in self._given:
            self._watch(row)

    def add(self, row: Row) -> Reason:
        """Watch a row, whose first two masks have to be the last out of reach; returns why the
        first one has to be kept."""
        if len(row) > 1:
            self.rows.append(row)
            self._watch(row)
        return _rest, row, row[0][0]

    def _watch(self, row: Row) -> None:
        """Its first two masks."""
        for x, mask in row[:2]:
            self._watching[x].append((mask, row))

    def propagate(self, node: Node, x: int) -> None:
        """What rows say now that the set of x has become smaller.

        Raises:
            Conflict: a row cannot be satisfied.
        """
        sets = node.sets
        mine = sets[x]
        watching = self._watching[x]
        hit = [watch for watch in watching if not mine & watch[0]]
        if not hit:
            return
        kept = [watch for watch in watching if mine & watch[0]]
        self._watching[x] = kept
        implied = []
        for watch in hit:
            row = watch[1]
            if row[0][0] == x:
                row[0], row[1] = row[1], row[0]
            y, mask = row[0]
            if not sets[y] & ~mask:
                kept.append(watch)
                continue
            for i in range(2, len(row)):
                z, other = row[i]
                if sets[z] & other:
                    row[1], row[i] = row[i], row[1]
                    self._watching[z].append((other, row))
                    break
            else:
                kept.append(watch)
                implied.append(row)
        for row in implied:
            y, mask = row[0]
            if sets[y] & ~mask:
                node.keep(y, mask, _rest, row, y)

    def forget(self, node: Node, most: int) -> None:
        """Keep so many rows, the shortest and newest, and of them what the root leaves.

        Args:
            node: the root, propagated.
        """
        order = sorted(range(len(self.rows)), key=lambda i: (len(self.rows[i]), -i))[:most]
        rows, self.rows = self.rows, []
        self._watching = [[] for _ in self._watching]
        for row in self._given:
            row.sort(key=lambda literal: not node.sets[literal[0]] & literal[1])
            self._watch(row)
        for i in sorted(order):
            row = [(x, mask) for x, mask in rows[i] if node.sets[x] & mask]
            if all(node.sets[x] & ~mask for x, mask in row):
                self.add(row)


def _rest(_: Node, _removed: int, row: Sequence[Literal], x: int) -> Iterator[Literal]:
    """Why a row leaves x only its mask: all others are out of reach."""
    return (literal for literal in row if literal[0] != x)
