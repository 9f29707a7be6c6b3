"""The same question in every formulation, side by side: size, LP bound, time."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import pulp

from twill_ilp.errors import OptionError
from twill_ilp.ilp import (
    FORMULATIONS,
    Core,
    Formulation,
    add_length_objective,
    build_model,
    reduce_loop,
    windows_for_length,
)
from twill_ilp.machine import Machine
from twill_ilp.outcome import SolveStatus
from twill_ilp.problem import Problem
from twill_ilp.solver import run

__all__ = ["ModelFacts", "compare_formulations"]


@dataclass(frozen=True)
class ModelFacts:
    """One formulation of "the shortest schedule at this II".

    Attributes:
        formulation: its name.
        columns, rows, nonzeros: size of the model.
        lp_bound: least L, cycles, that the model allows without whole numbers; ``None``: the LP
            was not solved in time, or has no solution.
        length: least L, cycles; ``None`` if that is not proven in time.
        nodes: of the branch-and-bound tree.
        build_seconds, solve_seconds: wall time to write the ILP and to solve it.
    """

    formulation: str
    columns: int
    rows: int
    nonzeros: int
    lp_bound: float | None
    length: int | None
    nodes: int
    build_seconds: float
    solve_seconds: float


def compare_formulations(
    problem: Problem,
    ii: int,
    length: int,
    *,
    formulations: Sequence[str] = tuple(FORMULATIONS),
    time_limit: float = 60.0,
) -> list[ModelFacts]:
    """Minimise L of the modulo problem with every formulation.

    Args:
        problem: loop and machine.
        ii: initiation interval, cycles; at least RecMII.
        length: schedules of at most that many cycles are looked at.
        formulations: names, in order.
        time_limit: wall seconds for each LP and each ILP.

    Raises:
        OptionError: an unknown formulation, an ``ii`` below RecMII, or a ``length`` below the
            critical path.
    """
    for name in formulations:
        if name not in FORMULATIONS:
            raise OptionError(f"formulation {name}: choose from {', '.join(FORMULATIONS)}")
    core = reduce_loop(problem.graph, ii)
    return [_facts(name, core, problem.machine, length, time_limit) for name in formulations]


def _facts(name: str, core: Core, machine: Machine, length: int, limit: float) -> ModelFacts:
    began = time.perf_counter()
    lp = _shortest(name, core, machine, length).lp
    built = time.perf_counter() - began
    outcome = run(lp, time_limit=limit)
    solved = outcome.status is SolveStatus.OPTIMAL
    return ModelFacts(
        name,
        len(lp.variables()),
        len(lp.constraints()),
        sum(c != 0 for row in lp.constraints() for c in row.values()),
        _lp_bound(_shortest(name, core, machine, length).lp, limit),
        round(outcome.values["length"]) if solved else None,
        outcome.nodes,
        built,
        outcome.seconds,
    )


def _shortest(name: str, core: Core, machine: Machine, length: int) -> Formulation:
    windows = windows_for_length(core, length)
    if windows is None:
        raise OptionError(f"length is {length}; give at least {core.critical_path} cycles")
    return build_model(core, machine, windows, (*FORMULATIONS[name], add_length_objective))


def _lp_bound(lp: pulp.LpProblem, limit: float) -> float | None:
    for variable in lp.variables():
        variable.cat = pulp.LpContinuous
    outcome = run(lp, time_limit=limit)
    return outcome.values["length"] if outcome.status is SolveStatus.OPTIMAL else None
