r"""Concurrency: while an operation waits, no other of its group is in progress.

For v that waits and o of its group, held for :math:`h_o` cycles,
:math:`(start_v - start_o) \bmod II \notin [0, h_o)`.  As soon as the slot of one of them is known,
this forbids slots of the other; or, if nothing is left for the other, they are apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache

from twill_ilp.enumeration.conflict import Literal
from twill_ilp.enumeration.frame import Frame
from twill_ilp.enumeration.node import Node
from twill_ilp.enumeration.together import are_apart, are_together, part, why_apart, why_together
from twill_ilp.ilp import Timeline
from twill_ilp.rules import held_cycles

__all__ = ["Waiting", "exclude", "exclude_all", "find_waiting", "surely_waits", "why_waits"]


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
        self._run = cache(self._slots_from)

    def forbidden(self, x: int, slot: int, y: int, x_waits: bool, y_waits: bool) -> int:
        """Starts of y that meet x in its slot, if they share a group."""
        held, mask = self.held, 0
        if y_waits and held[x]:
            mask = self._run(slot, held[x])
        if x_waits and held[y]:
            mask |= self._run(slot - held[y] + 1, held[y])
        return mask

    def excluding(self, x: int, slots: int, y: int, x_waits: bool, y_waits: bool) -> int:
        """Slots of x that forbid y all of those slots, if they share a group."""
        result = -1
        while slots:
            r = (slots & -slots).bit_length() - 1
            slots &= slots - 1
            result &= self._frame.slots_of(self.forbidden(y, r, x, y_waits, x_waits))
        return result

    def _slots_from(self, first: int, length: int) -> int:
        """All starts in so many slots from that one on."""
        return self._frame.starts_in(self._frame.rotated((1 << length) - 1, first))


def exclude(node: Node, x: int, y: int) -> None:
    """What the slot of x leaves to y, if it is known and they share a group; else nothing.

    Raises:
        Conflict: nothing is left.
    """
    waiting, sets = node.case.waiting, node.sets
    c, d = waiting.class_of[x], waiting.class_of[y]
    if node.slot[x] < 0 or are_apart(node, c, d):
        return
    forbidden = waiting.forbidden(x, node.slot[x], y, node.waits[x], node.waits[y])
    theirs = sets[y]
    if not theirs & forbidden:
        return
    if are_together(node, c, d):
        node.keep(y, ~forbidden, _excluded, x, y)
    elif not theirs & ~forbidden:
        part(node, c, d, _parted, x, y)


def exclude_all(node: Node, x: int) -> None:
    """The same for all others, if the slot of x is known."""
    if node.slot[x] >= 0:
        for y in node.case.waiting.others[x]:
            exclude(node, x, y)


def find_waiting(node: Node, c: int) -> list[int]:
    """Operations that are sure to wait now that the groups of a class are fewer."""
    waiting, found = node.case.waiting, []
    for v in waiting.receivers[c]:
        if not node.waits[v] and _sender(node, v) is not None:
            node.waits[v] = True
            found.append(v)
            exclude_all(node, v)
            for x in waiting.others[v]:
                exclude(node, x, v)
    return found


def surely_waits(node: Node, v: int) -> bool:
    """Whether the groups that are left make v wait."""
    return node.case.waiting.blocked[v] or _sender(node, v) is not None


def why_waits(node: Node, v: int) -> Iterator[Literal]:
    """Why v is sure to wait."""
    if not node.case.waiting.blocked[v]:
        sender = _sender(node, v)
        assert sender is not None
        yield from why_apart(node, sender, node.case.waiting.class_of[v])


def _sender(node: Node, v: int) -> int | None:
    """A class that is sure to send v a value from another group."""
    waiting = node.case.waiting
    mine = waiting.class_of[v]
    return next((d for d in waiting.senders[v] if are_apart(node, d, mine)), None)


def _excluded(node: Node, removed: int, x: int, y: int) -> Iterator[Literal]:
    """Why y is not there: x is near, they share a group, and one of them waits."""
    waiting, frame = node.case.waiting, node.case.frame
    yield from why_together(node, waiting.class_of[x], waiting.class_of[y])
    slot = frame.slots_of(node.sets[x]).bit_length() - 1
    waits = surely_waits(node, x), surely_waits(node, y)
    for needed in ((False, True), (True, False)):
        if all(has or not need for has, need in zip(waits, needed, strict=True)) and not (
            removed & ~waiting.forbidden(x, slot, y, *needed)
        ):
            waits = needed
            break
    yield x, ~frame.starts_in(waiting.excluding(x, frame.slots_of(removed), y, *waits))
    for v, does in zip((x, y), waits, strict=True):
        if does:
            yield from why_waits(node, v)


def _parted(node: Node, _: int, x: int, y: int) -> Iterator[Literal]:
    """Why the classes of x and y are apart: together nothing would be left for y."""
    waiting, frame = node.case.waiting, node.case.frame
    slot = frame.slots_of(node.sets[x]).bit_length() - 1
    waits = surely_waits(node, x), surely_waits(node, y)
    yield x, ~frame.starts_in(1 << slot)
    yield y, ~waiting.forbidden(x, slot, y, *waits)
    for v, does in zip((x, y), waits, strict=True):
        if does:
            yield from why_waits(node, v)
