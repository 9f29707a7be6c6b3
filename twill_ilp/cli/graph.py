"""``twill-ilp graph``: what was read from a kernel or file, before any solve."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from textwrap import indent

from twill_ilp.cli.source import load_reading
from twill_ilp.cli.terminal import complain, say
from twill_ilp.errors import OptionError
from twill_ilp.files import check_writable, write_text, writing
from twill_ilp.frontends.reading import Reading
from twill_ilp.graph import Dependence, LoopGraph, Operation
from twill_ilp.problem import Problem
from twill_ilp.report import WIDTH, Table, subject

__all__ = ["graph_dot", "reading_text", "run"]

INSET = "  "
DOTS = 200
"""Dots per inch of a drawing in pixels."""
FIGURES = (".png", ".svg", ".pdf")


def run(arguments: argparse.Namespace) -> int:
    """Print the graph, and write the files that were asked for."""
    for path in (arguments.json, arguments.dot, arguments.png):
        if path is not None:
            check_writable(path)
    if arguments.png is not None and not arguments.png.lower().endswith(FIGURES):
        raise OptionError(f"--png {arguments.png}: end the name in {', '.join(FIGURES)}")
    reading = load_reading(arguments)
    for warning in reading.warnings:
        complain(f"warning: {warning}")
    if not arguments.quiet:
        say(reading_text(reading))
    if arguments.json is not None:
        write_text(arguments.json, json.dumps(reading.problem.to_dict(), indent=1) + "\n")
    if arguments.dot is not None:
        write_text(arguments.dot, graph_dot(reading.problem.graph))
    if arguments.png is not None:
        _draw(reading.problem, arguments.png)
    return 0


def reading_text(reading: Reading) -> str:
    """Operations with the source of their costs, dependences, and what was dropped."""
    graph = reading.problem.graph
    head = f"{subject(reading.problem)}: {len(graph)} operations, "
    head += f"{len(graph.dependences)} dependences"
    parts = [head + (f"; {reading.subject}" if reading.subject else "")]
    parts.append(_section("Operations", _operations(reading)))
    parts.append(_section("Dependences", _dependences(graph)))
    if reading.dropped:
        parts.append(_section("Dropped", _dropped(reading)))
    return "\n\n".join(parts)


def _operations(reading: Reading) -> Table:
    header = (
        "operation",
        "kind",
        "units",
        "cycles",
        "issue",
        "warps",
        "registers",
        "holds",
        "spill",
        "cost from",
    )
    rows = tuple(
        (
            op.name,
            op.kind,
            _units(op),
            str(op.cycles),
            str(op.issue),
            str(op.warps),
            str(op.registers),
            " ".join(f"{amount} {memory}" for memory, amount in op.footprint.items()),
            str(op.spill),
            _cost(op, reading),
        )
        for op in reading.problem.graph
    )
    return Table(header, rows, frozenset({3, 4, 5, 6, 8}), wraps=True)


def _units(op: Operation) -> str:
    return " ".join(f"{row.unit}:{row.cycles}" for row in op.usage)


def _cost(op: Operation, reading: Reading) -> str:
    cost = reading.costs.get(op.name, "")
    line = f"; line {reading.lines[op.name]}" if op.name in reading.lines else ""
    varies = "; of variable latency" if op.variable_latency else ""
    return f"{cost}{line}{varies}".lstrip("; ")


def _dependences(graph: LoopGraph) -> Table:
    header = ("from", "to", "delay", "distance", "")
    rows = tuple(
        (e.src, e.dst, str(e.delay), str(e.distance), "blocking" if e.blocking else "")
        for e in graph.dependences
    )
    return Table(header, rows, frozenset({2, 3}), wraps=True)


def _dropped(reading: Reading) -> Table:
    """Line (or node) and kind, under the reason why it is no operation of the loop."""
    reasons = Counter(reason for _, _, reason in reading.dropped)
    rows = tuple(
        (
            reason,
            str(count),
            ", ".join(f"{name} ({where})" for where, name, why in reading.dropped if why == reason),
        )
        for reason, count in reasons.items()
    )
    return Table(("reason", "count", "operation (line or node)"), rows, frozenset({1}), wraps=True)


def _section(title: str, table: Table) -> str:
    return f"{title}\n{indent(table.text(WIDTH - len(INSET)), INSET)}"


def graph_dot(graph: LoopGraph) -> str:
    """The graph for Graphviz; carried edges are dashed, blocking ones bold."""
    lines = [f"digraph {_quoted(graph.name)} {{", "  node [shape=box, fontname=monospace];"]
    for op in graph:
        label = "\\n".join(filter(None, (op.name, op.kind, _units(op))))
        lines.append(f"  {_quoted(op.name)} [label={_quoted(label)}];")
    lines += [f"  {_quoted(e.src)} -> {_quoted(e.dst)} [{_style(e)}];" for e in graph.dependences]
    return "\n".join([*lines, "}", ""])


def _style(e: Dependence) -> str:
    label = f"{e.delay}" + (f", {e.distance} later" if e.distance else "")
    styles = [s for s, wanted in (("dashed", e.distance), ("bold", e.blocking)) if wanted]
    return f"label={_quoted(label)}" + (f', style="{",".join(styles)}"' if styles else "")


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '\\"') + '"'


def _draw(problem: Problem, path: str) -> None:
    # Imported only here: matplotlib is slow to load.
    from matplotlib import pyplot

    from twill_ilp.plot import plot_graph

    figure = plot_graph(problem).get_figure(root=True)
    assert figure is not None
    try:
        with writing(path) as temporary:
            figure.savefig(temporary, dpi=DOTS)
    finally:
        pyplot.close(figure)
