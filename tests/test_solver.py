"""The gateway: statuses that mean what they say, on every way a solve can end."""

from __future__ import annotations

import itertools
import math
import random
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import highspy
import pulp
import pytest

from twill_ilp import OptionError, SolverError, solver
from twill_ilp.outcome import SolveStatus
from twill_ilp.selftest import LOWER, ROWS, UPPER, WRONG_OPTIMAL_ANSWER, wrong_optimal_model
from twill_ilp.solver import run, self_test, to_highs


def model(sense: int = pulp.LpMinimize) -> tuple[pulp.LpProblem, pulp.LpVariable]:
    lp = pulp.LpProblem("model", sense)
    x = lp.add_variable("x", 0, 10, pulp.LpInteger)
    lp.setObjective(pulp.LpAffineExpression([(x, 1)]))
    return lp, x


def market_split(rows: int = 4, columns: int = 32) -> pulp.LpProblem:
    """An equality knapsack that no MIP solver decides quickly (Cornuejols and Dawande 1999)."""
    rng = random.Random(3)
    lp = pulp.LpProblem("market_split", pulp.LpMinimize)
    xs = [lp.add_variable(f"x{i:02}", 0, 1, pulp.LpInteger) for i in range(columns)]
    slack = []
    for row in range(rows):
        weights = [rng.randrange(100) for _ in xs]
        over = lp.add_variable(f"over{row}", 0, 9999, pulp.LpInteger)
        under = lp.add_variable(f"under{row}", 0, 9999, pulp.LpInteger)
        slack += [over, under]
        total = pulp.lpSum(w * x for w, x in zip(weights, xs, strict=True))
        lp += total + under - over == sum(weights) // 2, f"row{row}"
    lp.setObjective(pulp.lpSum(slack))
    return lp


def feasible_with(last: int) -> bool:
    """Whether the 14-integer model has a point with c13 = last: depth-first with row bounds."""
    order = range(len(LOWER) - 2, -1, -1)
    domains = [range(low, high + 1) for low, high in zip(LOWER, UPPER, strict=True)]

    def possible(values: dict[int, int]) -> bool:
        return all(
            sum(
                max(a * v for v in ((values[i],) if i in values else domains[i]))
                for i, a in row.items()
            )
            >= least
            for least, row in ROWS
        )

    def extend(position: int, values: dict[int, int]) -> bool:
        if not possible(values):
            return False
        if position == len(order):
            return True
        i = order[position]
        return any(extend(position + 1, values | {i: v}) for v in domains[i])

    return extend(0, {len(LOWER) - 1: last})


def test_the_self_test_model_has_optimum_3() -> None:
    values = range(LOWER[-1], UPPER[-1] + 1)
    assert next(v for v in values if feasible_with(v)) == WRONG_OPTIMAL_ANSWER


def test_self_test_shows_the_bug_and_its_cure() -> None:
    default, guarded = self_test()
    assert guarded == WRONG_OPTIMAL_ANSWER
    if solver.highs_version() == "1.15.1":
        assert default == 5


def test_run_is_guarded() -> None:
    outcome = run(wrong_optimal_model())
    assert (outcome.status, outcome.values["c13"]) == (SolveStatus.OPTIMAL, 3)


def test_a_wrong_guarded_answer_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(solver, "AGGREGATOR", 0)
    if solver.highs_version() == "1.15.1":
        with pytest.raises(SolverError, match="answers 5 where the optimum is 3"):
            self_test()


def test_optimal_value_bound_and_constant() -> None:
    lp, x = model()
    lp += x >= 2.5, "least"
    lp.setObjective(x + 40)
    outcome = run(lp)
    assert outcome.status is SolveStatus.OPTIMAL
    assert outcome.values == {"x": 3}
    assert outcome.bound == pytest.approx(43)


def test_infeasible() -> None:
    lp, x = model()
    lp += x >= 11, "least"
    outcome = run(lp)
    assert (outcome.status, outcome.values, outcome.bound) == (SolveStatus.INFEASIBLE, {}, None)


def test_a_false_row_without_variables_is_infeasible() -> None:
    """HiGHS calls such a model "Empty", which reads like a success."""
    lp = pulp.LpProblem("empty", pulp.LpMinimize)
    lp.setObjective(pulp.LpAffineExpression())
    assert run(lp).status is SolveStatus.OPTIMAL
    lp += pulp.LpConstraint(pulp.LpAffineExpression(), pulp.LpConstraintEQ, "false", 1)
    assert run(lp).status is SolveStatus.INFEASIBLE


def test_unbounded_is_an_error() -> None:
    lp = pulp.LpProblem("unbounded", pulp.LpMinimize)
    x = lp.add_variable("x", None, 10, pulp.LpInteger)
    lp.setObjective(pulp.LpAffineExpression([(x, 1)]))
    with pytest.raises(SolverError, match="proves nothing"):
        run(lp)


def test_a_time_limit_proves_nothing() -> None:
    outcome = run(market_split(), time_limit=0.2)
    assert outcome.status in (SolveStatus.FEASIBLE, SolveStatus.UNKNOWN)
    assert outcome.bound is None or outcome.bound <= 0.5
    assert run(market_split(), time_limit=0).status is not SolveStatus.INFEASIBLE


def test_a_mip_start_is_used() -> None:
    lp = market_split()
    start = {f"x{i:02}": 0.0 for i in range(32)} | {f"over{r}": 0.0 for r in range(4)}
    rows = {row.name: row for row in lp.constraints()}
    start |= {f"under{r}": -float(rows[f"row{r}"].constant) for r in range(4)}
    worth = sum(start[f"under{r}"] for r in range(4))
    outcome = run(lp, time_limit=0.3, start=start)
    assert outcome.status is SolveStatus.FEASIBLE
    assert sum(v for n, v in outcome.values.items() if not n.startswith("x")) <= worth


def test_options_are_checked() -> None:
    with pytest.raises(OptionError, match="no option 'mip_max_nods'"):
        run(model()[0], options={"mip_max_nods": 3})
    with pytest.raises(OptionError, match="refuses -1"):
        run(model()[0], options={"mip_rel_gap": -1})


def test_a_node_limit_is_no_proof() -> None:
    outcome = run(market_split(), options={"mip_max_nodes": 1}, time_limit=20)
    assert outcome.status in (SolveStatus.FEASIBLE, SolveStatus.UNKNOWN)


def test_duplicate_names_and_maximisation_are_refused() -> None:
    lp, x = model()
    lp += x + pulp.LpVariable("x", 0, 1, _skip_v4_deprecation=True) >= 1, "row"
    with pytest.raises(SolverError, match="two variables named x"):
        run(lp)
    with pytest.raises(SolverError, match="only minimisation"):
        run(model(pulp.LpMaximize)[0])


def test_threads_can_change_within_a_process() -> None:
    lp, x = model()
    lp += 2 * x >= 7, "least"
    assert [run(lp, threads=n).values for n in (1, 2, 1)] == [{"x": 4}] * 3


LIMITS = {
    "kTimeLimit", "kIterationLimit", "kSolutionLimit", "kObjectiveBound", "kObjectiveTarget",
    "kMemoryLimit",
}  # fmt: skip
STATUSES = [name for name in dir(highspy.HighsModelStatus) if name.startswith("k")]


@pytest.mark.parametrize(("name", "point"), list(itertools.product(STATUSES, (False, True))))
def test_every_status_is_mapped(name: str, point: bool) -> None:
    lp, _ = model()
    real, names = to_highs(lp)
    solution = highspy.SolutionStatus
    info = SimpleNamespace(
        primal_solution_status=solution.kSolutionStatusFeasible
        if point
        else solution.kSolutionStatusNone,
        mip_node_count=1,
        simplex_iteration_count=1,
        mip_dual_bound=-math.inf,
    )
    stub = SimpleNamespace(
        getModelStatus=lambda: getattr(highspy.HighsModelStatus, name),
        getInfo=lambda: info,
        modelStatusToString=real.modelStatusToString,
        getSolution=lambda: SimpleNamespace(col_value=[0.0] * len(names)),
    )

    def read() -> SolveStatus:
        return solver._read(stub, lp, names, 0.0).status

    if name in LIMITS:
        assert read() is (SolveStatus.FEASIBLE if point else SolveStatus.UNKNOWN)
    elif name in ("kOptimal", "kModelEmpty"):
        assert read() is SolveStatus.OPTIMAL
    elif name == "kInfeasible":
        assert read() is SolveStatus.INFEASIBLE
    elif name in ("kInterrupt", "kHighsInterrupt"):
        with pytest.raises(KeyboardInterrupt):
            read()
    else:
        with pytest.raises(SolverError, match="proves nothing"):
            read()


def test_fractions_for_integers_are_an_error() -> None:
    lp, _ = model()
    _, names = to_highs(lp)
    stub = SimpleNamespace(getSolution=lambda: SimpleNamespace(col_value=[0.5] * len(names)))
    with pytest.raises(SolverError, match=r"x = 0\.5"):
        solver._whole_values(stub, lp, names)


def test_somebody_else_in_the_process_used_more_threads() -> None:
    """HiGHS keeps its first scheduler, and then refuses to run with another thread count."""
    other, _ = solver.to_highs(model()[0])
    other.setOptionValue("threads", 2)
    highspy.Highs.resetGlobalScheduler(True)
    other.run()
    assert run(model()[0]).status is SolveStatus.OPTIMAL
    assert self_test()[1] == 3


INTERRUPTED = """
import sys, threading, _thread
sys.path.insert(0, {tests!r})
from test_solver import market_split, model
from twill_ilp.solver import run
threading.Timer(0.5, _thread.interrupt_main).start()
try:
    run(market_split(6, 50), time_limit=60)
except KeyboardInterrupt:
    print("interrupted")
lp, x = model()
lp += x >= 4, "least"
print(run(lp).values)
"""


def test_an_interrupt_ends_the_solve_and_the_next_one_works() -> None:
    began = time.perf_counter()
    script = INTERRUPTED.format(tests=str(Path(__file__).parent))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.splitlines() == ["interrupted", "{'x': 4}"], done.stderr
    assert time.perf_counter() - began < 40
