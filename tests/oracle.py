"""A brute force for the modulo problem on tiny loops: the minimum II, then the minimum length.

It shares nothing with the package but the data classes.  :func:`optimum` is the oracle;
:func:`naive_length` is a second one that merely tries all starts, to judge the first.

Why :func:`optimum` is exact
----------------------------
*Time 0.*  Shifting all starts by a constant keeps every rule and the length
``L = max(start + cycles) - min(start)``.  So let the first start be 0; L is then
``max(start + cycles)``.

*Slots.*  At a fixed II the units see a start only through its slot, start mod II.  The search
tries all slots of the operations that use a unit, as long as the units have room.

*Starts.*  For fixed slots (of some operations; the others are free) the starts must satisfy
``start >= 0``, ``start(v) >= start(u) + delay - distance * II`` and, where the slot is fixed,
``start = slot (mod II)``.  The minimum of two solutions is a solution, so if there is one
there is one that is least for *all* operations at once.  It is the fixpoint from below of
"raise start(v) to its bound, then on to its slot", and its ``max(start + cycles)`` is the
least of all.  Fixing one more slot can only raise it, so it is a lower bound for the whole
subtree of the search, and a parent's starts are a sound place to go on from.  A leaf with a
first start above 0 counts as longer than it is, but the same schedule shifted is a leaf too.

*No solution.*  Follow the chain of raises that led to a start.  Between two fixed operations
it passes free ones only; there, and from a fixed operation to itself, coming back to the same
operation gains a constant.  If no such gain is positive, a longest chain visits each of the m
fixed operations once and each of the f free ones once between them: it has fewer than
``(m + 1)(f + 1)`` steps, and one sweep over all dependences makes at least one step.  So a
start that still rises in sweep ``(m + 1)(f + 1)`` rises for ever: there is no solution.

*An II that suffices.*  Operations on a distance-0 cycle (its delays are 0) start together in
every schedule.  If their tables overload a unit together, no II works (:func:`_never`).
Otherwise run the groups that start together one after the other, each when the one before has
left its units and its delays are over: everything happens within S = (sum of all ends of use)
+ (sum of all delays) cycles, so at II = S + (largest delay) nothing wraps, and dependences of
distance >= 1 hold as well.  The search for II needs to go no further.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from math import inf

from twill_ilp.graph import LoopGraph, Operation
from twill_ilp.problem import Problem

Starts = dict[str, int]


@dataclass(frozen=True)
class Optimum:
    """Minimum II, minimum length at that II (cycles) and starts that reach both."""

    ii: int
    length: int
    start: Mapping[str, int]


def optimum(problem: Problem) -> Optimum | None:
    """The exact optimum, or ``None`` if no II admits a schedule.  Meant for <= 6 operations."""
    if _never(problem):
        return None
    for ii in range(1, sufficient_ii(problem.graph) + 1):
        best = shortest(problem, ii)
        if best is not None:
            return best
    raise AssertionError(f"{problem.graph}: no schedule at an II that must suffice")


def sufficient_ii(graph: LoopGraph) -> int:
    """An II at which a schedule exists if one exists at any II (cycles)."""
    ends = sum(max((row.end for row in op.usage), default=0) for op in graph)
    delays = [e.delay for e in graph.dependences]
    return max(1, ends + sum(delays) + max(delays, default=0))


def shortest(problem: Problem, ii: int) -> Optimum | None:
    """A schedule of minimum length at this II, or ``None`` if the II is impossible."""
    starts = _raised(problem.graph, ii, {op.name: 0 for op in problem.graph}, {})
    return None if starts is None else _Search(problem, ii).run(starts)


class _Search:
    """Depth first over the slots of the operations that use a unit, best length kept."""

    def __init__(self, problem: Problem, ii: int) -> None:
        self.problem, self.ii = problem, ii
        self.users = sorted(
            (op for op in problem.graph if op.usage),
            key=lambda op: -sum(row.cycles * row.amount for row in op.usage),
        )
        self.slots: dict[str, int] = {}
        self.held: dict[tuple[str, int], int] = defaultdict(int)
        self.best: Optimum | None = None

    def run(self, starts: Starts) -> Optimum | None:
        self._descend(0, starts)
        return self.best

    def _descend(self, depth: int, starts: Starts) -> None:
        graph, ii = self.problem.graph, self.ii
        length = max(starts[op.name] + op.cycles for op in graph)
        if self.best is not None and length >= self.best.length:
            return
        if depth == len(self.users):
            self.best = Optimum(ii, length, starts)
            return
        op = self.users[depth]
        earliest = starts[op.name]
        for slot in (start % ii for start in range(earliest, earliest + ii)):
            if self._occupy(op, slot, +1):
                self.slots[op.name] = slot
                raised = _raised(graph, ii, starts, self.slots)
                if raised is not None:
                    self._descend(depth + 1, raised)
                del self.slots[op.name]
            self._occupy(op, slot, -1)

    def _occupy(self, op: Operation, slot: int, sign: int) -> bool:
        """Add (or take back) the reservation of ``op``; whether its units have room for it."""
        room = True
        for unit, cycle, amount in _cells(op):
            cell = unit, (slot + cycle) % self.ii
            self.held[cell] += sign * amount
            room = room and self.held[cell] <= self.problem.machine.units[unit]
        return room


def _raised(graph: LoopGraph, ii: int, starts: Starts, slots: Mapping[str, int]) -> Starts | None:
    """Least starts above ``starts`` that obey dependences and slots; ``None``: there are none."""
    least = {
        name: start + (slots[name] - start) % ii if name in slots else start
        for name, start in starts.items()
    }
    for _ in range((len(slots) + 1) * (len(graph) - len(slots) + 1)):
        settled = True
        for e in graph.dependences:
            bound = least[e.src] + e.delay - e.distance * ii
            if least[e.dst] < bound:
                if e.dst in slots:
                    bound += (slots[e.dst] - bound) % ii
                least[e.dst] = bound
                settled = False
        if settled:
            return least
    return None


def _never(problem: Problem) -> bool:
    """Whether operations that must start together overload a unit, whatever the II."""
    after: dict[str, set[str]] = {op.name: {op.name} for op in problem.graph}
    for _ in problem.graph:
        for e in problem.graph.dependences:
            if e.distance == 0:
                after[e.src] |= after[e.dst]
    for op in problem.graph:
        together = [
            other
            for other in problem.graph
            if other.name in after[op.name] and op.name in after[other.name]
        ]
        held: dict[tuple[str, int], int] = defaultdict(int)
        for unit, cycle, amount in (cell for other in together for cell in _cells(other)):
            held[unit, cycle] += amount
        if any(amount > problem.machine.units[unit] for (unit, _), amount in held.items()):
            return True
    return False


def _cells(op: Operation) -> Iterator[tuple[str, int, int]]:
    """``(unit, cycle after the start, amount)`` for every cycle of the reservation table."""
    for row in op.usage:
        for cycle in range(row.start, row.end):
            yield row.unit, cycle, row.amount


def obeys(problem: Problem, ii: int, start: Mapping[str, int]) -> bool:
    """Whether the starts are a schedule: the definition, cycle by cycle."""
    for e in problem.graph.dependences:
        if start[e.dst] + e.distance * ii - start[e.src] < e.delay:
            return False
    held: dict[tuple[str, int], int] = defaultdict(int)
    for op in problem.graph:
        for unit, cycle, amount in _cells(op):
            held[unit, (start[op.name] + cycle) % ii] += amount
    return all(amount <= problem.machine.units[unit] for (unit, _), amount in held.items())


def naive_length(problem: Problem, ii: int, horizon: int) -> int | None:
    """Minimum length over all starts in ``[0, horizon)``; ``None`` if none is a schedule."""
    names = [op.name for op in problem.graph]
    best = inf
    for times in product(range(horizon), repeat=len(names)):
        start = dict(zip(names, times, strict=True))
        if min(times) == 0 and obeys(problem, ii, start):
            best = min(best, max(start[op.name] + op.cycles for op in problem.graph))
    return None if best == inf else int(best)


def sufficient_horizon(graph: LoopGraph, ii: int) -> int:
    """Cycles within which all starts of some shortest schedule lie, if there is a schedule.

    A least solution (see above) is reached by a chain that visits every operation once when
    all slots are fixed; each step adds at most the largest delay and II - 1 up to the slot.
    """
    return len(graph) * (max((e.delay for e in graph.dependences), default=0) + ii)
