"""The paper's own check: the loop, unrolled into a straight-line program, cycle by cycle [1]_.

Soi et al. state memory, registers and concurrency for a *program*: ``ceil(L / II)`` copies of the
loop, copy i shifted by ``i * II`` cycles, with no loop left.  This package states them for the
steady state instead, where the loop has run for ever and will.  Here is the program, so that the
two can be compared: liveness is found by backward dataflow over its instructions, as a compiler
would do it, and every limit is looked at in every cycle.

Whatever the steady state allows, the program does: what is held in one of its cycles is held in
the same slot of the steady state.  The program is weaker, because

- copies before the first and after the last are missing.  A value whose last use lies in a
  missing copy dies at its last use in the program; what missing copies would hold is not held.
- a dependence of distance n is checked between copies n apart, so with n copies or fewer it is
  not there at all.
- ``ceil(L / II)`` copies overlap completely in II cycles in the middle, but only as far as the
  length counts: reservations beyond ``cycles``, warps held for longer, and values that are
  carried to later copies reach further.

With :func:`steady_copies` copies it is just as strict.  Copies share the numbering of
iterations: an operation waits in each of them, also where its source precedes the program.

References
----------
.. [1] R. Soi et al., "Optimal Software Pipelining and Warp Specialization for Tensor Core
   GPUs", OSDI 2026, arXiv:2512.18134, Figs. 4 to 6.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from twill_ilp.errors import OptionError
from twill_ilp.graph import LoopGraph, Operation
from twill_ilp.machine import Machine
from twill_ilp.rules import FAMILIES, Rules, effective_graph, held_cycles
from twill_ilp.schedule import Schedule

__all__ = ["steady_copies", "straight_line_violations"]

DEFAULT = Rules()

THREADS = 32
"""Threads of a warp."""

Instance = tuple[str, int]
"""An operation, or its value, in one copy."""


def straight_line_violations(
    graph: LoopGraph,
    machine: Machine,
    schedule: Schedule,
    rules: Rules = DEFAULT,
    *,
    copies: int | None = None,
) -> list[str]:
    """What the straight-line program of a schedule breaks; nothing: an empty list.

    Args:
        graph, machine: the problem.
        schedule: starts (and groups) of all operations, whole numbers; without groups only
            dependences and units are looked at.
        rules: families among :data:`twill_ilp.rules.FAMILIES`; the extra ones, ``max_groups``
            and the window are not the paper's, and left to :func:`twill_ilp.verify.verify`.
        copies: of the loop; default ``ceil(L / II)``.

    Returns:
        One line per dependence, unit, memory, group or operation, for the first cycle (counted
        from the first start) in which it is violated.  Takes time in proportion to the cycles of
        the program, and to what is live in each.

    Raises:
        OptionError: less than one copy.
    """
    families = tuple(f for f in FAMILIES if f in rules) if schedule.group else ()
    rules = Rules(families, rules.readings)
    n = _stages(graph, schedule) if copies is None else copies
    if n < 1:
        raise OptionError(f"copies is {n}; give a whole number >= 1")
    program = _Program(effective_graph(graph, rules), machine, schedule, rules, n)
    found = [*_dependences(program), *_units(program)]
    if schedule.group:
        found += [*_storage(program), *_concurrency(program), *_groups(program)]
    where = f"{n} copies" if n != 1 else "1 copy"
    return [f"{line} in {where} at II={schedule.ii}" for line in found]


def steady_copies(graph: LoopGraph, schedule: Schedule, rules: Rules = DEFAULT) -> int:
    """Copies with which the program is as strict as the steady state.

    Let H be the cycles from the first start until nothing of that iteration is held any more
    (units, warps, values), and D the largest distance.  In the last II cycles of the first
    ``m * II``, with ``m = ceil(H / II)``, whatever the steady state holds belongs to the copies 0
    to m - 1, and the uses of their values to copies up to m - 1 + D.  So m + D copies are enough.
    """
    program = _Program(graph, Machine("any", {}), schedule, rules, copies=1)
    ends = [program.begin(op.name, 0) + 1 for op in graph]
    for op in graph:
        begin = program.begin(op.name, 0)
        ends += [begin + row.end for row in op.usage]
        ends += [begin + held_cycles(op, rules.readings), program.read(op, begin)]
    for e in graph.dependences:
        ends.append(program.read(graph.by_name[e.dst], program.begin(e.dst, e.distance)))
    farthest = max((e.distance for e in graph.dependences), default=0)
    return -(-max(ends) // schedule.ii) + farthest


def _stages(graph: LoopGraph, schedule: Schedule) -> int:
    """``ceil(L / II)``, at least 1."""
    ends = [schedule.start[op.name] + op.cycles for op in graph]
    return max(1, -(-(max(ends) - min(schedule.start.values())) // schedule.ii))


@dataclass(frozen=True)
class _Program:
    """Copies of the loop, one after the other; cycle 0 is the first start."""

    graph: LoopGraph
    machine: Machine
    schedule: Schedule
    rules: Rules
    copies: int

    @cached_property
    def first(self) -> int:
        """The first start, in the schedule's cycles."""
        return min(self.schedule.start.values())

    def begin(self, name: str, copy: int) -> int:
        """Cycle in which an operation of a copy is issued."""
        return self.schedule.start[name] - self.first + copy * self.schedule.ii

    def read(self, user: Operation, begin: int) -> int:
        """Cycle in which an operation that is issued at ``begin`` has done with its operands."""
        return begin + (user.cycles if self.rules.readings.liveness == "completion" else 0)

    def instances(self) -> Iterator[tuple[Operation, int]]:
        """Every operation of every copy."""
        return ((op, copy) for copy in range(self.copies) for op in self.graph)

    def live(self) -> Iterator[tuple[int, set[Instance]]]:
        """``(cycle, values live in it)``, backwards: live is what is read later and born before.

        The dataflow equations of a straight line: going back over the instructions of a cycle
        makes live what they read, and then dead what they produce.
        """
        births: defaultdict[int, set[Instance]] = defaultdict(set)
        reads: defaultdict[int, set[Instance]] = defaultdict(set)
        for op, copy in self.instances():
            begin = self.begin(op.name, copy)
            births[begin].add((op.name, copy))
            reads[self.read(op, begin)].add((op.name, copy))  # at least until it is complete
        for e in self.graph.dependences:
            for copy in range(self.copies - e.distance):
                user = self.graph.by_name[e.dst]
                begin = self.begin(e.dst, copy + e.distance)
                reads[self.read(user, begin)].add((e.src, copy))
        live: set[Instance] = set()
        for cycle in range(max(reads), 0, -1):
            live = (live | reads[cycle]) - births[cycle]
            yield cycle - 1, live


def _dependences(program: _Program) -> Iterator[str]:
    """Each between the first copies that it connects: between others it is the same."""
    group = program.schedule.group
    for e in program.graph.dependences:
        if e.distance >= program.copies:
            continue
        crosses = bool(group) and group[e.src] != group[e.dst]
        spill = program.graph.by_name[e.src].spill if crosses and "spills" in program.rules else 0
        ready = program.begin(e.src, 0) + e.delay + spill
        begin = program.begin(e.dst, e.distance)
        if begin < ready:
            yield (
                f"{e.src}[0] -> {e.dst}[{e.distance}]: starts in cycle {begin}, "
                f"before cycle {ready} (delay {e.delay} and spill {spill})"
            )


def _units(program: _Program) -> Iterator[str]:
    held: defaultdict[tuple[str, int], int] = defaultdict(int)
    for op, copy in program.instances():
        for row in op.usage:
            first = program.begin(op.name, copy) + row.start
            for cycle in range(first, first + row.cycles):
                held[row.unit, cycle] += row.amount
    for unit in program.graph.units:
        capacity = program.machine.units.get(unit, 0)
        over = [cycle for (u, cycle), amount in held.items() if u == unit and amount > capacity]
        if over:
            cycle = min(over)
            yield f"{unit}: cycle {cycle} holds {held[unit, cycle]} of capacity {capacity}"


def _storage(program: _Program) -> Iterator[str]:
    """Memories, and the registers of each group's warps, in every cycle."""
    limits = _limits(program)
    over: dict[str, str] = {}
    for cycle, live in program.live():
        held: defaultdict[str, list[tuple[str, int]]] = defaultdict(list)
        for name, copy in live:
            for where, amount in _amounts(program, program.graph.by_name[name]):
                held[where].append((f"{name}[{copy}]", amount))
        for where, values in held.items():
            total = sum(amount for _, amount in values)
            if where in limits and total > limits[where]:
                names = ", ".join(sorted(name for name, amount in values if amount))
                # Cycles come backwards: the first one is the last to be noted.
                over[where] = f"{where}: cycle {cycle} holds {total} of {limits[where]} ({names})"
    yield from over.values()


def _limits(program: _Program) -> dict[str, int]:
    limits: dict[str, int] = {}
    if "memory" in program.rules:
        limits |= {f"memory {m}": size for m, size in program.machine.memories.items()}
    each = program.machine.registers_per_thread
    if "registers" in program.rules and each is not None:
        groups = set(program.schedule.group.values())
        limits |= {f"registers of group {g}": THREADS * each for g in groups}
    return limits


def _amounts(program: _Program, op: Operation) -> Iterator[tuple[str, int]]:
    """Where a value of ``op`` is kept, and how much of it: footprints; words per warp."""
    for memory, amount in op.footprint.items():
        yield f"memory {memory}", amount
    group = program.schedule.group[op.name]
    yield f"registers of group {group}", -(-op.registers // op.warps)


def _concurrency(program: _Program) -> Iterator[str]:
    """No instruction of a group is in progress when another of the group waits."""
    if "concurrency" not in program.rules:
        return
    graph, group = program.graph, program.schedule.group
    busy: defaultdict[tuple[int, int], list[Instance]] = defaultdict(list)
    for op, copy in program.instances():
        begin = program.begin(op.name, copy)
        for cycle in range(begin, begin + held_cycles(op, program.rules.readings)):
            busy[group[op.name], cycle].append((op.name, copy))
    waiting = {
        e.dst
        for e in graph.dependences
        if e.blocking or (graph.by_name[e.src].registers and group[e.src] != group[e.dst])
    }
    for name in sorted(waiting):
        for copy in range(program.copies):
            cycle = program.begin(name, copy)
            others = [other for other in busy[group[name], cycle] if other[0] != name]
            if others:
                other, its = others[0]
                yield (
                    f"{name}[{copy}]: waits in cycle {cycle} while {other}[{its}] "
                    f"of group {group[name]} is in progress"
                )
                break


def _groups(program: _Program) -> Iterator[str]:
    """What does not depend on time: the warp budget and the designated group."""
    group, budget = program.schedule.group, program.machine.warps
    width: defaultdict[int, int] = defaultdict(int)
    for op in program.graph:
        width[group[op.name]] = max(width[group[op.name]], op.warps)
    if "warps" in program.rules and budget is not None and sum(width.values()) > budget:
        yield f"warps: {sum(width.values())} of budget {budget}"
    varies = any(op.variable_latency for op in program.graph)
    if "variable-latency" in program.rules and varies:
        for op in program.graph:
            if op.variable_latency != (group[op.name] == 0):
                latency = "variable" if op.variable_latency else "fixed"
                yield f"{op.name}: {latency} latency in group {group[op.name]}"
