r"""Rows learned from conflicts: at least one of some variables is in its mask.

With a binary for every element of a set this is the covering row
:math:`\sum_x \sum_{b \in mask_x} z_{xb} \ge 1`.  It says something once all masks but one are out
of reach.  So it is enough to watch two masks that are not (Moskewicz et al., DAC 2001), and a row
costs nothing while they stay so.

Not all rows can be kept.  A row whose masks went out of reach after few decisions is the likeliest
to say something again (Audemard and Simon, IJCAI 2009).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from twill_ilp.enumeration.conflict import Literal, Reason
from twill_ilp.enumeration.node import Node

__all__ = ["Learned"]

Row = list[Literal]
"""``(x, mask)`` of every variable; the first two are watched."""


class Learned:
    """The rows, by the variables and masks that are watched.

    Args:
        given: rows that hold from the start, and stay (:mod:`.covering`).
    """

    def __init__(self, variables: int, given: Iterable[Row] = ()) -> None:
        self.rows: list[tuple[int, Row]] = []
        self._given = [list(row) for row in given]  # others may watch them too
        self._watching: list[dict[int, list[Row]]] = [{} for _ in range(variables)]
        for row in self._given:
            self._watch(row)

    def add(self, row: Row, levels: int) -> Reason:
        """Watch a row, whose first two masks have to be the last out of reach; returns why the
        first one has to be kept.

        Args:
            levels: how many decisions its masks went out of reach after.
        """
        if len(row) > 1:
            self.rows.append((levels, row))
            self._watch(row)
        return _rest, row, row[0][0]

    def presence(self, variables: int) -> list[float]:
        """In how many rows each of the first variables is, those of few levels counting more."""
        often = [0.0] * variables
        for levels, row in self.rows:
            for x, _ in row:
                if x < variables:
                    often[x] += 1 / levels
        return often

    def _watch(self, row: Row) -> None:
        """Its first two masks."""
        for x, mask in row[:2]:
            self._watching[x].setdefault(mask, []).append(row)

    def propagate(self, node: Node, x: int) -> None:
        """What rows say now that the set of x has become smaller.

        A row that watches a mask which was out of reach when it was asked before is satisfied.

        Raises:
            Conflict: a row cannot be satisfied.
        """
        sets, watching = node.sets, self._watching[x]
        before, mine, implied = node.asked[x], sets[x], []
        node.asked[x] = mine
        for mask in [mask for mask in watching if before & mask and not mine & mask]:
            kept = []
            for row in watching[mask]:
                if row[0][0] == x:
                    row[0], row[1] = row[1], row[0]
                y, other = row[0]
                if not sets[y] & ~other or not self._moved_on(row, sets):
                    kept.append(row)
            if kept:
                watching[mask] = kept
            else:
                del watching[mask]
            implied += kept
        for row in implied:
            y, mask = row[0]
            if sets[y] & ~mask:
                node.keep(y, mask, _rest, row, y)

    def _moved_on(self, row: Row, sets: Sequence[int]) -> bool:
        """Watch another mask in place of the second one, if any is within reach."""
        for i in range(2, len(row)):
            z, mask = row[i]
            if sets[z] & mask:
                row[1], row[i] = row[i], row[1]
                self._watching[z].setdefault(mask, []).append(row)
                return True
        return False

    def forget(self, node: Node, most: int) -> None:
        """Keep so many rows, those of the fewest levels, the shortest and the newest, and of them
        what the root leaves.

        Args:
            node: the root, propagated.
        """
        rank = [(levels, len(row), -i) for i, (levels, row) in enumerate(self.rows)]
        order = sorted(range(len(rank)), key=rank.__getitem__)[:most]
        rows, self.rows = self.rows, []
        self._watching = [{} for _ in self._watching]
        for row in self._given:
            row.sort(key=lambda literal: not node.sets[literal[0]] & literal[1])
            self._watch(row)
        for i in sorted(order):
            levels, row = rows[i]
            row = [(x, mask) for x, mask in row if node.sets[x] & mask]
            if all(node.sets[x] & ~mask for x, mask in row):
                self.add(row, min(levels, len(row)))


def _rest(_: Node, _removed: int, row: Sequence[Literal], x: int) -> Iterator[Literal]:
    """Why a row leaves x only its mask: all others are out of reach."""
    return (literal for literal in row if literal[0] != x)
