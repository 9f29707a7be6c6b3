"""Exports of the modulo ILP, for other solvers: MPS and CPLEX's LP format."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pulp

from twill_ilp.errors import OptionError
from twill_ilp.files import writing
from twill_ilp.ilp import (
    FORMULATIONS,
    Formulation,
    add_length_objective,
    build_joint_model,
    build_model,
    joint_families,
    reduce_loop,
    timeline,
    windows_any_length,
    windows_for_length,
)
from twill_ilp.modulo import chosen_formulation
from twill_ilp.options import SearchOptions
from twill_ilp.problem import Problem
from twill_ilp.rules import Rules, effective_graph

__all__ = ["WRITERS", "export_model"]

LONGEST_NAME = 255
"""Letters of a name that readers of the LP format accept."""


def export_model(
    problem: Problem, ii: int, length: int | None, formulation: str, path: str | Path
) -> None:
    """Write the ILP of one initiation interval, whole or not at all.

    With a length (cycles) it minimises L over the schedules of at most that length, which
    begin at cycle 0; without one it asks for any schedule.

    Args:
        problem: loop and machine.
        ii: initiation interval, cycles; at least RecMII.
        length: an upper bound on L, or ``None``.
        formulation: a key of :data:`twill_ilp.ilp.FORMULATIONS`, or ``auto``.
        path: ends in ``.mps`` or ``.lp``.

    Raises:
        OptionError: an unknown formulation or suffix, an ``ii`` below RecMII, a ``length``
            below the critical path, or a name too long for the format.
        OSError: the file cannot be written.
    """
    if formulation not in ("auto", *FORMULATIONS):
        raise OptionError(
            f"formulation is {formulation!r}; choose from auto, {', '.join(FORMULATIONS)}"
        )
    if Path(path).suffix.lower() not in WRITERS:
        raise OptionError(f"{path}: unknown format; end the name in {' or '.join(WRITERS)}")
    _write(_model(problem, ii, length, formulation).lp, path)


def export_joint_model(
    problem: Problem, rules: Rules, ii: int, length: int | None, path: str | Path
) -> None:
    """Write the joint ILP of one initiation interval, whole or not at all.

    It has no objective: it asks for any schedule, with a length (cycles) for one of at most
    that length.

    Args:
        rules: families and readings.
        path: ends in ``.mps`` or ``.lp``.

    Raises:
        OptionError: an unknown suffix, an ``ii`` or a ``length`` that no schedule can have, or a
            name too long for the format.
        OSError: the file cannot be written.
    """
    line = timeline(effective_graph(problem.graph, rules), problem.machine, rules, ii, length)
    if line.conflict:
        raise OptionError(f"II={ii} has no joint ILP: {line.conflict}; raise it")
    model = build_joint_model(line, problem.machine, joint_families(rules))
    _write(model.lp, path)


def _write(lp: pulp.LpProblem, path: str | Path) -> None:
    write = WRITERS.get(Path(path).suffix.lower())
    if write is None:
        raise OptionError(f"{path}: unknown format; end the name in {' or '.join(WRITERS)}")
    with writing(path) as temporary:
        write(lp, str(temporary))


def _model(problem: Problem, ii: int, length: int | None, formulation: str) -> Formulation:
    core = reduce_loop(problem.graph, ii)
    chosen = chosen_formulation(core, SearchOptions(formulation=formulation))
    families = FORMULATIONS[chosen]
    if length is None:
        return build_model(core, problem.machine, windows_any_length(core), families)
    windows = windows_for_length(core, length)
    if windows is None:
        raise OptionError(f"length is {length}; give at least {core.critical_path} cycles")
    return build_model(core, problem.machine, windows, (*families, add_length_objective))


def _write_lp(lp: pulp.LpProblem, path: str) -> None:
    # PuLP would refuse long names of variables only, and leave the file open.
    names = [v.name for v in lp.variables()] + [row.name for row in lp.constraints()]
    longest = max(names, key=len, default="")
    if len(longest) > LONGEST_NAME:
        raise OptionError(
            f"name {longest[:20]}... has {len(longest)} letters, and the LP format allows "
            f"{LONGEST_NAME}; export .mps instead"
        )
    lp.writeLP(path, max_length=LONGEST_NAME)


def _write_mps(lp: pulp.LpProblem, path: str) -> None:
    lp.writeMPS(path)


WRITERS: dict[str, Callable[[pulp.LpProblem, str], None]] = {
    ".mps": _write_mps,
    ".lp": _write_lp,
}
"""Formats by suffix."""
