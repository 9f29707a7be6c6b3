"""A result over two axes of a sweep."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import Normalize, to_hex

from twill_ilp.plot.cells import IMPOSSIBLE, OPEN, Cell, draw_cells
from twill_ilp.plot.key import SMALL, draw_key, patch
from twill_ilp.plot.marks import sweep_axes
from twill_ilp.plot.palette import INK, Paint
from twill_ilp.plot.quantities import column, label, proven

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["plot_heatmap"]

COLOURS = "cividis"
"""Reads the same with and without colour blindness, and in grey."""

DARK = 0.55
"""Share of the colours, from the dark end, on which white text reads better."""


def plot_heatmap(
    frame: pd.DataFrame, x: str, y: str, value: str = "ii_found", *, ax: Axes | None = None
) -> Axes:
    """Draw a cell for every row, coloured by ``value`` and with the number in it.

    A number with ``<=`` in front is a schedule found, where a smaller value is not excluded
    (``>=`` for utilization, which falls as II rises).  Infeasible cells are hatched, unknown ones
    pale with a question mark.

    Args:
        frame: the table of a sweep.
        x, y, value: columns; every pair of x and y has at most one row.

    Raises:
        OptionError: a column that the table lacks, or two rows in one cell.
    """
    numbers = column(frame, value).dropna().astype(float)
    scale = Normalize(numbers.min(), numbers.max()) if len(numbers) else Normalize(0, 1)
    best = proven(frame, value)
    sign = "$\\geq$" if value == "tensor_core_utilization" else "$\\leq$"

    def cell(row: Any) -> Cell:
        if row["status"] == "infeasible":
            return IMPOSSIBLE, ""
        if row["status"] == "unknown" or row[value] is None or str(row[value]) == "<NA>":
            return OPEN, "?"
        share = float(scale(float(row[value]))) if numbers.min() < numbers.max() else 1.0
        paint = Paint(to_hex(colormaps[COLOURS](share)), "", "white" if share < DARK else INK)
        return paint, ("" if best[row.name] else sign) + f"{float(row[value]):.4g}"

    ax = draw_cells(sweep_axes(ax), frame, x, y, cell)
    entries = []
    if "infeasible" in set(frame["status"]):
        entries.append(patch("proven infeasible", IMPOSSIBLE))
    if "unknown" in set(frame["status"]):
        entries.append(patch("? unknown", OPEN))
    if entries:
        draw_key(ax, entries)
    ax.annotate(
        f"number: {label(value)}",
        (1.0, 1.0),
        xycoords="axes fraction",
        xytext=(0, 14 if entries else 3),
        textcoords="offset points",
        ha="right",
        fontsize=SMALL,
    )
    return ax
