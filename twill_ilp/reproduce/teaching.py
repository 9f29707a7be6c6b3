"""Fig. 1, and the obstacles and families of Figs. 2 and 4 to 6 on loops of two operations."""

from __future__ import annotations

from collections.abc import Callable

from twill_ilp.explain import explain
from twill_ilp.kernels import build_kernel
from twill_ilp.kernels.obstacles import OBSTACLES, Obstacle
from twill_ilp.options import SearchOptions
from twill_ilp.plot import plot_kernel, plot_overlap
from twill_ilp.report import Table
from twill_ilp.reproduce.finding import Claim, Finding
from twill_ilp.rules import EXTRA_FAMILIES, Rules
from twill_ilp.schedule import Schedule
from twill_ilp.search import solve
from twill_ilp.verify import verify

__all__ = ["FAMILIES_CLAIM", "FIG1_CLAIM"]


def check_fig1(progress: Callable[[str], None]) -> Finding:
    """II, L and throughput of the simplified loop, with and without pipelining."""
    problem = build_kernel("fig1")
    result = solve(problem, SearchOptions(stage="modulo"), progress=progress)
    schedule = result.schedule
    assert schedule is not None
    sequential = Schedule(problem.graph, problem.machine, 3, {"S": 0, "P": 1, "O": 2})
    verify(problem.graph, problem.machine, sequential)
    published = Schedule(problem.graph, problem.machine, 2, {"S": 0, "P": 2, "O": 3})
    verify(problem.graph, problem.machine, published)
    same = (result.status, result.ii, result.length) == ("optimal", published.ii, published.length)
    proven = result.objective["length"].certainty == "proven"
    return Finding(
        f"II {result.ii} ({result.rejected[-1].evidence}) and L {result.length}, both proven. The "
        f"published starts S 0, P 2, O 3 are accepted by the verifier at II {published.ii} with "
        f"L {published.length}. Without pipelining an iteration takes {sequential.length} cycles: "
        f"throughput 1/{sequential.ii} against 1/{schedule.ii}.",
        "same" if same and proven else "different",
        "P may also start at 1 with the same II and L.",
        figures={
            "fig1-one-by-one": lambda: plot_overlap(sequential, iterations=3),
            "fig1-overlap": lambda: plot_overlap(published, iterations=4),
            "fig1-kernel": lambda: plot_kernel(published),
        },
    )


def check_families(progress: Callable[[str], None]) -> Finding:
    """Every family makes its loop of two operations infeasible, and nothing else does."""
    rows, as_told = [], True
    for obstacle in OBSTACLES.values():
        progress(f"obstacle {obstacle.family}")
        row, fits = _obstacle(obstacle)
        rows.append(row)
        as_told = as_told and fits
    header = ("family", "II asked for", "with it", "least II with it", "least II without it")
    return Finding(
        f"{len(rows)} loops of two operations (`twill_ilp/kernels/obstacles.py`): at the II asked "
        "for, each is infeasible under all rules and feasible without the family it is about.",
        "same" if as_told else "different",
        "The rows are those of the exact steady state instead of an unrolled program "
        "(docs/model.md); they imply the paper's.",
        {"Families one at a time": Table(header, tuple(rows), frozenset({1, 3, 4}))},
    )


def _obstacle(obstacle: Obstacle) -> tuple[tuple[str, ...], bool]:
    """A row of the table, and whether the example behaves as it is meant to."""
    name, ii = obstacle.family, obstacle.ii
    rules = Rules().also(name) if name in EXTRA_FAMILIES else Rules()
    why = explain(obstacle.problem, ii, SearchOptions(rules=rules))
    held = solve(obstacle.problem, SearchOptions(rules=rules, levels=("ii",)))
    freed = solve(obstacle.problem, SearchOptions(rules=rules.without(name), levels=("ii",)))
    blamed = " + ".join(why.families) or "a bound"
    row = (
        f"`{name}`",
        str(ii),
        f"{why.verdict}: {blamed}",
        "none" if held.status == "infeasible" else str(held.ii),
        str(freed.ii),
    )
    return row, why.verdict == "impossible" and freed.status == "optimal" and freed.ii == ii


FIG1_CLAIM = Claim(
    "The simplified loop",
    (1,),
    "The loop of GEMM, EXP, GEMM has II 2 and the schedule S 0, P 2, O 3 of length 4; one "
    "iteration after the other takes 3 cycles each.",
    ("twill-ilp solve fig1 --stage modulo --plot fig1.png --figure overlap",),
    check_fig1,
)

FAMILIES_CLAIM = Claim(
    "Obstacles and constraint families",
    (2, 4, 5, 6),
    "Cooperation of warps, registers, variable latency and blocking are obstacles to software "
    "pipelining on GPUs; the constraints of Figs. 4 to 6 express them.",
    ("twill-ilp reproduce --figure 6",),
    check_families,
)
