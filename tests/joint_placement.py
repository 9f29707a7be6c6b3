"""Part of an answer, as :mod:`joint_oracle` grows it: some operations have a group and a slot."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import product
from math import inf

from twill_ilp.graph import Dependence, LoopGraph, Operation
from twill_ilp.problem import Problem
from twill_ilp.rules import Rules

Gap = dict[tuple[str, str], float]
"""Least differences of stages (or of starts, in cycles) between two operations."""

Bounds = Mapping[str, int]
"""Cycles for which values may be live."""


class Placement:
    """Groups and slots of some operations, and what follows for the rest of the answer.

    Delays of streaming operations are expected to be 0 already.
    """

    def __init__(self, problem: Problem, ii: int, rules: Rules) -> None:
        self.graph, self.machine, self.ii, self.rules = problem.graph, problem.machine, ii, rules
        self.apart = longest_paths(self.graph, ii)
        self.completion = rules.readings.liveness == "completion"
        self.needs = {op.name: self._amounts(op) for op in self.graph}
        far = max((e.distance for e in self.graph.dependences), default=0)
        most = max(op.cycles for op in self.graph)
        self.longest_life = horizon(self.graph, ii) + far * ii + most
        self.held: dict[tuple[str, int], int] = defaultdict(int)
        self.slot: dict[str, int] = {}
        self.group: dict[str, int] = {}

    # Groups

    def groups_fit(self) -> bool:
        """Number and widths of the groups, and who may talk to whom."""
        width, limit = self.widths(), self.machine.warps
        if self.rules.max_groups is not None and len(width) > self.rules.max_groups:
            return False
        if "warps" in self.rules and limit is not None and sum(width.values()) > limit:
            return False
        return "no-cross-warp" not in self.rules or not any(
            self._register(e) and self.crosses(e) for e in self.edges()
        )

    def widths(self) -> dict[int, int]:
        """Warps of every group."""
        width: dict[int, int] = defaultdict(int)
        for name, group in self.group.items():
            width[group] = max(width[group], self.graph.by_name[name].warps)
        return width

    def edges(self) -> Iterator[Dependence]:
        """Dependences between operations that have a group."""
        return (e for e in self.graph.dependences if e.src in self.group and e.dst in self.group)

    def crosses(self, e: Dependence) -> bool:
        """Whether the dependence goes to another group."""
        return self.group[e.src] != self.group[e.dst]

    def _register(self, e: Dependence) -> bool:
        return self.graph.by_name[e.src].registers > 0

    def _delay(self, e: Dependence) -> int:
        spills = "spills" in self.rules and self.crosses(e)
        return e.delay + (self.graph.by_name[e.src].spill if spills else 0)

    # Slots

    def occupy(self, op: Operation, sign: int) -> bool:
        """Add (or take back) the reservation of ``op``; whether its units have room for it."""
        room = True
        for row in op.usage:
            for cycle in range(row.start, row.end):
                cell = row.unit, (self.slot[op.name] + cycle) % self.ii
                self.held[cell] += sign * row.amount
                room = room and self.held[cell] <= self.machine.units[row.unit]
        return room

    def waits_alone(self) -> bool:
        """Whether no operation that waits finds another of its group in progress."""
        if "concurrency" not in self.rules:
            return True
        waiting = {e.dst for e in self.graph.dependences if e.blocking and e.dst in self.slot}
        waiting |= {e.dst for e in self.edges() if self._register(e) and self.crosses(e)}
        for name, other in product(waiting, self.slot):
            if name != other and self.group[name] == self.group[other]:
                op = self.graph.by_name[other]
                busy = op.issue if self.rules.readings.hold == "issue" else op.cycles
                if (self.slot[name] - self.slot[other]) % self.ii < busy:
                    return False
        return True

    # Stages

    def _stages(self, u: str, v: str, cycles: float) -> float:
        """Least ``stage(v) - stage(u)`` with ``start(v) - start(u) >= cycles``."""
        return -(-(cycles - self.slot[v] + self.slot[u]) // self.ii) if cycles > -inf else -inf

    def cycles(self, u: str, v: str, stages: float) -> float:
        """``start(v) - start(u)`` for a difference of stages."""
        return self.slot[v] - self.slot[u] + self.ii * stages

    def widened(self, gap: Gap, new: str) -> Gap | None:
        """The system with one more operation; ``None`` if it has no solution."""
        ends = [pair for old in self.slot for pair in ((old, new), (new, old))]
        least = [(u, v, self.apart[u, v]) for u, v in ends]
        least += [
            (e.src, e.dst, self._delay(e) - e.distance * self.ii)
            for e in self.edges()
            if new in (e.src, e.dst)
        ]
        return self._tightened({**gap, **dict.fromkeys(ends, -inf), (new, new): 0}, least)

    def _tightened(self, gap: Gap, least: list[tuple[str, str, float]]) -> Gap | None:
        """The system with further differences ``start(v) - start(u) >= cycles``."""
        gap = dict(gap)
        for u, v, cycles in least:
            stages = self._stages(u, v, cycles)
            if stages + gap[v, u] > 0:
                return None
            if stages > gap[u, v]:
                for a in self.slot:
                    way = gap[a, u] + stages
                    if way > -inf:
                        for b in self.slot:
                            gap[a, b] = max(gap[a, b], way + gap[v, b])
        return gap

    def solutions(self, gap: Gap) -> list[tuple[int, dict[str, int]]]:
        """Length and starts of the shortest solution with each operation as the first."""
        found = []
        for first in self.slot:
            late = {v: int(self.slot[v] < self.slot[first]) for v in self.slot}
            stage = {v: max(late[u] + gap[u, v] for u in self.slot) for v in self.slot}
            if stage[first] == 0:
                start = {v: int(self.cycles(first, v, stage[v])) for v in self.slot}
                ends = [start[v] + self.graph.by_name[v].cycles for v in self.slot]
                found.append((max(ends), start))
        return sorted(found, key=lambda solution: solution[0])

    # Lifetimes

    def lifetimes(self, gap: Gap, start: Mapping[str, int] | None = None) -> dict[str, int]:
        """Cycles for which values of placed operations live; without starts, lower bounds."""
        by_name = self.graph.by_name
        live = {name: by_name[name].cycles if self.completion else 0 for name in self.slot}
        for e in self.graph.dependences:
            if e.src in self.slot:
                apart = self.apart[e.src, e.dst]
                if start is not None and e.dst in self.slot:
                    apart = start[e.dst] - start[e.src]
                elif e.dst in self.slot:
                    apart = self.cycles(e.src, e.dst, gap[e.src, e.dst])
                live[e.src] = max(live[e.src], self._live(e, apart))
        return live

    def _live(self, e: Dependence, apart: float) -> int:
        """Cycles for which a use that starts ``apart`` cycles after it keeps a value alive."""
        done = self.graph.by_name[e.dst].cycles if self.completion else 0
        return int(apart) + e.distance * self.ii + done

    def _amounts(self, op: Operation) -> list[tuple[str, int, float]]:
        """``(memory or registers, amount, limit)`` of a value, where there is a limit."""
        amounts: list[tuple[str, int, float]] = []
        if "memory" in self.rules:
            for memory, capacity in self.machine.memories.items():
                amounts.append((f"memory {memory}", op.footprint.get(memory, 0), capacity))
        limit = inf
        if "registers" in self.rules and self.machine.registers_per_thread is not None:
            limit = 32 * self.machine.registers_per_thread
        if "quotas" in self.rules:
            limit = min(limit, 32 * 248)
        if limit < inf:
            amounts.append(("registers", -(-op.registers // op.warps), limit))
        return [amount for amount in amounts if amount[1]]

    def fits(self, live: Mapping[str, int]) -> bool:
        """Whether memories and registers suffice for values that live so long."""
        held: dict[tuple[str, int, int], int] = defaultdict(int)
        for name, cycles in live.items():
            for what, amount, limit in self.needs[name]:
                group = self.group[name] if what == "registers" else 0
                for slot in range(self.ii):
                    cell = what, group, slot
                    after = (slot - self.slot[name]) % self.ii
                    held[cell] += amount * ((cycles - after + self.ii - 1) // self.ii)
                    if held[cell] > limit:
                        return False
        return "quotas" not in self.rules or self._quotas_fit(held)

    def _quotas_fit(self, held: Mapping[tuple[str, int, int], int]) -> bool:
        total = 0
        for group, width in self.widths().items():
            most = max(held.get(("registers", group, slot), 0) for slot in range(self.ii))
            total += width * 32 * next(quota for quota in range(24, 249, 8) if 32 * quota >= most)
        limit = self.machine.registers_per_sm
        return limit is None or total <= limit

    def tighter(self, gap: Gap, bounds: Bounds) -> Iterator[tuple[Gap, Bounds]]:
        """The systems with one more value bounded, by every length that may fit."""
        least = self.lifetimes(gap)
        free = [name for name in self.slot if self.needs[name] and name not in bounds]
        if not free:
            return
        name = free[0]
        uses = [e for e in self.graph.dependences if e.src == name and e.dst in self.slot]
        for cycles in self._lengths(name, least[name]):
            if not self.fits({**least, **bounds, name: cycles}):
                return
            rows = [(e.dst, name, float(self._live(e, 0) - cycles)) for e in uses]
            tighter = self._tightened(gap, rows)
            if tighter is not None:
                yield tighter, {**bounds, name: cycles}

    def _lengths(self, name: str, least: int) -> Iterator[int]:
        """Every length from ``least`` on that the value's lifetime can have in the horizon."""
        ends = {
            (self.slot[e.dst] - self.slot[name] + self._live(e, 0)) % self.ii
            for e in self.graph.dependences
            if e.src == name and e.dst != name and e.dst in self.slot
        }
        yield least
        yield from (c for c in range(least + 1, self.longest_life + 1) if c % self.ii in ends)

    def feasible(self, gap: Gap, bounds: Bounds) -> bool:
        """Whether some starts of the placed operations fit into memories and registers."""
        stage = {v: max(gap[u, v] for u in self.slot) for v in self.slot}
        start = {v: self.slot[v] + self.ii * int(stage[v]) for v in self.slot}
        if self.fits(self.lifetimes(gap, start)):
            return True
        return any(self.feasible(*system) for system in self.tighter(gap, bounds))


def longest_paths(graph: LoopGraph, ii: int) -> Gap:
    """Lower bounds on ``start(v) - start(u)``; positive on the diagonal: there is no schedule."""
    names = [op.name for op in graph]
    apart: Gap = {(u, v): 0 if u == v else -inf for u in names for v in names}
    for e in graph.dependences:
        apart[e.src, e.dst] = max(apart[e.src, e.dst], e.delay - e.distance * ii)
    for x, u, v in product(names, repeat=3):
        apart[u, v] = max(apart[u, v], apart[u, x] + apart[x, v])
    return apart


def horizon(graph: LoopGraph, ii: int) -> int:
    """Cycles within which all starts of some best schedule lie, if there is a schedule.

    It is so for any choice of slots and groups that admits a schedule.  Let A be the operations
    up to some stage and B the others, G stages later and more.  Move B one stage earlier.  If G
    exceeds every distance, no dependence goes from B to A; if it exceeds every least difference
    of stages, those from A to B still hold.  Then no lifetime and no length grows.  So in some
    best schedule no gap between successive stages exceeds the largest distance and the largest
    least difference.
    """
    spill = max(op.spill for op in graph)
    gap = 0
    for e in graph.dependences:
        gap = max(gap, e.distance, -(-(e.delay + spill + ii - 1) // ii))
    return ((len(graph) - 1) * gap + 1) * ii
