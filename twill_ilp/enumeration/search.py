r"""Implicit enumeration of the joint problem: fix, propagate, learn from a conflict.

A decision halves what is possible: one slot (or one start, one group, one half of a window, two
classes together or apart).  It is propagated, so that a dive ends with a schedule or a conflict; a
conflict teaches a row (:mod:`.analysis`) that leads back to where it says something.  A conflict
that no decision has to do with ends the tree: a refutation.  Now and then the dive begins at the
root again, with the rows that were learned.

Variables that had to do with a conflict gain weight, and the one with the fewest choices per weight
is next (Boussemart et al., ECAI 2004); but first of all the one whose decision led to the last
conflict (Lecoutre et al. 2009, https://doi.org/10.1016/j.artint.2009.09.002).  What a variable was
when it was last decided is tried first (Pipatsrisawat and Darwiche, SAT 2007).
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from twill_ilp.enumeration.analysis import learn
from twill_ilp.enumeration.case import Case
from twill_ilp.enumeration.conflict import Conflict, Reason
from twill_ilp.enumeration.learned import Learned
from twill_ilp.enumeration.node import Node, is_single
from twill_ilp.enumeration.parts import joined_starts
from twill_ilp.enumeration.propagation import propagate
from twill_ilp.enumeration.together import APART, TOGETHER

__all__ = ["Enumeration"]

FIRST_LIMIT, GROWTH = 30, 1.1
"""Conflicts before the first return to the root, and how many times as many before the next."""

GAIN = 1.05
"""How much more the blame for a conflict weighs than that for the one before it."""

PIN_CONFLICTS = 150
"""Conflicts after which the tree is planted anew, with another operation in cycle 0."""

FIRST_MOST, MOST_GROWTH = 500, 1.05
"""Learned rows that are kept at the first return to the root, and how many times as many at the
next."""


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
    _left: float = FIRST_LIMIT
    _gain: float = 1.0
    _last: int = -1
    _most: float = FIRST_MOST
    _pinned: int | None = None

    def __post_init__(self) -> None:
        self._plant()

    def _plant(self) -> None:
        """Begin with the root."""
        root = Node(self.case)
        chance = random.Random(self.seed)
        self._weight = [1.0 + chance.random() / 1000 for _ in root.sets]
        self._late = _late_starts(self.case)
        self._saved = [0] * len(root.sets)
        self._learned = Learned(len(root.sets), self.case.covering)
        self._levels, self._marks = [root], [0]  # nodes from the root on, and their trail's length
        self._ended = not all(root.sets)  # nothing is wide enough for somebody
        try:
            propagate(root, self._learned)
        except Conflict:
            self._ended = True
        root.trail.clear()

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
            if self._pinned is None and self.conflicts >= PIN_CONFLICTS:
                self._pin()
                continue
            if self._left < 0:
                self._restart()
            choice = self._choose(self._levels[-1])
            if choice:
                self._decide(*choice)
            else:
                self.found = self._levels[-1]

    def schedule(self) -> tuple[dict[str, int], dict[str, int]]:
        """Starts (cycles) and groups of the schedule that was found."""
        assert self.found
        case, node, count = self.case, self.found, len(self.found.first)
        graph = case.line.core.graph
        start = [case.frame.base + first for first in node.first]
        group = {
            op.name: node.sets[count + c].bit_length() - 1
            for op, c in zip(graph, case.groups.class_of, strict=True)
        }
        spills = "spills" in case.line.rules
        spill = [
            graph.by_name[e.src].spill if spills and group[e.src] != group[e.dst] else 0
            for e in graph.dependences
        ]
        return joined_starts(graph, case.frame.ii, case.part, start, spill), group

    def _decide(self, x: int, mask: int) -> None:
        """One node deeper; from a conflict back to where the row that it teaches says something."""
        reason: Reason = ()
        deeper = True
        while not self._ended:
            node = self._levels[-1].copy()
            try:
                node.keep(x, mask, *reason)
                propagate(node, self._learned)
            except Conflict as conflict:
                above = self._levels if deeper else self._levels[:-1]
                self._last = x if deeper else self._last
                x, mask, reason = self._learn(conflict, node, above)
                deeper = False
            else:
                if not deeper:
                    self._levels.pop()
                    self._marks.pop()
                self._levels.append(node)
                self._marks.append(len(node.trail))
                return

    def _learn(
        self, conflict: Conflict, node: Node, above: Sequence[Node]
    ) -> tuple[int, int, Reason]:
        """Back to where the row that follows says something; what it leaves to which variable."""
        self.conflicts += 1
        self._left -= 1
        self._save(self._levels[-1].sets)
        lesson = learn(conflict, node, above)
        if lesson is None:
            self._ended = True
            return -1, 0, ()
        self._blame(lesson.touched)
        self._back(lesson.level)
        return *lesson.row[0], self._learned.add(lesson.row, lesson.levels)

    def _pin(self) -> None:
        """Plant the tree anew, with the operation in cycle 0 that most learned rows are about."""
        often = self._learned.presence(len(self.case.waiting.blocked))
        self._pinned = max(range(len(often)), key=often.__getitem__)
        self.case = self.case.pinned(self._pinned)
        self._limit = self._left = FIRST_LIMIT
        self._gain, self._last, self._most = 1.0, -1, FIRST_MOST
        self._plant()

    def _back(self, level: int) -> None:
        """To an earlier node."""
        del self._levels[level + 1 :], self._marks[level + 1 :]
        del self._levels[0].trail[self._marks[level] :]

    def _restart(self) -> None:
        """To the root, with more conflicts before the next time."""
        self._back(0)
        self._limit *= GROWTH
        self._left = self._limit
        self._learned.forget(self._levels[0], int(self._most))
        self._most *= MOST_GROWTH

    def _blame(self, touched: Iterable[int]) -> None:
        """Give weight to variables that have to do with a conflict."""
        self._gain *= GAIN
        for x in touched:
            self._weight[x] += self._gain
        if self._gain > 1e100:
            self._weight = [max(weight / 1e100, 1e-100) for weight in self._weight]
            self._gain /= 1e100

    def _save(self, sets: Sequence[int]) -> None:
        """Remember what is decided."""
        for x, choices in enumerate(sets):
            if is_single(choices):
                self._saved[x] = choices

    def _choose(self, node: Node) -> tuple[int, int] | None:
        """A variable and the part of its set to try first; ``None`` if all is decided."""
        x = self._last
        if x < 0 or is_single(node.sets[x]):
            x = self._heaviest(node.sets)
        if x < 0:
            return None
        if x < len(node.first):
            return x, self._first_starts(node, x)
        return x, self._saved[x] & node.sets[x] or self._first_side(node, x)

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
        starts, frame, first, last = node.sets[v], self.case.frame, node.first[v], node.last[v]
        saved, late = self._saved[v] & starts, self._late[v]
        if last - first >= frame.ii and v < len(node.slot) and node.slot[v] < 0:
            slots = frame.slots_of(saved or starts)
            return frame.starts_in(1 << slots.bit_length() - 1 if late else slots & -slots)
        wanted = saved or 1 << (last if late else first)
        if 2 * (last - first) >= frame.ii:
            middle = (first + last) // 2 + 1
            return -1 << middle if wanted >> middle else (1 << middle) - 1
        return wanted

    def _first_side(self, node: Node, x: int) -> int:
        """Of a pair: together if they are tied, as few groups are wanted; in a hard question apart,
        which implies more."""
        together = self.case.together
        if x < together.first:
            return self._first_group(node, x)
        return TOGETHER if together.tied(x) and self._pinned is None else APART

    def _first_group(self, node: Node, x: int) -> int:
        """The group with which the class exchanges most words; of empty ones the first."""
        traffic, count = self.case.traffic, len(node.first)
        words: dict[int, int] = {}
        for c, d, u in traffic.values:
            for mine, other in ((count + c, count + d), (count + d, count + c)):
                if mine == x and is_single(node.sets[other]) and node.sets[other] & node.sets[x]:
                    words[node.sets[other]] = words.get(node.sets[other], 0) + traffic.words[u]
        return max(words, key=words.__getitem__) if words else node.sets[x] & -node.sets[x]


def _late_starts(case: Case) -> list[bool]:
    """Whether a node had better start late: its own value takes more than those that it ends."""
    saved = [0.0] * len(case.starts)
    for capacity, values in [*case.lives.memories, case.lives.registers]:
        for value in values:
            for v, _ in value.uses:
                saved[v] -= value.amount / max(1, capacity)
            saved[value.u] += value.amount / max(1, capacity)
    return [amount > 0 for amount in saved]
