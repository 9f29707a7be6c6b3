"""The arguments of every command; each names the function that runs it as ``run``."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from importlib import import_module
from typing import NoReturn

from twill_ilp._version import __version__
from twill_ilp.cli.rules import add_rules
from twill_ilp.cli.simulate import add_simulation
from twill_ilp.cli.source import add_source
from twill_ilp.errors import OptionError
from twill_ilp.options import METHODS, STAGES

__all__ = ["build_parser"]

DESCRIPTION = "Provably optimal software pipelines and warp assignments by integer programs."
EPILOG = """\
exit codes:
  0    solved, and proven optimal
  1    proven infeasible up to --max-ii
  2    bad input, or an output that cannot be written
  3    unknown, or a schedule that is not proven optimal
  130  interrupted
"""


class _Parser(argparse.ArgumentParser):
    """Raises what argparse would print with the whole usage in front."""

    def error(self, message: str) -> NoReturn:
        raise OptionError(f"{message}; see '{self.prog} --help'")


def build_parser() -> argparse.ArgumentParser:
    """The parser of ``twill-ilp``; an argument that cannot be meant raises ``OptionError``."""
    parser = _Parser(
        "twill-ilp",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"twill-ilp {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    solve = _command(commands, "solve", "find the smallest II and the best schedule at it")
    add_source(solve)
    _add_search(solve)
    add_rules(solve)
    _add_outputs(solve)
    emit = _command(commands, "emit", "the pipelined program of a schedule, by warp group")
    add_source(emit)
    _add_search(emit)
    add_rules(emit)
    _add_program(emit)
    explain = _command(commands, "explain", "which constraint families make an II impossible")
    add_source(explain)
    explain.add_argument("--ii", type=int, metavar="N", help="cycles (default: MII)")
    _add_limits(explain)
    add_rules(explain)
    audit = _command(commands, "audit", "compare a partition into warp groups with the best one")
    add_source(audit)
    audit.add_argument(
        "strategy", metavar="STRATEGY", help="a partition file, or fa3 or fa4, which come along"
    )
    _add_limits(audit)
    add_rules(audit)
    simulate = _command(commands, "simulate", "run the schedule's program on a model of one SM")
    add_source(simulate)
    _add_limits(simulate)
    add_rules(simulate)
    add_simulation(simulate)
    bounds = _command(commands, "bounds", "lower bounds on II and L, and what causes them")
    add_source(bounds)
    _add_normalize(_command(commands, "normalize", "small whole numbers with the costs' ratios"))
    graph = _command(commands, "graph", "what is read from a kernel or file, before any solve")
    add_source(graph)
    _add_drawings(graph)
    _add_sweep(_command(commands, "sweep", "solve every point of a sweep file, resumably"))
    _add_plot(_command(commands, "plot", "draw the figures of a sweep"))
    _command(commands, "kernels", "list the built-in loops")
    machines = _command(commands, "machines", "the figures of machines, side by side")
    machines.add_argument(
        "files", nargs="*", metavar="FILE", help=".toml files, to compare with the presets"
    )
    reproduce = _command(commands, "reproduce", "the paper's claims one by one, with a report")
    reproduce.add_argument(
        "--figure", type=int, metavar="N", help="only what is about this figure of the paper"
    )
    reproduce.add_argument(
        "--out",
        default="reproduction",
        metavar="DIR",
        help="folder for REPRODUCTION.md and its figures (default: reproduction)",
    )
    _command(commands, "doctor", "check the installation and the solver")
    return parser


def _command(
    commands: argparse._SubParsersAction[_Parser], name: str, summary: str
) -> argparse.ArgumentParser:
    parser = commands.add_parser(
        name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.", allow_abbrev=False
    )
    parser.set_defaults(run=_runner(name))
    return parser


def _runner(name: str) -> Callable[[argparse.Namespace], int]:
    """The command's function, imported when it is called: some load a solver."""

    def run(arguments: argparse.Namespace) -> int:
        code: int = import_module(f"twill_ilp.cli.{name}").run(arguments)
        return code

    return run


def _add_normalize(parser: argparse.ArgumentParser) -> None:
    parser.epilog = "A kernel is taken in clocks (--quantum 1) unless --quantum says otherwise."
    add_source(parser)
    group = parser.add_argument_group("the normalization")
    group.add_argument(
        "--u", type=int, default=300, metavar="N", help="largest sum of normalized costs"
    )
    group.add_argument(
        "--reading",
        default="distinct",
        metavar="NAME",
        help="distinct or literal (default: distinct)",
    )
    group.add_argument("--confirm", action="store_true", help="let the solver refute F - 1 as well")
    group.add_argument(
        "--check", action="store_true", help="solve for II in clocks and in normalized cycles"
    )
    group.add_argument(
        "--time-limit", type=float, metavar="S", help="wall seconds for each search of --check"
    )
    group = parser.add_argument_group("output")
    group.add_argument("--json", metavar="OUT", help="write the normalized problem file")
    group.add_argument(
        "--plot", metavar="OUT", help="draw original against normalized: .png, .svg or .pdf"
    )


def _add_search(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("the search")
    left_out = argparse.SUPPRESS  # so that SearchOptions alone knows the defaults
    group.add_argument(
        "--stage",
        choices=STAGES,
        default=left_out,
        help="with warp groups, or starts alone (default: joint)",
    )
    group.add_argument(
        "--method",
        choices=METHODS,
        default=left_out,
        help="ilp proves; ims and sms are heuristics alone (default: ilp)",
    )
    group.add_argument(
        "--formulation",
        metavar="NAME",
        default=left_out,
        help="auto, structured, aggregated or order (default: auto)",
    )
    _add_limits(parser)
    group.add_argument(
        "--costs",
        choices=["raw", "normalized"],
        help="take the problem in clocks, or in small whole numbers with the costs' ratios",
    )
    group.add_argument(
        "--u",
        type=int,
        default=300,
        metavar="N",
        help="largest sum of normalized costs (default: 300)",
    )
    group.add_argument(
        "--confirm",
        action="store_true",
        default=left_out,
        help="ask again, in another way, whatever a modulo ILP or the enumeration refutes",
    )


def _add_limits(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("limits")
    left_out = argparse.SUPPRESS
    for flag, kind, metavar, text in (
        ("--max-ii", int, "N", "largest II to try, cycles"),
        ("--time-limit", float, "S", "wall seconds for the whole search"),
        ("--solve-time-limit", float, "S", "wall seconds for each ILP"),
        ("--seed", int, "N", "random seed (default: 0)"),
    ):
        group.add_argument(flag, type=kind, metavar=metavar, default=left_out, help=text)


def _add_outputs(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("output")
    group.add_argument("--json", metavar="OUT", help="write the result file")
    group.add_argument("--export", metavar="OUT", help="write the ILP: .mps or .lp")
    group.add_argument("--plot", metavar="OUT", help="draw the schedule: .png, .svg or .pdf")
    group.add_argument(
        "--figure",
        choices=["kernel", "graph", "warps", "occupancy", "registers", "iteration", "overlap"],
        default="kernel",
        help="which figure (default: kernel, the modulo reservation table)",
    )
    group.add_argument("--quiet", action="store_true", help="print no report and no progress")


def _add_program(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("the program")
    group.add_argument(
        "--result",
        metavar="FILE",
        help="take the schedule of a result file ('solve --json') of the same problem; no search",
    )
    group.add_argument(
        "--format",
        choices=["text", "json", "py"],
        default="text",
        help="to read, a program file, or a pseudo-kernel in Python syntax (default: text)",
    )
    group.add_argument(
        "--trip-count", type=int, metavar="N", help="fill in the number of iterations"
    )
    group.add_argument(
        "-o", dest="out", metavar="OUT", help="write a file instead of standard output"
    )


def _add_drawings(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("output")
    group.add_argument("--json", metavar="OUT", help="write the problem file")
    group.add_argument("--dot", metavar="OUT", help="write the graph for Graphviz")
    group.add_argument("--png", metavar="OUT", help="draw the graph: .png, .svg or .pdf")
    group.add_argument("--quiet", action="store_true", help="print no report")


def _add_sweep(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", nargs="?", metavar="FILE", help="the sweep, a .toml file")
    parser.add_argument("--jobs", type=int, metavar="N", help="points at a time (default: CPUs)")
    parser.add_argument(
        "--engine",
        choices=["processes", "dask"],
        default="processes",
        help="where: on this machine, or on a cluster (default: processes)",
    )
    parser.add_argument("--scheduler", metavar="ADDR", help="of Dask, such as tcp://node1:8786")
    parser.add_argument("--resume", action="store_true", help="go on where a run was ended")
    parser.add_argument("--limit", type=int, metavar="N", help="only the first N points")
    parser.add_argument("--out", metavar="DIR", help="folder of the results (results/NAME)")
    parser.add_argument(
        "--dry-run", action="store_true", help="print the points and an estimate, solve nothing"
    )
    parser.add_argument("--parameters", action="store_true", help="list what a sweep can vary")


def _add_plot(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", metavar="FILE_OR_NAME", help="a sweep file, or its results")
    parser.add_argument("--figure", metavar="NAME", help="only that one (default: all of the file)")
    parser.add_argument("--out", metavar="DIR", help="folder of the figures (that of the results)")
    parser.add_argument(
        "--format", choices=["svg", "pdf", "png"], default="svg", help="default: svg"
    )
