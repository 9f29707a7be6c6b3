r"""What every schedule of the joint problem obeys at one II: one node per operation.

The joint problem cannot remove operations as the modulo problem does (:mod:`.reduction`): each
needs a warp group, and its start decides how long its operands live.  But it has more rows
between starts:

- **Deadlines.**  If a memory or a warp's registers hold at most M instances of value u, then u
  lives at most M * II cycles: a use v at distance :math:`\delta` obeys
  :math:`start_u - start_v \ge \delta\,II - M\,II` (plus the cycles of v where a value is dead
  only at the completion of its last use).
- **Length.**  A node ``begin`` stands for cycle 0 of the schedule:
  :math:`start_v - begin \ge 0` and :math:`begin - start_v \ge cycles_v - L`.

- **Spills** that are sure, because the groups are known to differ (:mod:`.bonds`).

Longest paths over all of them (Floyd-Warshall, exact integers) give the windows.  A positive
cycle means that no schedule exists.  :mod:`.tightened` makes the paths longer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from twill_ilp.bounds import Recurrence, positive_cycle, positive_cycle_among
from twill_ilp.errors import OptionError
from twill_ilp.graph import Dependence, LoopGraph
from twill_ilp.ilp.bonds import bonded, split_bond, surely_spilled
from twill_ilp.ilp.deadlines import Use, most_instances, uses_of
from twill_ilp.ilp.formulation import Window
from twill_ilp.ilp.reduction import UNREACHABLE, Core, Node
from twill_ilp.machine import Machine
from twill_ilp.rules import Rules

__all__ = ["Timeline", "assembled", "timeline", "windows_pinned"]


@dataclass(frozen=True)
class Timeline:
    """The loop at one II and, if given, at most ``length`` cycles long.

    Attributes:
        core: one node per operation, in the graph's order; with a length, ``begin`` as the last.
        bonds: classes of operations that share a group in every schedule.
        conflict: why no schedule exists, or ``""``.
    """

    core: Core
    rules: Rules
    bonds: tuple[tuple[int, ...], ...]
    conflict: str

    @cached_property
    def leader(self) -> tuple[int, ...]:
        """The first operation of every operation's class of bonds."""
        first = {v: members[0] for members in self.bonds for v in members}
        return tuple(first[v] for v in range(len(self.core.graph)))

    @property
    def bond_names(self) -> list[list[str]]:
        """The classes of bonds by name."""
        return [[self.core.graph.operations[v].name for v in members] for members in self.bonds]

    def mates(self, v: int) -> tuple[int, ...]:
        """The operations bonded with v, itself included."""
        return next(members for members in self.bonds if v in members)

    def uses(self, u: int) -> tuple[Use, ...]:
        """Events of which the last one ends the life of u's value.

        An event that another one never precedes is left out; so most values have one.
        """
        return self._uses[u]

    def shortest_life(self, u: int) -> int:
        """Cycles that u's value lives in every schedule."""
        return max(int(self.core.between[u, v]) + offset for v, offset in self.uses(u))

    def most_live(self, u: int) -> int | None:
        """Instances of u's value that live in any slot at most; ``None``: any number."""
        longest = max(offset - int(self.core.between[v, u]) for v, offset in self.uses(u))
        return None if longest > -UNREACHABLE // 4 else -(-longest // self.core.ii)

    @cached_property
    def _uses(self) -> tuple[tuple[Use, ...], ...]:
        between = self.core.between
        result = []
        for u in range(len(self.core.graph)):
            events = uses_of(self.core.graph, u, self.core.ii, self.rules)
            kept: list[Use] = []
            for v, offset in events:
                never_before = [
                    (w, o)
                    for w, o in events
                    if (w, o) != (v, offset) and between[v, w] + o - offset >= 0
                ]
                # Of events that always coincide the first is kept.
                if all(
                    between[w, v] + offset - o >= 0 and (w, o) not in kept for w, o in never_before
                ):
                    kept.append((v, offset))
            result.append(tuple(kept))
        return tuple(result)


def timeline(
    graph: LoopGraph,
    machine: Machine,
    rules: Rules,
    ii: int,
    length: int | None = None,
    partition: Mapping[str, int] | None = None,
    traffic: int | None = None,
) -> Timeline:
    """The rows between starts that hold in every schedule; O(V^3).

    Args:
        graph: with the delays that the rules leave, see :func:`~twill_ilp.rules.effective_graph`.
        partition: the group of every operation, if that is given.
        traffic: most register words that cross groups per iteration, if that is limited.

    Raises:
        OptionError: ``ii`` is below RecMII.
    """
    if positive_cycle(graph, ii):
        raise OptionError(f"II={ii} is below RecMII; raise it")
    spilled = surely_spilled(graph, rules, partition)
    limit = tuple(most_instances(op, machine, rules) for op in graph)
    paths = _rows(graph, spilled, ii, limit, rules, length)
    for via in range(len(paths)):
        np.maximum(paths, paths[:, via, None] + paths[None, via, :], out=paths)
        np.minimum(paths, -UNREACHABLE // 4, out=paths)  # positive cycles grow without end
    paths[paths < UNREACHABLE // 2] = UNREACHABLE
    if (np.diag(paths) > 0).any():
        bonds: tuple[tuple[int, ...], ...] = tuple((v,) for v in range(len(graph)))
        conflict = _conflict(graph, spilled, ii, limit, rules, length)
    else:
        bonds = bonded(graph, ii, rules, paths, traffic)
        conflict = split_bond(graph, rules, bonds, partition)
    return assembled(graph, rules, ii, paths, bonds, conflict)


def assembled(
    graph: LoopGraph,
    rules: Rules,
    ii: int,
    paths: NDArray[np.int64],
    bonds: tuple[tuple[int, ...], ...],
    conflict: str,
) -> Timeline:
    """The timeline of the longest paths between starts; the last may be ``begin``."""
    nodes = [Node(op.name, ((i, 0),), op.usage) for i, op in enumerate(graph)]
    if len(paths) > len(graph):
        nodes.append(Node("begin", (), ()))
    count = len(graph)
    own = paths[:count, :count]
    cycles = np.array([op.cycles for op in graph])
    head = np.maximum(own.max(axis=0), 0)
    tail = (own + cycles[None, :]).max(axis=1)
    core = Core(
        graph,
        ii,
        tuple(nodes),
        edges=() if conflict else tuple(_needed(paths)),
        between=paths,
        head=tuple(map(int, head)),
        tail=tuple(map(int, tail)),
        critical_path=int((head + cycles).max()),
        _paths=paths,
    )
    return Timeline(core, rules, bonds, conflict)


def windows_pinned(t: Timeline) -> list[Window]:
    r"""Windows that keep at least one schedule if there is one; one node is pinned to cycle 0.

    A schedule may be rotated.  The pinned node is the one with the most work on a unit, because
    then the slots of that unit's other users follow; that alone makes proofs many times faster.

    A node without a path to or from the pin stays within ``(V - 1) G`` stages of it, where G is
    the largest of all distances and all :math:`\lceil (w + II - 1) / II \rceil`, w a delay with
    its spill.  For sort the stages of a schedule; where two neighbours are more than G apart,
    move all later operations one stage forward.  No dependence leads from them to an earlier one
    (it would need a distance above G), and those in the other direction keep their delay.  So
    every life stays or gets shorter, slots and groups stay, and the schedule remains valid.
    """
    core, graph = t.core, t.core.graph
    ii, count = core.ii, len(core.nodes)
    spill = {op.name: op.spill for op in graph}
    gap = max(
        (max(e.distance, -(-(e.delay + spill[e.src] + ii - 1) // ii)) for e in graph.dependences),
        default=0,
    )
    reach = ii * ((count - 1) * gap + 1)

    def seen_from(pin: int) -> list[Window]:
        return [
            (max(int(core.between[pin, v]), -reach), min(-int(core.between[v, pin]), reach))
            for v in range(count)
        ]

    def rank(pin: int) -> tuple[int, int]:
        work = max((row.cycles * row.amount for row in core.nodes[pin].usage), default=0)
        return -work, sum(min(ii, last - first) for first, last in seen_from(pin))

    return seen_from(min(range(len(graph)), key=rank))


def _rows(
    graph: LoopGraph,
    spilled: Sequence[Dependence],
    ii: int,
    limit: tuple[int | None, ...],
    rules: Rules,
    length: int | None,
) -> NDArray[np.int64]:
    """Weights of the rows ``start(v) - start(u) >= w``; ``UNREACHABLE`` where there is none."""
    count = len(graph)
    rows = np.full((count + (length is not None),) * 2, UNREACHABLE, dtype=np.int64)
    np.fill_diagonal(rows, 0)
    index = {op.name: i for i, op in enumerate(graph)}
    for e in spilled:
        u, v = index[e.src], index[e.dst]
        rows[u, v] = max(rows[u, v], e.delay - e.distance * ii)
    for u, most in enumerate(limit):
        if most is not None:
            for v, offset in uses_of(graph, u, ii, rules):
                rows[v, u] = max(rows[v, u], offset - most * ii)
    if length is not None:
        rows[-1, :count] = 0
        rows[:count, -1] = [op.cycles - length for op in graph]
    return rows


def _needed(paths: NDArray[np.int64]) -> list[tuple[int, int, int]]:
    """Rows that no two others imply.  Nodes at a fixed distance are no detour for each other."""
    needed = paths > UNREACHABLE
    np.fill_diagonal(needed, False)
    for via in range(len(paths)):
        detour = paths[:, via, None] + paths[None, via, :]
        fixed = paths[:, via] + paths[via, :] == 0
        detour[fixed, :] = detour[:, fixed] = UNREACHABLE * 2
        needed &= detour < paths
    return [(int(u), int(v), int(paths[u, v])) for u, v in np.argwhere(needed)]


def _conflict(
    graph: LoopGraph,
    spilled: Sequence[Dependence],
    ii: int,
    limit: tuple[int | None, ...],
    rules: Rules,
    length: int | None,
) -> str:
    """What closes the positive cycle: spills, one value's life, the length, or lives together.

    Args:
        spilled: the dependences with the spills that are sure.
    """
    if cycle := positive_cycle_among(spilled, ii):
        return f"{Recurrence(ii + 1, cycle)}, with the spills between groups"
    free = timeline(graph, Machine("unlimited", {}), rules.without(*rules.families), ii)
    for u, most in enumerate(limit):
        life = free.shortest_life(u)
        if most is not None and life > most * ii:
            return (
                f"the value of {graph.operations[u].name} lives at least {life} cycles, and only "
                f"{most} of it can live at once, which is {most * ii} cycles"
            )
    if length is not None and length < free.core.critical_path:
        return f"the critical path takes {free.core.critical_path} cycles"
    return "values would live longer than memories and registers hold them"
