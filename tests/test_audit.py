"""Audits of published strategies, and partition files gone wrong."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from twill_ilp import (
    InvalidProblemError,
    OptionError,
    Problem,
    SearchOptions,
    build_kernel,
    solve,
)
from twill_ilp.audit import Strategy, audit, published_strategies, read_strategy

PARTITIONS = Path(__file__).parent.parent / "examples" / "partitions"
II_ONLY = SearchOptions(levels=("ii",))


def test_fa4_reaches_the_minimum_on_blackwell() -> None:
    problem = build_kernel("fmha-forward", "blackwell")
    strategy = read_strategy(published_strategies()["fa4"])
    done = audit(problem, strategy, II_ONLY)
    assert (done.own.status, done.own.ii, done.best.ii) == ("optimal", 16, 16)
    assert done.own.schedule is not None and done.why is None
    assert dict(done.own.schedule.group).keys() == problem.graph.by_name.keys()
    assert [group.warps for group in done.own.schedule.groups] in ([1, 1, 4, 4, 4], [1, 4, 4, 4, 1])


def test_fa3_reaches_the_minimum_on_hopper() -> None:
    """Two consumer warpgroups alternate between tensor core and exponential (ping-pong)."""
    problem = build_kernel("fmha-forward", "hopper")
    done = audit(problem, read_strategy(published_strategies()["fa3"]), II_ONLY)
    assert (done.own.status, done.own.ii, done.best.ii) == ("optimal", 32, 32)
    schedule = done.own.schedule
    assert schedule is not None
    assert schedule.group["S.0"] == schedule.group["O.0"] != schedule.group["S.1"]
    gap = (schedule.start["P.1"] - schedule.start["P.0"]) % schedule.ii
    assert 8 <= gap <= 24  # the exponentials of the two groups never meet


@pytest.mark.parametrize(("registers", "own", "more"), [(132, 16, 18), (130, None, 18)])
def test_fewer_registers_cost_a_group_and_cycles(
    registers: int, own: int | None, more: int
) -> None:
    """Beside a tile of 128 x 128 the row state does not fit; a sixth group takes it."""
    problem = build_kernel("fmha-forward", "blackwell")
    machine = replace(problem.machine, registers_per_thread=registers, warps=18)
    problem = Problem(problem.graph, machine)
    options = replace(II_ONLY, max_ii=18)
    five = read_strategy(published_strategies()["fa4"]).partition(problem)
    assert solve(problem, options, partition=five).ii == own
    six = read_strategy(PARTITIONS / "fa4-row-state.json").partition(problem)
    assert solve(problem, options, partition=six).ii == more


def test_a_poor_partition_is_explained() -> None:
    problem = build_kernel("fmha-forward", "blackwell")
    one = Strategy("one softmax group", (("K", "V"), ("S.*", "O.*"), ("[!KVSO]*.?",)))
    done = audit(problem, one, SearchOptions(levels=("ii",), max_ii=16))
    assert (done.own.status, done.best.ii) == ("infeasible", 16)
    assert done.why is not None and done.why.verdict == "impossible" and done.why.families


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ((("K",), ("S.*",)), "no group for V"),
        ((("K", "V"), ("*.0", "*.1"), ("S.0",)), "S.0 is in group 1 and in group 2"),
        ((("K", "V"), ("*.0", "*.1"), ("X*",)), "matches X*"),
        ((("K",), ("V", "*.0", "*.1")), "V has to be in the first group"),
        ((("K", "V", "S.0"), ("[!S]*.0", "*.1")), "S.0 may not be in the first group"),
    ],
)
def test_partitions_that_do_not_fit(groups: Any, message: str) -> None:
    with pytest.raises(OptionError) as caught:
        audit(build_kernel("fmha-forward"), Strategy("wrong", groups), II_ONLY)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"schema": "x", "name": "n", "groups": []}, "schema is"),
        ({"schema": "twill-ilp/partition/1", "name": "n"}, "'groups' is missing"),
        (
            {"schema": "twill-ilp/partition/1", "name": "n", "groups": [[1]]},
            "partition.groups[0][0] is 1; give a pattern",
        ),
        (
            {"schema": "twill-ilp/partition/1", "name": "n", "groups": [], "colour": 1},
            "unknown key 'colour'",
        ),
    ],
)
def test_partition_files_gone_wrong(data: Any, message: str, tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    path.write_text(json.dumps(data))
    with pytest.raises(InvalidProblemError) as caught:
        read_strategy(path)
    assert str(caught.value).startswith(f"{path}: ") and message in str(caught.value)


def test_given_starts_are_verified() -> None:
    problem = build_kernel("fig1")
    strategy = Strategy("all", (("S", "P", "O"),), ii=2, start={"S": 0, "P": 2, "O": 3})
    assert audit(problem, strategy, II_ONLY).given == "accepted by the verifier: II = 2, L = 4"
    early = Strategy("all", (("S", "P", "O"),), ii=2, start={"S": 0, "P": 0, "O": 3})
    assert audit(problem, early, II_ONLY).given.startswith("rejected by the verifier: S -> P")
