"""The joint search: published shapes, ablations, hopeless inputs, levels and limits."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest
from joint_oracle import joint_at
from strategies import random_joint_problem
from test_enumeration import models_of
from test_joint_exactness import random_rules

from twill_ilp import (
    Dependence,
    LoopGraph,
    Machine,
    Operation,
    OptionError,
    Problem,
    SearchOptions,
    Usage,
    build_kernel,
    models,
    solve,
)
from twill_ilp.bounds import rec_mii
from twill_ilp.cli import main
from twill_ilp.enumeration import Enumeration
from twill_ilp.limits import Limits
from twill_ilp.outcome import Outcome, SolveStatus
from twill_ilp.partitions import candidates, traffic_of, warps_of
from twill_ilp.result_file import read_result
from twill_ilp.rules import Readings, Rules, effective_graph

II = SearchOptions(levels=("ii",))


def limited(**limits: int) -> Problem:
    problem = build_kernel("fmha-forward", "blackwell")
    return Problem(problem.graph, replace(problem.machine, **limits))


@pytest.mark.parametrize(
    ("problem", "rules", "ii"),
    [
        (limited(warps=12), Rules(), 16),
        (limited(), Rules().also("no-cross-warp"), 16),
        (limited(), Rules(max_groups=3), 16),
        (build_kernel("fmha-forward", "blackwell", sub_tiles=1), Rules(), 8),
    ],
    ids=["12 warps", "no cross-warp", "3 groups", "one sub-tile"],
)
def test_ablations_of_blackwell_forward(problem: Problem, rules: Rules, ii: int) -> None:
    """Soi et al. 2026: too few warps, no communication and no sub-tiling are impossible."""
    result = solve(problem, replace(II, rules=rules, max_ii=ii))
    assert result.status == "infeasible"
    assert result.rejected[-1].reason == "joint infeasible"


def test_hopper_forward_is_a_ping_pong() -> None:
    """S of the next iteration overlaps the softmax of this one; one group per sub-tile."""
    result = solve(build_kernel("fmha-forward", "hopper"))
    assert {level.certainty for level in result.objective.values()} == {"proven"}
    values = [level.value for level in result.objective.values()]
    assert values == [32, 48, 9, 0]
    schedule = result.schedule
    assert schedule is not None
    halves = [{n for n in group.operations} for group in schedule.groups[1:]]
    assert all({name[-1] for name in half} in ({"0"}, {"1"}) for half in halves)
    assert max(schedule.stage(name) for name in schedule.start) >= 1


def test_levels_in_another_order() -> None:
    order = ("ii", "warps", "traffic", "length")
    result = solve(build_kernel("fmha-forward", "hopper"), SearchOptions(levels=order))
    assert tuple(result.objective) == order
    assert [result.objective[name].value for name in order] == [32, 9, 0, 48]


def test_levels_left_out_are_skipped_with_their_value() -> None:
    result = solve(build_kernel("fig1"), II)
    assert [level.certainty for level in result.objective.values()] == [
        "proven",
        "skipped",
        "skipped",
        "skipped",
    ]
    assert result.objective["warps"].value == 1


def test_a_result_file_keeps_groups_and_rules(tmp_path: Path) -> None:
    problem = build_kernel("fmha-forward", "hopper")
    result = solve(problem, replace(II, rules=Rules(readings=Readings(liveness="completion"))))
    result.save(tmp_path / "r.json")
    again = read_result(tmp_path / "r.json", problem)
    assert again == result


def test_fractional_starts_refute_what_has_no_schedule() -> None:
    """And much of it: at every II of small loops, against brute force."""
    refuted = impossible = 0
    for seed in range(60):
        rng = random.Random(seed)
        problem, rules = random_joint_problem(rng, 6), random_rules(rng)
        for ii in range(rec_mii(effective_graph(problem.graph, rules)).ii, 6):
            verdict = models_of(problem, rules, ii).relaxed(Limits(), 60.0)
            assert verdict.schedule is None
            if joint_at(problem, ii, rules) is not None:
                assert not verdict.proven, (seed, ii)
                break
            refuted += verdict.proven
            impossible += 1
    assert impossible // 2 < refuted < impossible


def test_limits_are_never_proofs(monkeypatch: pytest.MonkeyPatch) -> None:
    def undecided(*_: object, **__: object) -> Outcome:
        return Outcome(SolveStatus.UNKNOWN, {}, None, 0.0, 0, 0, "Time limit reached")

    monkeypatch.setattr(models, "run", undecided)
    monkeypatch.setattr(Enumeration, "run", lambda *_: None)
    problem = build_kernel("fmha-forward", "blackwell")
    result = solve(problem, SearchOptions(max_ii=16, time_limit=3.0))
    assert (result.status, result.schedule) == ("unknown", None)
    assert result.rejected[-1].reason == "unknown"


def wide(**changes: object) -> Problem:
    op = replace(Operation("A", usage=(Usage("X", 1),), warps=4, registers=512), **changes)  # type: ignore[arg-type]
    ops = (op, Operation("B", usage=(Usage("X", 1),)))
    graph = LoopGraph("wide", ops, (Dependence("A", "B", 1),))
    machine = Machine("m", {"X": 1}, {"smem": 100}, warps=4, registers_per_thread=8)
    return Problem(graph, machine)


@pytest.mark.parametrize(
    ("problem", "message"),
    [
        (wide(warps=5), "A (5) need 5 warps, above the warp budget 4"),
        (wide(registers=2000), "A keeps 500 registers in each of its 4 warps, above the limit"),
        (wide(footprint={"smem": 101}), "A keeps 101 of smem, above machine m's 100"),
    ],
)
def test_hopeless_problems_are_told_before_any_solve(
    problem: Problem, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "run", None)
    result = solve(problem)
    assert result.status == "infeasible"
    assert message in result.rejected[0].evidence
    assert result.rejected[0].evidence.endswith("at this and every other II")


def test_hopeless_is_exit_code_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["solve", "fmha-forward", "--warps", "4"]) == 1
    assert "warps, above the warp budget 4" in capsys.readouterr().out.replace("\n", " ")


def test_candidates_respect_budget_and_designated_group() -> None:
    problem = build_kernel("fmha-forward", "blackwell")
    graph = effective_graph(problem.graph, Rules())
    found = candidates(graph, problem.machine, Rules())
    assert found
    for partition in found:
        assert warps_of(graph, partition) <= 16
        assert {name for name, g in partition.items() if g == 0} == {"K", "V"}
    assert min(traffic_of(graph, partition) for partition in found) == 0


def test_the_paper_window_is_an_option() -> None:
    problem = build_kernel("fmha-forward", "hopper")
    rules = Rules(readings=Readings(window="paper"))
    result = solve(problem, replace(II, rules=rules))
    assert result.status == "optimal" and result.length is not None
    assert result.length <= 64  # ceil(48 / 32) passes of 32 cycles


def test_quotas_fit_the_register_file() -> None:
    result = solve(
        build_kernel("fmha-forward", "hopper"), replace(II, rules=Rules().also("quotas"))
    )
    assert result.status == "optimal"


def test_unknown_rules() -> None:
    with pytest.raises(OptionError, match="family 'magic': no such one"):
        Rules(("magic",))
    with pytest.raises(OptionError, match="reading hold is 'long'"):
        Readings(hold="long")  # type: ignore[arg-type]


def test_levels_of_a_given_partition_are_those_of_the_partition() -> None:
    """A question with fewer warps or less traffic than the partition has is simply answered no."""
    problem = build_kernel("fmha-forward", "hopper")
    group = {op.name: 0 if op.name in "KV" else 1 + int(op.name[-1]) for op in problem.graph}
    result = solve(problem, SearchOptions(), partition=group)
    assert (result.status, result.ii) == ("optimal", 32)
    assert result.objective["warps"].value == 9
    assert {result.objective[name].certainty for name in ("warps", "traffic")} == {"proven"}
