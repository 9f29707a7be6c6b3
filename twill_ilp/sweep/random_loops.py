"""Random loops of any size, for sweeps: as many as one likes, each named by its seed.

They imitate the loops of public modulo-scheduling benchmarks: layers of operations on a few
units, mostly short dependences forward, some recurrences; and, for the joint problem, values in
registers, warps, and loads of variable latency.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from twill_ilp.graph import Dependence, LoopGraph, Operation, Usage
from twill_ilp.machine import Machine
from twill_ilp.problem import Problem

__all__ = ["random_loop"]

UNITS = {"MEM": 1, "MUL": 1, "ALU": 2}
"""Units and their capacities; an operation uses one of them."""

CYCLES = {"MEM": (1, 1, 2), "MUL": (1, 2, 3), "ALU": (1, 1, 2)}
"""Cycles for which an operation holds its unit, by unit."""

LATENCY = {"MEM": 4, "MUL": 3, "ALU": 1}
"""Cycles until the result exists, at least."""

SPAN = 6
"""How many operations back a dependence reaches at most."""

WARPS, REGISTERS = 8, 255


def random_loop(operations: int, seed: int = 0) -> Problem:
    """The loop number ``seed`` with that many operations.

    Every operation but the first loads reads one to three earlier results; about one in eight
    also closes a recurrence over one or two iterations.  Each has a schedule at some II.  The
    same arguments give the same loop.

    >>> random_loop(12, seed=3).graph
    <LoopGraph random-12-3: 12 operations, 16 dependences, units MEM, ALU, MUL>
    """
    rng = random.Random(f"{operations}-{seed}")
    loads = max(1, operations // 5)
    ops = tuple(_operation(rng, i, i < loads) for i in range(operations))
    edges = {(e.src, e.dst, e.distance): e for e in _dependences(rng, ops, loads)}
    graph = LoopGraph(f"random-{operations}-{seed}", ops, tuple(edges.values()))
    return Problem(graph, Machine("random", UNITS, {}, WARPS, REGISTERS))


def _operation(rng: random.Random, number: int, load: bool) -> Operation:
    unit = "MEM" if load else rng.choice(("MUL", "ALU", "ALU", "MEM"))
    held = rng.choice(CYCLES[unit])
    return Operation(
        f"{unit.lower()}{number}",
        unit.lower(),
        (Usage(unit, held),),
        cycles=max(held, LATENCY[unit]),
        issue=1 if load else held,
        warps=1,
        registers=32 * rng.choice((8, 16, 32)),
        spill=rng.choice((1, 2)),
        variable_latency=load,
    )


def _dependences(
    rng: random.Random, ops: tuple[Operation, ...], loads: int
) -> Iterator[Dependence]:
    for i in range(loads, len(ops)):
        for _ in range(rng.choice((1, 2, 2, 3))):
            src = ops[rng.randrange(max(0, i - SPAN), i)]
            yield Dependence(src.name, ops[i].name, src.cycles, blocking=src.variable_latency)
        if rng.random() < 1 / 8:
            dst = ops[rng.randrange(max(loads, i - SPAN), i + 1)]
            delay = ops[i].cycles
            yield Dependence(ops[i].name, dst.name, delay, rng.choice((1, 1, 2)))
