"""The search: golden answers, honest statuses under limits, and mistrust of the solver."""

from __future__ import annotations

import random

import pytest
from strategies import random_problem
from strategies import solve_modulo as solve

from twill_ilp import (
    Dependence,
    InvalidScheduleError,
    LoopGraph,
    Machine,
    Operation,
    OptionError,
    Problem,
    Schedule,
    SearchOptions,
    SolverError,
    Usage,
    build_kernel,
    modulo,
    verify,
)
from twill_ilp.outcome import Outcome, SolveStatus


@pytest.fixture
def no_heuristics(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(modulo, "HEURISTICS", {})
    monkeypatch.setattr(modulo, "shorten", lambda problem, schedule, **_: schedule)


def undecided(*_: object, **__: object) -> Outcome:
    return Outcome(SolveStatus.UNKNOWN, {}, None, 0.0, 0, 0, "Time limit reached")


def test_fig1() -> None:
    """Soi et al. 2026, Fig. 1: II = 2, and O at 2 would meet S on the tensor core, so L = 4."""
    result = solve(build_kernel("fig1"))
    assert (result.status, result.ii, result.length) == ("optimal", 2, 4)
    assert (result.schedule and dict(result.schedule.start) == {"S": 0, "P": 2, "O": 3}) or (
        result.schedule and result.schedule.start["O"] == 3
    )
    (rejected,) = result.rejected
    assert (rejected.ii, rejected.reason) == (1, "bound")
    assert "TC" in rejected.evidence
    assert {level.certainty for level in result.objective.values()} == {"proven"}


@pytest.mark.parametrize(
    ("kernel", "machine", "ii"),
    [
        ("dot-product", None, 2),
        ("first-order-recurrence", None, 4),
        ("gemm", "hopper", None),
        ("fmha-forward", "hopper", None),
        ("fmha-forward", "blackwell", 16),
    ],
)
def test_kernels_reach_their_bound(kernel: str, machine: str | None, ii: int | None) -> None:
    result = solve(build_kernel(kernel, machine))
    assert result.status == "optimal"
    assert result.ii == (ii or max(result.mii.values()))
    assert result.objective["length"].certainty == "proven"


@pytest.mark.usefixtures("no_heuristics")
@pytest.mark.parametrize("formulation", ["structured", "aggregated", "order"])
def test_the_ilp_alone_and_confirmed(formulation: str) -> None:
    result = solve(build_kernel("fig1"), SearchOptions(formulation=formulation, confirm=True))
    assert (result.status, result.ii, result.length) == ("optimal", 2, 4)
    assert result.environment["formulation"].split(", ")[0] in ("aggregated", formulation)


@pytest.mark.usefixtures("no_heuristics")
def test_an_undecided_ii_is_unknown_and_never_a_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    real = modulo.run
    answers = iter([undecided] * 3)
    monkeypatch.setattr(modulo, "run", lambda *a, **k: next(answers, real)(*a, **k))
    result = solve(build_kernel("fig1"))
    assert (result.status, result.ii) == ("feasible", 3)
    assert [r.reason for r in result.rejected] == ["bound", "unknown"]
    assert (result.objective["ii"].certainty, result.objective["ii"].bound) == ("found", 2)


@pytest.mark.usefixtures("no_heuristics")
def test_nothing_decided_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(modulo, "run", undecided)
    result = solve(build_kernel("fig1"), SearchOptions(max_ii=3))
    assert (result.status, result.schedule, result.length) == ("unknown", None, None)
    assert result.objective["ii"].value is None


def test_an_undecided_length_is_only_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(modulo, "run", undecided)
    result = solve(build_kernel("fig1"))
    level = result.objective["length"]
    assert (level.certainty, level.value, level.bound) == ("found", 4, 3)
    assert result.status == "optimal"  # the II is proven by its bound


@pytest.mark.usefixtures("no_heuristics")
def test_a_wrong_solution_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        modulo, "run", lambda *_, **__: Outcome(SolveStatus.OPTIMAL, {}, 0, 0.0, 0, 0, "Optimal")
    )
    with pytest.raises(InvalidScheduleError):
        solve(build_kernel("fig1"))


@pytest.mark.usefixtures("no_heuristics")
def test_a_wrong_infeasibility_is_caught_by_confirmation(monkeypatch: pytest.MonkeyPatch) -> None:
    real, lies = modulo.run, iter([True])

    def lying(*args: object, **keywords: object) -> Outcome:
        if next(lies, False):
            return Outcome(SolveStatus.INFEASIBLE, {}, None, 0.0, 0, 0, "Infeasible")
        return real(*args, **keywords)  # type: ignore[arg-type]

    monkeypatch.setattr(modulo, "run", lying)
    with pytest.raises(SolverError, match="structured says infeasible, aggregated found"):
        solve(build_kernel("fig1"), SearchOptions(confirm=True))


def test_max_ii_below_the_bound_is_infeasible() -> None:
    result = solve(build_kernel("fig1"), SearchOptions(max_ii=1))
    assert (result.status, result.schedule, result.ii) == ("infeasible", None, None)
    assert result.objective["ii"].bound == 2


def test_a_loop_that_no_ii_suits_ends_as_infeasible() -> None:
    """Two operations that must start together and cannot."""
    ops = tuple(Operation(name, usage=(Usage("TC", 1),)) for name in "ab")
    cycle = (Dependence("a", "b", 0), Dependence("b", "a", 0))
    result = solve(Problem(LoopGraph("tied", ops, cycle), Machine("m", {"TC": 1})))
    assert result.status == "infeasible"
    assert "a, b alone: 2 of TC" in result.rejected[-1].evidence


@pytest.mark.parametrize("method", ["ims", "sms"])
def test_heuristics_prove_only_what_a_bound_proves(method: str) -> None:
    result = solve(build_kernel("fig1"), SearchOptions(method=method))
    assert result.status in ("optimal", "feasible")
    assert result.environment["formulation"] == "none used"
    assert result.status == ("optimal" if result.ii == 2 else "feasible")


def test_no_time_at_all_still_answers_honestly() -> None:
    for seed in range(30):
        problem = random_problem(random.Random(seed), 8)
        result = solve(problem, SearchOptions(time_limit=1e-9))
        truth = solve(problem)
        if result.status == "optimal":
            assert result.ii == truth.ii
        if result.status == "infeasible":
            assert truth.status == "infeasible"
        if result.ii is not None and truth.ii is not None:
            assert result.ii >= truth.ii
        if result.objective["length"].certainty == "proven" and result.ii == truth.ii:
            assert result.length == truth.length


def test_every_returned_schedule_is_rejected_when_one_start_breaks_a_rule() -> None:
    rng = random.Random(5)
    broken = 0
    for seed in range(60):
        problem = random_problem(random.Random(seed), 8)
        result = solve(problem)
        if result.schedule is None:
            continue
        verify(problem.graph, problem.machine, result.schedule)
        for e in problem.graph.dependences:
            if e.src == e.dst:
                continue
            start = dict(result.schedule.start)
            start[e.src] = start[e.dst] + e.distance * result.schedule.ii - e.delay + 1
            if start[e.src] < 0:
                continue
            mutant = Schedule(problem.graph, problem.machine, result.schedule.ii, start)
            with pytest.raises(InvalidScheduleError):
                verify(problem.graph, problem.machine, mutant)
            broken += 1
        users = [op for op in problem.graph if op.usage]
        if len(users) > 1:
            a, b = rng.sample(users, 2)
            row_a, row_b = a.usage[0], b.usage[0]
            if row_a.unit == row_b.unit and problem.machine.units[row_a.unit] == 1:
                start = {n: t + result.schedule.ii for n, t in result.schedule.start.items()}
                start[b.name] = start[a.name] + row_a.start - row_b.start
                if start[b.name] >= 0:
                    mutant = Schedule(problem.graph, problem.machine, result.schedule.ii, start)
                    with pytest.raises(InvalidScheduleError):
                        verify(problem.graph, problem.machine, mutant)
                    broken += 1
    assert broken > 100


def test_progress_is_told_and_equal_seeds_agree() -> None:
    lines: list[str] = []
    problem = random_problem(random.Random(2), 8)
    first = solve(problem, progress=lines.append)
    assert lines and all("\n" not in line for line in lines)
    second = solve(problem)
    assert first.schedule and second.schedule
    assert dict(first.schedule.start) == dict(second.schedule.start)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_ii": 0}, "max II is 0; give a whole number >= 1"),
        ({"time_limit": 0}, "time limit is 0; give seconds > 0"),
        ({"solve_time_limit": -1}, "solve time limit is -1"),
        ({"method": "magic"}, "choose from ilp, ims, sms"),
        ({"seed": -1}, "seed is -1"),
    ],
)
def test_bad_options(options: dict[str, object], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        SearchOptions(**options)  # type: ignore[arg-type]


def test_an_unknown_formulation_is_refused() -> None:
    with pytest.raises(OptionError, match="choose from auto, structured, aggregated, order"):
        solve(build_kernel("fig1"), SearchOptions(formulation="best"))
