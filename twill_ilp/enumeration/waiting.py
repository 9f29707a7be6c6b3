r"""Concurrency: while an operation waits, no other of its group is in progress.

For v that waits and o of its group, held for :math:`h_o` cycles,
:math:`(start_v - start_o) \bmod II \notin [0, h_o)`.  As soon as the slot of one of them is known,
this forbids slots of the other; or, if nothing is left for the other, that they share a group.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from twill_ilp.enumeration.frame import Frame
from twill_ilp.ilp import Timeline
from twill_ilp.rules import held_cycles

if TYPE_CHECKING:
    from twill_ilp.enumeration.node import Node

__all__ = ["Waiting", "exclude_all", "find_waiting"]


class Waiting:
    """Who waits, for whom, and who is in the way.

    Attributes:
        blocked: whether an operation waits in every schedule.
        senders: of the others, the classes of those whose register value they read.
        receivers: of every class, the operations whose waiting depends on its group.
        held: cycles for which an operation is in progress, II at most.
        others: of every operation, those that exclude it, or it them, if they share a group.
    """

    def __init__(self, line: Timeline, class_of: Sequence[int], frame: Frame) -> None:
        graph, rules = line.core.graph, line.rules
        index = {op.name: i for i, op in enumerate(graph)}
        self._frame, every = frame, range(len(graph))
        self.class_of = class_of
        self.held = [min(frame.ii, held_cycles(op, rules.readings)) for op in graph]
        self.blocked = [False for _ in graph]
        self.senders: list[set[int]] = [set() for _ in graph]
        for e in graph.dependences if "concurrency" in rules else ():
            u, v = index[e.src], index[e.dst]
            self.blocked[v] |= e.blocking
            if graph.operations[u].registers and class_of[u] != class_of[v]:
                self.senders[v].add(class_of[u])
        for v in every:
            if self.blocked[v]:
                self.senders[v] = set()
        self.receivers = [
            [v for v in every if self.senders[v] and c in {class_of[v], *self.senders[v]}]
            for c in range(len(line.bonds))
        ]
        may = [self.blocked[v] or bool(self.senders[v]) for v in every]
        held = self.held
        self.others = [
            [y for y in every if y != x and ((may[y] and held[x]) or (may[x] and held[y]))]
            for x in every
        ]
        self.run = cache(self._run)

    def _run(self, first: int, length: int) -> int:
        """All starts in so many slots from that one on."""
        return self._frame.starts_in(self._frame.rotated((1 << length) - 1, first))


def exclude(node: Node, x: int, y: int) -> None:
    """What the known slot of x leaves to y, if they share a group; else nothing.

    Raises:
        Conflict: nothing is left.
    """
    waiting, groups = node.case.waiting, node.groups
    c, d = waiting.class_of[x], waiting.class_of[y]
    if c != d and not groups[c] & groups[d]:
        return
    slot, forbidden, held = node.slot[x], 0, waiting.held
    if node.waits[y] and held[x]:
        forbidden = waiting.run(slot, held[x])
    if node.waits[x] and held[y]:
        forbidden |= waiting.run(slot - held[y] + 1, held[y])
    theirs = node.starts[y]
    if not theirs & forbidden:
        return
    c_is_known, d_is_known = (not g & (g - 1) for g in (groups[c], groups[d]))
    if c == d or (c_is_known and d_is_known):
        node.keep_starts(y, ~forbidden)
    elif not theirs & ~forbidden:
        if c_is_known:
            node.keep_groups(d, ~groups[c])
        elif d_is_known:
            node.keep_groups(c, ~groups[d])


def exclude_all(node: Node, x: int) -> None:
    """The same for all others, if the slot of x is known."""
    if node.slot[x] >= 0:
        for y in node.case.waiting.others[x]:
            exclude(node, x, y)


def find_waiting(node: Node, c: int) -> list[int]:
    """Operations that are sure to wait now that the groups of a class are fewer."""
    waiting, groups, found = node.case.waiting, node.groups, []
    for v in waiting.receivers[c]:
        mine = groups[waiting.class_of[v]]
        if not node.waits[v] and any(not groups[d] & mine for d in waiting.senders[v]):
            node.waits[v] = True
            found.append(v)
            exclude_all(node, v)
            for x in waiting.others[v]:
                if node.slot[x] >= 0:
                    exclude(node, x, v)
    return found
