"""Baselines: what they are, and that each step of the optimization is worth something."""

from __future__ import annotations

from pathlib import Path

import pytest

from twill_ilp import InvalidScheduleError, Problem, SearchOptions, build_kernel, solve, verify
from twill_ilp.baselines import baselines, broken_rules, in_groups, loads_apart, unpipelined
from twill_ilp.result_file import read_result
from twill_ilp.rules import FAMILIES, Rules
from twill_ilp.schedule import Schedule
from twill_ilp.simulate import simulate

SAVED = Path(__file__).parent / "data" / "simulation" / "fmha-forward-hopper.json"


@pytest.fixture(scope="module")
def attention() -> Problem:
    return build_kernel("fmha-forward", "hopper")


@pytest.fixture(scope="module")
def programs(attention: Problem) -> dict[str, Schedule]:
    modulo = solve(attention, SearchOptions(stage="modulo", levels=("ii",))).schedule
    return baselines(attention, modulo)


def test_names(programs: dict[str, Schedule]) -> None:
    assert list(programs) == [
        "program order, one group",
        "program order, loads apart",
        "modulo, one group",
        "modulo, loads apart",
        "IMS, loads apart",
        "SMS, loads apart",
    ]


def test_starts_are_modulo_schedules(attention: Problem, programs: dict[str, Schedule]) -> None:
    for schedule in programs.values():
        verify(attention.graph, attention.machine, in_groups(schedule, {}))


def test_program_order_is_one_iteration_after_the_other(attention: Problem) -> None:
    schedule = unpipelined(attention)
    assert schedule is not None and schedule.stages == 1


def test_loads_apart(attention: Problem) -> None:
    groups = loads_apart(attention)
    assert {name for name, g in groups.items() if g == 0} == {"K", "V"}
    ampere = loads_apart(build_kernel("fmha-forward", "ampere"))
    assert {name for name, g in ampere.items() if g == 0} == {"K", "V"}
    assert set(loads_apart(build_kernel("fig1")).values()) == {0}


def test_without_loads_the_heuristics_have_one_group() -> None:
    names = list(baselines(build_kernel("fig1"), None))
    assert names == ["program order, one group", "IMS, one group", "SMS, one group"]


def test_every_step_is_worth_something(attention: Problem, programs: dict[str, Schedule]) -> None:
    rates = {name: simulate(s).cycles_per_iteration for name, s in programs.items()}
    joint = read_result(SAVED, attention).schedule
    assert joint is not None
    best = simulate(joint).cycles_per_iteration
    assert rates["program order, one group"] >= rates["program order, loads apart"]
    assert rates["program order, one group"] > rates["modulo, one group"]
    assert rates["modulo, one group"] >= rates["modulo, loads apart"]
    assert min(rates.values()) > best == 32


def test_broken_rules(attention: Problem, programs: dict[str, Schedule]) -> None:
    for schedule in programs.values():
        broken = broken_rules(schedule)
        for family in broken:
            with pytest.raises(InvalidScheduleError):
                verify(attention.graph, attention.machine, schedule)
            assert family in (*FAMILIES, "starts")
        rest = Rules().without(*(family for family in broken if family != "starts"))
        assert "starts" not in broken
        verify(attention.graph, attention.machine, schedule, rest)
    assert "concurrency" in broken_rules(programs["modulo, loads apart"])
