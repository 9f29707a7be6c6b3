"""Legends above the axes."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from twill_ilp.plot.palette import INK, Paint

__all__ = ["SMALL", "draw_key", "key_height", "patch"]

SMALL = 7.0  # points: tick labels and legends
LINE = 11.0  # points: from one row of a legend to the next
LETTER = 4.0  # points: mean width of a letter at 7 points


def patch(text: str, paint: Paint) -> Patch:
    """An entry for everything that has this paint."""
    return Patch(facecolor=paint.fill, hatch=paint.hatch, edgecolor=INK, linewidth=0.4, label=text)


def draw_key(ax: Axes, entries: Sequence[Artist]) -> None:
    """A key above the axes, in as many columns as fit; the entries bring their labels."""
    ax.legend(
        handles=list(entries),
        loc="lower left",
        bbox_to_anchor=(0.0, 1.0),
        ncols=_columns(entries, ax.bbox.width / ax.figure.dpi * 72),
        frameon=False,
        fontsize=SMALL,
        handlelength=1.6,
        columnspacing=1.2,
        borderaxespad=0.1,
    )


def key_height(entries: Sequence[Artist], width: float) -> float:
    """Height in inches of the key above axes of ``width`` inches."""
    return -(-len(entries) // _columns(entries, width * 72)) * LINE / 72


def _columns(entries: Sequence[Artist], points: float) -> int:
    widest = max(len(str(entry.get_label())) for entry in entries) * LETTER + 3.5 * SMALL
    return max(1, min(len(entries), int(points / widest)))
