"""Solve-time distributions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from twill_ilp.plot.canvas import NORMAL
from twill_ilp.plot.marks import finish, log_scale, mark, sweep_axes
from twill_ilp.plot.quantities import column, decided, series

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["plot_ecdf"]


def plot_ecdf(
    frame: pd.DataFrame, by: str | None, value: str = "seconds_total", *, ax: Axes | None = None
) -> Axes:
    """Draw, for every value of ``by``, the share of its points decided within a time.

    Points that a limit left open count as not decided, so that a curve may end below 100 %.

    Args:
        frame: the table of a sweep.
        by: column that tells the curves apart.
        value: column of the time, seconds.

    Raises:
        OptionError: a column that the table lacks.
    """
    ax = sweep_axes(ax)
    column(frame, value)
    longest = float(column(frame, value).astype("Float64").max())
    entries: list[Artist] = []
    for i, (name, part) in enumerate(series(frame, by)):
        times = sorted(part.loc[decided(part), value].dropna().astype(float))
        shares = [100 * (k + 1) / len(part) for k in range(len(times))]
        if times:
            ax.step(
                [times[0], *times, longest],
                [0, *shares, shares[-1]],
                where="post",
                **mark(i).line(),
            )
        text = f"{name or 'all'} ({len(times)} of {len(part)} decided)"
        entries.append(Line2D([], [], label=text, **mark(i).line()))
    log_scale(ax.xaxis)
    ax.set_ylim(0, 103)
    finish(ax, value, "", entries)
    ax.set_ylabel("points decided, %", fontsize=NORMAL)
    return ax
