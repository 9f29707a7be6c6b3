"""Grids of cells over two axes of a sweep: shared by the feasibility map and the heatmap."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from twill_ilp.errors import OptionError
from twill_ilp.plot.canvas import NORMAL
from twill_ilp.plot.key import SMALL
from twill_ilp.plot.palette import BACKGROUND, INK, OKABE_ITO, Paint
from twill_ilp.plot.quantities import column, label, shown

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["IMPOSSIBLE", "OPEN", "POSSIBLE", "draw_cells"]

POSSIBLE = Paint(OKABE_ITO["sky blue"], "", INK)
IMPOSSIBLE = Paint(OKABE_ITO["vermillion"], "///", INK)
OPEN = BACKGROUND

Cell = tuple[Paint, str]
"""How a cell is painted, and the text in it."""


def draw_cells(ax: Axes, frame: pd.DataFrame, x: str, y: str, cell: Callable[[Any], Cell]) -> Axes:
    """Draw a cell for every row: columns are the values of ``x``, rows those of ``y`` upwards.

    Args:
        cell: paint and text for a row of the table.

    Raises:
        OptionError: two rows in one cell, or no row at all.
    """
    xs, ys = _ordered(column(frame, x)), _ordered(column(frame, y))
    if not xs or not ys:
        raise OptionError(f"no rows with both {x} and {y}; name other columns")
    taken = set()
    for at, row in _rows(frame, x, y, xs, ys):
        if at in taken:
            raise OptionError(
                f"two rows have {x} {xs[at[0]]} and {y} {ys[at[1]]}; add panels or where"
            )
        taken.add(at)
        paint, text = cell(row)
        ax.add_patch(
            Rectangle(
                at,
                1,
                1,
                facecolor=paint.fill,
                hatch=paint.hatch,
                edgecolor="white",
                linewidth=0.8,
                label=f"_{row['status']}",
            )
        )
        if text:
            ax.text(
                at[0] + 0.5,
                at[1] + 0.5,
                text,
                ha="center",
                va="center",
                fontsize=SMALL,
                color=paint.ink,
            )
    ax.set(xlim=(0, len(xs)), ylim=(0, len(ys)))
    ax.set_xticks([i + 0.5 for i in range(len(xs))], [shown(value) for value in xs])
    ax.set_yticks([i + 0.5 for i in range(len(ys))], [shown(value) for value in ys])
    if max(len(shown(value)) for value in xs) * len(xs) > 42:
        ax.tick_params(axis="x", labelrotation=90)
    ax.tick_params(labelsize=SMALL, length=0)
    ax.set_xlabel(label(x), fontsize=NORMAL)
    ax.set_ylabel(label(y), fontsize=NORMAL)
    ax.spines[:].set_visible(False)
    return ax


def _ordered(values: pd.Series[Any]) -> list[Any]:
    """Numbers by size, texts by their first rows."""
    unique = list(dict.fromkeys(values.dropna()))
    return unique if any(isinstance(value, str) for value in unique) else sorted(unique)


def _rows(
    frame: pd.DataFrame, x: str, y: str, xs: list[Any], ys: list[Any]
) -> Iterator[tuple[tuple[int, int], Any]]:
    for _, row in frame[frame[x].notna() & frame[y].notna()].iterrows():
        yield (xs.index(row[x]), ys.index(row[y])), row
