"""How solve time grows, with a fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from twill_ilp.plot.marks import finish, log_scale, mark, sweep_axes
from twill_ilp.plot.palette import INK
from twill_ilp.plot.quantities import column, decided, series

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Growth", "fit_growth", "plot_growth"]


@dataclass(frozen=True)
class Growth:
    """A fitted law: ``factor * x**rate`` (power) or ``factor * rate**x`` (exponential).

    ``spread`` is the standard deviation of the logarithms around it.
    """

    kind: str
    factor: float
    rate: float
    spread: float

    def __call__(self, x: float) -> float:
        return float(self.factor * (x**self.rate if self.kind == "power" else self.rate**x))

    def __str__(self) -> str:
        return (
            f"$\\propto n^{{{self.rate:.1f}}}$"
            if self.kind == "power"
            else (f"$\\propto {self.rate:.3g}^n$")
        )


def fit_growth(xs: Sequence[float], ys: Sequence[float]) -> Growth | None:
    """The power or exponential law that fits better, by least squares of the logarithms.

    ``None`` with fewer than three different ``xs``.

    >>> fit_growth([1, 2, 4, 8], [3, 12, 48, 192]).rate.__round__(6)
    2.0
    """
    if len(set(xs)) < 3:
        return None
    logs = np.log(np.asarray(ys, float))
    laws = []
    for kind, base in (("power", np.log(np.asarray(xs, float))), ("exponential", np.asarray(xs))):
        slope, shift = np.polyfit(base, logs, 1)
        spread = float(np.std(logs - slope * base - shift))
        rate = float(slope) if kind == "power" else exp(float(slope))
        laws.append(Growth(kind, exp(float(shift)), rate, spread))
    return min(laws, key=lambda law: law.spread)


def plot_growth(
    frame: pd.DataFrame,
    x: str = "operations_built",
    y: str = "seconds_total",
    by: str | None = None,
    *,
    ax: Axes | None = None,
) -> Axes:
    """Draw times over a size, both logarithmic, with a fitted law for every value of ``by``.

    Filled marks are decided points; open ones ended at a limit, so that their true times are
    larger.  The fit uses the decided ones only, and so understates the growth where some are open.

    Args:
        frame: the table of a sweep.
        x, y: columns of the size and of the time.
        by: column that tells the series apart.

    Raises:
        OptionError: a column that the table lacks.
    """
    ax = sweep_axes(ax)
    entries: list[Artist] = []
    undecided = False
    for i, (name, part) in enumerate(series(frame, by)):
        part = part[column(part, x).notna() & column(part, y).notna()]
        done, style = decided(part), mark(i)
        for filled in (True, False):
            rows = part[done == filled]
            undecided |= not filled and len(rows) > 0
            options = style.points(filled) | {"markersize": 3.0, "alpha": 0.7}
            ax.plot(rows[x].astype(float), rows[y].astype(float), **options)
        xs, ys = part.loc[done, x].astype(float), part.loc[done, y].astype(float)
        law = fit_growth(list(xs), list(ys.clip(lower=1e-4)))
        if law:
            line = np.geomspace(xs.min(), xs.max(), 50)
            ax.plot(line, [law(value) for value in line], **style.line())
        text = " ".join(filter(None, (name, str(law or ""))))
        entries.append(Line2D([], [], marker=style.shape, markersize=3, label=text, **style.line()))
    if undecided:
        entries.append(
            Line2D(
                [],
                [],
                linestyle="",
                marker="o",
                markersize=3,
                markeredgecolor=INK,
                markerfacecolor="white",
                label="open at a limit",
            )
        )
    ax.set_xscale("log")
    log_scale(ax.yaxis)
    _plain_ticks(ax, column(frame, x).dropna().astype(float))
    return finish(ax, x, y, entries)


def _plain_ticks(ax: Axes, values: pd.Series[float]) -> None:
    """The sizes themselves as ticks, as long as they keep a distance."""
    kept: list[float] = []
    span = log(max(values.max() / values.min(), 1.01))
    for value in sorted(set(values)):
        if not kept or log(value / kept[-1]) > 0.09 * span:
            kept.append(value)
    ax.set_xticks(kept, [f"{value:g}" for value in kept])
    ax.set_xticks([], minor=True)
