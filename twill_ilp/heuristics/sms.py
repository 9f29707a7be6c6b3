"""Swing modulo scheduling: one pass over an order that keeps neighbours close, no backtracking."""

from __future__ import annotations

from collections.abc import Iterable

import networkx as nx

from twill_ilp.bounds import rec_mii
from twill_ilp.graph import LoopGraph
from twill_ilp.heuristics.indexed import FAR, IndexedLoop
from twill_ilp.heuristics.partial import PartialSchedule
from twill_ilp.problem import Problem
from twill_ilp.schedule import Schedule

__all__ = ["swing_modulo_schedule"]

Neighbours = list[set[int]]


def swing_modulo_schedule(problem: Problem, ii: int) -> Schedule | None:
    """Schedule a loop at initiation interval ``ii`` (cycles) by swing modulo scheduling.

    The most critical recurrences are ordered first, then the operations on paths between
    them, then the rest; within such a set the order swings between following successors and
    predecessors, so that (recurrences aside) an operation meets scheduled neighbours on one
    side only.  Each is placed as close to them as its units allow, which keeps lifetimes short.

    Three readings of the paper: recurrences are strongly connected components; the carried
    dependences inside one limit where operations go, but do not count as neighbours; and
    limits come from longest paths to scheduled operations, not from single dependences, without
    which short delays leave some loops without a schedule at every II.

    Returns:
        A valid, normalised schedule, or ``None`` if ``ii`` is below MII or some operation
        found no slot; ``None`` proves nothing.

    Raises:
        OptionError: ``ii`` is not positive.

    J. Llosa, A. Gonzalez, E. Ayguade, M. Valero, "Swing modulo scheduling: a lifetime-sensitive
    approach", PACT 1996, https://doi.org/10.1109/PACT.1996.554030.
    """
    loop = IndexedLoop.at(problem, ii)
    if loop is None:
        return None
    partial = PartialSchedule(loop, loop.head, [FAR] * len(loop.head))
    order = _Order(loop)
    for v in order.run():
        start = _choose(partial, order, v)
        if start is None:
            return None
        partial.place(v, start)
    return loop.schedule([t for t in partial.start if t is not None])


def _choose(partial: PartialSchedule, order: _Order, v: int) -> int | None:
    """A free start next to the scheduled neighbours of ``v``, within II cycles of them."""
    low, high = partial.bounds(v)
    early, late = int(low.max()), int(high.min())
    reach = partial.loop.ii - 1
    follows = any(partial.start[u] is not None for u in order.preds[v])
    leads = any(partial.start[u] is not None for u in order.succs[v])
    if leads and not follows:
        return partial.table.last(v, max(early, late - reach), late)
    if not follows:
        early = max(early, min(late, partial.head[v]))
    return partial.table.first(v, early, min(late, early + reach))


class _Order:
    """The order in which operations are placed (PACT 1996, section 3.2).

    Attributes:
        preds, succs: neighbours in the graph without the carried dependences of recurrences.
    """

    def __init__(self, loop: IndexedLoop) -> None:
        graph = loop.problem.graph
        number = {op.name: v for v, op in enumerate(graph)}
        self.loop = loop
        self.recurrences = _recurrences(graph)
        self.preds: Neighbours = [set() for _ in number]
        self.succs: Neighbours = [set() for _ in number]
        home = {v: i for i, members in enumerate(self.recurrences) for v in members}
        for e in graph.dependences:
            u, v = number[e.src], number[e.dst]
            if e.distance == 0 or u not in home or home[u] != home.get(v):
                self.preds[v].add(u)
                self.succs[u].add(v)

    def run(self) -> list[int]:
        """All operations in order.

        Every sweep follows the predecessors of what is ordered (deepest first) or its
        successors (highest first); ties go to the operation with less slack.
        """
        order: dict[int, None] = {}
        for group in self._groups():
            rest = group - order.keys()
            while rest:
                upwards = bool(_union(order, self.preds) & rest)
                front = _union(order, self.preds if upwards else self.succs) & rest
                if not front:
                    upwards = True
                    front = {max(rest, key=lambda v: (self.loop.head[v], -v))}
                while front:
                    self._sweep(upwards, front, rest, order)
                    upwards = not upwards
                    front = _union(order, self.preds if upwards else self.succs) & rest
        return list(order)

    def _sweep(
        self, upwards: bool, front: set[int], rest: set[int], order: dict[int, None]
    ) -> None:
        """Move ``front``, and what of ``rest`` it leads to, into ``order``."""
        head, tail = self.loop.head, self.loop.tail
        rank, edges = (head, self.preds) if upwards else (tail, self.succs)
        while front:
            v = max(front, key=lambda v: (rank[v], head[v] + tail[v], -v))
            order[v] = None
            rest.discard(v)
            front.discard(v)
            front |= edges[v] & rest

    def _groups(self) -> list[set[int]]:
        """Recurrences by falling RecMII, each with the paths to earlier ones; then the rest."""
        preds = [{u for u, _ in arcs} for arcs in self.loop.preds]
        succs = [{u for u, _ in arcs} for arcs in self.loop.succs]
        groups: list[set[int]] = []
        done: set[int] = set()
        for members in self.recurrences:
            between = _reach(done, succs) & _reach(members, preds)
            between |= _reach(done, preds) & _reach(members, succs)
            groups.append((members | between) - done)
            done |= groups[-1]
        return [*groups, set(range(len(self.preds))) - done]


def _recurrences(graph: LoopGraph) -> list[set[int]]:
    """Strongly connected components that contain a cycle, the largest RecMII first."""
    number = {op.name: v for v, op in enumerate(graph)}
    found: list[tuple[int, int, set[int]]] = []
    for names in nx.strongly_connected_components(graph.to_networkx()):
        inner = tuple(e for e in graph.dependences if e.src in names and e.dst in names)
        if inner:
            members = tuple(graph.by_name[name] for name in names)
            numbers = {number[name] for name in names}
            bound = rec_mii(LoopGraph(graph.name, members, inner)).ii
            found.append((-bound, min(numbers), numbers))
    return [members for _, _, members in sorted(found)]


def _union(some: Iterable[int], edges: Neighbours) -> set[int]:
    return set().union(*(edges[v] for v in some))


def _reach(some: set[int], edges: Neighbours) -> set[int]:
    """``some`` and all operations that can be reached from them along ``edges``."""
    reached, front = set(some), set(some)
    while front:
        front = _union(front, edges) - reached
        reached |= front
    return reached
