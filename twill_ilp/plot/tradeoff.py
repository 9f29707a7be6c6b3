"""A result against an axis of the sweep."""

from __future__ import annotations

from collections.abc import Sequence
from math import nan
from typing import TYPE_CHECKING, Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from twill_ilp.errors import OptionError
from twill_ilp.plot.marks import Mark, finish, log_scale, mark, positions, sweep_axes, verdict_key
from twill_ilp.plot.palette import RULE
from twill_ilp.plot.quantities import column, proven, series, shown

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["plot_tradeoff"]

BANDS = {"infeasible": 0.95, "unknown": 0.87}
"""Height of the marks of points without a schedule, as a share of the axes."""

ROOM = 0.22
"""Share of the axes that these marks take."""

STEP = 0.012
"""Distance of two series' marks at one value, as a share of the axes."""

SHARE = "tensor_core_utilization"
"""A column from 0 to 1, drawn in full."""

WIDE_RANGE = 20
"""Ratio beyond which an axis of numbers is logarithmic."""


def plot_tradeoff(
    frame: pd.DataFrame,
    x: str,
    y: str = "ii_found",
    by: str | None = None,
    *,
    ax: Axes | None = None,
) -> Axes:
    """Draw ``y`` over ``x``, a series for every value of ``by``.

    Filled marks are proven best values; open ones are only found, with a line down to the proven
    bound.  Points without a schedule have no ``y``: they stand above the rule, crosses where that
    is proven and question marks where it is not known.  A line joins a series where every value of
    ``x`` has one row.

    Args:
        frame: the table of a sweep, see :func:`twill_ilp.sweep.load`.
        x, y, by: columns.

    Raises:
        OptionError: a column that the table lacks.
    """
    ax = sweep_axes(ax)
    places, numeric = positions(list(column(frame, x).dropna()))
    if not places:
        raise OptionError(f"figure tradeoff: column {x} has no values in these rows")
    values = column(frame, y).dropna().astype(float)
    seen: set[str] = set()
    entries: list[Artist] = []
    parts = list(series(frame, by))
    for i, (name, part) in enumerate(parts):
        part = part[part[x].notna()]
        style, shift = mark(i), (i - (len(parts) - 1) / 2) * STEP
        seen |= _draw_found(ax, part, x, y, places, style)
        seen |= _draw_missing(ax, part, x, places, style, shift)
        if name:
            entries.append(
                Line2D([], [], marker=style.shape, markersize=4, label=name, **style.line())
            )
    _limits(ax, [0.0, 1.0] if y == SHARE else list(values), bool(seen & set(BANDS)))
    _ticks(ax, places, numeric)
    return finish(ax, x, y, [*entries, *verdict_key(seen)])


def _draw_found(
    ax: Axes, part: pd.DataFrame, x: str, y: str, places: dict[Any, float], style: Mark
) -> set[str]:
    part = part.sort_values(x, key=lambda values: values.map(places).astype(float))
    if part[x].is_unique:  # the line has a gap where there is no value
        ax.plot([places[value] for value in part[x]], _floats(part[y]), **style.line())
    found = part[part[y].notna()]
    xs = [places[value] for value in found[x]]
    ys = _floats(found[y])
    best = proven(found, y).to_list()
    for filled in (True, False):
        chosen = [(a, b) for a, b, certain in zip(xs, ys, best, strict=True) if certain is filled]
        if chosen:
            ax.plot(*zip(*chosen, strict=True), **style.points(filled))
    bound = {"ii_found": "ii_bound", "length": "length_bound", "traffic": "traffic_bound"}.get(y)
    if bound in found:
        rows = zip(xs, ys, found[bound], found[bound].notna(), best, strict=True)
        for a, b, low, known, certain in rows:
            if not certain and known:
                ax.vlines(a, float(low), b, colors=style.colour, linewidth=0.8, zorder=1)
    return ({"proven"} if any(best) else set()) | ({"found"} if not all(best) else set())


def _floats(values: pd.Series[Any]) -> list[float]:
    """Numbers, NaN where there is none."""
    return list(values.astype("Float64").to_numpy(dtype=float, na_value=nan))


def _draw_missing(
    ax: Axes, part: pd.DataFrame, x: str, places: dict[Any, float], style: Mark, shift: float
) -> set[str]:
    seen = set()
    for status, shape in (("infeasible", "x"), ("unknown", "$?$")):
        xs = [places[value] for value in part.loc[part["status"] == status, x]]
        if xs:
            seen.add(status)
            ax.plot(
                xs,
                [BANDS[status] + shift] * len(xs),
                linestyle="",
                marker=shape,
                color=style.colour,
                markersize=4.5,
                markeredgewidth=1.0 if shape == "x" else 0.3,
                transform=ax.get_xaxis_transform(),
                clip_on=False,
                zorder=3,
            )
    return seen


def _limits(ax: Axes, values: Sequence[float], missing: bool) -> None:
    """Room above the values for the marks of points without one."""
    low, high = min(values, default=0.0), max(values, default=1.0)
    if low > 0 and high > WIDE_RANGE * low:
        log_scale(ax.yaxis)
        ax.set_ylim(low / 1.3, high * (high / low) ** 0.4 * 1.3 if missing else high * 1.3)
    else:
        pad = max(0.08 * (high - low), 0.02 * max(abs(high), 1e-9), 1e-9)
        free = ROOM / (1 - ROOM) * (high - low + 2 * pad) if missing else 0.0
        ax.set_ylim(low - pad, high + pad + free)
        if high - low >= 2 and all(value.is_integer() for value in values):
            ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    if missing:
        top = ax.transData.inverted().transform(ax.transAxes.transform((0, 1 - ROOM)))[1]
        ax.set_yticks([tick for tick in ax.get_yticks() if ax.get_ylim()[0] <= tick <= top])
        ends = ([0, 1], [1 - ROOM, 1 - ROOM])
        ax.plot(*ends, color=RULE, linewidth=0.6, transform=ax.transAxes)
    if not values:
        ax.set_yticks([])


def _ticks(ax: Axes, places: dict[Any, float], numeric: bool) -> None:
    ends = min(places.values()), max(places.values())
    if numeric and ends[0] > 0 and ends[1] > WIDE_RANGE * ends[0]:
        log_scale(ax.xaxis)
    elif numeric:
        pad = 0.06 * (ends[1] - ends[0] or 1)
        ax.set_xlim(ends[0] - pad, ends[1] + pad)
    if numeric and len(places) <= 10:
        ax.set_xticks(sorted(places), [f"{value:g}" for value in sorted(places)])
        ax.set_xticks([], minor=True)
    elif not numeric:
        texts = [shown(value) for value in places]
        long = max(map(len, texts)) * len(texts) > 42
        ax.set_xticks(list(places.values()), texts)
        if long:
            ax.tick_params(axis="x", labelrotation=40)
            for text in ax.get_xticklabels():
                text.set(ha="right", rotation_mode="anchor")
        ax.set_xlim(-0.5, len(places) - 0.5)
