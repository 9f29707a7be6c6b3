"""Attention backward on Hopper and Blackwell, one sub-tile."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files

from twill_ilp.audit import read_strategy
from twill_ilp.bounds import res_mii
from twill_ilp.kernels import build_kernel
from twill_ilp.options import SearchOptions
from twill_ilp.plot import plot_warps
from twill_ilp.problem import Problem
from twill_ilp.report import Table
from twill_ilp.reproduce.finding import Claim, Finding
from twill_ilp.reproduce.forward import limited
from twill_ilp.rules import Rules
from twill_ilp.schedule import Result, Schedule
from twill_ilp.search import solve
from twill_ilp.verify import verify

__all__ = ["BACKWARD_CLAIM", "saved_schedule"]

FEW = 128
"""Registers per thread that the two groups on Blackwell get by with."""


def check_backward(progress: Callable[[str], None]) -> Finding:
    """Overlap on Hopper; on Blackwell two groups in ping-pong, with few registers too."""
    hopper = build_kernel("fmha-backward", "hopper", sub_tiles=1)
    one = build_kernel("fmha-backward", "blackwell", sub_tiles=1)
    two = build_kernel("fmha-backward", "blackwell", sub_tiles=2)
    whole = solve(hopper, progress=progress)
    options = SearchOptions(levels=("ii",), rules=Rules(max_groups=4))
    single = solve(one, options, progress=progress)
    pair = saved_schedule("backward-two-groups", limited(two, registers_per_thread=FEW))
    schedule, bound = whole.schedule, res_mii(two.graph, two.machine).ii
    assert schedule is not None
    rows = (
        ("Hopper, one sub-tile", "any groups", "255", f"{whole.ii} ({whole.status})"),
        ("Blackwell, one sub-tile", "at most 4", "255", f"{single.ii} ({single.status})"),
        ("Blackwell, two sub-tiles", _widths(pair), str(FEW), _least(pair, bound)),
    )
    header = ("loop", "groups", "registers per thread", "II")
    overlap = "overlap" if schedule.stages > 1 else "do not overlap"
    return Finding(
        f"Hopper: iterations {overlap}; II {schedule.ii}, L {schedule.length}, {_levels(whole)}. "
        f"Blackwell, two sub-tiles: II {pair.ii} with loads, products and two wide groups, one per "
        f"sub-tile, and {FEW} registers per thread are enough. ResMII is {bound}. The schedule "
        "comes with the package and is verified here.",
        "partly",
        "The two groups in ping-pong are there. Their II is ResMII and they need few registers, so "
        "that a third group, which the paper finds at a lower register budget and a smaller II, "
        "cannot buy anything here. On Hopper registers do not forbid overlap at this tile. Tiles "
        "and costs of the paper's backward cases are not published; ours are those of "
        "docs/kernels.md, on Hopper with a tile of 64 x 64 x 128, which leaves room for more than "
        "one iteration.",
        {"Attention backward": Table(header, rows, frozenset({2}))},
        {
            "hopper-backward-warps": lambda: plot_warps(schedule),
            "blackwell-backward-warps": lambda: plot_warps(pair),
        },
    )


def saved_schedule(name: str, problem: Problem) -> Schedule:
    """A schedule that comes with the package, verified for a problem.

    Args:
        name: of a file in ``reproduce/schedules``, without its suffix.
        problem: whose operations the file names.

    Raises:
        InvalidProblemError: no such file.
        InvalidScheduleError: the problem's rules reject the schedule.
    """
    saved = read_strategy(str(files("twill_ilp") / "reproduce" / "schedules" / f"{name}.json"))
    assert saved.ii is not None and saved.start is not None
    groups = saved.partition(problem)
    schedule = Schedule(problem.graph, problem.machine, saved.ii, saved.start, groups)
    verify(problem.graph, problem.machine, schedule, Rules())
    return schedule


def _widths(schedule: Schedule) -> str:
    return f"{len(schedule.groups)}, of {', '.join(str(g.warps) for g in schedule.groups)} warps"


def _least(schedule: Schedule, bound: int) -> str:
    return f"{schedule.ii} ({'optimal' if schedule.ii == bound else 'found'})"


def _levels(result: Result) -> str:
    levels = result.objective
    proven = all(level.certainty == "proven" for level in levels.values())
    text = f"{levels['warps'].value} warps, traffic {levels['traffic'].value} words"
    return text + (", all proven" if proven else "")


BACKWARD_CLAIM = Claim(
    "Attention backward",
    (),
    "Hopper: registers forbid overlap across iterations. Blackwell: two groups in ping-pong; with "
    "fewer registers and three groups essentially FlashAttention-4's strategy, at a smaller II "
    "than the first.",
    (
        "twill-ilp solve fmha-backward --machine hopper --sub-tiles 1",
        "twill-ilp solve fmha-backward --sub-tiles 2 --levels ii",
    ),
    check_backward,
)
