"""The joint rules, played through cycle by cycle: slow, and as close to the words as can be.

Iterations of the loop are laid out in absolute time, ``II`` cycles apart, from long before to
long after the cycles 0 to II - 1.  In these cycles the loop is then in its steady state, and
every rule is a look at what is going on: no formula of slots, turns or wrapping.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from twill_ilp.graph import Dependence, Operation
from twill_ilp.problem import Problem
from twill_ilp.rules import Rules


def broken(
    problem: Problem, rules: Rules, ii: int, start: Mapping[str, int], group: Mapping[str, int]
) -> set[str]:
    """The rules that the schedule breaks: families, ``dependence``, ``units``, ``groups``."""
    run = _Run(problem, rules, ii, start, group)
    verdicts = {
        "dependence": all(run.waits_long_enough(e) for e in problem.graph.dependences),
        "units": all(run.units_suffice(cycle) for cycle in range(ii)),
        "memory": all(run.memories_suffice(cycle) for cycle in range(ii)),
        "registers": all(run.registers_suffice(cycle) for cycle in range(ii)),
        "concurrency": all(run.waits_alone(op) for op in problem.graph),
        "warps": problem.machine.warps is None or run.warps() <= problem.machine.warps,
        "variable-latency": run.designated(),
        "no-cross-warp": not any(run.crosses(e) for e in problem.graph.dependences),
        "quotas": run.quotas_suffice(),
        "groups": rules.max_groups is None or len(run.groups) <= rules.max_groups,
    }
    always = {"dependence", "units", "groups"}
    return {
        rule for rule, kept in verdicts.items() if not kept and (rule in rules or rule in always)
    }


@dataclass(frozen=True)
class _Run:
    problem: Problem
    rules: Rules
    ii: int
    start: Mapping[str, int]
    group: Mapping[str, int]

    @property
    def groups(self) -> set[int]:
        return set(self.group.values())

    def iterations(self) -> range:
        """All iterations that can have to do with the cycles 0 to II - 1."""
        graph = self.problem.graph
        ends = [row.end for op in graph for row in op.usage]
        longest = max([*ends, *(max(op.cycles, op.issue) for op in graph)])
        farthest = max((e.distance for e in graph.dependences), default=0)
        last = max(self.start.values())
        past = (last + longest) // self.ii + farthest + 2
        return range(-past, 2)

    def begins(self, op: Operation, iteration: int) -> int:
        return self.start[op.name] + iteration * self.ii

    def ops(self, e: Dependence) -> tuple[Operation, Operation]:
        return self.problem.graph.by_name[e.src], self.problem.graph.by_name[e.dst]

    def crosses(self, e: Dependence) -> bool:
        """Whether a value in registers goes to another group."""
        return self.ops(e)[0].registers > 0 and self.group[e.src] != self.group[e.dst]

    def waits_long_enough(self, e: Dependence) -> bool:
        """Iteration 0 of the dependence's end, against the iteration that it depends on."""
        src, dst = self.ops(e)
        delay = e.delay
        nobody_before = all(other.dst != e.src for other in self.problem.graph.dependences)
        if "variable-latency" in self.rules and src.variable_latency and nobody_before:
            delay = 0
        if "spills" in self.rules and self.group[e.src] != self.group[e.dst]:
            delay += src.spill
        return self.begins(dst, 0) >= self.begins(src, -e.distance) + delay

    def units_suffice(self, cycle: int) -> bool:
        held: dict[str, int] = defaultdict(int)
        for op in self.problem.graph:
            for iteration in self.iterations():
                for row in op.usage:
                    first = self.begins(op, iteration) + row.start
                    if first <= cycle < first + row.cycles:
                        held[row.unit] += row.amount
        return all(amount <= self.problem.machine.units[unit] for unit, amount in held.items())

    def live(self, op: Operation, cycle: int) -> int:
        """How many values of the operation are live in the cycle."""
        completion = self.rules.readings.liveness == "completion"
        number = 0
        for iteration in self.iterations():
            born = self.begins(op, iteration)
            ends = [born + op.cycles if completion else born]
            for e in self.problem.graph.dependences:
                if e.src == op.name:
                    user = self.ops(e)[1]
                    used = self.begins(user, iteration + e.distance)
                    ends.append(used + user.cycles if completion else used)
            number += born <= cycle < max(ends)
        return number

    def memories_suffice(self, cycle: int) -> bool:
        held = dict.fromkeys(self.problem.machine.memories, 0)
        for op in self.problem.graph:
            for memory, amount in op.footprint.items():
                if memory in held:
                    held[memory] += amount * self.live(op, cycle)
        return all(held[m] <= capacity for m, capacity in self.problem.machine.memories.items())

    def words(self, group: int, cycle: int) -> int:
        """Words that a warp of the group holds."""
        return sum(
            -(-op.registers // op.warps) * self.live(op, cycle)
            for op in self.problem.graph
            if self.group[op.name] == group
        )

    def registers_suffice(self, cycle: int) -> bool:
        each = self.problem.machine.registers_per_thread
        return each is None or all(self.words(g, cycle) <= 32 * each for g in self.groups)

    def width(self, group: int) -> int:
        return max(op.warps for op in self.problem.graph if self.group[op.name] == group)

    def warps(self) -> int:
        return sum(self.width(group) for group in self.groups)

    def designated(self) -> bool:
        varying = {op.name for op in self.problem.graph if op.variable_latency}
        return not varying or varying == {name for name, g in self.group.items() if g == 0}

    def waits_alone(self, op: Operation) -> bool:
        """No other of the group is in progress in the cycle in which ``op`` begins, if it waits."""
        entering = [e for e in self.problem.graph.dependences if e.dst == op.name]
        if not any(e.blocking or self.crosses(e) for e in entering):
            return True
        now = self.begins(op, 0) % self.ii
        for other in self.problem.graph:
            if other.name != op.name and self.group[other.name] == self.group[op.name]:
                held = other.cycles if self.rules.readings.hold == "cycles" else other.issue
                for iteration in self.iterations():
                    if 0 <= now - self.begins(other, iteration) < held:
                        return False
        return True

    def quotas_suffice(self) -> bool:
        total = 0
        for group in self.groups:
            most = max(self.words(group, cycle) for cycle in range(self.ii))
            quotas = [quota for quota in range(24, 249, 8) if quota * 32 >= most]
            if not quotas:
                return False
            total += self.width(group) * 32 * quotas[0]
        limit = self.problem.machine.registers_per_sm
        return limit is None or total <= limit
