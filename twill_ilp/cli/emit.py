"""``twill-ilp emit``: the program of a schedule, from a search or a result file."""

from __future__ import annotations

import argparse
import os

from twill_ilp.cli.rules import search_options
from twill_ilp.cli.solve import EXIT_CODES, priced
from twill_ilp.cli.terminal import Progress, complain, say
from twill_ilp.emit import FORMATS
from twill_ilp.errors import OptionError
from twill_ilp.files import check_writable, write_text
from twill_ilp.pipeline import build_program
from twill_ilp.report import headline
from twill_ilp.result_file import read_result
from twill_ilp.schedule import Result

__all__ = ["run"]


def run(arguments: argparse.Namespace) -> int:
    """Emit the program, and answer with the exit code of the schedule's verdict."""
    _check(arguments)
    result = _result(arguments)
    if result.schedule is None:
        complain(f"{headline(result)}; there is no program to emit")
        return EXIT_CODES[result.status]
    text = FORMATS[arguments.format](build_program(result), arguments.trip_count)
    if arguments.out is None:
        say(text.rstrip("\n"))
    else:
        write_text(arguments.out, text.rstrip("\n") + "\n")
    return EXIT_CODES[result.status]


def _check(arguments: argparse.Namespace) -> None:
    """Refuse, before any search, what could not be emitted after it."""
    count = arguments.trip_count
    if count is not None and count < 1:
        raise OptionError(f"--trip-count {count}: give a whole number >= 1")
    if count is not None and arguments.format == "json":
        raise OptionError("--trip-count: a program file is for every trip count; leave it out")
    if arguments.out is None:
        return
    check_writable(arguments.out)
    inputs = (arguments.source, arguments.machine, arguments.result)
    if os.path.realpath(arguments.out) in [os.path.realpath(path) for path in inputs if path]:
        raise OptionError(f"-o {arguments.out}: the file has another role; choose another name")


def _result(arguments: argparse.Namespace) -> Result:
    options = search_options(arguments)
    problem, _ = priced(arguments)
    if arguments.result is not None:
        return read_result(arguments.result, problem)
    from twill_ilp.search import solve

    with Progress() as progress:
        return solve(problem, options, progress=progress)
