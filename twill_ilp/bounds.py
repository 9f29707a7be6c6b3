"""Lower bounds that need no solver: ResMII, RecMII, and earliest and latest starts.

MII = max(ResMII, RecMII) bounds the initiation interval from below (Rau, "Iterative modulo
scheduling", MICRO 1994, https://doi.org/10.1145/192724.192731, section 2).  Everything is
integer arithmetic, so every bound is exact.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from twill_ilp.errors import OptionError
from twill_ilp.graph import Dependence, LoopGraph
from twill_ilp.machine import Machine

__all__ = [
    "Recurrence",
    "ResourceBound",
    "alap",
    "asap",
    "positive_cycle",
    "positive_cycle_among",
    "rec_mii",
    "res_mii",
    "sufficient_ii",
    "unit_work",
]


@dataclass(frozen=True)
class ResourceBound:
    """ResMII and the unit that causes it (``None`` if no operation uses a unit).

    ``work`` is in unit-cycles per iteration, ``capacity`` in units.
    """

    ii: int
    unit: str | None = None
    work: int = 0
    capacity: int = 1

    def __str__(self) -> str:
        if self.unit is None:
            return "no unit is used"
        return (
            f"{self.unit} is busy {self.work} unit-cycles per iteration at capacity {self.capacity}"
        )


@dataclass(frozen=True)
class Recurrence:
    """RecMII and the cycle of dependences that causes it (empty if nothing is carried).

    ``delay`` (cycles) and ``distance`` (iterations) are summed over the cycle.
    """

    ii: int
    cycle: tuple[Dependence, ...] = ()

    @property
    def delay(self) -> int:
        return sum(e.delay for e in self.cycle)

    @property
    def distance(self) -> int:
        return sum(e.distance for e in self.cycle)

    def __str__(self) -> str:
        if not self.cycle:
            return "no dependence cycle has a delay"
        path = " -> ".join([self.cycle[0].src, *(e.dst for e in self.cycle)])
        plural = "" if self.distance == 1 else "s"
        return f"cycle {path} takes {self.delay} cycles over {self.distance} iteration{plural}"


def unit_work(graph: LoopGraph) -> dict[str, int]:
    """Unit-cycles that one iteration needs, per unit in use."""
    work = dict.fromkeys(graph.units, 0)
    for op in graph:
        for row in op.usage:
            work[row.unit] += row.cycles * row.amount
    return work


def res_mii(graph: LoopGraph, machine: Machine) -> ResourceBound:
    """ResMII: the largest ``ceil(work / capacity)`` over the units, at least 1.

    In II cycles a unit offers ``capacity * II`` unit-cycles, and must serve one iteration.
    Linear in the size of the reservation tables.
    """
    bounds = (
        ResourceBound(-(-work // machine.units[unit]), unit, work, machine.units[unit])
        for unit, work in unit_work(graph).items()
    )
    return max(bounds, key=lambda bound: bound.ii, default=ResourceBound(1))


def rec_mii(graph: LoopGraph) -> Recurrence:
    """RecMII: the largest ``ceil(delay / distance)`` over the dependence cycles, at least 1.

    Raises II to the ratio of any cycle that is still positive under the weights
    ``delay - distance * II`` until none is left (the cycle-ratio iteration of Lawler,
    *Combinatorial Optimization*, 1976, section 3.13).  Each step is a Bellman-Ford pass,
    O(V E) at worst; the ratio grows strictly, so it ends.
    """
    found = Recurrence(0)
    while cycle := positive_cycle(graph, found.ii):
        delay = sum(e.delay for e in cycle)
        found = Recurrence(-(-delay // sum(e.distance for e in cycle)), cycle)
    return found if found.cycle else Recurrence(1)


def sufficient_ii(graph: LoopGraph) -> int:
    """An II (cycles) at which a schedule exists if one exists at any II.

    Operations on a cycle of distance 0, whose delays are all 0, start together; let one such
    group after another run to its last use and its longest delay.  At this II nothing wraps
    around, and every carried dependence has time.
    """
    delays = [e.delay for e in graph.dependences]
    uses = sum(max((row.end for row in op.usage), default=0) for op in graph)
    return max(1, uses + sum(delays) + max(delays, default=0))


def positive_cycle(graph: LoopGraph, ii: int) -> tuple[Dependence, ...]:
    """A cycle whose delay exceeds ``distance * ii``, or ``()``: O(V E)."""
    return positive_cycle_among(graph.dependences, ii)


def positive_cycle_among(edges: Sequence[Dependence], ii: int) -> tuple[Dependence, ...]:
    """As :func:`positive_cycle`, of dependences that no loop graph need have, such as cycles of
    total distance 0 with a positive delay."""
    _, cycle = _longest({name: 0 for e in edges for name in (e.src, e.dst)}, edges, ii)
    return cycle


def asap(graph: LoopGraph, ii: int) -> dict[str, int]:
    """Earliest start of every operation (cycles from the first start) at ``ii``.

    Longest paths under the weights ``delay - distance * ii``: O(V E).

    Raises:
        OptionError: ``ii`` is below RecMII.
    """
    earliest, cycle = _longest(dict.fromkeys(graph.by_name, 0), graph.dependences, ii)
    if cycle:
        raise OptionError(f"II={ii} is below RecMII: {Recurrence(ii, cycle)}; raise it")
    return earliest


def alap(graph: LoopGraph, ii: int, length: int) -> dict[str, int]:
    """Latest start of every operation at ``ii`` if the schedule ends by ``length`` cycles.

    Raises:
        OptionError: ``ii`` is below RecMII.
    """
    reverse = [Dependence(e.dst, e.src, e.delay, e.distance) for e in graph.dependences]
    tails, cycle = _longest({op.name: op.cycles for op in graph}, reverse, ii)
    if cycle:
        raise OptionError(f"II={ii} is below RecMII: {Recurrence(ii, cycle)}; raise it")
    return {name: length - tail for name, tail in tails.items()}


def _longest(
    base: Mapping[str, int], edges: Iterable[Dependence], ii: int
) -> tuple[dict[str, int], tuple[Dependence, ...]]:
    """Longest paths that may begin at every node with its base value.

    Returns the values and, if they do not exist, a positive cycle.
    """
    value = dict(base)
    weighted = [(e, e.delay - e.distance * ii) for e in edges]
    parent: dict[str, Dependence] = {}
    changed = True
    while changed:
        changed = False
        for e, weight in weighted:
            reach = value[e.src] + weight
            if reach > value[e.dst]:
                value[e.dst] = reach
                parent[e.dst] = e
                changed = True
        if cycle := _cycle_of(parent):
            return value, cycle
    return value, ()


def _cycle_of(parent: Mapping[str, Dependence]) -> tuple[Dependence, ...]:
    """A cycle among the parent edges; any such cycle is positive."""
    seen: dict[str, str] = {}
    for root in parent:
        node = root
        while node in parent and node not in seen:
            seen[node] = root
            node = parent[node].src
        if node in parent and seen[node] == root:
            cycle = [parent[node]]
            while cycle[-1].src != node:
                cycle.append(parent[cycle[-1].src])
            return tuple(reversed(cycle))
    return ()
