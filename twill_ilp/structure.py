"""Structural tests: verdicts about one II, or about all of them, that need no solver."""

from __future__ import annotations

from dataclasses import dataclass

from twill_ilp.graph import Operation, Usage
from twill_ilp.ilp.deadlines import most_instances, words
from twill_ilp.ilp.reduction import Core
from twill_ilp.machine import Machine
from twill_ilp.problem import Problem
from twill_ilp.rules import Rules, designates, effective_graph

__all__ = ["LengthBound", "hopeless", "length_bound", "rigid_conflict"]


@dataclass(frozen=True)
class LengthBound:
    """A lower bound on the schedule length L (cycles) and its reason."""

    length: int
    evidence: str


def hopeless(problem: Problem, rules: Rules) -> str | None:
    """Why no II has a joint schedule, by one operation alone; or ``None``.

    A group that is too wide for the warp budget, or one instance of a value that exceeds a
    memory or the registers of a warp while it lives.
    """
    machine = problem.machine
    designated = [op for op in problem.graph if designates(op, rules)]
    others = [op for op in problem.graph if op not in designated]
    widest = [max(part, key=lambda op: op.warps) for part in (designated, others) if part]
    need = sum(op.warps for op in widest)
    if "warps" in rules and machine.warps is not None and need > machine.warps:
        names = " and ".join(f"{op.name} ({op.warps})" for op in widest)
        return f"{names} need {need} warps, above the warp budget {machine.warps}"
    if rules.max_groups is not None and len(widest) > rules.max_groups:
        return f"{widest[0].name} needs a group apart from {widest[1].name}; allow 2 groups"
    graph = effective_graph(problem.graph, rules)
    for op in graph:
        lives = any(e.delay > 0 for e in graph.dependences if e.src == op.name)
        if rules.readings.liveness == "completion":
            lives = lives or op.cycles > 0
        if lives and most_instances(op, machine, rules) == 0:
            return _too_large(op, machine, rules)
    return None


def _too_large(op: Operation, machine: Machine, rules: Rules) -> str:
    """Which limit one instance of the operation's value exceeds."""
    threads = machine.registers_per_thread
    if "registers" in rules and threads is not None and words(op) > 32 * threads:
        return (
            f"{op.name} keeps {words(op)} registers in each of its {op.warps} warps, above "
            f"the limit of 32 x {threads} = {32 * threads} of a warp"
        )
    capacity = machine.memories
    memory = next(m for m, amount in op.footprint.items() if amount > capacity.get(m, amount))
    return (
        f"{op.name} keeps {op.footprint[memory]} of {memory}, above machine "
        f"{machine.name}'s {capacity[memory]}"
    )


def rigid_conflict(core: Core, machine: Machine) -> str | None:
    """Why one node alone over-subscribes a unit in every schedule at this II, or ``None``.

    A node is one operation, or several that every schedule keeps at fixed distances; copies
    of later iterations fold onto it modulo II.
    """
    for node in core.nodes:
        for unit in {row.unit for row in node.usage}:
            rows = [row for row in node.usage if row.unit == unit]
            slot, load = _peak(rows, core.ii)
            if load > machine.units[unit]:
                names = ", ".join(core.graph.operations[i].name for i, _ in node.members)
                return (
                    f"{names} alone: {load} of {unit} in slot {slot} after the first start, "
                    f"capacity {machine.units[unit]}"
                )
    return None


def _peak(rows: list[Usage], ii: int) -> tuple[int, int]:
    """Slot and size of the largest load of reservation rows folded modulo II.

    The load only grows where some row begins, so those slots suffice, whatever the II.
    """
    loads = []
    for slot in sorted({row.start % ii for row in rows}):
        load = sum(
            row.amount * (row.cycles // ii + ((slot - row.start) % ii < row.cycles % ii))
            for row in rows
        )
        loads.append((slot, load))
    return max(loads, key=lambda at: at[1])


def length_bound(core: Core, machine: Machine) -> LengthBound:
    """The critical path, or a unit whose work does not fit into its window.

    For any unit and any set of holds, ``L >= earliest begin + ceil(work / capacity) + shortest
    remainder after an end`` (the head-body-tail bound of one-machine scheduling, Carlier 1982,
    https://doi.org/10.1016/S0377-2217(82)80007-6): within one iteration, too, a unit is never
    over-subscribed.  Sets given by thresholds on heads and tails suffice: O(n^2) per unit.
    """
    best = LengthBound(core.critical_path, f"critical path {core.critical_path}")
    for unit, capacity in machine.units.items():
        holds = [
            (head + row.start, row.cycles * row.amount, tail - row.end)
            for head, tail, node in zip(core.head, core.tail, core.nodes, strict=True)
            for row in node.usage
            if row.unit == unit
        ]
        for earliest in {head for head, _, _ in holds}:
            work = 0
            for _, amount, tail in sorted(
                (hold for hold in holds if hold[0] >= earliest), key=lambda hold: -hold[2]
            ):
                work += amount
                bound = earliest - (-work // capacity) + tail
                if bound > best.length:
                    best = LengthBound(
                        bound,
                        f"{unit} is busy {work} unit-cycles after cycle {earliest} and before "
                        f"the last {tail}, at capacity {capacity}",
                    )
    return best
