"""The parts that the figures share: axes, lanes of bars, a header of spans, a legend."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate

from matplotlib.axes import Axes
from matplotlib.markers import CARETRIGHT, CARETRIGHTBASE
from matplotlib.patches import Rectangle

from twill_ilp.plot.key import SMALL, draw_key, patch
from twill_ilp.plot.labels import Caption, add_captions, least_width, most_width
from twill_ilp.plot.lanes import Bar, Lane
from twill_ilp.plot.palette import BACKGROUND, INK, RULE, Paint

__all__ = ["Canvas", "open_axes", "readable_size"]

NARROW, WIDE = 3.5, 7.0  # inches: one column and the full width of a two-column paper
MARGINS = 0.8, 0.8  # inches beside the lanes, and above and below them, roughly
ROWS = 20.0, 46.0  # points: least and most height of a row of bars
GAP = 0.3  # rows between two lanes
EDGE = 0.003  # of the width: room for the outlines of the first and last bars
HEADER = 13.0  # points
ARROW = 6.0  # points
NORMAL = 8.0  # points: axis labels


def readable_size(
    lanes: Sequence[Lane], cycles: int, row: float | None = None
) -> tuple[float, float]:
    """Width and height in inches at which most bars can hold their names.

    Rows (``row`` points high) become taller where names must be turned by 90 degrees.
    """
    spans = [bar.span for lane in lanes for bar in lane.bars]
    for width in (NARROW, WIDE):
        cycle = (width - MARGINS[0]) * 72 / cycles
        turned = [s.operation for s in spans if least_width(s.operation) > s.cycles * cycle]
        if not turned:
            break
    if row is None:
        row = min(max((ROWS[0], *map(most_width, turned))), ROWS[1])
    return width, sum(lane.height + GAP for lane in lanes) * row / 72 + MARGINS[1]


def open_axes(ax: Axes | None, size: tuple[float, float]) -> Axes:
    """``ax`` itself, or the axes of a new figure of ``size`` inches."""
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.subplots(figsize=size, layout="constrained")[1]


class Canvas:
    """Lanes on axes: x in cycles from ``begin`` to ``end``, y in rows, downwards.

    Captions are collected and handed to the axes by :meth:`finish`.
    """

    def __init__(self, ax: Axes, lanes: Sequence[Lane], begin: int, end: int) -> None:
        self.ax, self.lanes, self.begin, self.end = ax, lanes, begin, end
        *self.tops, self._bottom = accumulate(
            (lane.height + GAP for lane in lanes), initial=GAP / 2
        )
        self._top = 0.0
        self._captions: list[Caption] = []

    @property
    def points(self) -> float:
        """Present width of the axes in points; the final layout may differ a little."""
        return float(self.ax.bbox.width / self.ax.figure.dpi * 72)

    def draw_bands(self) -> None:
        """Colour the whole extent of every lane and separate its rows."""
        for lane, top in zip(self.lanes, self.tops, strict=True):
            place = (self.begin, top, self.end - self.begin, lane.height)
            self._rectangle(place, BACKGROUND)
            if lane.height == lane.rows:
                ys = [top + row for row in range(1, lane.rows)]
                self.ax.hlines(ys, self.begin, self.end, colors="white", linewidth=0.8, zorder=1.5)

    def draw_bars(
        self,
        paint: Callable[[Bar], Paint],
        texts: Callable[[Bar], tuple[str, ...]],
        movable: bool = True,
        margins: Callable[[Bar], tuple[float, float]] = lambda _: (0.0, 0.0),
    ) -> None:
        """Draw every bar; the artist's label is the operation's name after an underscore.

        ``margins`` are cycles at both ends of a bar that its text leaves free.
        """
        for bar, y, height in self.placed():
            begin, end, style = bar.span.begin, bar.span.end, paint(bar)
            self._rectangle((begin, y, end - begin, height), style, bar.span.operation)
            left, right = margins(bar)
            box = (begin + left, y, max(end - right, begin + left), y + height)
            whole = (begin, y, max(end, begin + left + right), y + height)
            self._captions.append(Caption(texts(bar), box, style.ink, movable, extent=whole))

    def draw_parts(self, lanes: Sequence[Lane], paint: Callable[[Bar], Paint]) -> None:
        """Paint parts of the bars, given as lanes of shorter ones."""
        for bar, y, height in self.placed(lanes):
            place = (bar.span.begin, y, bar.span.cycles, height)
            self._rectangle(place, paint(bar), edged=True)

    def write(self, caption: Caption) -> None:
        """Keep one more text for :meth:`finish`."""
        self._captions.append(caption)

    def draw_header(self, spans: Sequence[tuple[int, int, tuple[str, ...]]]) -> None:
        """Write texts over spans (begin, end, wordings) of cycles, above all lanes."""
        height = self.ax.bbox.height / self.ax.figure.dpi * 72
        self._top = -self._bottom * HEADER / max(height - HEADER, HEADER)
        for begin, end, texts in spans:
            box = (max(begin, self.begin), self._top, min(end, self.end), 0.0)
            if box[0] < box[2]:
                self._captions.append(Caption(texts, box))

    def draw_span(self, begin: int, end: int) -> None:
        """Colour the cycles from ``begin`` to ``end`` behind all lanes, header included."""
        height = self._bottom - self._top
        self._rectangle((begin, self._top, end - begin, height), BACKGROUND)

    def draw_rules(self, cycles: Sequence[int], header: bool = False) -> None:
        """Vertical lines, such as stage boundaries, through the lanes and perhaps the header."""
        top, dashes = self._top if header else 0.0, (0, (4, 2))
        self.ax.vlines(
            cycles, top, self._bottom, colors=RULE, linewidth=0.6, linestyles=dashes, zorder=1.6
        )

    def draw_separators(self) -> None:
        """Thin horizontal lines between lanes."""
        ys = [top - GAP / 2 for top in self.tops[1:]]
        self.ax.hlines(ys, self.begin, self.end, colors=RULE, linewidth=0.3, zorder=1.6)

    def draw_slots(self) -> None:
        """White lines between the cycles of every lane."""
        for lane, top in zip(self.lanes, self.tops, strict=True):
            cycles = range(self.begin + 1, self.end)
            self.ax.vlines(
                cycles, top, top + lane.height, colors="white", linewidth=0.8, zorder=1.5
            )

    def draw_wraps(self, paint: Callable[[Bar], Paint]) -> None:
        """Arrows outside the axes where a bar leaves at the end and returns at the beginning."""
        for bar, y, height in self.placed():
            for wraps, x, marker in (
                (bar.span.wraps_in, self.begin, CARETRIGHT),
                (bar.span.wraps_out, self.end, CARETRIGHTBASE),
            ):
                if wraps:
                    self.ax.plot(
                        x,
                        y + height / 2,
                        marker=marker,
                        markersize=ARROW,
                        color=paint(bar).fill,
                        markeredgecolor=INK,
                        markeredgewidth=0.4,
                        clip_on=False,
                        zorder=3,
                    )

    def draw_legend(self, entries: Sequence[tuple[str, Paint]]) -> None:
        """A key above the axes, in as many columns as fit."""
        draw_key(self.ax, [patch(text, paint) for text, paint in entries])

    def finish(
        self, xlabel: str, ylabel: str, ticks: Sequence[float], names: Sequence[int]
    ) -> Axes:
        """Limits, ticks (``names`` at ``ticks``), labels and captions; returns the axes."""
        ax = self.ax
        edge = EDGE * (self.end - self.begin)
        ax.set_xlim(self.begin - edge, self.end + edge)
        ax.set_ylim(self._bottom, self._top)
        ax.set_xticks(ticks, [str(name) for name in names])
        middles = [top + lane.height / 2 for lane, top in zip(self.lanes, self.tops, strict=True)]
        ax.set_yticks(middles, [lane.label for lane in self.lanes], parse_math=False)
        ax.tick_params(labelsize=SMALL)
        ax.tick_params(axis="y", length=0, pad=ARROW + 2)
        ax.set_xlabel(xlabel, fontsize=NORMAL)
        ax.set_ylabel(ylabel, fontsize=NORMAL)
        ax.spines[["top", "right", "left"]].set_visible(False)
        add_captions(ax, self._captions)
        return ax

    def placed(self, lanes: Sequence[Lane] = ()) -> Iterator[tuple[Bar, float, float]]:
        """Every bar with its top and height in rows of the figure.

        ``lanes`` replace the canvas's own, one by one, for the sake of other bars.
        """
        for lane, top in zip(lanes or self.lanes, self.tops, strict=True):
            scale = lane.height / lane.rows
            for bar in lane.bars:
                yield bar, top + bar.row * scale, bar.rows * scale

    def _rectangle(
        self,
        place: tuple[float, float, float, float],
        paint: Paint,
        bar: str = "",
        edged: bool = False,
    ) -> None:
        x, y, width, height = place
        edged = edged or bool(bar)
        self.ax.add_patch(
            Rectangle(
                (x, y),
                width,
                height,
                facecolor=paint.fill,
                hatch=paint.hatch,
                edgecolor=INK if edged else "none",
                linewidth=0.5 if edged else 0.0,
                zorder=2 if edged else 1,
                label=f"_{bar}",
            )
        )
