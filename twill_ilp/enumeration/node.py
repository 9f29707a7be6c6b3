"""A node of the enumeration: what is still possible, and what has to be looked at again."""

from __future__ import annotations

from twill_ilp.enumeration.case import Case
from twill_ilp.enumeration.conflict import Conflict
from twill_ilp.enumeration.frame import first_bit

__all__ = ["Node", "is_single"]


class Node:
    """What is still possible.

    Attributes:
        starts: the set of starts of every node, see :class:`~.frame.Frame`.
        first, last: the first and the last of them, as bits.
        groups: the set of group slots of every class of bonded operations.
        paths: longest paths, with the spills that are sure.
        slot: the slot of every node, once only one is left; else -1.
        opened: the set of group slots that have a member.
        waits: whether an operation is sure to wait.
        load: what is used of every shared unit, slot by slot (:mod:`.units`).
        moved, regrouped: nodes and classes whose sets have become smaller.
    """

    __slots__ = (
        "case",
        "first",
        "groups",
        "last",
        "load",
        "moved",
        "opened",
        "paths",
        "regrouped",
        "slot",
        "starts",
        "waits",
    )

    def __init__(self, case: Case) -> None:
        self.case = case
        self.starts = list(case.starts)
        self.first = [first_bit(starts) for starts in self.starts]
        self.last = [starts.bit_length() - 1 for starts in self.starts]
        self.groups = list(case.groups.possible)
        self.paths = case.paths
        self.slot = [-1] * len(case.starts)
        self.opened = 0
        self.waits = list(case.waiting.blocked)
        self.load = [0] * len(case.units.shared)
        self.moved = set(range(len(self.starts)))
        self.regrouped = set(range(len(self.groups)))

    def copy(self) -> Node:
        """The same, with nothing to look at again."""
        other = Node.__new__(Node)
        other.case = self.case
        other.starts = self.starts.copy()
        other.first = self.first.copy()
        other.last = self.last.copy()
        other.groups = self.groups.copy()
        other.paths = self.paths
        other.slot = self.slot.copy()
        other.opened = self.opened
        other.waits = self.waits.copy()
        other.load = self.load.copy()
        other.moved = set()
        other.regrouped = set()
        return other

    def keep_starts(self, v: int, mask: int) -> None:
        """Leave node v the starts that are in the mask.

        Raises:
            Conflict: there is none.
        """
        left = self.starts[v] & mask
        if left != self.starts[v]:
            if not left:
                raise Conflict(v)
            self.starts[v] = left
            self.first[v] = first_bit(left)
            self.last[v] = left.bit_length() - 1
            self.moved.add(v)

    def keep_groups(self, c: int, mask: int) -> None:
        """Leave class c the group slots that are in the mask.

        Raises:
            Conflict: there is none.
        """
        left = self.groups[c] & mask
        if left != self.groups[c]:
            if not left:
                raise Conflict(len(self.starts) + c)
            self.groups[c] = left
            self.regrouped.add(c)

    def keep(self, variable: int, mask: int) -> None:
        """The one or the other of these, by the number of the variable."""
        if variable < len(self.starts):
            self.keep_starts(variable, mask)
        else:
            self.keep_groups(variable - len(self.starts), mask)


def is_single(choices: int) -> bool:
    """Whether a set has one element."""
    return not choices & (choices - 1)
