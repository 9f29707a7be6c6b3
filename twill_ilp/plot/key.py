"""Legends above the axes."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from twill_ilp.plot.palette import INK, Paint

__all__ = ["SMALL", "draw_key", "patch"]

SMALL = 7.0  # points: tick labels and legends
LETTER = 4.4  # points: mean width of a letter at 7 points


def patch(text: str, paint: Paint) -> Patch:
    """An entry for everything that has this paint."""
    return Patch(facecolor=paint.fill, hatch=paint.hatch, edgecolor=INK, linewidth=0.4, label=text)


def draw_key(ax: Axes, entries: Sequence[Artist]) -> None:
    """A key above the axes, in as many columns as fit; the entries bring their labels."""
    points = ax.bbox.width / ax.figure.dpi * 72
    widest = max(len(str(entry.get_label())) for entry in entries) * LETTER + 3.5 * SMALL
    ax.legend(
        handles=list(entries),
        loc="lower left",
        bbox_to_anchor=(0.0, 1.0),
        ncols=max(1, min(len(entries), int(points / widest))),
        frameon=False,
        fontsize=SMALL,
        handlelength=1.6,
        columnspacing=1.2,
        borderaxespad=0.1,
    )
