r"""What a conflict teaches: a row that would have prevented it.

The literals that imply the conflict are replaced, from the last removal backwards, by those that
imply them, until only one of them has become true since the last decision (the first unique
implication point: Marques-Silva and Sakallah 1999, https://doi.org/10.1109/12.769433).  Not all of
these literals can be true; that is the row.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from twill_ilp.enumeration.conflict import Conflict, Literal, Removal, explained
from twill_ilp.enumeration.frame import from_bit, up_to_bit
from twill_ilp.enumeration.node import Node

__all__ = ["Lesson", "learn"]


@dataclass(frozen=True)
class Lesson:
    """A row learned from a conflict.

    Attributes:
        row: variables and masks, one of which holds.  The first one is within reach at ``level``,
            no other is, and the second one is the last that was.
        level: index of a node above the conflict.
        levels: how many decisions the masks went out of reach after.
        touched: variables whose sets had to do with it.
    """

    row: list[Literal]
    level: int
    levels: int
    touched: set[int]


def learn(conflict: Conflict, node: Node, above: Sequence[Node]) -> Lesson | None:
    """The row that follows from a conflict, or ``None`` if no decision has to do with it.

    Args:
        node: where it happened.  Its sets are moved back in time.
        above: the propagated nodes above it, one per decision; the first one is the root.
    """
    if not above:
        return None
    needs = _Needs(node, above[0].sets)
    removed = -1
    if conflict.x >= 0:
        removed = _last_loss(conflict, node)
        needs.add([(conflict.x, ~removed)])
    needs.add(explained(conflict.reason, node, removed))
    level, past = len(above), reversed(node.trail)
    late = needs.since(above[level - 1])
    while True:
        while not late:  # the conflict was there before the last decision
            level -= 1
            if not level:
                return None
            late = needs.since(above[level - 1])
        x, old, mask, reason = next(past)
        node.undo(x, old)
        if needs.masks.get(x, 0) & old & ~mask:
            if len(late) == 1:
                break
            removed = needs.masks[x] & ~mask
            needs.masks[x] &= mask
            needs.add(explained(reason, node, removed))
            late = needs.since(above[level - 1])
    needs.drop_implied(x, past)
    return _lesson(needs, x, above[:level])


class _Needs:
    """Literals that imply the conflict.

    Attributes:
        masks: of every variable, what it has to have lost.
        touched: all variables that were ever among them.
    """

    def __init__(self, node: Node, root: Sequence[int]) -> None:
        self._node, self._root = node, root
        self.masks: dict[int, int] = {}
        self.touched: set[int] = set()

    def add(self, literals: Iterable[Literal]) -> None:
        """Need these as well, but for what the root has lost already."""
        for x, mask in literals:
            mask &= self._root[x]
            if mask:
                assert not mask & self._node.sets[x], "a reason has to be true"
                self.masks[x] = self.masks.get(x, 0) | mask
                self.touched.add(x)

    def since(self, before: Node) -> list[int]:
        """Variables whose literals are not true yet in that node."""
        return [x for x, mask in self.masks.items() if mask & before.sets[x]]

    def drop_implied(self, kept: int, past: Iterable[Removal]) -> None:
        """Drop literals that the others imply, all but that of one variable.

        Args:
            past: earlier removals, the last one first.
        """
        for x, old, mask, reason in past:
            self._node.undo(x, old)
            need = self.masks.get(x, 0)
            if x != kept and reason and need & old & ~mask:
                rest = self.masks | {x: need & mask}
                because = explained(reason, self._node, need & ~mask)
                if all(not m & self._root[y] & ~rest.get(y, 0) for y, m in because):
                    self.masks[x] = need & mask


def _last_loss(conflict: Conflict, node: Node) -> int:
    """What the last removal took from the variable that has nothing left; of a bound, no more than
    it needs for that."""
    x, mask = conflict.x, conflict.mask
    if x < len(node.first):
        if mask < 0 and not -mask & ~mask:
            return up_to_bit(node.last[x])
        if mask >= 0 and not mask & mask + 1:
            return from_bit(node.first[x])
    return ~mask


def _lesson(needs: _Needs, x: int, above: Sequence[Node]) -> Lesson:
    """The row, with the one literal first that became true below all these nodes."""
    others = []
    for y, mask in needs.masks.items():
        if y != x and mask:
            since = next(i for i, node in enumerate(above) if not node.sets[y] & mask)
            others.append((since, y, mask))
    others.sort(reverse=True)
    row = [(x, needs.masks[x]), *((y, mask) for _, y, mask in others)]
    levels = {since for since, _, _ in others}
    return Lesson(row, max(levels, default=0), len(levels) + 1, needs.touched)
