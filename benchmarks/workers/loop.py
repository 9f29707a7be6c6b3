"""The loop at one II as the models written for it see it: numbers by operation and dependence."""

from __future__ import annotations

from math import inf
from typing import Any, NamedTuple

import numpy as np

__all__ = ["Edge", "Loop"]


class Edge(NamedTuple):
    """``start[dst] - start[src] >= weight``, and ``spill`` more between groups."""

    src: int
    dst: int
    weight: int
    distance: int
    spill: int
    blocking: bool


class Loop:
    """A problem file, rules and one II.

    Attributes:
        ops: operations as in the file, every default written out.
        edges: dependences, streaming operations released.
        limit: instances of each value that can live at once; ``None``: any number.
        reach: some schedule, if any, has all starts within this many cycles of any one of them.
        apart: ``start[v] - start[u] >= apart[u, v]`` in every schedule (-inf: nothing known);
            longest paths over dependences and over deadlines: a value lives at most as many II
            as there may be instances of it.
        contradiction: those paths close a positive cycle.

    ``reach``: sort the stages of a schedule.  Where two neighbours are more than ``gap`` stages
    apart, all later operations can move one stage closer, as no dependence needs more than
    ``gap`` of them, and no value lives longer then.
    """

    def __init__(self, problem: dict[str, Any], rules: dict[str, Any], stage: str, ii: int):
        self.ii, self.machine = ii, problem["machine"]
        self.ops: list[dict[str, Any]] = problem["graph"]["operations"]
        self.families = rules["families"] if stage == "joint" else []
        self.readings, self.max_groups = rules["readings"], rules["max_groups"]
        if "quotas" in self.families or self.readings["window"] != "free":
            raise ValueError("quotas and the paper's window are not in this model")
        index = {op["name"]: v for v, op in enumerate(self.ops)}
        given = problem["graph"]["dependences"]
        waiting = {e["dst"] for e in given}
        self.edges = []
        for e in given:
            source = self.ops[index[e["src"]]]
            streams = source["variable_latency"] and e["src"] not in waiting
            free = streams and "variable-latency" in self.families
            weight = (0 if free else e["delay"]) - e["distance"] * ii
            spill = source["spill"] if "spills" in self.families else 0
            self.edges.append(Edge(index[e["src"]], index[e["dst"]], weight, e["distance"], spill,
                                   e["blocking"]))  # fmt: skip
        self.limit = [self._limit(op) for op in self.ops]
        gaps = [max(e.distance, -(-(e.weight + e.distance * ii + e.spill + ii - 1) // ii))
                for e in self.edges]  # fmt: skip
        self.reach = ii * ((len(self.ops) - 1) * max(gaps, default=0) + 1)
        self.apart = self._longest_paths()
        self.contradiction = bool((np.diag(self.apart) > 0).any())

    def named(self, values: list[int]) -> dict[str, int]:
        """Values of all operations by their names."""
        return {op["name"]: value for op, value in zip(self.ops, values, strict=True)}

    def uses(self, u: int) -> list[tuple[int, int]]:
        """Events (v, offset) of which the last, at ``start[v] + offset``, ends the life of u."""
        lasting = self.readings["liveness"] == "completion"
        events = {(u, self.ops[u]["cycles"] if lasting else 0)}
        for e in self.edges:
            if e.src == u:
                events.add((e.dst, e.distance * self.ii
                            + (self.ops[e.dst]["cycles"] if lasting else 0)))  # fmt: skip
        if not lasting and len(events) > 1:
            events.discard((u, 0))  # no delay is negative: every use is later
        return sorted(events)

    def shortest_life(self, u: int) -> int:
        """Cycles that u's value lives in every schedule."""
        return int(max(self.apart[u, v] + offset for v, offset in self.uses(u)))

    def designated(self, v: int) -> bool:
        """Whether v has to be in the designated group."""
        return self.ops[v]["variable_latency"] and "variable-latency" in self.families

    def warps(self, v: int) -> int:
        """Warps that v needs; all alike where no rule looks at widths."""
        return int(self.ops[v]["warps"]) if "warps" in self.families else 1

    def group_widths(self) -> list[int]:
        """The designated group first, if any; then as many of each width as could be needed."""
        count = range(len(self.ops))
        widest = max((self.warps(v) for v in count if self.designated(v)), default=0)
        first = [widest] if widest else []
        groups, free = list(first), [self.warps(v) for v in count if not self.designated(v)]
        most = len(free)
        if self.max_groups is not None:
            most = min(most, self.max_groups - len(first))
        for wide in sorted(set(free), reverse=True):
            fitting = min(most, free.count(wide))
            if "warps" in self.families and self.machine.get("warps") is not None:
                fitting = min(fitting, (self.machine["warps"] - sum(first)) // wide)
            groups += [wide] * max(0, fitting)
        return groups

    def words(self, u: int) -> int:
        """Words of u's value in each of its warps."""
        return -(-self.ops[u]["registers"] // self.ops[u]["warps"])

    def hold(self, u: int) -> int:
        """Cycles for which u is in progress on its warps."""
        return int(self.ops[u][self.readings["hold"]])

    @property
    def words_limit(self) -> int | None:
        """Words of a warp, if they are limited."""
        threads = self.machine.get("registers_per_thread")
        return 32 * threads if threads is not None and "registers" in self.families else None

    def _limit(self, op: dict[str, Any]) -> int | None:
        limits = []
        if op["registers"] and self.words_limit is not None:
            limits.append(self.words_limit // -(-op["registers"] // op["warps"]))
        if "memory" in self.families:
            limits += [self.machine["memories"][memory] // amount
                       for memory, amount in op["footprint"].items()
                       if amount and memory in self.machine.get("memories", {})]  # fmt: skip
        return min(limits, default=None)

    def _longest_paths(self) -> Any:
        apart = np.full((len(self.ops),) * 2, -inf)
        np.fill_diagonal(apart, 0)
        for e in self.edges:
            apart[e.src, e.dst] = max(apart[e.src, e.dst], e.weight)
        for u, most in enumerate(self.limit):
            for v, offset in self.uses(u) if most is not None else ():
                apart[v, u] = max(apart[v, u], offset - most * self.ii)
        for via in range(len(self.ops)):
            np.maximum(apart, apart[:, via, None] + apart[None, via, :], out=apart)
            np.minimum(apart, 1e15, out=apart)  # positive cycles grow without end
        return apart
