"""The rules of a schedule with warp groups: the families of :mod:`twill_ilp.rules`.

Read off the definitions (Soi et al. 2026, Figs. 5 and 6, in the steady state), and on purpose
without the helpers that the models use: a slip there cannot repeat itself here.
A check that fails raises ``InvalidScheduleError``.
"""

from __future__ import annotations

from twill_ilp.errors import InvalidScheduleError
from twill_ilp.graph import Dependence, LoopGraph, Operation
from twill_ilp.machine import Machine
from twill_ilp.rules import Rules
from twill_ilp.schedule import Schedule
from twill_ilp.verify.modulo import count, is_whole, shown
from twill_ilp.verify.steady import Holding, excess, listed, peak

__all__ = [
    "check_concurrency",
    "check_delays",
    "check_designated_group",
    "check_group_count",
    "check_groups",
    "check_locality",
    "check_memories",
    "check_quotas",
    "check_registers",
    "check_warps",
]

THREADS = 32
"""Threads of a warp."""

QUOTAS = range(24, 249, 8)
"""Registers per thread that a group may have of its own: PTX ISA, ``setmaxnreg``."""


def check_groups(graph: LoopGraph, machine: Machine, schedule: Schedule, rules: Rules) -> None:
    """Every operation of the graph has a group, a whole number >= 0, and nothing else has one."""
    for op in graph:
        if op.name not in schedule.group:
            raise InvalidScheduleError(f"{op.name}: no group at II={schedule.ii}; give it one")
    for name, group in schedule.group.items():
        if name not in graph.by_name:
            raise InvalidScheduleError(
                f"{shown(name)}: has a group at II={schedule.ii}, "
                f"but graph {graph.name} has no such operation"
            )
        if not is_whole(group, least=0):
            raise InvalidScheduleError(
                f"{name}: group is {shown(group)} at II={schedule.ii}; give a whole number >= 0"
            )


def check_group_count(graph: LoopGraph, machine: Machine, schedule: Schedule, rules: Rules) -> None:
    """There are at most ``max_groups`` groups, the designated one included."""
    groups = sorted(set(schedule.group.values()))
    if rules.max_groups is not None and len(groups) > rules.max_groups:
        raise InvalidScheduleError(
            f"groups {listed([str(g) for g in groups])}: {len(groups)} of at most "
            f"{rules.max_groups} at II={schedule.ii}; merge groups or allow more"
        )


def check_warps(graph: LoopGraph, machine: Machine, schedule: Schedule, rules: Rules) -> None:
    """The widths of all groups sum to at most the warp budget."""
    width = _widths(graph, schedule)
    if machine.warps is not None and sum(width.values()) > machine.warps:
        parts = listed([f"group {g} of {wide}" for g, wide in width.items()])
        raise InvalidScheduleError(
            f"warps: {sum(width.values())} of budget {machine.warps} at II={schedule.ii} "
            f"({parts}); merge groups or raise the budget"
        )


def check_designated_group(
    graph: LoopGraph, machine: Machine, schedule: Schedule, rules: Rules
) -> None:
    """If any latency varies, group 0 holds just the operations whose latency does."""
    if not any(op.variable_latency for op in graph):
        return
    for op in graph:
        group = schedule.group[op.name]
        if op.variable_latency and group != 0:
            raise InvalidScheduleError(
                f"{op.name}: has variable latency, but is in group {group} at II={schedule.ii}; "
                "put it into group 0"
            )
        if group == 0 and not op.variable_latency:
            raise InvalidScheduleError(
                f"{op.name}: is in group 0 at II={schedule.ii}, which is for variable latencies; "
                "put it into another group"
            )


def check_delays(graph: LoopGraph, machine: Machine, schedule: Schedule, rules: Rules) -> None:
    """Dependences, with the delays that the rules leave and add.

    Streaming operations delay nobody; a dependence between groups waits for the spill.
    """
    start, ii = schedule.start, schedule.ii
    waiting = {e.dst for e in graph.dependences}
    for e in graph.dependences:
        source = graph.by_name[e.src]
        streams = source.variable_latency and e.src not in waiting
        delay = 0 if streams and "variable-latency" in rules else e.delay
        spill = source.spill if "spills" in rules and _crosses(e, schedule) else 0
        early = delay + spill - (start[e.dst] + e.distance * ii - start[e.src])
        if early > 0:
            raise InvalidScheduleError(
                f"{e.src} -> {e.dst}: {count(early, 'cycle')} too early at II={ii} "
                f"(delay {delay} and spill {spill}, {_path(e, schedule)}); start {e.dst} later"
            )


def check_memories(graph: LoopGraph, machine: Machine, schedule: Schedule, rules: Rules) -> None:
    """In no slot do the live values need more of a memory than there is."""
    for memory, capacity in machine.memories.items():
        values = [
            _live(graph, op, op.footprint[memory], schedule, rules)
            for op in graph
            if op.footprint.get(memory)
        ]
        over = excess(values, schedule.ii, capacity)
        if over:
            raise InvalidScheduleError(
                f"{memory}: slot {over.slot} holds {over.held} of capacity {capacity} "
                f"at II={schedule.ii} ({over.names}); use the values sooner or raise the capacity"
            )


def check_registers(graph: LoopGraph, machine: Machine, schedule: Schedule, rules: Rules) -> None:
    """In no slot do the live values of a group need more registers than its warps have."""
    if machine.registers_per_thread is None:
        return
    limit = THREADS * machine.registers_per_thread
    for group, values in _values_in_registers(graph, schedule, rules).items():
        over = excess(values, schedule.ii, limit)
        if over:
            raise InvalidScheduleError(
                f"group {group}: slot {over.slot} holds {over.held} of {limit} words per warp "
                f"at II={schedule.ii} ({over.names}); use the values sooner or split the group"
            )


def check_quotas(graph: LoopGraph, machine: Machine, schedule: Schedule, rules: Rules) -> None:
    """Quotas of registers per thread that suffice, group by group, fit into the SM."""
    ii = schedule.ii
    width = _widths(graph, schedule)
    words = {}
    for group, values in _values_in_registers(graph, schedule, rules).items():
        need = -(-peak(values, ii) // THREADS)
        quota = next((quota for quota in QUOTAS if quota >= need), None)
        if quota is None:
            raise InvalidScheduleError(
                f"group {group}: needs {need} registers per thread of at most {QUOTAS[-1]} "
                f"at II={ii}; use the values sooner or split the group"
            )
        words[group] = width[group] * THREADS * quota
    limit = machine.registers_per_sm
    if limit is not None and sum(words.values()) > limit:
        parts = listed([f"group {g} of {held}" for g, held in words.items()])
        raise InvalidScheduleError(
            f"registers: quotas of {sum(words.values())} words of {limit} on the SM "
            f"at II={ii} ({parts}); merge groups or use the values sooner"
        )


def check_concurrency(graph: LoopGraph, machine: Machine, schedule: Schedule, rules: Rules) -> None:
    """While an operation waits, no other operation of its group is in progress.

    An operation waits if a blocking dependence enters it, or a value in registers of another
    group.  Takes ``O(V)`` for every operation that waits.
    """
    start, group, ii = schedule.start, schedule.group, schedule.ii
    waits_for: dict[str, str] = {}
    for e in graph.dependences:
        if e.blocking or (graph.by_name[e.src].registers and _crosses(e, schedule)):
            waits_for.setdefault(e.dst, e.src)
    for name, source in waits_for.items():
        for other in graph:
            if other.name == name or group[other.name] != group[name]:
                continue
            held = other.issue if rules.readings.hold == "issue" else other.cycles
            if (start[name] - start[other.name]) % ii < held:
                raise InvalidScheduleError(
                    f"{name}: waits for {source} in slot {start[name] % ii} of group "
                    f"{group[name]}, which {other.name} holds for {count(held, 'cycle')} from "
                    f"slot {start[other.name] % ii} at II={ii}; move one or part them"
                )


def check_locality(graph: LoopGraph, machine: Machine, schedule: Schedule, rules: Rules) -> None:
    """No value in registers is used by another group."""
    for e in graph.dependences:
        words = graph.by_name[e.src].registers
        if words and _crosses(e, schedule):
            raise InvalidScheduleError(
                f"{e.src} -> {e.dst}: {count(words, 'word')} in registers cross from "
                f"{_path(e, schedule)} at II={schedule.ii}; put both into one group"
            )


def _live(
    graph: LoopGraph, op: Operation, amount: int, schedule: Schedule, rules: Rules
) -> Holding:
    """The value of ``op`` from its issue until its last use is issued, or is completed."""
    start, birth = schedule.start, schedule.start[op.name]
    completion = rules.readings.liveness == "completion"
    death = birth + (op.cycles if completion else 0)
    for e in graph.dependences:
        if e.src == op.name:
            use = start[e.dst] + e.distance * schedule.ii
            death = max(death, use + (graph.by_name[e.dst].cycles if completion else 0))
    return Holding(op.name, birth, death - birth, amount)


def _values_in_registers(
    graph: LoopGraph, schedule: Schedule, rules: Rules
) -> dict[int, list[Holding]]:
    """Per group, its values in words per warp: the warps that issue a value share it evenly."""
    values: dict[int, list[Holding]] = {g: [] for g in sorted(set(schedule.group.values()))}
    for op in graph:
        if op.registers:
            words = -(-op.registers // op.warps)
            values[schedule.group[op.name]].append(_live(graph, op, words, schedule, rules))
    return values


def _widths(graph: LoopGraph, schedule: Schedule) -> dict[int, int]:
    """Warps of every group: those of its widest operation."""
    width = dict.fromkeys(sorted(set(schedule.group.values())), 0)
    for op in graph:
        width[schedule.group[op.name]] = max(width[schedule.group[op.name]], op.warps)
    return width


def _crosses(e: Dependence, schedule: Schedule) -> bool:
    return schedule.group[e.src] != schedule.group[e.dst]


def _path(e: Dependence, schedule: Schedule) -> str:
    return f"group {schedule.group[e.src]} to group {schedule.group[e.dst]}"
