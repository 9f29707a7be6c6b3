"""``twill-ilp normalize``: costs as small whole numbers, and what that costs in accuracy."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path

from twill_ilp.cli.source import load_problem
from twill_ilp.cli.terminal import say
from twill_ilp.errors import OptionError
from twill_ilp.files import check_writable, write_text, writing
from twill_ilp.kernels import KERNELS
from twill_ilp.normalization import Normalization
from twill_ilp.normalized import Comparison, compare, normalized_problem, utilization
from twill_ilp.problem import Problem
from twill_ilp.report import Table, subject

__all__ = ["comparison_text", "normalization_text", "run"]

FIGURES = (".png", ".svg", ".pdf")
DOTS = 200
"""Dots per inch of a .png."""


def run(arguments: argparse.Namespace) -> int:
    """Normalize the costs of a problem; report, and write what was asked for."""
    _check_outputs(arguments.json, arguments.plot)
    if arguments.quantum is None and arguments.source in KERNELS:
        arguments.quantum = 1 if "quantum" in KERNELS[arguments.source].options else None
    problem = load_problem(arguments)
    small, answer = normalized_problem(
        problem, limit=arguments.u, reading=arguments.reading, confirm=arguments.confirm
    )
    say(f"{subject(problem)}\n\n{normalization_text(answer)}")
    if arguments.json is not None:
        write_text(arguments.json, json.dumps(small.to_dict(), indent=1) + "\n")
    if arguments.plot is not None:
        _plot(answer, arguments.plot)
    if arguments.check:
        done = compare(
            problem,
            limit=arguments.u,
            reading=arguments.reading,
            time_limit=arguments.time_limit,
        )
        say(f"\n{comparison_text(problem, done)}")
    return 0


def normalization_text(answer: Normalization) -> str:
    """Every distinct cost with its normalized value and its error, then the summary."""
    counts = Counter(cost for cost in answer.costs if cost)
    rows = []
    for cost in sorted(counts):
        value = answer.value(cost)
        stands_for = float(value * answer.scale)
        off = f"{stands_for / cost - 1:+.1%}" if value else "collapsed"
        rows.append((str(cost), str(counts[cost]), str(value), f"{stands_for:.4g}", off))
    table = Table(
        ("clocks", "times", "normalized", "stands for", "error"), tuple(rows), frozenset(range(5))
    )
    largest = {None: "", True: ", proven the largest", False: ", not proven the largest"}
    sums = sum(answer.value(cost) for cost in counts)
    summary = [
        f"F = {answer.spread}, proven the least ({answer.reading} reading, U = {answer.limit})",
        f"sum of the distinct normalized costs {sums}{largest[answer.maximal]}",
        f"scale {float(answer.scale):.4g} clocks per normalized cycle",
        f"ratio error at most {answer.worst_error:.1%}, {answer.mean_error:.1%} on average",
        f"{answer.collapsed} of {sum(counts.values())} costs collapsed to 0; "
        f"{answer.merged} of {len(counts)} distinct ones share a value with another",
        f"{answer.seconds:.2f} s",
    ]
    return f"{table.text()}\n\n" + "\n".join(summary)


def comparison_text(problem: Problem, done: Comparison) -> str:
    """II in clocks against II in normalized cycles, and what it means for the tensor core."""
    lines = [f"II of the raw costs: {_ii(done.raw.ii, done.raw.status)} clocks"]
    estimate = "" if done.estimate is None else f", times the scale {done.estimate:.0f} clocks"
    lines.append(
        f"II of the normalized costs: {_ii(done.normalized.ii, done.normalized.status)}{estimate}"
    )
    if done.error is not None:
        lines.append(f"error of the estimate: {done.error:+.1%}")
    if done.estimate is not None and "TC" in problem.machine.units:
        busy = utilization(problem, done.estimate)
        lines.append(f"implied utilization of the tensor core: {busy:.0%}")
    if done.bracket is not None:
        low, high = done.bracket
        lines.append(f"guaranteed by the normalized II: {low} <= II of the raw costs <= {high}")
    return "\n".join(lines)


def _ii(ii: int | None, status: str) -> str:
    return f"{'none' if ii is None else ii} ({status})"


def _check_outputs(problem: str | None, figure: str | None) -> None:
    """Refuse, before anything is computed, what could not be written afterwards."""
    for path in (problem, figure):
        if path is not None:
            check_writable(path)
    if figure is not None and Path(figure).suffix.lower() not in FIGURES:
        raise OptionError(f"--plot {figure}: unknown format; end the name in {', '.join(FIGURES)}")


def _plot(answer: Normalization, path: str) -> None:
    from matplotlib import pyplot

    from twill_ilp.plot import plot_normalization

    figure = plot_normalization(answer).get_figure(root=True)
    assert figure is not None
    try:
        with writing(path) as temporary:
            figure.savefig(temporary, dpi=DOTS)
    finally:
        pyplot.close(figure)
