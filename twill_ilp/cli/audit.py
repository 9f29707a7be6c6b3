"""``twill-ilp audit``: is a strategy that people designed optimal?"""

from __future__ import annotations

import argparse
import os

from twill_ilp.cli.rules import limited_problem, search_options
from twill_ilp.cli.terminal import Progress, say
from twill_ilp.errors import OptionError
from twill_ilp.report import Table, subject
from twill_ilp.schedule import Level, Result

__all__ = ["run"]


def run(arguments: argparse.Namespace) -> int:
    """Audit a partition; 0 if it reaches the best II, proven; 1 if it does not; else 3."""
    from twill_ilp.audit import Strategy, audit, published_strategies, read_strategy

    options = search_options(arguments)
    problem = limited_problem(arguments)
    published = published_strategies()
    given = arguments.strategy
    if given not in published and not os.path.exists(given):
        raise OptionError(f"{given}: neither a partition file nor one of {', '.join(published)}")
    strategy: Strategy = read_strategy(published.get(given, given))
    with Progress() as progress:
        done = audit(problem, strategy, options, progress=progress)
    rows = [
        (name, _shown(done.own.objective.get(name)), _shown(done.best.objective.get(name)))
        for name in options.levels
    ]
    table = Table(("level", strategy.name, "any partition"), tuple(rows))
    say(f"{subject(problem)}, strategy {strategy.name}: {_verdict(done.own, done.best)}")
    if strategy.source:
        say(f"  {strategy.source}")
    say(f"\n{table.text()}")
    if done.given:
        say(f"\nIts own starts: {done.given}")
    if done.why is not None:
        say(f"\nFor this partition: {done.why.text}")
    return _code(done.own, done.best)


def _verdict(own: Result, best: Result) -> str:
    if own.ii is None or best.ii is None:
        return f"{own.status}; any partition: {best.status}"
    if own.ii > best.ii:
        return f"II {own.ii}, where another partition has II {best.ii}"
    for name in own.objective:
        mine, other = own.objective[name], best.objective[name]
        if "skipped" in (mine.certainty, other.certainty):
            continue
        if mine.value is None or other.value is None:
            continue
        if mine.value != other.value:
            return f"reaches II {own.ii}; it differs in {name}: {mine.value} against {other.value}"
    return f"reaches II {own.ii}, and nothing beats it in any level that was looked at"


def _shown(level: Level | None) -> str:
    if level is None:
        return "-"
    text = "-" if level.value is None else str(level.value)
    bound = "" if level.bound is None or level.certainty == "proven" else f", >= {level.bound}"
    return f"{text} ({level.certainty}{bound})"


def _code(own: Result, best: Result) -> int:
    if own.ii is not None and own.ii == best.ii and best.status == "optimal":
        return 0
    decided = own.status in ("optimal", "infeasible") and best.status == "optimal"
    return 1 if decided else 3
