"""Optimality gap against solve time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from twill_ilp.plot.canvas import NORMAL
from twill_ilp.plot.marks import SIZE, finish, log_scale, mark, sweep_axes
from twill_ilp.plot.palette import INK
from twill_ilp.plot.quantities import column, optimum_known, problem_of, series

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["plot_gap"]


def plot_gap(
    frame: pd.DataFrame,
    by: str | None = "method",
    value: str = "seconds_total",
    *,
    ax: Axes | None = None,
) -> Axes:
    """Draw how far II is above the best bound that any row proves for the same problem.

    Filled marks: the least II of the problem is known, so that the gap is exact.  Open ones: it is
    not known, and the gap is at most that.  A row without a schedule has no gap and is counted in
    the key.

    Args:
        frame: the table of a sweep in which problems are solved in several ways.
        by: column that tells the ways apart.
        value: column of the time, seconds.

    Raises:
        OptionError: a column that the table lacks.
    """
    ax = sweep_axes(ax)
    bound = column(frame, "ii_bound").astype("Float64").groupby(problem_of(frame)).transform("max")
    gap = 100 * (frame["ii_found"].astype("Float64") / bound - 1)
    exact = optimum_known(frame)
    entries: list[Artist] = []
    for i, (name, part) in enumerate(series(frame, by)):
        style, shown = mark(i), part[gap[part.index].notna()]
        for filled in (True, False):
            rows = shown[exact[shown.index] == filled]
            ax.plot(
                column(rows, value).astype(float),
                gap[rows.index].astype(float),
                alpha=0.7,
                **style.points(filled),
            )
        missing = len(part) - len(shown)
        beside = f", {missing} without schedule" if missing else ""
        mean = f"mean {gap[shown.index].astype(float).mean():.1f} %" if len(shown) else "none"
        entries.append(Line2D([], [], label=f"{name} ({mean}{beside})", **style.points(True)))
    if not exact.all():
        entries.append(
            Line2D(
                [],
                [],
                linestyle="",
                marker="o",
                markersize=SIZE,
                markeredgecolor=INK,
                markerfacecolor="white",
                label="gap at most that",
            )
        )
    log_scale(ax.xaxis)
    highest = float(gap.max()) if gap.notna().any() else 0.0
    ax.set_ylim(-0.05 * max(highest, 5.0), 1.08 * max(highest, 5.0))
    finish(ax, value, "ii_gap", entries)
    ax.set_ylabel("II above its best bound, %", fontsize=NORMAL)
    return ax
