"""Schedules with warp groups, made by hand; they need not obey the joint rules."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from twill_ilp.graph import Dependence, LoopGraph, Operation, Usage
from twill_ilp.kernels import build_kernel
from twill_ilp.machine import Machine
from twill_ilp.schedule import Schedule
from twill_ilp.search import solve


def pair() -> Schedule:
    """II = 3: A is read by B, and an iteration later by C, which is complete at once."""
    ops = (Operation("A", cycles=1), Operation("B", cycles=2), Operation("C", cycles=0))
    edges = (Dependence("A", "B", 1), Dependence("A", "C", 1, distance=1))
    return Schedule(LoopGraph("pair", ops, edges), Machine("m", {}), 3, {"A": 1, "B": 4, "C": 0})


def handmade() -> Schedule:
    """Fig. 1's loop, II = 2: group 0 issues the products; group 1 waits for S and computes P."""
    graph = LoopGraph(
        "handmade",
        (
            Operation("S", "mma", (Usage("TC", 1),), issue=0, footprint={"tmem": 8}),
            Operation("P", "exp", (Usage("EXP", 1),), warps=4, registers=4096),
            Operation("O", "mma", (Usage("TC", 1),), issue=0, footprint={"tmem": 8}),
        ),
        (
            Dependence("S", "P", 1, blocking=True),
            Dependence("P", "O", 1),
            Dependence("O", "O", 1, distance=1),
        ),
    )
    machine = Machine("toy", {"TC": 1, "EXP": 1}, {"tmem": 64}, 16, 255, 65536)
    start = {"S": 0, "P": 2, "O": 3}
    return Schedule(graph, machine, 2, start, {"S": 0, "P": 1, "O": 0})


@cache
def fmha() -> Schedule:
    """The shortest modulo schedule of Blackwell's forward attention, with FA4's groups."""
    return grouped(_solved("fmha-forward"))


def grouped(schedule: Schedule) -> Schedule:
    """Loads 0, products 1, softmax of sub-tile i 2 + i, rescale 4."""

    def group(name: str) -> int:
        stem, _, tile = name.partition(".")
        if stem in ("K", "V"):
            return 0
        if stem in ("S", "O"):
            return 1
        return 4 if stem in ("readO", "rescaleO", "writeO") else 2 + int(tile)

    return replace(schedule, group={op.name: group(op.name) for op in schedule.graph})


@cache
def _solved(kernel: str, machine: str | None = None) -> Schedule:
    schedule = solve(build_kernel(kernel, machine)).schedule
    assert schedule
    return schedule


@cache
def gemm() -> Schedule:
    """GEMM: loads on group 0, the product on 1."""
    schedule = _solved("gemm")
    group = {op.name: int(not op.variable_latency) for op in schedule.graph}
    return replace(schedule, group=group)
