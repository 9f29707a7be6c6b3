"""Normalization: F proven least, against brute force and HiGHS; collapses; II in clocks."""

from __future__ import annotations

import random
import time
from itertools import product
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twill_ilp.cli import main
from twill_ilp.errors import OptionError
from twill_ilp.graph import Dependence, LoopGraph, Operation, Usage
from twill_ilp.kernels import build_kernel
from twill_ilp.machine import Machine
from twill_ilp.normalization import Normalization
from twill_ilp.normalize import normalization_model, normalize
from twill_ilp.normalized import compare, normalized_problem, problem_costs, utilization
from twill_ilp.outcome import SolveStatus
from twill_ilp.plot import plot_normalization
from twill_ilp.problem import Problem, read_problem
from twill_ilp.solver import run

PAPER = [1024, 512, 256, 128, 64]
"""Like the paper's: a handful of distinct costs, many times."""


def three_orders(count: int, seed: int) -> list[int]:
    """Distinct costs from 10 to 10000, evenly spread over the orders of magnitude."""
    rng = random.Random(seed)
    costs: set[int] = set()
    while len(costs) < count:
        costs.add(round(10 * 1000 ** rng.random()))
    return rng.sample(sorted(costs), count)


def spread(costs: list[int], values: tuple[int, ...]) -> int:
    pairs = list(zip(costs, values, strict=True))
    return max(abs(a * y - b * x) for a, x in pairs for b, y in pairs)


def brute_force(costs: list[int], limit: int, least: int) -> int:
    return min(
        spread(costs, values)
        for values in product(range(least, limit + 1), repeat=len(costs))
        if 1 <= sum(values) <= limit
    )


@given(st.lists(st.integers(1, 30), min_size=1, max_size=4, unique=True), st.integers(4, 9))
@settings(deadline=None, max_examples=60)
def test_least_spread_is_the_brute_forces(costs: list[int], limit: int) -> None:
    for reading, least in (("distinct", 1), ("literal", 0)):
        answer = normalize(costs, limit=limit, reading=reading)
        assert answer.spread == brute_force(costs, limit, least)
        assert spread(costs, answer.normalized) == answer.spread
        assert 1 <= sum(answer.normalized) <= limit


@given(st.lists(st.integers(1, 20), min_size=1, max_size=3, unique=True), st.integers(3, 12))
@settings(deadline=None, max_examples=40)
def test_second_stage_takes_the_largest_sum(costs: list[int], limit: int) -> None:
    answer = normalize(costs, limit=limit)
    assert answer.maximal
    assert sum(answer.normalized) == max(
        sum(values)
        for values in product(range(1, limit + 1), repeat=len(costs))
        if sum(values) <= limit and spread(costs, values) <= answer.spread
    )


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("reading", ["distinct", "literal"])
def test_highs_finds_the_same_spread(seed: int, reading: str) -> None:
    """The program as the paper states it, minimised; and F - 1 refuted."""
    rng = random.Random(seed)
    costs = rng.sample(range(1, 400), 7)
    answer = normalize(costs, limit=40, reading=reading, confirm=True)
    least = 1 if reading == "distinct" else 0
    outcome = run(normalization_model(costs, limit=40, least=least), time_limit=60)
    assert outcome.status is SolveStatus.OPTIMAL
    assert outcome.values["F"] == answer.spread


def test_readings_agree_on_lists_like_the_papers() -> None:
    for costs in (PAPER, [1024, 512, 512, 256], [100, 250, 400, 1000], [3, 7]):
        literal = normalize(costs, reading="literal", confirm=True)
        ours = normalize(costs, confirm=True)
        assert literal.spread == ours.spread
        assert literal.collapsed == ours.collapsed == 0
        assert literal.merged == ours.merged == 0


def test_exact_ratios_are_found() -> None:
    answer = normalize([*PAPER, 0, 1024])
    assert (answer.spread, answer.worst_error, answer.mean_error) == (0, 0.0, 0.0)
    assert answer.normalized == (144, 72, 36, 18, 9, 0, 144)  # 279: the next multiple exceeds 300
    assert answer.scale == pytest.approx(1024 / 144)


def test_long_wide_lists_collapse_literally_and_not_in_ours() -> None:
    """128 costs over three orders of magnitude: 119 of them are 0 in every literal optimum."""
    costs = three_orders(128, seed=7)
    literal = normalize(costs, reading="literal", confirm=True)
    ours = normalize(costs, confirm=True)
    assert (literal.collapsed, literal.always_zero, ours.collapsed) == (119, 119, 0)
    assert (literal.spread, ours.spread) == (4539, 9395)
    assert min(ours.normalized) == 1 and sum(ours.normalized) == 300


@pytest.mark.parametrize("reading", ["distinct", "literal"])
def test_130_costs_do_not_take_exponential_time(reading: str) -> None:
    began = time.process_time()
    normalize(random.Random(0).sample(range(10, 10000), 130), reading=reading)
    assert time.process_time() - began < 10  # a guard, not a benchmark: it takes about 0.3


@pytest.mark.parametrize(
    ("costs", "options", "words"),
    [
        ([1, 2, 3], {"limit": 2}, "U is 2, below the 3 distinct costs, .*; give at least 3"),
        ([1], {"limit": 0}, "U is 0; give a whole number from 1"),
        ([1], {"limit": 2.5}, "U is 2.5; give"),
        ([0, 0], {}, "costs: none is positive; give at least one"),
        ([], {}, "costs: none is positive"),
        ([1, -2], {}, r"costs\[1\] is -2; give"),
        ([1.5], {}, r"costs\[0\] is 1.5; give"),
        ([10**7], {}, r"costs\[0\] is 10000000; give clocks up to 1000000"),
        ([1], {"reading": "loose"}, "reading is 'loose'; choose from distinct, literal"),
    ],
)
def test_refused(costs: list[Any], options: dict[str, Any], words: str) -> None:
    with pytest.raises(OptionError, match=words) as caught:
        normalize(costs, **options)
    assert "\n" not in str(caught.value)


def test_errors_and_merges() -> None:
    answer = Normalization((100, 110, 10, 0), (1, 1, 0, 0), 2, "literal", 100, 1, None, 0.0)
    assert answer.scale == 110
    assert answer.errors == (pytest.approx(0.1), 0.0, 1.0)
    assert (answer.worst_error, answer.collapsed, answer.merged) == (1.0, 1, 1)
    assert "1 collapsed" in repr(answer)


def test_normalized_problem_keeps_order() -> None:
    """alpha waits for its FP32 part; whoever waits for an operation still does."""
    raw = build_kernel("fmha-forward", quantum=1)
    small, answer = normalized_problem(raw)
    assert answer.collapsed == 0
    assert set(problem_costs(raw)) == {cost for cost in answer.costs if cost}
    for old, new in zip(raw.graph, small.graph, strict=True):
        assert [row.unit for row in old.usage] == [row.unit for row in new.usage]
        assert new.cycles >= max((row.end for row in new.usage), default=0)
        assert (new.issue == new.cycles) == (old.issue == old.cycles)
        assert all(a.end <= b.start for a, b in zip(new.usage, new.usage[1:], strict=False))
    for e in small.graph.dependences:
        assert e.delay >= small.graph.by_name[e.src].cycles


@st.composite
def clocks(draw: st.DrawFn) -> Problem:
    """A chain with a carried edge, costs in clocks."""
    lengths = draw(st.lists(st.integers(1, 60), min_size=2, max_size=4))
    ops = tuple(
        Operation(f"v{i}", usage=(Usage(("A", "B")[i % 2], n),)) for i, n in enumerate(lengths)
    )
    edges = [Dependence(f"v{i}", f"v{i + 1}", n) for i, n in enumerate(lengths[:-1])]
    edges.append(Dependence(ops[-1].name, "v0", lengths[-1], draw(st.integers(1, 3))))
    return Problem(LoopGraph("g", ops, tuple(edges)), Machine("m", {"A": 1, "B": 1}))


@given(clocks(), st.integers(6, 40))
@settings(deadline=None, max_examples=12)
def test_guarantee_holds(problem: Problem, limit: int) -> None:
    done = compare(problem, limit=limit)
    assert done.bracket is not None and done.raw.ii is not None
    assert done.bracket[0] <= done.raw.ii <= done.bracket[1]


def test_attention_in_normalized_cycles() -> None:
    problem = build_kernel("fmha-forward", quantum=1, sub_tiles=1)
    done = compare(problem, time_limit=60)
    assert done.raw.ii == 1032 and done.normalized.status == "optimal"
    assert done.error is not None and abs(done.error) < 0.02
    assert utilization(problem, 1032) == pytest.approx(1024 / 1032)
    assert utilization(problem, 1032, "EXP") == 0.0


@pytest.mark.parametrize("reading", ["distinct", "literal"])
def test_plot(reading: str) -> None:
    answer = normalize(three_orders(40, seed=1), reading=reading)
    ax = plot_normalization(answer)
    try:
        assert ax.get_xscale() == "log" and "clocks" in ax.get_xlabel()
        drawn = sum(len(line.get_xdata()) for line in ax.lines[1:])  # type: ignore[arg-type]
        assert drawn == 40
        _, other = plt.subplots()
        assert plot_normalization(normalize(PAPER[:3]), ax=other) is other
        assert other.get_xscale() == "linear"
    finally:
        plt.close("all")


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, figure = tmp_path / "small.json", tmp_path / "a.png"
    line = f"normalize gemm --machine hopper --check --confirm --json {out} --plot {figure}"
    assert main(line.split()) == 0
    text = capsys.readouterr().out
    assert "F = 0, proven the least" in text
    assert " costs collapsed to 0; 0 of 2 distinct" in text
    assert "error of the estimate: +0" in text
    assert "implied utilization of the tensor core: 100%" in text
    assert read_problem(out).graph.by_name["C"].cycles == 240
    assert figure.stat().st_size > 1000


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("normalize fmha-forward --u 3", "U is 3, below the 8 distinct costs"),
        ("normalize gemm --reading loose", "reading is 'loose'"),
        ("normalize gemm --plot a.gif", "end the name in .png"),
        ("normalize gemm --json none/a.json", "does not exist"),
    ],
)
def test_command_refuses(line: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(line.split()) == 2
    err = capsys.readouterr().err
    assert words in err and err.count("\n") == 1
