r"""Longest paths between starts, kept up to date as dependences get longer.

A new row :math:`start_v - start_u \ge w` makes the path from x to y
:math:`\max(W_{xy},\ W_{xu} + w + W_{vy})`; a positive :math:`w + W_{vu}` is a contradiction.
Takes O(V^2), and only groups that get known do it.  Every version remembers the one before it and
the row that it adds, which tells the rows that a path needs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twill_ilp.ilp.deadlines import Use

__all__ = ["Link", "Paths"]

NEVER = -(1 << 40)
"""Between nodes of different parts; three of them still fit a 64-bit integer."""


@dataclass(frozen=True, slots=True)
class Link:
    """A dependence from u to v that has ``weight`` cycles between groups, its spill included.

    ``c`` and ``d`` are the classes of u and v.
    """

    u: int
    v: int
    c: int
    d: int
    weight: int


class Paths:
    """Longest paths within the parts, in the forms that are read most.

    Attributes:
        rows: ``rows[u][v]``, cycles.
        after, before: of every node, the others of its part with the path to them, from them.
        shortest: cycles that the value of each operation lives at least.
    """

    __slots__ = ("_link", "_mates", "_matrix", "_older", "_uses", "after", "before", "rows",
                 "shortest")  # fmt: skip

    def __init__(
        self,
        matrix: NDArray[np.int64],
        mates: Sequence[Sequence[int]],
        uses: Sequence[Sequence[Use]],
        older: Paths | None = None,
        link: Link | None = None,
    ) -> None:
        self._matrix, self._mates, self._uses = matrix, mates, uses
        self._older, self._link = older, link
        rows: list[list[int]] = matrix.tolist()
        self.rows = rows
        self.after = [[(w, row[w]) for w in near] for row, near in zip(rows, mates, strict=True)]
        self.before = [[(w, rows[w][v]) for w in near] for v, near in enumerate(mates)]
        self.shortest = [
            max([row[v] + offset for v, offset in last])
            for row, last in zip(rows, uses, strict=False)  # the last node may be "begin"
        ]

    @classmethod
    def within(
        cls,
        between: NDArray[np.int64],
        part: Sequence[int],
        uses: Sequence[Sequence[Use]],
    ) -> Paths:
        """The paths between nodes of one part.

        Args:
            between: all longest paths, cycles.
            part: of every node.
            uses: of every operation, see :meth:`Timeline.uses`.
        """
        own = np.array(part)
        matrix = np.where(own[:, None] == own[None, :], between, NEVER)
        mates = [[w for w in range(len(part)) if w != v and part[w] == part[v]]
                 for v in range(len(part))]  # fmt: skip
        return cls(matrix, mates, uses)

    def with_link(self, link: Link) -> Paths | None:
        """With that row as well; ``None`` if that is a contradiction."""
        u, v, weight = link.u, link.v, link.weight
        if self.rows[v][u] + weight > 0:
            return None
        m = self._matrix
        detour = m[:, u, None] + weight + m[None, v, :]
        longer = np.where(m <= NEVER, NEVER, np.maximum(m, detour))
        return Paths(longer, self._mates, self._uses, self, link)

    def oldest(self, u: int, v: int, need: int) -> Paths:
        """The first version in which the path from u to v takes that many cycles."""
        version = self
        while version._older and version._older.rows[u][v] >= need:
            version = version._older
        return version

    def links(self, u: int, v: int, need: int) -> Iterator[Link]:
        """Links without which the path from u to v might take fewer cycles than ``need``."""
        version = self.oldest(u, v, need)
        older, link = version._older, version._link
        if older and link:
            yield link
            behind = older.rows[link.v][v]
            yield from older.links(u, link.u, need - link.weight - behind)
            yield from older.links(link.v, v, behind)
