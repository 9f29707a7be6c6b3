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
from twill_ilp.plot.quantities import ANSWERS, column, label, proven

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

    An answer (II, L, ...) with ``<=`` in front is a schedule found where a smaller value is not
    excluded (``>=`` for utilization, which falls as II rises); infeasible cells are hatched and
    unknown ones pale with a question mark.  Other values (times, counts) have a number whatever the
    verdict, with a question mark behind it where the question stayed open.

    Args:
        frame: the table of a sweep.
        x, y, value: columns; every pair of x and y has at most one row.

    Raises:
        OptionError: a column that the table lacks, or two rows in one cell.
    """
    numbers = column(frame, value).dropna().astype(float)
    scale = Normalize(numbers.min(), numbers.max()) if len(numbers) else Normalize(0, 1)
    answer, best = value in ANSWERS, proven(frame, value)
    sign = "$\\geq$" if value == "tensor_core_utilization" else "$\\leq$"

    def cell(row: Any) -> Cell:
        unknown = row["status"] == "unknown"
        if answer and row["status"] == "infeasible":
            return IMPOSSIBLE, ""
        if row.name not in numbers.index or (answer and unknown):
            return OPEN, "?"
        number = float(numbers[row.name])
        share = float(scale(number)) if numbers.min() < numbers.max() else 1.0
        paint = Paint(to_hex(colormaps[COLOURS](share)), "", "white" if share < DARK else INK)
        before = sign if answer and not best[row.name] else ""
        return paint, f"{before}{_short(number)}{'?' if unknown else ''}"

    ax = draw_cells(sweep_axes(ax), frame, x, y, cell)
    entries = []
    if answer and "infeasible" in set(frame["status"]):
        entries.append(patch("proven infeasible", IMPOSSIBLE))
    if answer and "unknown" in set(frame["status"]):
        entries.append(patch("? unknown", OPEN))
    if entries:
        draw_key(ax, entries)
    ax.annotate(
        f"number: {label(value)}" + ("" if answer else " (?: open)"),
        (1.0, 1.0),
        xycoords="axes fraction",
        xytext=(0, 14 if entries else 3),
        textcoords="offset points",
        ha="right",
        fontsize=SMALL,
    )
    return ax


def _short(number: float) -> str:
    """Whole numbers in full, others in three digits, or two where those are decimals."""
    if number.is_integer():
        return str(int(number))
    return f"{number:.3g}" if abs(number) >= 1 else f"{number:.2g}"
