"""Performance profiles."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from twill_ilp.plot.canvas import NORMAL
from twill_ilp.plot.marks import finish, mark, sweep_axes
from twill_ilp.plot.quantities import column, decided, problem_of, series

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["plot_performance"]

FLOOR = 1e-3
"""Seconds below which times count as equal: they measure the clock."""


def plot_performance(
    frame: pd.DataFrame, by: str, value: str = "seconds_total", *, ax: Axes | None = None
) -> Axes:
    r"""Draw the performance profile of Dolan and Moré of every value of ``by``.

    :math:`\rho_s(\tau)` is the share of problems that s decides within :math:`\tau` times the time
    of whoever is fastest there.  At the left: how often s is fastest; at the right: how many
    problems it decides at all.  Problems that nobody decides count in the share.

    Args:
        frame: the table of a sweep in which every problem is solved in several ways.
        by: column that tells the ways apart.
        value: column of the time, seconds.

    Raises:
        OptionError: a column that the table lacks.

    References:
        E. D. Dolan, J. J. Moré. Benchmarking optimization software with performance profiles.
        Mathematical Programming 91, 2002. doi:10.1007/s101070100263
    """
    ax = sweep_axes(ax)
    problems = problem_of(frame)
    times = column(frame, value).astype("Float64").clip(lower=FLOOR).where(decided(frame))
    ratios = times / times.groupby(problems).transform("min")
    highest = max(2.0, float(ratios.max()) if ratios.notna().any() else 2.0)
    entries: list[Artist] = []
    for i, (name, part) in enumerate(series(frame, by)):
        own = sorted(ratios[part.index].dropna().astype(float))
        number = problems[part.index].nunique()
        shares = [100 * (k + 1) / number for k in range(len(own))]
        if own:
            ax.step(
                [1.0, *own, highest * 1.1], [0, *shares, shares[-1]], where="post", **mark(i).line()
            )
        entries.append(Line2D([], [], label=name, **mark(i).line()))
    ax.set_xscale("log", base=2)
    ax.set(xlim=(1.0, highest * 1.1), ylim=(0, 103))
    finish(ax, value, "", entries)
    ax.set_xlabel("time as a multiple of the fastest", fontsize=NORMAL)
    ax.set_ylabel("problems decided, %", fontsize=NORMAL)
    return ax
