"""Who is to blame: bounds by name, and minimal sets of families."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from twill_ilp import Dependence, LoopGraph, Machine, Operation, Problem, Usage, build_kernel
from twill_ilp.explain import explain
from twill_ilp.options import SearchOptions
from twill_ilp.rules import Rules


def two_waiting() -> Problem:
    """Two operations of 2 cycles that wait for a copy: on one warp they need 4 cycles."""
    ops = (
        Operation("load", variable_latency=True),
        Operation("A", usage=(Usage("X", 2),)),
        Operation("B", usage=(Usage("Y", 2),)),
    )
    edges = (Dependence("load", "A", 0, blocking=True), Dependence("load", "B", 0, blocking=True))
    return Problem(LoopGraph("two", ops, edges), Machine("m", {"X": 1, "Y": 1}, warps=2))


def test_families_to_blame() -> None:
    found = explain(two_waiting(), 2)
    assert found.verdict == "impossible"
    assert set(found.families) == {"warps", "variable-latency", "concurrency"}
    assert set(found.needed) == set(found.families)
    assert "without any one of them it is possible" in found.text


def test_a_possible_ii_is_said_to_be_possible() -> None:
    found = explain(two_waiting(), 4)
    assert (found.verdict, found.families) == ("possible", ())
    assert re.fullmatch(r"II = 4 is possible: a verified schedule has L = [45]\.", found.text)


@pytest.mark.parametrize(("ii", "cause"), [(1, "ResMII is 2, X is busy 2"), (2, "possible")])
def test_bounds_are_named(ii: int, cause: str) -> None:
    wide = two_waiting()
    wide = Problem(wide.graph, replace(wide.machine, warps=3))
    assert cause in explain(wide, ii).text


def test_no_sub_tiling_on_blackwell() -> None:
    """Soi et al. 2026: one sub-tile cannot reach II = 8, half of the two sub-tiles' 16."""
    problem = build_kernel("fmha-forward", "blackwell", sub_tiles=1)
    found = explain(problem, 8)
    assert found.verdict == "impossible"
    assert {"units", "registers"} <= set(found.families)


def test_a_given_partition_is_blamed() -> None:
    problem = two_waiting()
    problem = Problem(problem.graph, replace(problem.machine, warps=3))
    together = explain(problem, 2, partition={"load": 0, "A": 1, "B": 1})
    assert together.verdict == "impossible" and "concurrency" in together.families
    assert explain(problem, 2, partition={"load": 0, "A": 1, "B": 2}).verdict == "possible"


def test_no_time_is_unknown() -> None:
    options = SearchOptions(time_limit=1e-9, rules=Rules())
    assert explain(two_waiting(), 2, options).verdict in ("unknown", "impossible")
