"""Original against normalized costs."""

from __future__ import annotations

from collections import Counter

from matplotlib.axes import Axes

from twill_ilp.normalization import Normalization
from twill_ilp.plot.canvas import NARROW, NORMAL, open_axes
from twill_ilp.plot.key import SMALL
from twill_ilp.plot.palette import OKABE_ITO, RULE

__all__ = ["plot_normalization"]

HEIGHT = 2.8  # inches
WIDE_RANGE = 30
"""Ratio of the largest to the smallest cost beyond which the axes are logarithmic."""


def plot_normalization(normalization: Normalization, *, ax: Axes | None = None) -> Axes:
    """Draw every distinct positive cost over its clocks, at the clocks that it stands for.

    A point on the grey diagonal keeps its ratio to all others there; above it the cost is
    overstated, below it understated.  Costs that collapsed to 0 are crosses on the lower rim.
    Axes are logarithmic where the costs span more than a factor of 30.

    Args:
        normalization: the answer of :func:`twill_ilp.normalize.normalize`.
        ax: axes to draw on; default: those of a new figure, 3.5 inches wide.

    Returns:
        The axes; x in clocks, y in normalized cycles times the scale, also clocks.
    """
    ax = open_axes(ax, (NARROW, HEIGHT))
    scale = float(normalization.scale)
    pairs = Counter(zip(normalization.costs, normalization.normalized, strict=True))
    kept = sorted((cost, value * scale) for cost, value in pairs if cost and value)
    lost = sorted(cost for cost, value in pairs if cost and not value)
    ends = [cost for cost, _ in kept] + lost
    low, high = min(ends), max([*ends, *(y for _, y in kept)])
    logarithmic = high > WIDE_RANGE * low
    floor = min([low, *(y for _, y in kept)]) / 1.5 if logarithmic else 0.0

    ax.plot([max(floor, 0.0), high], [max(floor, 0.0), high], color=RULE, linewidth=0.8, zorder=1)
    ax.plot(*zip(*kept, strict=True), "o", color=OKABE_ITO["blue"], markersize=3.5, label="kept")
    if lost:
        label = f"collapsed to 0 ({len(lost)})"
        ax.plot(
            lost,
            [floor] * len(lost),
            "x",
            color=OKABE_ITO["vermillion"],
            markersize=4.5,
            clip_on=False,
            zorder=3,
            label=label,
        )
        ax.legend(loc="upper left", frameon=False, fontsize=SMALL, handletextpad=0.2)
    if logarithmic:
        ax.set_xscale("log")
        ax.set_yscale("log")
    ax.set_xlim(floor, high * (1.2 if logarithmic else 1.05))
    ax.set_ylim(floor, high * (1.2 if logarithmic else 1.05))
    ax.set_xlabel("cost, clocks", fontsize=NORMAL)
    ax.set_ylabel(f"normalized cost, times {scale:.4g} clocks", fontsize=NORMAL)
    ax.tick_params(labelsize=SMALL)
    ax.spines[["top", "right"]].set_visible(False)
    return ax
