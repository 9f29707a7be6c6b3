"""A node of the enumeration: what is still possible, and why the rest is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twill_ilp.enumeration.conflict import Conflict, Removal
from twill_ilp.enumeration.frame import first_bit

if TYPE_CHECKING:
    from twill_ilp.enumeration.case import Case

__all__ = ["Node", "is_single"]


class Node:
    """What is still possible.

    Attributes:
        sets: of every node its starts, see :class:`~.frame.Frame`; then of every class of bonded
            operations its group slots; then of every two classes whether they are apart or
            together, see :mod:`.together`.  Their index is the number of the *variable*.
        first, last: the first and the last start of every node, as bits.
        trail: what was removed on the way here, shared by all nodes on that way.
        paths: longest paths, with the spills that are sure.
        slot: the slot of every operation, once only one is left; else -1.
        opened: the set of group slots that have a member.
        waits: whether an operation is sure to wait.
        load: what is used of every shared unit, slot by slot (:mod:`.units`).
        moved: variables whose sets have become smaller.
        asked: the sets when learned rows were last asked about them.
    """

    __slots__ = (
        "asked",
        "case",
        "first",
        "last",
        "load",
        "moved",
        "opened",
        "paths",
        "sets",
        "slot",
        "trail",
        "waits",
    )

    def __init__(self, case: Case) -> None:
        self.case = case
        self.sets = [*case.starts, *case.groups.possible, *case.together.possible]
        self.first = [first_bit(starts) for starts in case.starts]
        self.last = [starts.bit_length() - 1 for starts in case.starts]
        self.trail: list[Removal] = []
        self.paths = case.paths
        self.slot = [-1] * len(case.waiting.blocked)
        self.opened = 0
        self.waits = list(case.waiting.blocked)
        self.load = [0] * len(case.units.shared)
        self.moved = set(range(len(self.sets)))
        self.asked = [-1] * len(self.sets)

    def copy(self) -> Node:
        """The same, with nothing to look at again."""
        other = Node.__new__(Node)
        other.case = self.case
        other.sets = self.sets.copy()
        other.first = self.first.copy()
        other.last = self.last.copy()
        other.trail = self.trail
        other.paths = self.paths
        other.slot = self.slot.copy()
        other.opened = self.opened
        other.waits = self.waits.copy()
        other.load = self.load.copy()
        other.moved = set()
        other.asked = self.sets.copy()
        return other

    def keep(self, x: int, mask: int, *reason: object) -> None:
        """Leave variable x what is in the mask.

        Args:
            reason: a function and its arguments, see :data:`~.conflict.Reason`; nothing for a
                decision.

        Raises:
            Conflict: nothing is left.
        """
        old = self.sets[x]
        left = old & mask
        if left == old:
            return
        if not left:
            raise Conflict(reason, x, mask)
        self.trail.append((x, old, mask, reason))
        self.sets[x] = left
        if x < len(self.first):
            self.first[x] = first_bit(left)
            self.last[x] = left.bit_length() - 1
        self.moved.add(x)

    def undo(self, x: int, old: int) -> None:
        """Give variable x back what it had before (only the sets, and first and last)."""
        self.sets[x] = old
        if x < len(self.first):
            self.first[x] = first_bit(old)
            self.last[x] = old.bit_length() - 1


def is_single(choices: int) -> bool:
    """Whether a set has one element."""
    return not choices & (choices - 1)
