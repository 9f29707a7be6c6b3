"""Attention backward on Hopper and Blackwell, one sub-tile."""

from __future__ import annotations

from collections.abc import Callable

from twill_ilp.kernels import build_kernel
from twill_ilp.options import SearchOptions
from twill_ilp.plot import plot_warps
from twill_ilp.problem import Problem
from twill_ilp.report import Table
from twill_ilp.reproduce.finding import Claim, Finding
from twill_ilp.rules import Rules
from twill_ilp.schedule import Result
from twill_ilp.search import solve

__all__ = ["BACKWARD_CLAIM"]


def check_backward(progress: Callable[[str], None]) -> Finding:
    """Least II on both machines, overlap of iterations on Hopper, few groups on Blackwell."""
    hopper = build_kernel("fmha-backward", "hopper", sub_tiles=1)
    blackwell = build_kernel("fmha-backward", "blackwell", sub_tiles=1)
    whole = solve(hopper, progress=progress)
    five = _least_ii(hopper, Rules(), progress)
    schedule = whole.schedule
    assert schedule is not None
    rows = [
        ("Hopper", "any", _ii(five), _levels(whole)),
        ("Blackwell", "any", _ii(_least_ii(blackwell, Rules(), progress)), "(not asked)"),
        ("Blackwell", "4", _ii(_least_ii(blackwell, Rules(max_groups=4), progress)), "(not asked)"),
    ]
    two = solve(
        blackwell,
        SearchOptions(levels=("ii",), rules=Rules(max_groups=2), max_ii=20),
        progress=progress,
    )
    rows.append(("Blackwell", "2", _ii(two), "(none up to 20)"))
    overlap = "overlap" if schedule.stages > 1 else "do not overlap"
    return Finding(
        f"Hopper: iterations {overlap}, with {schedule.stages} stages and L {schedule.length} at "
        f"II {schedule.ii}, the least; {_ii(whole)} is ResMII. Blackwell: II 20, ResMII, is reached "
        "with 4 groups, and not with 2, loads included.",
        "different" if schedule.stages > 1 else "same",
        "Loop, tile and costs of the paper's backward cases are not published; ours are those of "
        "docs/kernels.md, with a tile of 64 x 64 x 128 on Hopper. It is smaller than what the "
        "registers of two warp groups could hold at once, so that they leave room to overlap. "
        "Two softmax groups of two sub-tiles in ping-pong are open here within minutes.",
        {
            "Backward with one sub-tile": Table(
                ("machine", "groups allowed", "least II", "levels"), tuple(rows), frozenset({1, 2})
            )
        },
        {"hopper-backward-warps": lambda: plot_warps(schedule)},
    )


def _least_ii(problem: Problem, rules: Rules, progress: Callable[[str], None]) -> Result:
    return solve(problem, SearchOptions(levels=("ii",), rules=rules), progress=progress)


def _ii(result: Result) -> str:
    if result.status == "infeasible":
        return "impossible"
    return "open" if result.ii is None else str(result.ii)


def _levels(result: Result) -> str:
    levels = result.objective
    proven = all(level.certainty == "proven" for level in levels.values())
    text = f"L {levels['length'].value}, {levels['warps'].value} warps, "
    return f"{text}traffic {levels['traffic'].value} words" + (", all proven" if proven else "")


BACKWARD_CLAIM = Claim(
    "Attention backward",
    (),
    "Hopper: registers forbid overlap across iterations. Blackwell: two groups in ping-pong; with "
    "fewer registers and three groups essentially FlashAttention-4's strategy, at a smaller II "
    "than the first.",
    (
        "twill-ilp solve fmha-backward --machine hopper --sub-tiles 1",
        "twill-ilp solve fmha-backward --machine blackwell --sub-tiles 1 --levels ii --groups 4",
    ),
    check_backward,
)
