"""The options about warp groups, shared by ``solve``, ``explain`` and ``audit``."""

from __future__ import annotations

import argparse
from dataclasses import fields, replace

from twill_ilp.cli.source import load_problem
from twill_ilp.errors import OptionError
from twill_ilp.options import LEVELS, SearchOptions
from twill_ilp.problem import Problem
from twill_ilp.rules import EXTRA_FAMILIES, FAMILIES, Readings, Rules

__all__ = ["add_rules", "limited_problem", "search_options"]


def add_rules(parser: argparse.ArgumentParser) -> None:
    """The options, as a group of their own."""
    group = parser.add_argument_group("warp groups (joint stage)")
    group.add_argument("--warps", type=int, metavar="N", help="warp budget of the machine")
    group.add_argument(
        "--registers-per-thread", type=int, metavar="N", help="register limit of the machine"
    )
    group.add_argument("--groups", type=int, metavar="N", help="at most so many warp groups")
    group.add_argument(
        "--without",
        action="append",
        default=[],
        metavar="FAMILY",
        help=f"leave a constraint family out: {', '.join(FAMILIES)}; repeatable",
    )
    group.add_argument(
        "--no-cross-warp", action="store_true", help="register values stay in their group"
    )
    group.add_argument(
        "--quotas",
        action="store_true",
        help="each group's registers per thread come out of the SM's register file",
    )
    choices = ", ".join(f"{name}={'|'.join(c)}" for name, c in Readings.choices().items())
    group.add_argument(
        "--reading",
        action="append",
        default=[],
        metavar="NAME=CHOICE",
        help=f"what the paper leaves open ({choices}); repeatable",
    )
    group.add_argument(
        "--levels",
        type=lambda text: tuple(text.split(",")),
        default=argparse.SUPPRESS,
        metavar="LIST",
        help=f"what is minimised, in this order (default: {','.join(LEVELS)})",
    )
    group.add_argument(
        "--level-time-limit",
        type=float,
        default=argparse.SUPPRESS,
        metavar="S",
        help="wall seconds for each level after ii",
    )


def search_options(arguments: argparse.Namespace) -> SearchOptions:
    """The search that the options mean.

    Raises:
        OptionError: a value that cannot be meant.
    """
    for family in arguments.without:
        if family not in FAMILIES:
            raise OptionError(f"--without {family}: choose from {', '.join(FAMILIES)}")
    kept = tuple(family for family in FAMILIES if family not in arguments.without)
    extra = tuple(
        family for family in EXTRA_FAMILIES if getattr(arguments, family.replace("-", "_"))
    )
    rules = Rules((*kept, *extra), Readings.parse(arguments.reading), arguments.groups)
    given = {
        option.name: getattr(arguments, option.name)
        for option in fields(SearchOptions)
        if hasattr(arguments, option.name)
    }
    return SearchOptions(**given, rules=rules)


def limited_problem(arguments: argparse.Namespace) -> Problem:
    """The problem, its machine with the limits given on the command line."""
    problem = load_problem(arguments)
    limits = {
        key: getattr(arguments, key)
        for key in ("warps", "registers_per_thread")
        if getattr(arguments, key) is not None
    }
    return replace(problem, machine=replace(problem.machine, **limits)) if limits else problem
