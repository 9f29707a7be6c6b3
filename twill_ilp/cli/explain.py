"""``twill-ilp explain``: who is to blame for an II that is impossible."""

from __future__ import annotations

import argparse

from twill_ilp.bounds import rec_mii, res_mii
from twill_ilp.cli.rules import limited_problem, search_options
from twill_ilp.cli.terminal import Progress, say
from twill_ilp.report import subject

__all__ = ["run"]

EXIT_CODES = {"possible": 0, "impossible": 1, "unknown": 3}


def run(arguments: argparse.Namespace) -> int:
    """Explain one II; by default the smallest that no bound excludes."""
    from twill_ilp.explain import explain
    from twill_ilp.rules import effective_graph

    options = search_options(arguments)
    problem = limited_problem(arguments)
    graph = effective_graph(problem.graph, options.rules)
    mii = max(res_mii(graph, problem.machine).ii, rec_mii(graph).ii)
    ii = mii if arguments.ii is None else arguments.ii
    with Progress() as progress:
        explanation = explain(problem, ii, options, progress=progress)
    say(f"{subject(problem)}: {explanation.text}")
    return EXIT_CODES[explanation.verdict]
