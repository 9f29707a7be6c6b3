"""Inputs for the tests: random loops, valid by construction, and problem files gone wrong.

Operations have a *rank*.  A dependence of distance 0 goes up the ranks, or stays in a rank
with delay 0; so a cycle of total distance 0 has no delay.  Operations of one rank may have to
start together, so they share no unit; hence every problem has a schedule at some II.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

import twill_ilp
from twill_ilp import Result, SearchOptions
from twill_ilp.graph import Dependence, LoopGraph, Operation, Usage
from twill_ilp.machine import Machine
from twill_ilp.problem import Problem

UNITS = ("TC", "EXP", "ALU")

FIGURE_1 = Problem(
    LoopGraph(
        "figure-1",
        (
            Operation("S", "gemm", (Usage("TC", 1),)),
            Operation("P", "exp", (Usage("EXP", 1),)),
            Operation("O", "gemm", (Usage("TC", 1),)),
        ),
        (Dependence("S", "P", 1), Dependence("P", "O", 1), Dependence("O", "O", 1, distance=1)),
    ),
    Machine("simplified", {"TC": 1, "EXP": 1}),
)
"""The simplified attention loop of Soi et al. 2026, Fig. 1: II = 2 and L = 4."""


def solve_modulo(problem: Problem, options: SearchOptions | None = None, **how: Any) -> Result:
    """The modulo problem alone: II and L, without warp groups."""
    return twill_ilp.solve(problem, replace(options or SearchOptions(), stage="modulo"), **how)


def random_problem(
    rng: random.Random,
    max_operations: int = 6,
    *,
    min_operations: int = 1,
    max_units: int = 3,
    max_cycles: int = 3,
    max_delay: int = 4,
    max_distance: int = 2,
) -> Problem:
    """A loop on a machine of 1 to ``max_units`` units.

    It has ``min_operations`` to ``max_operations`` operations.  ``max_cycles`` bounds one row
    of a reservation table and ``max_delay`` one delay (cycles), ``max_distance`` (at least 1)
    one distance (iterations).  Some loops use their units heavily, others hardly.  The same
    state of ``rng`` gives the same problem.
    """
    units = {unit: rng.choice((1, 1, 2)) for unit in UNITS[: rng.randint(1, max_units)]}
    rows = rng.choice(((1, 1, 1, 2), (0, 1, 1, 1, 2, 2), (0, 0, 1, 1), (0, 0, 0, 1)))
    cycles = rng.choice((1, max_cycles, max_cycles))
    size = max(rng.randint(min_operations, max_operations) for _ in range(2))
    operations: list[Operation] = []
    ranks: list[int] = []
    for i in range(size):
        op = _operation(rng, f"v{i}", units, rng.choice(rows), cycles)
        ranks.append(_rank(rng, op, operations, ranks))
        operations.append(op)
    number = rng.choice((0, 1, 2, 3, 3)) * len(operations) // 2
    dependences = [
        dependence
        for _ in range(number)
        for dependence in _dependences(rng, operations, ranks, max_delay, max_distance)
    ]
    rng.shuffle(dependences)
    rng.shuffle(operations)
    graph = LoopGraph("random", tuple(operations), tuple(dependences))
    return Problem(graph, Machine("random", units))


def random_joint_problem(
    rng: random.Random, max_operations: int = 6, *, min_operations: int = 4
) -> Problem:
    """A loop with warps, registers, footprints and spills, on a machine that is short of them.

    As :func:`random_problem`, small and with short delays, so that II is mostly below 7.  Every
    limit is missing from some machines, and near what the loop needs on most.
    """
    plain = random_problem(
        rng, max_operations, min_operations=min_operations, max_cycles=2, max_delay=3
    )
    scale = rng.choice((1, 1, 16))  # 16: more words than the smallest quota gives
    names = [op.name for op in plain.graph]
    waiting = {e.dst for e in plain.graph.dependences}
    idle = [name for name in names if name not in waiting]
    varying = {rng.choice(idle or names), *rng.sample(names, rng.choice((0, 0, 1)))}
    if rng.random() < 0.4:
        varying = set()
    operations = [_jointly(rng, op, scale, op.name in varying) for op in plain.graph]
    share = rng.choice((0.1, 0.3))
    dependences = [replace(e, blocking=rng.random() < share) for e in plain.graph.dependences]
    graph = LoopGraph("random-joint", tuple(operations), tuple(dependences))
    return Problem(graph, _short_machine(rng, plain.machine, graph, scale))


def _jointly(rng: random.Random, op: Operation, scale: int, varying: bool) -> Operation:
    """The operation with what the joint rules ask for; it may hold its warps oddly long."""
    warps = rng.choice((1, 1, 1, 2, 4))
    return replace(
        op,
        issue=rng.choice((op.cycles, op.cycles, 0, 1, op.cycles + 1)),
        warps=warps,
        registers=rng.choice((0, 12, 16, 24, 32)) * scale * warps + rng.choice((0, 0, 0, 1)),
        footprint={m: rng.randint(1, 3) for m in ("smem", "tmem") if rng.random() < 0.4},
        spill=rng.choice((0, 0, 1, 2)),
        variable_latency=varying,
    )


def _short_machine(rng: random.Random, machine: Machine, graph: LoopGraph, scale: int) -> Machine:
    """The machine with limits that the values of any one operation respect by themselves."""
    far = {op.name: 1 for op in graph}  # values alive at once, at least
    for e in graph.dependences:
        far[e.src] = max(far[e.src], e.distance)
    memories = {
        memory: max(op.footprint.get(memory, 0) * far[op.name] for op in graph) + rng.randint(0, 2)
        for memory in ("smem", "tmem")
    }
    words = max(-(-op.registers // op.warps) * far[op.name] for op in graph)
    each = max(1, -(-words // 32)) + rng.choice((0, 0, 0, 1)) * scale
    apart = [
        max((op.warps for op in graph if op.variable_latency is x), default=0)
        for x in (False, True)
    ]
    widest = sum(apart)
    return replace(
        machine,
        memories=memories if rng.random() < 0.8 else {},
        warps=rng.choice((None, *[widest + more for more in (0, 0, 1, 2)])),
        registers_per_thread=rng.choice((None, each, each, each)),
        registers_per_sm=rng.choice((None, *[768 * (widest + more) for more in (0, 0, 1, 2)])),
    )


def problems(max_operations: int = 6) -> st.SearchStrategy[Problem]:
    """:func:`random_problem` with Hypothesis drawing the random numbers, so that it shrinks."""
    return st.randoms(use_true_random=False).map(lambda rng: random_problem(rng, max_operations))


def _operation(
    rng: random.Random, name: str, units: dict[str, int], rows: int, max_cycles: int
) -> Operation:
    """An operation whose cycles need not be those of its rows."""
    usage: list[Usage] = []
    for _ in range(rows):
        unit = rng.choice(list(units))
        # Rows of one unit follow each other: within the capacity whatever their amounts.
        free = max((row.end for row in usage if row.unit == unit), default=0)
        start, cycles = free + rng.choice((0, 0, 1)), rng.randint(1, max_cycles)
        usage.append(Usage(unit, cycles, start, amount=rng.randint(1, units[unit])))
    end = max((row.end for row in usage), default=0)
    latency = end if rng.random() < 0.6 else rng.randint(0, max_cycles + 1)
    return Operation(name, usage=tuple(usage), cycles=latency)


def _rank(rng: random.Random, op: Operation, operations: list[Operation], ranks: list[int]) -> int:
    """Rank of a new operation: the newest one's if they share no unit, or the next."""
    newest = ranks[-1] if ranks else 0
    mates = [mate for mate, rank in zip(operations, ranks, strict=True) if rank == newest]
    taken = {row.unit for mate in mates for row in mate.usage}
    together = taken.isdisjoint(row.unit for row in op.usage) and rng.random() < 0.5
    return newest if together else newest + 1


def _dependences(
    rng: random.Random,
    operations: list[Operation],
    ranks: list[int],
    max_delay: int,
    max_distance: int,
) -> list[Dependence]:
    """A dependence between two random operations, at times with a parallel or opposite one."""
    i, j = (rng.randrange(len(operations)) for _ in range(2))
    if ranks[i] > ranks[j] and rng.random() < 0.5:
        i, j = j, i
    if ranks[i] == ranks[j] and i != j and rng.random() < 0.5:
        a, b = operations[i].name, operations[j].name
        return [Dependence(a, b, 0), Dependence(b, a, 0)]
    result = []
    for _ in range(rng.choice((1, 1, 1, 1, 2))):
        delay = rng.randint(0, max_delay)
        distance = rng.choice((0, 0, rng.randint(0, max_distance)))
        if distance == 0 and ranks[i] > ranks[j]:
            distance = rng.randint(1, max_distance)
        elif distance == 0 and ranks[i] == ranks[j]:
            delay, distance = rng.choice(((0, 0), (delay, 1)))
        result.append(Dependence(operations[i].name, operations[j].name, delay, distance))
    return result


FULL: dict[str, Any] = {
    "schema": "twill-ilp/problem/1",
    "graph": {
        "name": "full",
        "operations": [
            {
                "name": "S0",
                "kind": "mma",
                "usage": [
                    {"unit": "TC", "start": 0, "cycles": 4, "amount": 1},
                    {"unit": "SFU", "start": 1, "cycles": 2, "amount": 2},
                ],
                "cycles": 5,
                "issue": 1,
                "warps": 4,
                "registers": 128,
                "footprint": {"tmem": 128, "smem": 0},
                "spill": 7,
                "variable_latency": True,
            },
            {"name": "load0"},
        ],
        "dependences": [
            {"src": "S0", "dst": "load0", "delay": 4, "distance": 0, "blocking": True},
            {"src": "load0", "dst": "S0", "delay": 1, "distance": 2, "blocking": False},
        ],
    },
    "machine": {
        "name": "little",
        "units": {"TC": 1, "SFU": 2},
        "memories": {"smem": 1000, "tmem": 512},
        "warps": 16,
        "registers_per_thread": 255,
        "registers_per_sm": 65536,
    },
}
"""Every key of the format ``twill-ilp/problem/1``."""

Place = tuple[str | int, ...]


def places(data: Any, at: Place = ()) -> Iterator[Place]:
    """Every place in JSON data, objects and arrays included."""
    yield at
    if isinstance(data, dict | list):
        for key, value in data.items() if isinstance(data, dict) else enumerate(data):
            yield from places(value, (*at, key))


def keys(at: Place) -> Place:
    """A place without its indices."""
    return tuple(key for key in at if isinstance(key, str))


def value_at(data: Any, at: Place) -> Any:
    """The value at one place."""
    for key in at:
        data = data[key]
    return data


def changed(at: Place, value: Any) -> Any:
    """``FULL`` with another value at one place."""
    if not at:
        return value
    data = copy.deepcopy(FULL)
    value_at(data, at[:-1])[at[-1]] = value
    return data


def nested(depth: int) -> Any:
    """An array in an array in an array ..."""
    value: Any = 0
    for _ in range(depth):
        value = [value]
    return value


WRONG: list[Any] = [
    None, True, False, -1, 0, 1, 2, 1.0, 1.5, -0.0, 10**9, 10**10, 10**30, 10**4000, 1e300,
    "", " ", "x", "TC", "S0", "1", "a\nb", "a\u2028b", "\x00", "\ud800", "x" * 99,
    [], {}, [1], ["TC"], [None], [[]], [{}], list(range(10**4)), {"": 1}, {"a\nb": -1},
    {"TC": None}, {"name": "a\nb"}, {"name": []}, {"x": {"y": [1, 2]}}, nested(50),
]  # fmt: skip
"""Values that are wrong at most places of a problem file."""
