r"""Implicit enumeration of the joint problem: fix, propagate, go back on a conflict.

A choice halves what is possible: one slot (or one start, one group, the earlier half of a window)
or all others.  Both halves are propagated, so that a dive down the tree ends with a schedule or
a conflict, and a tree without a schedule is a refutation.  A dive has a limit on its conflicts; the
next one begins at the root again, with more of them and other first choices.  The variable that
takes the blame for a conflict gains weight, and the one with the fewest choices per weight is next
(Boussemart et al., ECAI 2004); but first of all the one whose choice led to the last conflict
(Lecoutre et al. 2009, https://doi.org/10.1016/j.artint.2009.09.002).
"""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from twill_ilp.enumeration.case import Case
from twill_ilp.enumeration.conflict import Conflict
from twill_ilp.enumeration.node import Node, is_single
from twill_ilp.enumeration.parts import joined_starts
from twill_ilp.enumeration.propagation import propagate

__all__ = ["Enumeration"]

FIRST_LIMIT, GROWTH = 30, 1.3
"""Conflicts of the first dive, and how many times as many the next one has."""

GAIN = 1.02
"""How much more the blame for a conflict weighs than that for the one before it."""

FLIPPED = 0.4
"""Share of nodes for which a dive begins at the other end than the first one."""

CHANCE = 1e4
"""Register words that chance is worth, at most, when a group is chosen after the first dive."""


@dataclass
class Enumeration:
    """The search tree of one question.

    Attributes:
        case: the question.
        seed: equal seeds give equal trees.
        conflicts: so far.
        found: the node with the schedule, once there is one.
    """

    case: Case
    seed: int = 0
    conflicts: int = 0
    found: Node | None = None
    _ended: bool = False
    _limit: float = FIRST_LIMIT
    _chance: float = 0.0
    _gain: float = 1.0
    _last: int = -1
    _root: Node = field(init=False)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._weight = [1.0] * (len(self.case.starts) + len(self.case.groups.classes))
        self._usual = _late_starts(self.case)
        self._late = self._usual
        self._root = Node(self.case)
        self._ended = not all(self._root.groups)  # nothing is wide enough for somebody
        try:
            propagate(self._root)
        except Conflict:
            self._ended = True

    @property
    def verdict(self) -> Literal["feasible", "infeasible", "unknown"]:
        """What is known so far."""
        if self.found:
            return "feasible"
        return "infeasible" if self._ended else "unknown"

    def run(self, conflicts: int, seconds: float) -> None:
        """Go on for so many more conflicts, and wall seconds, at most."""
        most, end = self.conflicts + conflicts, time.perf_counter() + seconds
        while self.verdict == "unknown" and self.conflicts < most and time.perf_counter() < end:
            if self._dive(self.conflicts + int(self._limit), end):
                self._limit *= GROWTH
                self._chance = CHANCE
                flip = self._random.random
                self._late = [usual ^ (flip() < FLIPPED) for usual in self._usual]

    def schedule(self) -> tuple[dict[str, int], dict[str, int]]:
        """Starts (cycles) and groups of the schedule that was found."""
        assert self.found
        case, node = self.case, self.found
        graph = case.line.core.graph
        start = [case.frame.base + starts.bit_length() - 1 for starts in node.starts]
        group = {
            op.name: node.groups[c].bit_length() - 1
            for op, c in zip(graph, case.groups.class_of, strict=True)
        }
        spills = "spills" in case.line.rules
        spill = [
            graph.by_name[e.src].spill if spills and group[e.src] != group[e.dst] else 0
            for e in graph.dependences
        ]
        return joined_starts(graph, case.frame.ii, case.part, start, spill), group

    def _dive(self, most: int, end: float) -> bool:
        """Down from the root to a schedule or the end of the tree; whether a limit came first."""
        node, path = self._root, []
        while choice := self._choose(node):
            path.append((node, *choice))
            below = self._child(node, *choice)
            if below is None:
                self._last = choice[0]
            while below is None:
                if self.conflicts > most or time.perf_counter() > end:
                    return True
                node, variable, mask = path.pop()
                below = self._child(node, variable, ~self._alike(node, variable, mask))
                if below is None and not path:
                    self._ended = True
                    return False
            node = below
        self.found = node
        return False

    def _child(self, node: Node, variable: int, mask: int) -> Node | None:
        """The node with a choice made and propagated; ``None`` on a conflict."""
        child = node.copy()
        try:
            child.keep(variable, mask)
            propagate(child)
        except Conflict as conflict:
            self._blame(conflict.culprit)
            return None
        return child

    def _blame(self, culprit: int) -> None:
        """Count a conflict, and give weight to who takes the blame for it."""
        self.conflicts += 1
        self._gain *= GAIN
        self._weight[culprit] += self._gain
        if self._gain > 1e100:
            self._weight = [max(weight / 1e100, 1e-100) for weight in self._weight]
            self._gain /= 1e100

    def _alike(self, node: Node, variable: int, mask: int) -> int:
        """What is refuted with a choice: of groups, all that are alike."""
        if variable < len(node.starts):
            return mask
        return self.case.groups.alike(mask, node.opened)

    def _choose(self, node: Node) -> tuple[int, int] | None:
        """A variable and the part of its set to try first; ``None`` if all is decided."""
        sets = [*node.starts, *node.groups]
        if self._last < 0 or is_single(sets[self._last]):
            self._last = -1
            variable = self._heaviest(sets)
        else:
            variable = self._last
        if variable < 0:
            return None
        if variable < len(node.starts):
            return variable, self._first_starts(node, variable)
        return variable, self._first_group(node, variable - len(node.starts))

    def _heaviest(self, sets: Sequence[int]) -> int:
        """The variable with the fewest choices per weight, or -1 if there are none."""
        best, least, most, weight = -1, float("inf"), self.case.frame.ii, self._weight
        for variable, choices in enumerate(sets):
            if choices & (choices - 1):
                rank = min(choices.bit_count(), most) / weight[variable]
                if rank < least:
                    best, least = variable, rank
        return best

    def _first_starts(self, node: Node, v: int) -> int:
        """A slot while several are left, then half of a window, then a start."""
        starts, frame, late = node.starts[v], self.case.frame, self._late[v]
        first, last = node.first[v], node.last[v]
        if last - first >= frame.ii and node.slot[v] < 0 and v < len(node.waits):
            slots = frame.slots_of(starts)
            return frame.starts_in(1 << slots.bit_length() - 1 if late else slots & -slots)
        if 2 * (last - first) >= frame.ii:
            middle = (first + last) // 2 + 1
            return -1 << middle if late else (1 << middle) - 1
        return 1 << (last if late else first)

    def _first_group(self, node: Node, c: int) -> int:
        """The group with which the class exchanges most, later by chance another one."""
        groups = self.case.groups
        liking: dict[int, float] = {}
        left = node.groups[c]
        while left:
            group = left & -left
            left &= ~groups.alike(group, node.opened)
            liking[group] = self._random.random() * self._chance
        for u, v in groups.values:
            for mine, other in ((u, v), (v, u)):
                if groups.class_of[mine] == c and node.groups[groups.class_of[other]] in liking:
                    liking[node.groups[groups.class_of[other]]] += groups.words[u]
        return max(liking, key=liking.__getitem__)


def _late_starts(case: Case) -> list[bool]:
    """Whether a node had better start late: its own value takes more than those that it ends."""
    saved = [0.0] * len(case.starts)
    for capacity, values in [*case.lives.memories, case.lives.registers]:
        for value in values:
            for v, _ in value.uses:
                saved[v] -= value.amount / max(1, capacity)
            saved[value.u] += value.amount / max(1, capacity)
    return [amount > 0 for amount in saved]
