"""Instances to compare solvers on: files, kernels with few groups or warps, and random loops.

An instance is a problem, the rules, and which initiation intervals are in question.  A random
loop is the same for the same seed on every machine.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from twill_ilp import Problem, build_kernel, read_problem
from twill_ilp.bounds import rec_mii, res_mii
from twill_ilp.graph import Dependence, LoopGraph, Operation, Usage
from twill_ilp.machine import Machine
from twill_ilp.rules import Rules, effective_graph
from twill_ilp.structure import hopeless

__all__ = ["SETS", "Instance", "instances", "random_instance", "random_joint_loop"]

BEYOND = 12
"""Initiation intervals tried above MII where none is given."""

RANDOM_BEYOND = 2
"""The same for random loops, some of which have no schedule at any II."""


@dataclass(frozen=True)
class Instance:
    """One question: the smallest II from MII to ``max_ii`` that has a schedule.

    Attributes:
        name: unique within its set.
        stage: ``joint``, or ``modulo``, where the smallest L at that II is asked for too.
        max_ii: the last II to try; ``None``: :data:`BEYOND` more than MII.
    """

    name: str
    problem: Problem
    rules: Rules = field(default_factory=Rules)
    stage: str = "joint"
    max_ii: int | None = None

    @property
    def mii(self) -> int:
        """The larger one of ResMII and RecMII, cycles."""
        graph = self.problem.graph
        if self.stage == "joint":
            graph = effective_graph(graph, self.rules)
        return max(res_mii(graph, self.problem.machine).ii, rec_mii(graph).ii)

    @property
    def last_ii(self) -> int:
        return self.mii + BEYOND if self.max_ii is None else self.max_ii


def instances(name: str, files: Iterable[Path] = (), count: int = 500) -> list[Instance]:
    """The instances of one set of :data:`SETS`.

    Args:
        files: problem files of the sets ``modulo`` and ``files``.
        count: how many of the set ``random``.
    """
    match name:
        case "modulo":
            return [Instance(path.stem, read_problem(path), stage="modulo") for path in files]
        case "files":
            return [Instance(path.stem, read_problem(path)) for path in files]
        case "random":
            return [random_instance(seed) for seed in range(count)]
        case _:
            return {"forward": _forward, "groups": _groups, "ablations": _ablations}[name]()


SETS = ("modulo", "files", "forward", "groups", "ablations", "random")


def _forward() -> list[Instance]:
    return [
        Instance(f"fmha-forward {machine}", build_kernel("fmha-forward", machine))
        for machine in ("blackwell", "hopper")
    ]


def _groups() -> list[Instance]:
    """The forward loops with few groups, at the smallest II of the modulo problem."""
    return [
        Instance(f"{loop.name}, {most} groups", loop.problem, Rules(max_groups=most),
                 max_ii=loop.mii)
        for loop in _forward()
        for most in (2, 3, 4, 5)
    ]  # fmt: skip


def _ablations() -> list[Instance]:
    """Changes that make Blackwell forward impossible at the smallest II of the modulo problem."""
    blackwell = build_kernel("fmha-forward", "blackwell")
    single = build_kernel("fmha-forward", "blackwell", sub_tiles=1)
    return [
        Instance("no sub-tiling", single, max_ii=8),
        Instance("12 warps", _with_warps(blackwell, 12), max_ii=16),
        Instance("9 warps", _with_warps(blackwell, 9), max_ii=16),
        Instance("no cross-warp", blackwell, Rules().also("no-cross-warp"), max_ii=16),
    ]


def _with_warps(problem: Problem, warps: int) -> Problem:
    return Problem(problem.graph, replace(problem.machine, warps=warps))


KINDS = {
    "load": ("TMA", (1, 2), 1),
    "mma": ("TC", (2, 3, 4), 1),
    "exp": ("SFU", (1, 2, 3), 4),
    "alu": ("FP32", (1, 1, 2), 4),
    "row": (None, (0, 1), 4),
}
"""Kind: unit, its cycles to choose from, warps."""


def random_instance(seed: int) -> Instance:
    """A random loop, with the few initiation intervals that are in question."""
    loose = Instance(f"random-{seed}", random_joint_loop(seed))
    return replace(loose, max_ii=loose.mii + RANDOM_BEYOND)


def random_joint_loop(seed: int) -> Problem:
    """A loop of 8 to 30 operations that looks like tile code, on a machine with little to spare.

    Loads and products are asynchronous and their readers wait for them; arithmetic is done by
    four warps in registers.  Half of the loops are two copies of one chain, as sub-tiles are.
    """
    for attempt in range(1000):
        rng = random.Random(f"joint loop {seed} {attempt}")
        problem = _draw(rng, f"random-{seed}")
        if not hopeless(problem, Rules()):
            return problem
    raise AssertionError(f"seed {seed}: no loop that fits its machine")


def _draw(rng: random.Random, name: str) -> Problem:
    size, copies = rng.randint(8, 30), rng.choice((1, 2))
    loads = [_operation(rng, f"load{i}", "load") for i in range(rng.choice((0, 1, 1, 2)))]
    chain = [
        _operation(rng, f"v{i}", rng.choice(("mma", "exp", "alu", "alu", "row")))
        for i in range(max(3, (size - len(loads)) // copies))
    ]
    inner = _inner_edges(rng, chain)
    operations, edges = list(loads), []
    for copy in range(copies):
        operations += [replace(op, name=f"{op.name}.{copy}") for op in chain]
        edges += [replace(e, src=f"{e.src}.{copy}", dst=f"{e.dst}.{copy}") for e in inner]
    for op in loads:
        for reader in rng.sample(chain, min(len(chain), rng.choice((1, 1, 2)))):
            edges += [
                Dependence(op.name, f"{reader.name}.{copy}", op.cycles, blocking=True)
                for copy in range(copies)
            ]
    graph = LoopGraph(name, tuple(operations), tuple(edges))
    return Problem(graph, _machine(rng, graph))


def _operation(rng: random.Random, name: str, kind: str) -> Operation:
    unit, cycles, warps = KINDS[kind]
    busy = rng.choice(cycles)
    asynchronous = kind in ("load", "mma")
    words = 0 if asynchronous else rng.choice((0, 1, 32, 64, 96, 128)) * 32 * warps
    memory = {"load": "smem", "mma": "tmem"}.get(kind)
    return Operation(
        name,
        kind,
        (Usage(unit, busy),) if unit else (),
        cycles=busy,
        issue=1 if asynchronous else busy,
        warps=warps,
        registers=words,
        footprint={memory: rng.choice((1, 1, 2))} if memory else {},
        spill=0 if asynchronous else rng.choice((0, 1, 2, 4)),
        variable_latency=kind == "load",
    )


def _inner_edges(rng: random.Random, chain: list[Operation]) -> list[Dependence]:
    """Every operation reads one or two of the newest before it; some values are carried."""
    edges = []
    for i, op in enumerate(chain[1:], 1):
        for j in sorted(rng.sample(range(max(0, i - 4), i), min(i, rng.choice((1, 1, 2))))):
            edges.append(_edge(rng, chain[j], op, 0))
    for _ in range(rng.choice((0, 1, 2, 3))):
        i = rng.randrange(len(chain))
        j = rng.randrange(max(0, i - 4), i + 1)
        edges.append(_edge(rng, chain[i], chain[j], rng.choice((1, 1, 1, 2))))
    return edges


def _edge(rng: random.Random, src: Operation, dst: Operation, distance: int) -> Dependence:
    waits = src.kind == "mma" or rng.random() < 0.15
    return Dependence(src.name, dst.name, src.cycles, distance, blocking=waits)


def _machine(rng: random.Random, graph: LoopGraph) -> Machine:
    """Units for one operation each; memories, warps and registers near what the loop needs."""
    held = {
        memory: [op.footprint[memory] for op in graph if memory in op.footprint]
        for memory in ("smem", "tmem")
    }
    return Machine(
        "random",
        units={"TMA": 1, "TC": 1, "SFU": 1, "FP32": rng.choice((1, 1, 2))},
        memories={
            memory: max(2 * max(amounts), sum(amounts) - rng.choice((0, 0, 1)))
            for memory, amounts in held.items()
            if amounts
        },
        warps=rng.choice((5, 6, 8, 9, 12, 13)),
        registers_per_thread=rng.choice((128, 132, 160, 192, 255)),
    )
