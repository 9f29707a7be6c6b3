"""Which points have a schedule: a map of verdicts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matplotlib.axes import Axes

from twill_ilp.plot.cells import IMPOSSIBLE, OPEN, POSSIBLE, Cell, draw_cells
from twill_ilp.plot.key import draw_key, patch
from twill_ilp.plot.marks import sweep_axes

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["plot_feasibility"]


def plot_feasibility(frame: pd.DataFrame, x: str, y: str = "ii", *, ax: Axes | None = None) -> Axes:
    """Draw a cell for every row: schedule found, proven infeasible, or unknown.

    Unknown cells are pale with a question mark; points that were not run have no cell.

    Args:
        frame: the table of a sweep.
        x, y: columns; every pair of values has at most one row.

    Raises:
        OptionError: a column that the table lacks, or two rows in one cell.
    """
    ax = draw_cells(sweep_axes(ax), frame, x, y, _cell)
    statuses = set(frame["status"])
    entries = []
    if statuses & {"optimal", "feasible"}:
        entries.append(patch("schedule found", POSSIBLE))
    if "infeasible" in statuses:
        entries.append(patch("proven infeasible", IMPOSSIBLE))
    if "unknown" in statuses:
        entries.append(patch("? unknown", OPEN))
    draw_key(ax, entries)
    return ax


def _cell(row: Any) -> Cell:
    if row["status"] in ("optimal", "feasible"):
        return POSSIBLE, ""
    return (IMPOSSIBLE, "") if row["status"] == "infeasible" else (OPEN, "?")
