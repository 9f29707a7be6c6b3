"""Schedules to make programs of, and programs with one fault planted."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace

from strategies import random_joint_problem

from twill_ilp.bounds import rec_mii
from twill_ilp.errors import OptionError
from twill_ilp.pipeline import Group, Instruction, Order, Program, Task
from twill_ilp.schedule import Schedule

Fault = tuple[str, Program, tuple[int, ...]]
"""What was planted, the program with it, and trip counts at one of which it has to show."""


def random_schedule(seed: int) -> Schedule:
    """Any starts that obey the dependences of a random loop, in any groups.

    Units, registers and memories are not looked at: a program has to be right without them.  Small
    IIs and slack give many stages; ``group`` is empty in some schedules.
    """
    rng = random.Random(seed)
    while True:
        problem = random_joint_problem(rng, rng.choice((4, 8, 12)))
        ii = max(1, rec_mii(problem.graph).ii) + rng.choice((0, 0, 1, 2, 5))
        slack = rng.choice((0, 1, ii, 4 * ii))
        names = [op.name for op in problem.graph]
        start = {name: rng.randint(0, slack) for name in names}
        moved = True
        while moved:
            moved = False
            for e in problem.graph.dependences:
                least = start[e.src] + e.delay - e.distance * ii
                if start[e.dst] < least:
                    start[e.dst], moved = least, True
        groups = rng.randint(0, 4)
        group = {name: rng.randrange(groups) for name in names} if groups else {}
        schedule = Schedule(problem.graph, problem.machine, ii, start, group)
        try:
            Order(schedule)
        except OptionError:  # operations without delays wait for each other in a circle
            continue
        return schedule


def without_one_wait(program: Program) -> Iterator[Fault]:
    """Every wait left out."""
    for task in program.tasks.values():
        for wait in task.waits:
            others = tuple(other for other in task.waits if other != wait)
            yield (
                f"{task.operation} does not wait for {wait.operation}, {wait.distance} ago",
                with_tasks(program, replace(task, waits=others)),
                windows(program, abs(wait.distance) + 1),
            )


def without_one_barrier(program: Program) -> Iterator[Fault]:
    """Every barrier left out, with all waits at it."""
    for name in program.barriers:
        tasks, trips = [], []
        for task in program.tasks.values():
            trips += [abs(wait.distance) + 1 for wait in task.waits if wait.operation == name]
            others = tuple(wait for wait in task.waits if wait.operation != name)
            tasks.append(replace(task, waits=others))
        barriers = {key: b for key, b in program.barriers.items() if key != name}
        less = replace(with_tasks(program, *tasks), barriers=barriers)
        yield f"no barrier {name}", less, windows(program, *trips)


def windows(program: Program, *first: int) -> tuple[int, ...]:
    """Trip counts at which a missing wait shows: its own window, else that of what leans on it."""
    waits = [wait for task in program.tasks.values() for wait in task.waits]
    counts = [buffer.count for buffer in program.buffers.values()]
    last = max([1, *counts, *(abs(wait.distance) for wait in waits)]) + 1
    return tuple(dict.fromkeys((*first, *range(1, last + 1))))


def with_one_slot_less(program: Program) -> Iterator[Fault]:
    """Every buffer of several slots with one less, at a trip count that needs them all."""
    for name, buffer in program.buffers.items():
        if buffer.count > 1:
            less = replace(buffer, count=buffer.count - 1)
            distances = [r.distance for t in program.tasks.values() for r in t.reads
                         if r.buffer == name]  # fmt: skip
            yield (
                f"{name} has {less.count} slots",
                replace(program, buffers={**program.buffers, name: less}),
                (buffer.count + max(distances, default=0) + 1,),
            )


def with_two_swapped(program: Program) -> Iterator[Fault]:
    """Every two instructions of a steady state that a dependence orders, swapped."""
    for group in program.groups:
        place = {step.operation: (at, step.offset) for at, step in enumerate(group.steady)}
        for reader, (later, offset) in place.items():
            for read in program.tasks[reader].reads:
                earlier, source = place.get(read.operation, (len(place), 0))
                if earlier < later and offset - read.distance == source:
                    steps = list(group.steady)
                    steps[earlier], steps[later] = steps[later], steps[earlier]
                    yield (
                        f"{reader} before {read.operation} in group {group.id}",
                        with_group(program, replace(group, steady=tuple(steps))),
                        (group.stages + read.distance,),
                    )


def with_foreign_registers(program: Program) -> Iterator[Fault]:
    """Every value that is handed over, read from its registers instead."""
    for task in program.tasks.values():
        for at, read in enumerate(task.reads):
            if program.buffers[read.buffer].kind == "hand-over":
                reads = list(task.reads)
                reads[at] = replace(read, buffer=read.operation)
                yield (
                    f"{task.operation} reads registers of {read.operation}",
                    with_tasks(program, replace(task, reads=tuple(reads))),
                    (read.distance + 1,),
                )


def with_tasks(program: Program, *tasks: Task) -> Program:
    """The program with some tasks instead of those of the same operations."""
    return replace(program, tasks={**program.tasks, **{task.operation: task for task in tasks}})


def with_group(program: Program, group: Group) -> Program:
    """The program with a group instead of that of the same number."""
    groups = tuple(group if other.id == group.id else other for other in program.groups)
    return replace(program, groups=groups)


def straight(group: Group, trip_count: int) -> list[tuple[str, int]]:
    """What a group runs, from its instructions' own description and without ``Group.run``."""

    def kept(steps: tuple[Instruction, ...], base: int) -> list[tuple[str, int]]:
        return [(s.operation, base + s.offset) for s in steps if trip_count >= s.least]

    rounds = range(max(0, trip_count - group.stages + 1))
    steady = [(s.operation, i + s.offset) for i in rounds for s in group.steady]
    return [*kept(group.prologue, 0), *steady, *kept(group.epilogue, trip_count)]


FAULTS = {
    "wait": without_one_wait,
    "barrier": without_one_barrier,
    "slot": with_one_slot_less,
    "swap": with_two_swapped,
    "registers": with_foreign_registers,
}
