"""``twill-ilp bounds``: what limits II and L before any solver runs, and who is to blame."""

from __future__ import annotations

import argparse
from textwrap import indent

from twill_ilp.bounds import rec_mii, res_mii, unit_work
from twill_ilp.cli.source import load_problem
from twill_ilp.cli.terminal import say
from twill_ilp.problem import Problem
from twill_ilp.report import WIDTH, Table, subject

__all__ = ["bounds_text", "run"]

INSET = "  "


def run(arguments: argparse.Namespace) -> int:
    """Print the bounds of a problem."""
    say(bounds_text(load_problem(arguments)))
    return 0


def bounds_text(problem: Problem) -> str:
    """ResMII per unit, RecMII with its cycle, and bounds on L at MII; all in cycles."""
    resource, recurrence = res_mii(problem.graph, problem.machine), rec_mii(problem.graph)
    mii = max(resource.ii, recurrence.ii)
    claims = (f"II >= {recurrence.ii}", str(recurrence))
    return "\n\n".join(
        [
            f"{subject(problem)}: MII = {mii} (ResMII {resource.ii}, RecMII {recurrence.ii})",
            _section("Units (ResMII)", _units(problem, resource.ii)),
            _section("Dependence cycles (RecMII)", Table(("", ""), (claims,), wraps=True)),
            _section(f"Length at II = {mii}", _length(problem, mii)),
        ]
    )


def _units(problem: Problem, resource_ii: int) -> Table:
    """Work and capacity of every unit in use; those that make ResMII are marked."""
    rows = []
    for unit, work in unit_work(problem.graph).items():
        capacity = problem.machine.units[unit]
        least = -(-work // capacity)
        mark = "<- ResMII" if least == resource_ii else ""
        rows.append((unit, str(work), str(capacity), str(least), mark))
    return Table(("unit", "work", "capacity", "II >=", ""), tuple(rows), frozenset({1, 2, 3}))


def _length(problem: Problem, ii: int) -> Table:
    """Bounds on L, unless a structural test rules the II out."""
    from twill_ilp.ilp import reduce_loop
    from twill_ilp.structure import length_bound, rigid_conflict

    core = reduce_loop(problem.graph, ii)
    rows = [(f"L >= {core.critical_path}", "critical path of one iteration")]
    bound = length_bound(core, problem.machine)
    if bound.length > core.critical_path:
        rows.append((f"L >= {bound.length}", bound.evidence))
    if conflict := rigid_conflict(core, problem.machine):
        rows = [(f"II = {ii} impossible", conflict)]
    return Table(("", ""), tuple(rows), wraps=True)


def _section(title: str, table: Table) -> str:
    return f"{title}\n{indent(table.text(WIDTH - len(INSET)), INSET)}"
