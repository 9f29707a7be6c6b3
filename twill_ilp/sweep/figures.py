"""The figures that a sweep asks for: ``[[figure]]`` blocks, checked with the rest of the file.

Every kind is a function of :mod:`twill_ilp.plot`; its options are names of columns.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from twill_ilp.errors import OptionError
from twill_ilp.reading import short
from twill_ilp.sweep.parameters import OPEN, PointError

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["KINDS", "check_figure", "draw_figure", "file_name"]

KINDS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "tradeoff": (("x",), ("y", "by")),
    "feasibility": (("x", "y"), ()),
    "heatmap": (("x", "y", "value"), ()),
    "gap": ((), ("by", "value")),
    "ecdf": (("by",), ("value",)),
    "pareto": (("x",), ("y", "by")),
    "performance": (("by",), ("value",)),
    "growth": (("x",), ("y", "by")),
}
"""Kind of figure: the options that it needs, and those that it may have.  Further ones of all:
``panels`` (a column: one panel for each of its values), ``where`` (a table of columns with the
value that rows must have), ``name`` (of the file) and ``title``."""

PANEL, HEIGHT = 3.2, 3.0  # inches: width of one of several panels, height of all
LINE = 11.0  # points: a line of text above the axes
PAD = 4.0  # points between the key of a panel and its title

COMMON = ("kind", "panels", "where", "name", "title")


def check_figure(figure: object) -> None:
    """Refuse a figure that cannot be drawn.

    Raises:
        PointError: no such kind.
        OptionError: an option that is missing or unknown, or no column's name.
    """
    if not isinstance(figure, dict):
        raise OptionError(f"figure is {short(figure)}; write [[figure]]")
    kind = figure.get("kind")
    if kind not in KINDS:
        raise PointError("kind", f"{short(kind)}: no such figure; choose from {', '.join(KINDS)}")
    needed, optional = KINDS[str(kind)]
    for name in needed:
        if name not in figure:
            raise OptionError(f"figure {kind}: {name} is missing; name a column")
    for name, value in figure.items():
        if name not in (*needed, *optional, *COMMON):
            known = ", ".join((*needed, *optional, *COMMON))
            raise PointError(name, f"figure {kind} has no such option; choose from {known}")
        if name in ("kind", "title", "name"):
            _check_text(name, value)
        elif name == "where":
            for column in value if isinstance(value, dict) else {None: 0}:
                _check_column(name, column)
        else:
            _check_column(name, value)


def _check_text(name: str, value: object) -> None:
    if not isinstance(value, str) or (name == "name" and not value.replace("-", "").isalnum()):
        raise PointError(
            name,
            f"{short(value)}; give text"
            + (" of letters, digits and hyphens" if name == "name" else ""),
        )


def _check_column(option: str, value: object) -> None:
    from twill_ilp.sweep.table import columns

    known = columns()
    family = value.partition(".")[0] if isinstance(value, str) else ""
    if not isinstance(value, str) or (value not in known and family not in OPEN):
        raise PointError(option, f"{short(value)}: no such column; choose from {', '.join(known)}")


def file_name(figure: Mapping[str, Any]) -> str:
    """The figure's file without a suffix."""
    kind = str(figure["kind"])
    return str(figure.get("name") or kind)


def draw_figure(frame: pd.DataFrame, figure: Mapping[str, Any]) -> Figure:
    """Draw one figure of a sweep's table; the caller saves and closes it.

    Raises:
        OptionError: no row has what the figure shows.
    """
    import matplotlib.pyplot as plt

    from twill_ilp import plot
    from twill_ilp.plot.canvas import NARROW, NORMAL

    chosen = dict(figure)
    for column, value in chosen.get("where", {}).items():
        frame = frame[frame[column] == value] if column in frame else frame.head(0)
    draw = getattr(plot, f"plot_{chosen['kind']}")
    options = {name: value for name, value in chosen.items() if name not in COMMON}
    parts = list(_panels(frame, chosen.get("panels")))
    if not parts or frame.empty:
        raise OptionError(f"figure {file_name(figure)}: no rows to draw; run the sweep first")
    width, height = (PANEL, HEIGHT) if len(parts) > 1 else (NARROW, HEIGHT)
    fig, axes = plt.subplots(
        1, len(parts), figsize=(width * len(parts), height), layout="constrained", squeeze=False
    )
    for ax, (_, part) in zip(axes[0], parts, strict=True):
        draw(part, ax=ax, **options)
    if any(label for label, _ in parts):
        fig.canvas.draw()  # only now are the heights of the keys known
        keys = [legend.get_window_extent().height for ax in axes[0] if (legend := ax.get_legend())]
        pad = max(max(keys, default=0.0) * 72 / fig.dpi, LINE) + PAD
        for ax, (label, _) in zip(axes[0], parts, strict=True):
            ax.set_title(label, fontsize=NORMAL, pad=pad)
    return fig


def _panels(frame: pd.DataFrame, column: str | None) -> Iterator[tuple[str, pd.DataFrame]]:
    if column is None:
        yield "", frame
        return
    for value in dict.fromkeys(frame[column].dropna()):
        part = frame[frame[column] == value]
        yield (value if column in ("machine", "kernel") else f"{column} = {value}"), part
