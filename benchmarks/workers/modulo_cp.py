"""The modulo problem as a CP model: intervals that do not overlap, modulo II; L minimised."""

from __future__ import annotations

from typing import Any

from loop import Loop
from ortools.sat.python import cp_model

__all__ = ["build_modulo"]


def build_modulo(loop: Loop) -> tuple[cp_model.CpModel, Any]:
    """Starts as stage and slot; on every unit the rows of reservation tables as intervals.

    A row of at most II cycles from slot p on is put down twice, at p and at p + II: so whatever
    wraps around the kernel meets what begins there.
    """
    model, ii = cp_model.CpModel(), loop.ii
    start, slot = [], []
    for v in range(len(loop.ops)):
        k = model.new_int_var(0, loop.reach // ii + 1, f"k{v}")
        slot.append(model.new_int_var(0, ii - 1, f"s{v}"))
        start.append(ii * k + slot[v])
    for e in loop.edges:
        model.add(start[e.dst] - start[e.src] >= e.weight)
    for unit, capacity in loop.machine["units"].items():
        _add_unit(model, loop, unit, capacity, slot)
    length = model.new_int_var(0, loop.reach + 2 * ii + max(op["cycles"] for op in loop.ops), "L")
    for v, op in enumerate(loop.ops):
        model.add(length >= start[v] + op["cycles"])
    model.minimize(length)

    def read(solver: cp_model.CpSolver) -> dict[str, Any]:
        return {"start": loop.named([solver.value(t) for t in start]), "group": {}}

    return model, read


def _add_unit(
    model: cp_model.CpModel, loop: Loop, unit: str, capacity: int, slot: list[Any]
) -> None:
    intervals, demands, always = [], [], 0
    for v, op in enumerate(loop.ops):
        for i, row in enumerate(op["usage"]):
            if row["unit"] != unit:
                continue
            turns, rest = divmod(row["cycles"], loop.ii)
            always += turns * row["amount"]
            if not rest:
                continue
            first = slot[v]
            if row["start"] % loop.ii:
                first = model.new_int_var(0, loop.ii - 1, f"p{v}_{i}_{unit}")
                wraps = model.new_bool_var("")
                model.add(first == slot[v] + row["start"] % loop.ii - loop.ii * wraps)
            for copy in (0, loop.ii):
                intervals.append(model.new_fixed_size_interval_var(first + copy, rest, ""))
                demands.append(row["amount"])
    if always + max(demands, default=0) > capacity:
        model.add_bool_or([])  # never
    elif capacity - always == 1:
        model.add_no_overlap(intervals)
    elif intervals:
        model.add_cumulative(intervals, demands, capacity - always)
