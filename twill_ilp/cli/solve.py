"""``twill-ilp solve``: search, report, and the files that were asked for."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from twill_ilp.cli.rules import limited_problem, search_options
from twill_ilp.cli.terminal import Progress, complain, say
from twill_ilp.errors import OptionError
from twill_ilp.files import check_writable, writing
from twill_ilp.options import SearchOptions
from twill_ilp.problem import Problem
from twill_ilp.report import result_text
from twill_ilp.schedule import Result

__all__ = ["run"]

EXIT_CODES = {"optimal": 0, "infeasible": 1, "feasible": 3, "unknown": 3}

SUFFIXES = {"json": (), "export": (".mps", ".lp"), "plot": (".png", ".svg", ".pdf")}
"""Names that the output options accept; json: any."""

DOTS = 200
"""Dots per inch of a .png."""


def run(arguments: argparse.Namespace) -> int:
    """Solve, and answer with the exit code of the verdict."""
    options = search_options(arguments)
    _check_outputs(arguments)
    problem = limited_problem(arguments)
    from twill_ilp.search import solve

    if arguments.quiet:
        result = solve(problem, options)
    else:
        with Progress() as progress:
            result = solve(problem, options, progress=progress)
    try:
        _write_outputs(arguments, problem, options, result)
    finally:
        if not arguments.quiet:
            say(result_text(result))
    return EXIT_CODES[result.status]


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
        _plot(arguments.plot, result)


def _export(path: str, problem: Problem, options: SearchOptions, result: Result) -> None:
    """The ILP at the II found, else at the last II that was tried."""
    from twill_ilp.export import export_model

    ii = result.ii or max((rejection.ii for rejection in result.rejected), default=0)
    if ii < result.mii["rec"]:
        complain(f"{path}: not written, because no ILP exists below RecMII {result.mii['rec']}")
        return
    export_model(problem, ii, result.length, options.formulation, path)


def _plot(path: str, result: Result) -> None:
    """The modulo reservation table as a figure, without any display."""
    if result.schedule is None:
        complain(f"{path}: not written, because there is no schedule to draw")
        return
    from matplotlib import pyplot

    from twill_ilp.plot import plot_kernel

    figure = plot_kernel(result.schedule).get_figure(root=True)
    assert figure is not None
    try:
        with writing(path) as temporary:
            figure.savefig(temporary, dpi=DOTS)
    finally:
        pyplot.close(figure)
