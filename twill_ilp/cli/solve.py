"""``twill-ilp solve``: search, report, and the files that were asked for."""

from __future__ import annotations

import argparse
import os
from dataclasses import replace
from pathlib import Path

from twill_ilp.cli.rules import limited_problem, search_options
from twill_ilp.cli.terminal import Progress, complain, say
from twill_ilp.errors import OptionError
from twill_ilp.files import check_writable, writing
from twill_ilp.kernels import KERNELS
from twill_ilp.options import SearchOptions
from twill_ilp.problem import Problem
from twill_ilp.report import result_text
from twill_ilp.schedule import Result

__all__ = ["EXIT_CODES", "priced", "run"]

EXIT_CODES = {"optimal": 0, "infeasible": 1, "feasible": 3, "unknown": 3}

SUFFIXES = {"json": (), "export": (".mps", ".lp"), "plot": (".png", ".svg", ".pdf")}
"""Names that the output options accept; json: any."""

DOTS = 200
"""Dots per inch of a .png."""


def run(arguments: argparse.Namespace) -> int:
    """Solve, and answer with the exit code of the verdict."""
    options = search_options(arguments)
    _check_outputs(arguments)
    problem, costs = priced(arguments)
    from twill_ilp.search import solve

    if arguments.quiet:
        result = solve(problem, options)
    else:
        with Progress() as progress:
            result = solve(problem, options, progress=progress)
    if costs is not None:
        result = replace(result, environment={**result.environment, **_estimate(costs, result)})
    try:
        _write_outputs(arguments, problem, options, result)
    finally:
        if not arguments.quiet:
            say(result_text(result))
            if costs is not None:
                say(f"\n{_estimate_text(result)}")
    return EXIT_CODES[result.status]


Costs = tuple[Problem, float, str]
"""The problem in clocks, clocks per model cycle, and how the costs were made."""


def priced(arguments: argparse.Namespace) -> tuple[Problem, Costs | None]:
    """The problem in the costs asked for."""
    if arguments.costs is None:
        return limited_problem(arguments), None
    if arguments.quantum is not None:
        raise OptionError(f"--costs {arguments.costs}: costs are in clocks; leave out --quantum")
    if arguments.source in KERNELS and "quantum" in KERNELS[arguments.source].options:
        arguments.quantum = 1
    raw = limited_problem(arguments)
    if arguments.costs == "raw":
        return raw, (raw, 1.0, "raw")
    from twill_ilp.normalized import normalized_problem

    small, answer = normalized_problem(raw, limit=arguments.u)
    return small, (raw, float(answer.scale), f"normalized, U = {arguments.u}")


def _estimate(costs: Costs, result: Result) -> dict[str, str]:
    """What the result means in clocks, for its environment."""
    from twill_ilp.normalized import utilization

    raw, scale, how = costs
    facts = {"costs": how, "clocks_per_cycle": f"{scale:.6g}"}
    if result.ii is not None:
        clocks = result.ii * scale
        facts["estimated_ii_clocks"] = f"{clocks:.0f}"
        facts["tensor_core_utilization"] = f"{min(1.0, utilization(raw, clocks)):.3f}"
    return facts


def _estimate_text(result: Result) -> str:
    facts = result.environment
    text = f"Costs {facts['costs']}: {facts['clocks_per_cycle']} clocks per cycle"
    if "estimated_ii_clocks" in facts:
        text += (
            f"; II is about {facts['estimated_ii_clocks']} clocks, and the tensor core is busy "
            f"{float(facts['tensor_core_utilization']):.0%} of them"
        )
    return text


def _check_outputs(arguments: argparse.Namespace) -> None:
    """Refuse, before anything is computed, what could not be written afterwards."""
    taken = [os.path.realpath(arguments.source)]
    if arguments.machine is not None:
        taken.append(os.path.realpath(arguments.machine))
    for option, suffixes in SUFFIXES.items():
        path = getattr(arguments, option)
        if path is None:
            continue
        if suffixes and Path(path).suffix.lower() not in suffixes:
            raise OptionError(
                f"--{option} {path}: unknown format; end the name in {', '.join(suffixes)}"
            )
        check_writable(path)
        if os.path.realpath(path) in taken:
            raise OptionError(f"--{option} {path}: the file has another role; choose another name")
        taken.append(os.path.realpath(path))


def _write_outputs(
    arguments: argparse.Namespace, problem: Problem, options: SearchOptions, result: Result
) -> None:
    if arguments.json is not None:
        result.save(arguments.json)
    if arguments.export is not None:
        _export(arguments.export, problem, options, result)
    if arguments.plot is not None:
        _plot(arguments.plot, arguments.figure, result)


def _export(path: str, problem: Problem, options: SearchOptions, result: Result) -> None:
    """The ILP at the II found, else at the last II that was tried."""
    from twill_ilp.export import export_joint_model, export_model

    ii = result.ii or max((rejection.ii for rejection in result.rejected), default=0)
    if ii < result.mii["rec"]:
        complain(f"{path}: not written, because no ILP exists below RecMII {result.mii['rec']}")
        return
    if result.rules is not None:
        export_joint_model(problem, result.rules, ii, result.length, path)
    else:
        export_model(problem, ii, result.length, options.formulation, path)


def _plot(path: str, name: str, result: Result) -> None:
    """One figure of the schedule, without any display."""
    if result.schedule is None:
        complain(f"{path}: not written, because there is no schedule to draw")
        return
    from matplotlib import pyplot

    from twill_ilp import plot

    draw = getattr(plot, f"plot_{name}")
    figure = draw(result.schedule).get_figure(root=True)
    assert figure is not None
    try:
        with writing(path) as temporary:
            figure.savefig(temporary, dpi=DOTS)
    finally:
        pyplot.close(figure)
