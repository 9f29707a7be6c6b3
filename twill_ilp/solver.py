"""The gateway to HiGHS: the only module that runs a solver or reads its status.

HiGHS 1.12 to 1.15.1 can answer "Optimal" with a wrong value on modulo-scheduling models: the
Aggregator rule of its MIP presolve cuts optimal solutions off.  Every solve here switches the
rule off, and :func:`self_test` shows the bug and its cure on a model of 14 integers.  PuLP's own
HiGHS interface reports ``Optimal`` for a time limit with an incumbent, ignores MIP starts and
unknown options; so the model goes to highspy in bulk and the status is read from there.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Mapping
from functools import cache
from typing import Any

import highspy
import numpy as np
import pulp

from twill_ilp import effort
from twill_ilp.errors import OptionError, SolverError
from twill_ilp.outcome import Outcome, SolveStatus
from twill_ilp.selftest import WRONG_OPTIMAL_ANSWER, wrong_optimal_model

__all__ = [
    "check_options",
    "highs_version",
    "run",
    "self_test",
    "to_highs",
]

AGGREGATOR = 4096
"""Bit of ``presolve_rule_off`` that switches the faulty presolve rule off."""

TESTED = ("1.15.1", "1.16.0")
"""HiGHS versions on which the whole test suite ran; any other runs the self-test first."""

INTEGRALITY = 1e-5
"""Largest distance of an integer variable's value from a whole number that is rounded away."""

EXACT: Mapping[str, Any] = {
    "output_flag": False,
    "presolve_rule_off": AGGREGATOR,
    "mip_rel_gap": 0.0,
    "mip_abs_gap": 0.999,  # objectives are whole numbers, so this is exact
    "mip_feasibility_tolerance": 1e-6,
}


class _Quiet(highspy.Highs):  # type: ignore[misc]  # highspy counts as untyped here
    """HiGHS 1.16 greets on standard output as soon as callbacks are enabled, unless told before."""

    def enableCallbacks(self) -> bool:
        self.setOptionValue("output_flag", False)
        enabled: bool = super().enableCallbacks()
        return enabled


_STATUS = highspy.HighsModelStatus
_LIMITS = {
    _STATUS.kTimeLimit,
    _STATUS.kIterationLimit,
    _STATUS.kSolutionLimit,
    _STATUS.kObjectiveBound,
    _STATUS.kObjectiveTarget,
    _STATUS.kMemoryLimit,
}
_threads_in_use = 1


def run(
    lp: pulp.LpProblem,
    *,
    time_limit: float = math.inf,
    start: Mapping[str, float] | None = None,
    seed: int = 0,
    threads: int = 1,
    options: Mapping[str, Any] | None = None,
) -> Outcome:
    """Solve a model exactly.

    Args:
        lp: minimisation model whose feasible points have whole-number objective values.
        time_limit: wall seconds; what is not decided by then is ``FEASIBLE`` or ``UNKNOWN``.
        start: MIP start, variable name to value; may leave variables out.
        seed: HiGHS's random seed.
        threads: with more than one, HiGHS's parallel search.
        options: further HiGHS options, checked by name.

    Raises:
        OptionError: an option that HiGHS does not know, or a value it refuses.
        SolverError: HiGHS failed, or answered with fractions for integers.
        KeyboardInterrupt: the user interrupted the solve.
    """
    _self_test_once()
    if broken := _violated_constant_row(lp):
        return Outcome(SolveStatus.INFEASIBLE, {}, None, 0.0, 0, 0, f"row {broken} cannot hold")
    highs, names = to_highs(lp)
    _configure(highs, time_limit, seed, threads, options or {})
    if start:
        _set_start(highs, names, start)
    began = time.perf_counter()
    _solve_interruptibly(highs)
    outcome = _read(highs, lp, names, time.perf_counter() - began)
    effort.note(highs.getNumRow(), highs.getNumCol(), outcome.nodes, outcome.lp_iterations)
    return outcome


def check_options(options: Mapping[str, Any]) -> None:
    """Refuse options of HiGHS that it does not know, values that it does not take, and options
    that this package sets itself because its proofs rest on them.

    Raises:
        OptionError: one of those.
    """
    for name in options:
        if name in (*EXACT, "random_seed", "threads", "parallel", "time_limit"):
            raise OptionError(f"HiGHS option {name}: set by this package; leave it out")
    if options:
        _configure(_Quiet(), math.inf, 0, 1, options)


def to_highs(lp: pulp.LpProblem) -> tuple[highspy.Highs, list[str]]:
    """Pass a PuLP model to HiGHS in one call; returns the solver and the column names.

    Raises:
        SolverError: a maximisation, two variables of one name, or HiGHS refuses the model.
    """
    if lp.sense != pulp.LpMinimize:
        raise SolverError(f"model {lp.name}: only minimisation is supported; negate the objective")
    variables = lp.variables()
    names = [variable.name for variable in variables]
    if len(set(names)) < len(names):
        twice = next(name for i, name in enumerate(names) if name in names[:i])
        raise SolverError(f"model {lp.name}: two variables named {twice}; rename one")
    column = {variable: i for i, variable in enumerate(variables)}
    rows = lp.constraints()
    inf = highspy.kHighsInf
    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = len(variables), len(rows)
    model.col_cost_ = np.array([lp.objective.get(v, 0.0) for v in variables])
    model.offset_ = float(lp.objective.constant)
    model.col_lower_ = np.array([-inf if v.lowBound is None else v.lowBound for v in variables])
    model.col_upper_ = np.array([inf if v.upBound is None else v.upBound for v in variables])
    model.integrality_ = [
        highspy.HighsVarType.kInteger
        if v.cat == pulp.LpInteger
        else highspy.HighsVarType.kContinuous
        for v in variables
    ]
    sides = [(-float(row.constant), row.sense) for row in rows]
    model.row_lower_ = np.array([-inf if sense < 0 else rhs for rhs, sense in sides])
    model.row_upper_ = np.array([inf if sense > 0 else rhs for rhs, sense in sides])
    matrix = model.a_matrix_
    matrix.format_ = highspy.MatrixFormat.kRowwise
    matrix.start_ = np.cumsum([0, *(len(row) for row in rows)], dtype=np.int32)
    matrix.index_ = np.array([column[v] for row in rows for v in row], dtype=np.int32)
    matrix.value_ = np.array([c for row in rows for c in row.values()], dtype=np.float64)
    highs = _Quiet()
    if highs.passModel(model) == highspy.HighsStatus.kError:
        raise SolverError(f"model {lp.name}: HiGHS refuses it")
    return highs, names


def highs_version() -> str:
    """Version of the HiGHS library in use."""
    return str(_Quiet().version())


def self_test() -> tuple[int, int]:
    """Solve the 14-integer model whose optimum is 3, as HiGHS comes and as this package runs it.

    HiGHS 1.12 to 1.15.1 answer 5 by default.  Returns (default answer, guarded answer).

    Raises:
        SolverError: the guarded answer is wrong too; nothing can be trusted then.
    """
    answers = []
    for rules_off in (0, AGGREGATOR):
        highs, _ = to_highs(wrong_optimal_model())
        _configure(highs, math.inf, 0, 1, {"presolve_rule_off": rules_off})
        _solve_interruptibly(highs)
        if highs.getModelStatus() != _STATUS.kOptimal:
            message = highs.modelStatusToString(highs.getModelStatus())
            raise SolverError(f"HiGHS {highs_version()} ends its self-test with '{message}'")
        answers.append(round(highs.getObjectiveValue()))
    if answers[1] != WRONG_OPTIMAL_ANSWER:
        raise SolverError(
            f"HiGHS {highs_version()} answers {answers[1]} where the optimum is "
            f"{WRONG_OPTIMAL_ANSWER}; install a version known to work: {', '.join(TESTED)}"
        )
    return answers[0], answers[1]


@cache
def _self_test_once() -> None:
    if highs_version() not in TESTED:
        self_test()


def _configure(
    highs: highspy.Highs,
    time_limit: float,
    seed: int,
    threads: int,
    options: Mapping[str, Any],
) -> None:
    global _threads_in_use
    if threads != _threads_in_use:
        # HiGHS keeps its first scheduler and then fails silently with another thread count.
        highspy.Highs.resetGlobalScheduler(True)
        _threads_in_use = threads
    chosen = dict(EXACT) | {
        "random_seed": seed,
        "threads": threads,
        "parallel": "on" if threads > 1 else "off",
        "time_limit": max(0.0, float(time_limit)),
    }
    for name, value in (chosen | dict(options)).items():
        status, kind = highs.getOptionType(name)
        if status != highspy.HighsStatus.kOk:
            raise OptionError(f"HiGHS has no option {name!r}; mend the name")
        if kind == highspy.HighsOptionType.kDouble and isinstance(value, int):
            value = float(value)
        if highs.setOptionValue(name, value) != highspy.HighsStatus.kOk:
            raise OptionError(f"HiGHS refuses {value!r} for option {name}; give another value")


def _violated_constant_row(lp: pulp.LpProblem) -> str | None:
    """A row without variables that is false; HiGHS calls a model of only such rows "Empty"."""
    for row in lp.constraints():
        if not any(row.values()):
            value = row.constant
            if (row.sense <= 0 and value > 0) or (row.sense >= 0 and value < 0):
                return str(row.name)
    return None


def _set_start(highs: highspy.Highs, names: list[str], start: Mapping[str, float]) -> None:
    index = [i for i, name in enumerate(names) if name in start]
    value = [float(start[names[i]]) for i in index]
    highs.setSolution(len(index), np.array(index, np.int32), np.array(value, np.float64))


def _solve_interruptibly(highs: highspy.Highs) -> None:
    """Run HiGHS in a thread, so that Ctrl-C reaches Python and stops it.

    An event tells the end: a join that Ctrl-C interrupts marks a thread as ended that runs on.
    """
    highs.HandleKeyboardInterrupt = True
    ended = threading.Event()

    def work() -> None:
        try:
            if super(highspy.Highs, highs).run() == highspy.HighsStatus.kError:
                # Somebody else in this process ran HiGHS with another number of threads.
                highspy.Highs.resetGlobalScheduler(True)
                super(highspy.Highs, highs).run()
        finally:
            ended.set()

    threading.Thread(target=work, daemon=True).start()
    try:
        while not ended.wait(0.1):
            pass
    except KeyboardInterrupt:
        highs.cancelSolve()
        ended.wait()
        raise


def _read(highs: highspy.Highs, lp: pulp.LpProblem, names: list[str], seconds: float) -> Outcome:
    status, info = highs.getModelStatus(), highs.getInfo()
    message = highs.modelStatusToString(status)
    has_point = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
    nodes = max(0, int(info.mip_node_count))  # -1 where no tree was searched
    iterations = max(0, int(info.simplex_iteration_count))
    if status == _STATUS.kInfeasible:
        return Outcome(SolveStatus.INFEASIBLE, {}, None, seconds, nodes, iterations, message)
    if status in (_STATUS.kOptimal, _STATUS.kModelEmpty):
        verdict = SolveStatus.OPTIMAL
    elif status in _LIMITS:
        verdict = SolveStatus.FEASIBLE if has_point else SolveStatus.UNKNOWN
    elif message.startswith("Interrupted"):
        raise KeyboardInterrupt
    else:
        raise SolverError(f"model {lp.name}: HiGHS stopped with '{message}', which proves nothing")
    bound = float(info.mip_dual_bound)
    return Outcome(
        verdict,
        {} if verdict is SolveStatus.UNKNOWN else _whole_values(highs, lp, names),
        bound if math.isfinite(bound) else None,
        seconds,
        nodes,
        iterations,
        message,
    )


def _whole_values(highs: highspy.Highs, lp: pulp.LpProblem, names: list[str]) -> dict[str, float]:
    values = dict(zip(names, map(float, highs.getSolution().col_value), strict=True))
    for variable in lp.variables():
        if variable.cat == pulp.LpInteger:
            value = values[variable.name]
            if abs(value - round(value)) > INTEGRALITY:
                raise SolverError(f"model {lp.name}: HiGHS gives {variable.name} = {value}")
            values[variable.name] = round(value)
    return values
