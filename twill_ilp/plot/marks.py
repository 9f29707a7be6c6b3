"""Series and verdicts as marks: the same in every figure of a sweep.

Filled: proven.  Open: found, perhaps not the best.  A cross: proven infeasible.  A question mark:
unknown.  Series differ in colour, shape and dashes, so that print without colour tells them apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from twill_ilp.plot.canvas import NARROW, NORMAL, open_axes
from twill_ilp.plot.key import SMALL, draw_key
from twill_ilp.plot.palette import INK, OKABE_ITO
from twill_ilp.plot.quantities import label

__all__ = ["SIZE", "Mark", "finish", "log_scale", "mark", "positions", "sweep_axes", "verdict_key"]

HEIGHT = 2.8  # inches
SIZE = 4.5  # points: markers
FEW_DECADES = 60.0  # ratio of the ends of an axis
_COLOURS = ("blue", "vermillion", "bluish green", "reddish purple", "orange", "sky blue")
_SHAPES = "osD^vP"
_DASHES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1, 1.2)), (0, (6, 2, 1, 2)))


@dataclass(frozen=True, slots=True)
class Mark:
    """How a series is drawn: colour, marker and dashes."""

    colour: str
    shape: str
    dashes: Any

    def points(self, filled: bool) -> dict[str, Any]:
        """Options of ``Axes.plot`` for points without a line."""
        return {
            "linestyle": "",
            "marker": self.shape,
            "markersize": SIZE,
            "markeredgecolor": self.colour,
            "markerfacecolor": self.colour if filled else "white",
            "markeredgewidth": 1.0,
            "zorder": 3,
        }

    def line(self) -> dict[str, Any]:
        """Options of ``Axes.plot`` for a line."""
        return {"color": self.colour, "linestyle": self.dashes, "linewidth": 1.2, "zorder": 2}


def mark(index: int) -> Mark:
    """The mark of series number ``index``."""
    return Mark(
        OKABE_ITO[_COLOURS[index % len(_COLOURS)]],
        _SHAPES[index % len(_SHAPES)],
        _DASHES[index % len(_DASHES)],
    )


def sweep_axes(ax: Axes | None) -> Axes:
    """``ax``, or the axes of a new figure, one column of a paper wide."""
    return open_axes(ax, (NARROW, HEIGHT))


def positions(values: Sequence[Any]) -> tuple[dict[Any, float], bool]:
    """Where values stand on an axis: numbers at themselves, texts at 0, 1, 2, ...

    Returns the places and whether the values are numbers.
    """
    unique = list(dict.fromkeys(values))
    if all(isinstance(value, Real) and not isinstance(value, bool) for value in unique):
        return {value: float(value) for value in unique}, True
    return {value: float(i) for i, value in enumerate(unique)}, False


def log_scale(axis: Axis) -> None:
    """Make an axis with data on it logarithmic; over few decades 1, 2 and 5 are labelled."""
    name = "x" if axis is axis.axes.xaxis else "y"
    getattr(axis.axes, f"set_{name}scale")("log")
    low, high = axis.get_view_interval()
    if low > 0 and high < FEW_DECADES * low:
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def verdict_key(seen: set[str]) -> list[Artist]:
    """Entries for the verdicts that occur: proven, found, infeasible, unknown."""
    shapes: dict[str, dict[str, Any]] = {
        "proven": {"marker": "o", "markerfacecolor": INK},
        "found": {"marker": "o", "markerfacecolor": "white"},
        "infeasible": {"marker": "x"},
        "unknown": {"marker": "$?$"},
    }
    return [
        Line2D([], [], linestyle="", markeredgecolor=INK, markersize=SIZE, label=name, **shape)
        for name, shape in shapes.items()
        if name in seen
    ]


def finish(ax: Axes, x: str, y: str, entries: Sequence[Artist] = ()) -> Axes:
    """Labels, ticks and the key; returns the axes."""
    ax.set_xlabel(label(x), fontsize=NORMAL)
    ax.set_ylabel(label(y), fontsize=NORMAL)
    ax.tick_params(labelsize=SMALL)
    ax.spines[["top", "right"]].set_visible(False)
    if entries:
        draw_key(ax, entries)
    return ax
