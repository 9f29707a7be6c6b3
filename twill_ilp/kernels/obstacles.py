"""One loop of two operations for every constraint family, which that family makes infeasible.

Modulo scheduling alone assumes one thread, registers without end and latencies that are known.
Soi et al. 2026 (https://arxiv.org/abs/2512.18134, section 2.3 and Figs. 4 to 6) name four
obstacles on a tensor-core GPU: operations that several warps issue together, few registers,
latencies that vary, and waiting that blocks a whole warp. Each of these loops has an II at which
one family stands in the way, and leaving that family out gives a schedule.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from twill_ilp.graph import Dependence, LoopGraph, Operation, Usage
from twill_ilp.machine import Machine
from twill_ilp.problem import Problem

__all__ = ["OBSTACLES", "Obstacle"]


@dataclass(frozen=True)
class Obstacle:
    """A loop of two operations and the family that it is about.

    Attributes:
        family: a name of :data:`twill_ilp.rules.FAMILIES` or ``EXTRA_FAMILIES``.
        ii: cycles per iteration; impossible with the family, possible without it.
        problem: the loop and its machine.
        story: why, in a sentence.
    """

    family: str
    ii: int
    problem: Problem
    story: str


def _loop(
    name: str, ops: Sequence[Operation], edges: Sequence[Dependence], **limits: int
) -> Problem:
    """The operations on a machine with one tensor core, one exponential unit and one copy unit."""
    memories = {"smem": limits.pop("smem")} if "smem" in limits else {}
    machine = Machine("two-operations", {"TC": 1, "SFU": 1, "TMA": 1}, memories, **limits)
    return Problem(LoopGraph(name, tuple(ops), tuple(edges)), machine)


def _memory() -> Obstacle:
    load = Operation("load", "copy", (Usage("TMA", 1),), cycles=2, footprint={"smem": 100})
    use = Operation("use", "mma", (Usage("TC", 1),))
    loop = _loop("memory", [load, use], [Dependence("load", "use", 2)], smem=150)
    return Obstacle(
        "memory",
        1,
        loop,
        "A tile of 100 bytes lives for the 2 cycles of its load, so at II 1 two of them live at "
        "once; the memory has 150 bytes.",
    )


def _warps() -> Obstacle:
    load = Operation("load", "copy", (Usage("TMA", 1),), variable_latency=True)
    product = Operation("product", "mma", (Usage("TC", 1),), warps=4)
    loop = _loop("cooperation", [load, product], [Dependence("load", "product", 1)], warps=4)
    return Obstacle(
        "warps",
        1,
        loop,
        "Four warps issue the product together, and the load needs a warp of its own: five warps "
        "where there are four.",
    )


def _variable_latency() -> Obstacle:
    node = Operation("node", "copy", (Usage("TMA", 1),), spill=2, variable_latency=True)
    address = Operation("address", "add", (Usage("SFU", 1),))
    edges = [Dependence("node", "address", 1), Dependence("address", "node", 1, distance=1)]
    return Obstacle(
        "variable-latency",
        2,
        _loop("pointer-chase", [node, address], edges),
        "Every load needs the address that the load before it brought. The load has to be in the "
        "designated group and the addition may not, so that the value is handed over once per "
        "iteration, on the cycle that bounds II.",
    )


def _registers() -> Obstacle:
    read = Operation("read", "load", (Usage("SFU", 1),), cycles=2, warps=4, registers=25_600)
    use = Operation("use", "mma", (Usage("TC", 1),), warps=4)
    edges = [Dependence("read", "use", 2)]
    return Obstacle(
        "registers",
        1,
        _loop("registers", [read, use], edges, registers_per_thread=255),
        "The tile takes 200 registers of each of 4 x 32 threads and lives for 2 cycles: at II 1 "
        "two of them, 400 registers where there are 255.",
    )


def _spills() -> Obstacle:
    ops = [
        Operation(name, kind, (Usage(unit, 1),), warps=4, registers=25_600, spill=1)
        for name, kind, unit in (("left", "mma", "TC"), ("right", "exp2", "SFU"))
    ]
    edges = [Dependence("left", "right", 1, 1), Dependence("right", "left", 1, 1)]
    return Obstacle(
        "spills",
        1,
        _loop("spills", ops, edges, registers_per_thread=255),
        "Both tiles are always alive, 400 registers per thread, so each needs a group of its own; "
        "but then every hand-over takes 1 + 1 cycles instead of 1, and the cycle of two hand-overs "
        "in two iterations needs II 2.",
    )


def _concurrency() -> Obstacle:
    exp = Operation("exp", "exp2", (Usage("SFU", 2),), warps=4)
    product = Operation("product", "mma", (Usage("TC", 1),), warps=4)
    loop = _loop(
        "blocking", [exp, product], [Dependence("exp", "product", 2, blocking=True)], warps=4
    )
    return Obstacle(
        "concurrency",
        2,
        loop,
        "There are warps for one group only. The product waits until all of them have written the "
        "exponentials, and a group that waits does nothing else; but at II 2 an exponential is in "
        "progress in both slots.",
    )


def _no_cross_warp() -> Obstacle:
    load = Operation("load", "copy", (Usage("TMA", 1),), registers=32, variable_latency=True)
    use = Operation("use", "mma", (Usage("TC", 1),))
    return Obstacle(
        "no-cross-warp",
        1,
        _loop("private", [load, use], [Dependence("load", "use", 1)]),
        "The load is in the designated group, its user is not, and the value is in registers, "
        "which no other warp can read.",
    )


def _quotas() -> Obstacle:
    ops = [
        Operation(name, kind, (Usage(unit, 1),), warps=4, registers=25_600)
        for name, kind, unit in (("left", "mma", "TC"), ("right", "exp2", "SFU"))
    ]
    edges = [Dependence(op.name, op.name, 1, 1) for op in ops]
    limits = {"registers_per_thread": 255, "registers_per_sm": 50_000}
    return Obstacle(
        "quotas",
        1,
        _loop("quotas", ops, edges, **limits),
        "Each group needs a quota of 200 registers for each of its 128 threads, 51,200 together; "
        "the SM has 50,000.",
    )


_BUILD: tuple[Callable[[], Obstacle], ...] = (
    _memory,
    _warps,
    _variable_latency,
    _registers,
    _spills,
    _concurrency,
    _no_cross_warp,
    _quotas,
)

OBSTACLES: Mapping[str, Obstacle] = {o.family: o for o in (build() for build in _BUILD)}
"""The obstacle of every family by its name."""
