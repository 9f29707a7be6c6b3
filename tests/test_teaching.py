"""What the notebooks lean on: obstacles, printed equations, formulations side by side, menus."""

from __future__ import annotations

import pytest

from twill_ilp import OptionError, SearchOptions, build_kernel, solve
from twill_ilp.explain import explain
from twill_ilp.explore import explore
from twill_ilp.formulations import compare_formulations
from twill_ilp.ilp import (
    FORMULATIONS,
    add_length_objective,
    build_joint_model,
    build_model,
    joint_families,
    reduce_loop,
    timeline,
    windows_for_length,
)
from twill_ilp.ilp.equations import equations
from twill_ilp.kernels.obstacles import OBSTACLES, Obstacle
from twill_ilp.rules import EXTRA_FAMILIES, FAMILIES, Rules


def test_every_family_has_an_obstacle_of_two_operations() -> None:
    assert set(OBSTACLES) == {*FAMILIES, *EXTRA_FAMILIES}
    assert all(len(list(obstacle.problem.graph)) == 2 for obstacle in OBSTACLES.values())


@pytest.mark.parametrize("obstacle", OBSTACLES.values(), ids=list(OBSTACLES))
def test_the_family_and_nothing_less_is_in_the_way(obstacle: Obstacle) -> None:
    name = obstacle.family
    rules = Rules().also(name) if name in EXTRA_FAMILIES else Rules()
    why = explain(obstacle.problem, obstacle.ii, SearchOptions(rules=rules))
    assert why.verdict == "impossible"
    assert not why.families or name in why.needed
    free = solve(obstacle.problem, SearchOptions(rules=rules.without(name), levels=("ii",)))
    assert (free.status, free.ii) == ("optimal", obstacle.ii)


def fig1(formulation: str) -> str:
    problem = build_kernel("fig1")
    core = reduce_loop(problem.graph, 2)
    families = (*FORMULATIONS[formulation], add_length_objective)
    windows = windows_for_length(core, 4) or []
    return equations(build_model(core, problem.machine, windows, families))


def test_equations_of_fig1() -> None:
    """TC in slot 0: one of S and O at most; k and y are those of docs/model.md."""
    lines = fig1("structured").splitlines()
    assert lines[0] == "minimise  L"
    assert "  y[S,0] + y[O,0] <= 1" in lines
    assert "  k[P] - y[P,0] - k[O] <= -1" in lines
    assert "  L + y[O,0] - 2 k[O] >= 2" in lines
    assert "  k[S]  = 0" in lines
    assert "  t[P] - t[S] >= 1" in fig1("order").splitlines()


def test_equations_name_groups_and_can_be_cut() -> None:
    obstacle = OBSTACLES["concurrency"]
    problem = obstacle.problem
    line = timeline(problem.graph, problem.machine, Rules(), obstacle.ii)
    model = build_joint_model(line, problem.machine, joint_families(Rules()))
    assert "open_0 - a[exp,0] >= 0" in equations(model)
    assert "... and 1 more" in equations(model, most=1)
    assert "0 <= 0" not in equations(model)


def test_formulations_agree_and_structured_has_the_better_bound() -> None:
    found = {f.formulation: f for f in compare_formulations(build_kernel("gated-mlp"), 16, 64)}
    assert {f.length for f in found.values()} == {48}
    bounds = [found[name].lp_bound or 0.0 for name in ("order", "aggregated", "structured")]
    assert bounds == sorted(bounds) and bounds[-1] <= 48
    assert found["order"].columns < found["structured"].columns


def test_formulations_refuse_what_they_cannot_mean() -> None:
    with pytest.raises(OptionError, match="choose from structured"):
        compare_formulations(build_kernel("fig1"), 2, 4, formulations=("convex",))
    with pytest.raises(OptionError, match="give at least 3 cycles"):
        compare_formulations(build_kernel("fig1"), 2, 2)


def test_explore_draws_the_first_choices_outside_notebooks() -> None:
    seen = []
    explore(lambda ii, p: seen.append((ii, p)), ii=[2, 3], p=[1])
    assert seen == [(2, 1)]
