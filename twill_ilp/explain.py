"""Who is to blame: why an initiation interval is impossible.

Below MII it is a unit or a dependence cycle.  Above, it is a set of constraint families that is
infeasible together and of which none can be left out: the deletion filter (Chinneck and
Dravnieks, "Locating minimal infeasible constraint sets in linear programs", 1991,
https://doi.org/10.1287/ijoc.3.2.157), on families in place of rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from twill_ilp.bounds import rec_mii, res_mii
from twill_ilp.descent import Verdict
from twill_ilp.joint import JointSearch
from twill_ilp.options import SearchOptions, Session
from twill_ilp.problem import Problem
from twill_ilp.rules import effective_graph
from twill_ilp.structure import hopeless

__all__ = ["Explanation", "explain"]

UNITS = "units"
"""The family of functional units, which the modulo problem has too."""

TEST_SECONDS = 20.0
"""Wall seconds to see whether the problem without one family is still infeasible."""


@dataclass(frozen=True)
class Explanation:
    """Why an II is impossible, or that it is not.

    Attributes:
        ii: cycles per iteration.
        verdict: ``impossible``, ``possible`` or ``unknown``.
        families: infeasible together; none if a bound is the reason.
        needed: families of which it is proven that without them a schedule exists.
        text: the whole in a sentence or two.
    """

    ii: int
    verdict: Literal["impossible", "possible", "unknown"]
    families: tuple[str, ...]
    needed: tuple[str, ...]
    text: str


def explain(
    problem: Problem,
    ii: int,
    options: SearchOptions | None = None,
    *,
    partition: Mapping[str, int] | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Explanation:
    """Why the joint problem has no schedule at ``ii``.

    Args:
        problem: loop and machine.
        ii: cycles per iteration.
        options: rules and limits.
        partition: the group of every operation, if that is given.
        progress: called with one line whenever the filter moves on.

    Raises:
        SolverError: HiGHS failed.
    """
    session = Session(options or SearchOptions(), progress)
    if bound := _bound(problem, ii, session.options):
        return Explanation(ii, "impossible", (), (), f"II = {ii} is impossible: {bound}.")
    families = (UNITS, *session.options.rules.families)
    first = _decide(problem, ii, families, partition or {}, session)
    if first.schedule:
        length = first.schedule.length
        text = f"II = {ii} is possible: a verified schedule has L = {length}."
        return Explanation(ii, "possible", (), (), text)
    if not first.proven:
        return Explanation(ii, "unknown", (), (), f"II = {ii} is open: {first.evidence}.")
    kept, needed = list(families), []
    for family in reversed(families):
        rest = tuple(name for name in kept if name != family)
        progress(f"II {ii}: without {family}")
        with session.bounded(TEST_SECONDS):
            verdict = _decide(problem, ii, rest, partition or {}, session)
        if verdict.schedule:
            needed.append(family)
        elif verdict.proven:
            kept.remove(family)
    blamed, certain = tuple(kept), tuple(name for name in kept if name in needed)
    return Explanation(ii, "impossible", blamed, certain, _sentence(ii, blamed, certain))


def _bound(problem: Problem, ii: int, options: SearchOptions) -> str | None:
    graph = effective_graph(problem.graph, options.rules)
    if reason := hopeless(problem, options.rules):
        return reason
    recurrence, resource = rec_mii(graph), res_mii(graph, problem.machine)
    if ii < recurrence.ii:
        return f"RecMII is {recurrence.ii}, {recurrence}"
    if ii < resource.ii:
        return f"ResMII is {resource.ii}, {resource}"
    return None


def _decide(
    problem: Problem,
    ii: int,
    families: tuple[str, ...],
    partition: Mapping[str, int],
    session: Session,
) -> Verdict:
    """Whether a schedule exists if only these families hold."""
    rules = session.options.rules.without(*session.options.rules.families)
    rules = rules.also(*(name for name in families if name != UNITS))
    if UNITS not in families:
        plenty = {
            unit: sum(row.amount * row.cycles for op in problem.graph for row in op.usage) + 1
            for unit in problem.machine.units
        }
        problem = Problem(problem.graph, replace(problem.machine, units=plenty))
    verdict, _ = JointSearch(problem, rules, ii, session, partition).decide()
    return verdict


def _sentence(ii: int, families: tuple[str, ...], needed: tuple[str, ...]) -> str:
    if not families:
        return f"II = {ii} is impossible by the dependences alone."
    text = f"II = {ii} is impossible because of {' + '.join(families)}"
    if len(families) == 1 and needed:
        return f"{text}; without it, it is possible."
    if set(needed) == set(families):
        return f"{text}; without any one of them it is possible."
    if needed:
        text += f"; without {' or '.join(needed)} it is possible"
    open_ones = [name for name in families if name not in needed]
    return f"{text}; whether {' or '.join(open_ones)} could be left out is open."
