"""``twill-ilp simulate``: solve, run the program under load, and say where the time goes."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from textwrap import indent

from twill_ilp.cli.rules import limited_problem, search_options
from twill_ilp.cli.terminal import Progress, complain, say
from twill_ilp.errors import OptionError
from twill_ilp.files import check_writable, writing
from twill_ilp.options import SearchOptions
from twill_ilp.problem import Problem
from twill_ilp.report import WIDTH, Table, headline
from twill_ilp.schedule import Schedule
from twill_ilp.simulate import NO_JITTER, Jitter, Run, simulate

__all__ = ["add_simulation", "run"]

EXIT_CODES = {"optimal": 0, "infeasible": 1, "feasible": 3, "unknown": 3}
FIGURES = (".png", ".svg", ".pdf")
DOTS = 200
"""Dots per inch of a .png."""
SHOWN = 3
"""Stalls of one group."""
INSET = "  "
JOINT = "joint"


def add_simulation(parser: argparse.ArgumentParser) -> None:
    """The options of the run and its outputs."""
    group = parser.add_argument_group("the run")
    group.add_argument(
        "--iterations", type=int, default=240, metavar="N", help="trip count (default: 240)"
    )
    group.add_argument(
        "--jitter",
        metavar="NAME:F",
        help="latency of loads: constant:F, uniform:F or lognormal:F times the nominal one",
    )
    group.add_argument(
        "--depth", type=int, metavar="N", help="buffers of every streaming load (default: enough)"
    )
    group.add_argument(
        "--baselines", action="store_true", help="run the loop without the joint schedule as well"
    )
    group = parser.add_argument_group("output")
    group.add_argument("--trace", metavar="OUT", help="write the run for ui.perfetto.dev: .json")
    group.add_argument(
        "--plot", metavar="OUT", help="draw the straight-line program: .png, .svg or .pdf"
    )


def run(arguments: argparse.Namespace) -> int:
    """Solve and simulate; the exit code is that of the search."""
    options = search_options(arguments)
    if not hasattr(arguments, "levels"):
        options = replace(options, levels=("ii",))
    jitter = Jitter.parse(arguments.jitter) if arguments.jitter else NO_JITTER
    _check(arguments)
    problem = limited_problem(arguments)
    from twill_ilp.search import solve

    with Progress() as progress:
        result = solve(problem, options, progress=progress)
        if result.schedule is None:
            progress("")
            say(headline(result))
            return EXIT_CODES[result.status]
        schedules = {JOINT: result.schedule}
        if arguments.baselines:
            schedules = _baselines(problem, options) | schedules
    runs = {
        name: simulate(
            schedule,
            iterations=arguments.iterations,
            rules=options.rules,
            depth=arguments.depth,
            jitter=jitter,
            seed=options.seed,
        )
        for name, schedule in schedules.items()
    }
    _write(arguments, runs[JOINT], result.schedule)
    say(f"{headline(result)}\n\n{_report(runs, jitter, options)}")
    for name, done in runs.items():
        if done.program.excess:
            complain(f"warning: {name}: does not fit: {done.program.excess}")
    return EXIT_CODES[result.status]


def _check(arguments: argparse.Namespace) -> None:
    """Refuse, before anything is solved, what could not be run or written afterwards."""
    if arguments.iterations < 1:
        raise OptionError(f"--iterations {arguments.iterations}: give at least 1")
    if arguments.depth is not None and arguments.depth < 1:
        raise OptionError(f"--depth {arguments.depth}: give at least 1 buffer")
    if arguments.plot is not None and Path(arguments.plot).suffix.lower() not in FIGURES:
        raise OptionError(
            f"--plot {arguments.plot}: unknown format; end the name in {', '.join(FIGURES)}"
        )
    for path in (arguments.trace, arguments.plot):
        if path is not None:
            check_writable(path)


def _baselines(problem: Problem, options: SearchOptions) -> dict[str, Schedule]:
    from twill_ilp.baselines import baselines
    from twill_ilp.search import solve

    modulo = solve(problem, replace(options, stage="modulo", levels=("ii",), max_ii=None))
    return baselines(problem, modulo.schedule)


def _report(runs: Mapping[str, Run], jitter: Jitter, options: SearchOptions) -> str:
    joint = runs[JOINT]
    latency = f"latencies {jitter}, seed {options.seed}" if jitter else "no jitter"
    counts = [f"{name} {joint.program.buffers.get(name, 0)}" for name in joint.program.loads]
    parts = [
        f"{joint.iterations} iterations, {latency}; "
        f"buffers of loads: {', '.join(counts) or 'none stream'}",
        _rates(runs),
    ]
    if len(runs) > 1:
        parts.append(_reasons(runs, options))
    parts.append(f"Joint, cycles per iteration\n{indent(_stalls(joint), INSET)}")
    return "\n\n".join(parts)


def _rates(runs: Mapping[str, Run]) -> str:
    """One row per program; how busy its units are in the steady state."""
    units = list(runs[JOINT].utilization)
    rows = [
        (
            name,
            str(done.program.schedule.ii),
            f"{float(done.cycles_per_iteration):.4g}",
            str(done.cycles),
            *(f"{float(done.utilization.get(unit, 0)):.0%}" for unit in units),
        )
        for name, done in runs.items()
    ]
    header = ("program", "II", "cycles/iteration", "cycles", *units)
    return Table(header, tuple(rows), frozenset(range(1, len(header)))).text()


def _reasons(runs: Mapping[str, Run], options: SearchOptions) -> str:
    """What each program breaks, and the longest stall of the group that is idle least.

    (Loads are idle most of the time in every good program, which says nothing.)
    """
    from twill_ilp.baselines import broken_rules

    rows = [
        (
            name,
            ", ".join(broken_rules(done.program.schedule, options.rules)) or "-",
            str(done.worst or "none"),
        )
        for name, done in runs.items()
    ]
    return Table(
        ("program", "breaks", "longest stall, cycles per iteration"), tuple(rows), wraps=True
    ).text()


def _stalls(done: Run) -> str:
    """Per group, how long it is idle, and its longest stalls."""
    rows = []
    for group in done.program.schedule.groups:
        stalls = [str(stall) for stall in done.stalls if stall.group == group.id]
        shown = "; ".join(stalls[:SHOWN]) or "none"
        rows.append((f"group {group.id}", f"{float(done.idle[group.id]):.4g}", shown))
    return Table(("", "idle", "longest stalls"), tuple(rows), wraps=True).text(WIDTH - len(INSET))


def _write(arguments: argparse.Namespace, done: Run, schedule: Schedule) -> None:
    if arguments.trace is not None:
        from twill_ilp.trace import write_trace

        write_trace(done, arguments.trace)
    if arguments.plot is not None:
        from matplotlib import pyplot

        from twill_ilp.plot import plot_straight_line

        figure = plot_straight_line(schedule).get_figure(root=True)
        assert figure is not None
        try:
            with writing(arguments.plot) as temporary:
                figure.savefig(temporary, dpi=DOTS)
        finally:
            pyplot.close(figure)
