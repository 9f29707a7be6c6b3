"""Pareto fronts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from twill_ilp.plot.marks import finish, mark, sweep_axes, verdict_key
from twill_ilp.plot.palette import RULE
from twill_ilp.plot.quantities import column, proven, series

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["front", "plot_pareto"]


DOMINATED: dict[str, Any] = {"linestyle": "", "marker": "o", "markersize": 2.5, "color": RULE}


def front(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The points that no other one equals or beats in both coordinates, by the first.

    >>> front([(1, 5), (2, 3), (2, 4), (3, 3)])
    [(1, 5), (2, 3)]
    """
    kept: list[tuple[float, float]] = []
    for point in sorted(set(points)):
        if not kept or point[1] < kept[-1][1]:
            kept.append(point)
    return kept


def plot_pareto(
    frame: pd.DataFrame,
    x: str,
    y: str = "ii_found",
    by: str | None = None,
    *,
    ax: Axes | None = None,
) -> Axes:
    """Draw the schedules found, and the front of those that nothing found beats.

    Filled marks on the front: ``y`` is proven best for that point.  Only schedules count: what is
    infeasible or unknown is not drawn, and a front says what was found, not that nothing better
    exists.

    Args:
        frame: the table of a sweep.
        x, y: columns, both the less the better.
        by: column with a front for each of its values.

    Raises:
        OptionError: a column that the table lacks.
    """
    ax = sweep_axes(ax)
    entries: list[Artist] = []
    seen: set[str] = set()
    for i, (name, part) in enumerate(series(frame, by)):
        known = part[column(part, x).notna() & column(part, y).notna()]
        points = list(zip(known[x].astype(float), known[y].astype(float), strict=True))
        best, style = front(points), mark(i)
        certain = {p for p, proof in zip(points, proven(known, y), strict=True) if proof}
        rest = sorted(set(points) - set(best))
        if rest:
            ax.plot(*zip(*rest, strict=True), **DOMINATED)
        if best:
            ax.step(*zip(*best, strict=True), where="post", **style.line())
        for point in best:
            ax.plot(*point, **style.points(point in certain))
            seen.add("proven" if point in certain else "found")
        if name:
            line = style.line() | {"marker": style.shape, "markersize": 4}
            entries.append(Line2D([], [], label=name, **line))
    entries += [*verdict_key(seen), Line2D([], [], label="dominated", **DOMINATED)]
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(nbins=8, integer=True))
    ax.grid(color=RULE, linewidth=0.2)
    ax.margins(0.08)
    return finish(ax, x, y, entries)
