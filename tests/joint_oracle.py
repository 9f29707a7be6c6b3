"""A brute force for the joint problem on tiny loops: the minimum II, then any levels.

It shares nothing with the package but the data classes.  The rules are those of
:mod:`twill_ilp.rules`, all families and readings; D(e) is a dependence's delay after streaming
and spills.  The search places one operation after the other: a group, then a slot; last the
stages.  A branch is cut only for a reason that every completion of it shares.

Why it is exact
---------------
*Shift.*  Adding a constant to all starts keeps all rules and levels.  So the first operation
placed is put into slot 0.  *Names of groups* matter only for group 0 when latencies vary: it
then holds just those operations.  Other groups are numbered as they are opened.

*Groups and slots.*  Units, concurrency and everything about groups depend on groups and slots
only.  Widths, the number of groups, amounts held, and the set of operations that wait only grow
as operations are placed; so what is broken stays broken, and warps and traffic are lower bounds.

*Stages.*  For fixed slots, ``start(v) - start(u) >= w`` reads ``stage(v) - stage(u) >=
ceil((w - slot(v) + slot(u)) / II)``: a system of integer differences.  ``gap[u, v]`` is its
longest path from u to v, over the placed operations; a path through others counts in cycles
(``apart``, delays without spills), which is a relaxation while they have no slot.  A cycle of
positive weight has no solution; otherwise the least differences are those of the paths.

*Lifetimes.*  Memory and registers see stages only through the lifetime of each value, the
largest of some differences of starts, and hold the less the shorter it is.  The least difference
of each makes a lower bound for each lifetime, with which limits may cut a branch.  Not all are
least at once, so :meth:`Placement.tighter` tries for each value in turn every length that its
lifetime can have as an upper bound, which is another difference in the system.
The starts of a schedule obey the system made from its own lifetimes; and any starts that obey a
system have lifetimes within its bounds, so if the bounds fit the limits, the starts do.  The
lengths to try end at the first that does not fit, or at that of a value which lives through all
of :func:`joint_placement.horizon`: some best schedule needs no more.

*Length.*  Let u be the operation that starts first: then every v has ``stage(v) >= stage(u)``,
plus 1 if its slot is smaller.  The least solution of the system with these differences has the
least last end of all; trying every u gives the shortest length of the system, and its starts.
If these fit the limits by themselves, no bounds on lifetimes can do better.

All this holds for the placed operations alone, as one of several tests of a branch.

Infeasible at every II is not proven: the search for II ends at ``max_ii``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf

from joint_placement import Bounds, Gap, Placement
from oracle import shortest

from twill_ilp.graph import LoopGraph, Operation
from twill_ilp.problem import Problem
from twill_ilp.rules import Rules

LEVELS = ("length", "warps", "traffic")


@dataclass(frozen=True)
class JointOptimum:
    """Minimum II, the least values of the levels in their order, and a schedule with these."""

    ii: int
    values: tuple[int, ...]
    start: Mapping[str, int]
    group: Mapping[str, int]


def joint_optimum(
    problem: Problem, rules: Rules, levels: Sequence[str] = (), *, max_ii: int = 8
) -> JointOptimum | None:
    """The exact optimum, or ``None`` if no II up to ``max_ii`` admits a schedule."""
    found = (joint_at(problem, ii, rules, levels) for ii in range(1, max_ii + 1))
    return next((best for best in found if best is not None), None)


def joint_at(
    problem: Problem, ii: int, rules: Rules, levels: Sequence[str] = ()
) -> JointOptimum | None:
    """The best schedule at this II, in the order of the levels; ``None`` if there is none.

    ``levels``: any of :data:`LEVELS` (cycles, warps, words); without any, the first one found.
    """
    loop = Problem(released(problem.graph, rules), problem.machine)
    longest: float = inf
    if rules.readings.window == "paper":
        plain = shortest(loop, ii)
        if plain is None:
            return None
        longest = ii * max(1, -(-plain.length // ii))
    # One group and few rules: quick to search.  What is impossible so remains impossible, and
    # nothing that obeys all rules is shorter.
    lax = Rules(tuple({"memory"} & {*rules.families}), rules.readings, max_groups=1)
    relaxed = _Search(loop, ii, lax, ("length",), longest).run()
    if relaxed is None:
        return None
    return _Search(loop, ii, rules, levels, longest, relaxed.values[0]).run()


def released(graph: LoopGraph, rules: Rules) -> LoopGraph:
    """The graph in which streaming operations delay nobody."""
    waiting = {e.dst for e in graph.dependences}
    free = {op.name for op in graph if op.variable_latency and op.name not in waiting}
    if "variable-latency" not in rules:
        return graph
    edges = [replace(e, delay=0) if e.src in free else e for e in graph.dependences]
    return replace(graph, dependences=tuple(edges))


class _Search(Placement):
    """Depth first over groups and slots, operation by operation; the best schedule is kept."""

    def __init__(
        self,
        problem: Problem,
        ii: int,
        rules: Rules,
        levels: Sequence[str],
        longest: float,
        least: int = 0,
    ) -> None:
        super().__init__(problem, ii, rules)
        self.levels, self.longest = levels, longest
        self.order = _order(self.graph)
        path = max(self.apart[u, v] + self.graph.by_name[v].cycles for u, v in self.apart)
        self.least = max(least, path)
        self.varying = any(op.variable_latency for op in self.graph)
        # Operations that may not share a group pay for two.
        parted = "variable-latency" in rules and self.varying
        widest: dict[bool, int] = {}
        for op in self.graph:
            kind = parted and op.variable_latency
            widest[kind] = max(op.warps, widest.get(kind, 0))
        self.fewest = sum(widest.values())
        self.best: JointOptimum | None = None

    def run(self) -> JointOptimum | None:
        if all(self.apart[op.name, op.name] <= 0 for op in self.graph):
            self._place({})
        return self.best

    def _place(self, gap: Gap) -> None:
        """Give the next operation a group and a slot, in every way that breaks no rule."""
        if len(self.slot) == len(self.order):
            return self._finish(gap, {})
        op = self.order[len(self.slot)]
        for group in self._choices(op):
            self.group[op.name] = group
            for slot in range(self.ii if self.slot else 1) if self.groups_fit() else ():
                self.slot[op.name] = slot
                if self.occupy(op, +1) and self.waits_alone():
                    wider = self.widened(gap, op.name)
                    if wider and self._promising(wider) and self.feasible(wider, {}):
                        self._place(wider)
                self.occupy(op, -1)
                del self.slot[op.name]
            del self.group[op.name]

    def _choices(self, op: Operation) -> range:
        """Groups in use that the operation may join, and a new one."""
        first = 1 if "variable-latency" in self.rules and self.varying else 0
        if first and op.variable_latency:
            return range(1)
        return range(first, max([first, *(group + 1 for group in self.group.values())]) + 1)

    def _finish(self, gap: Gap, bounds: Bounds) -> None:
        """All have a slot: look for starts, bounding lifetimes as long as they do not fit."""
        if not self._promising(gap):
            return
        for length, start in self.solutions(gap):
            if self.best is not None and self._values(length) >= self.best.values:
                return
            if length <= self.longest and self.fits(self.lifetimes(gap, start)):
                self.best = JointOptimum(self.ii, self._values(length), start, dict(self.group))
                return
            if "length" in self.levels:
                break
        for system in self.tighter(gap, bounds):
            self._finish(*system)

    def _promising(self, gap: Gap) -> bool:
        """Whether a completion might fit into the window and beat the best schedule so far."""
        if not self.levels and self.longest == inf:
            return self.best is None
        ends = [self.cycles(u, v, gap[u, v]) + self.graph.by_name[v].cycles for u, v in gap]
        length = max(self.least, *ends)
        return length <= self.longest and (
            self.best is None or self._values(length) < self.best.values
        )

    def _values(self, length: float) -> tuple[int, ...]:
        """The levels of a schedule of this length, or lower bounds on them for part of one."""
        readers: dict[str, set[int]] = {op.name: set() for op in self.graph}
        for e in self.edges():
            if self.crosses(e):
                readers[e.src].add(self.group[e.dst])
        value = {
            "length": int(length),
            "warps": max(self.fewest, sum(self.widths().values())),
            "traffic": sum(op.registers * len(readers[op.name]) for op in self.graph),
        }
        return tuple(value[level] for level in self.levels)


def _order(graph: LoopGraph) -> list[Operation]:
    """Operations next to those placed before, then the busy ones, and those with large values."""
    order: list[Operation] = []
    while len(order) < len(graph):
        placed = {op.name for op in order}
        near = {e.dst for e in graph.dependences if e.src in placed}
        near |= {e.src for e in graph.dependences if e.dst in placed}
        weight = {
            op.name: (
                op.name in near,
                sum(row.cycles * row.amount for row in op.usage),
                sum(op.footprint.values()) + op.registers,
            )
            for op in graph
        }
        order.append(max((op for op in graph if op not in order), key=lambda op: weight[op.name]))
    return order
