"""The steady state as the warps see it: one lane per warp group."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from typing import Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from twill_ilp.errors import OptionError
from twill_ilp.lifetimes import DEFAULT_READINGS, handed_over, waits
from twill_ilp.plot.canvas import WIDE, Canvas, open_axes, readable_size
from twill_ilp.plot.key import draw_key, key_height, patch
from twill_ilp.plot.labels import Caption
from twill_ilp.plot.lanes import Bar, Lane, Span, pack, wrap
from twill_ilp.plot.palette import ALARM, BACKGROUND, INK, OKABE_ITO, Paint, group_paint, pale
from twill_ilp.plot.ticks import round_step
from twill_ilp.rules import Readings, held_cycles
from twill_ilp.schedule import Schedule, WarpGroup

__all__ = ["plot_warps"]

MOST_SLOT_LINES = 64
GLYPH = 4.5  # points
MARGIN = 0.8  # inches beside the lanes
STRIP = 6.5  # points that one glyph takes from a bar


@dataclass(frozen=True, slots=True)
class Glyph:
    """A mark at one end of an operation, and what it says."""

    marker: str
    fill: str
    text: str

    def style(self) -> dict[str, Any]:
        """Properties of the marker, a ``Line2D``."""
        return {
            "marker": self.marker,
            "markersize": GLYPH,
            "markerfacecolor": self.fill,
            "markeredgecolor": INK,
            "markeredgewidth": 0.5,
        }


BLOCKING = Glyph("s", ALARM, "waits: blocking dependence")
TAKEN = Glyph(">", OKABE_ITO["blue"], "waits: value of another group")
GIVEN = Glyph("<", "white", "value for another group")
INSTANT = Glyph("D", INK, "takes no cycles")


def plot_warps(
    schedule: Schedule, *, ax: Axes | None = None, readings: Readings = DEFAULT_READINGS
) -> Axes:
    """Draw what every warp group does in every slot of the steady state.

    One lane per group, with more rows where its operations overlap.  A bar lasts for the
    operation's cycles; it is in full colour while the operation counts as in progress on its
    warps, and pale while asynchronous work goes on without them.  Operations of no cycles are
    diamonds on a row of their own.  Glyphs at the left end of an operation say that its warps
    wait there; one at the right end, that a value is spilled to another group.  ``k`` is the
    stage, as in :func:`~twill_ilp.plot.plot_kernel`.

    Args:
        schedule: any schedule with warp groups, valid or not.
        ax: axes to draw on; default: those of a new figure, 3.5 or 7 inches wide.
        readings: say how long an operation is in progress.

    Returns:
        The axes; slot r in cycles is the interval [r, r + 1).

    Raises:
        OptionError: the schedule has no warp groups.
    """
    if not schedule.group:
        raise OptionError("the schedule has no warp groups; give one of the joint problem")
    lanes = [_lane(schedule, group) for group in schedule.groups]
    marks = _Marks(schedule)
    held = [_held(schedule, lane, readings) for lane in lanes]
    key = list(_key(schedule, held, marks))
    height = readable_size(lanes, schedule.ii)[1] + key_height(key, WIDE - MARGIN)
    canvas = Canvas(open_axes(ax, (WIDE, height)), lanes, 0, schedule.ii)
    _Picture(schedule, canvas, held, marks).draw()
    draw_key(canvas.ax, key)
    slots = range(0, schedule.ii, round_step(schedule.ii, canvas.points))
    middles = [slot + 0.5 for slot in slots]
    return canvas.finish(f"slot (cycle modulo II = {schedule.ii})", "warp group", middles, slots)


def _lane(schedule: Schedule, group: WarpGroup) -> Lane:
    """The operations that take cycles, packed into rows; a last row is left for the others."""
    ops = [schedule.graph.by_name[name] for name in group.operations]
    spans = [Span(op.name, at := schedule.start[op.name], at + op.cycles) for op in ops]
    packed = pack("", [piece for span in spans for piece in wrap(span, schedule.ii)])
    rows = (packed.rows if packed.bars else 0) + any(op.cycles == 0 for op in ops)
    label = f"group {group.id}\n{group.warps} warp{'' if group.warps == 1 else 's'}"
    return Lane(label, packed.bars, rows, rows)


def _held(schedule: Schedule, lane: Lane, readings: Readings) -> Lane:
    """The parts of the lane's bars in which their operations are in progress on the warps."""
    parts: list[Bar] = []
    bars = sorted(lane.bars, key=lambda bar: bar.span.operation)
    for name, pieces in groupby(bars, key=lambda bar: bar.span.operation):
        op, start = schedule.graph.by_name[name], schedule.start[name]
        held = Span(name, start, start + min(op.cycles, held_cycles(op, readings)))
        # Both are cut at the multiples of II; of the later pieces only the last is shorter.
        ordered = sorted(pieces, key=lambda bar: (bar.span.wraps_in, not bar.span.wraps_out))
        parts += (
            replace(bar, span=piece)
            for bar, piece in zip(ordered, wrap(held, schedule.ii), strict=False)
        )
    return replace(lane, bars=tuple(parts))


class _Marks:
    """Which operations wait, and whose values go to another group."""

    def __init__(self, schedule: Schedule) -> None:
        handed = handed_over(schedule)
        blocking = {wait.operation for wait in waits(schedule) if wait.blocking}
        giving = {name for names in handed.values() for name in names}
        self.before = ((BLOCKING, blocking), (TAKEN, set(handed)))
        self.after = ((GIVEN, giving),)

    def of(self, names: set[str]) -> tuple[list[Glyph], list[Glyph]]:
        """The glyphs at the left and at the right end of an operation, or of several."""
        before = [glyph for glyph, marked in self.before if marked & names]
        return before, [glyph for glyph, marked in self.after if marked & names]


class _Picture:
    """The bars, diamonds and glyphs of one schedule on a canvas."""

    def __init__(
        self, schedule: Schedule, canvas: Canvas, held: Sequence[Lane], marks: _Marks
    ) -> None:
        self.schedule, self.canvas, self.marks, self.parts = schedule, canvas, marks, held
        spans = [bar.span for lane in held for bar in lane.bars]
        self.held = {(span.operation, span.begin): span.cycles for span in spans}
        self.strip = STRIP * schedule.ii / canvas.points  # cycles

    def draw(self) -> None:
        """Everything within the lanes."""
        canvas = self.canvas
        canvas.draw_bands()
        if self.schedule.ii <= MOST_SLOT_LINES:
            canvas.draw_slots()
        canvas.draw_bars(lambda bar: pale(self._paint(bar)), self._texts, margins=self._margins)
        canvas.draw_parts(self.parts, self._paint)
        canvas.draw_wraps(lambda bar: pale(self._paint(bar)))
        for bar, top, height in canvas.placed():
            before, after = self._glyphs(bar)
            self._put(before, bar.span.begin, top + height / 2)
            first = bar.span.begin + len(before) * self.strip
            last = bar.span.end - len(after) * self.strip
            self._put(after, max(first, last), top + height / 2)
        for group, lane, top in zip(self.schedule.groups, canvas.lanes, canvas.tops, strict=True):
            self._draw_instants(group, top + lane.rows - 1)

    def _paint(self, bar: Bar) -> Paint:
        return group_paint(self.schedule.group[bar.span.operation])

    def _texts(self, bar: Bar) -> tuple[str, ...]:
        name = bar.span.operation
        return f"{name}\nk={self.schedule.stage(name)}", name

    def _glyphs(self, bar: Bar) -> tuple[list[Glyph], list[Glyph]]:
        """Glyphs at the two ends of a bar, if these are the ends of its operation."""
        before, after = self.marks.of({bar.span.operation})
        return [] if bar.span.wraps_in else before, [] if bar.span.wraps_out else after

    def _margins(self, bar: Bar) -> tuple[float, float]:
        """What the glyphs and, of the two parts of a bar, the shorter one take from its text."""
        before, after = self._glyphs(bar)
        left, right = len(before) * self.strip, len(after) * self.strip
        held, cycles = self.held.get((bar.span.operation, bar.span.begin), 0), bar.span.cycles
        if 2 * held <= cycles:
            return max(held, left), right
        return left, max(cycles - held, right)

    def _put(self, glyphs: Sequence[Glyph], at: float, y: float) -> None:
        """Glyphs side by side from cycle ``at`` on."""
        for number, glyph in enumerate(glyphs):
            self.canvas.ax.plot(at + (number + 0.5) * self.strip, y, zorder=4, **glyph.style())

    def _draw_instants(self, group: WarpGroup, top: float) -> None:
        """Diamonds for the operations without cycles, on the row that begins at ``top``."""
        graph, slot_of = self.schedule.graph, self.schedule.slot
        names = [name for name in group.operations if graph.by_name[name].cycles == 0]
        slots = sorted({slot_of(name) for name in names})
        for slot, following in pairwise([*slots, self.schedule.ii]):
            here = [name for name in names if slot_of(name) == slot]
            before, after = self.marks.of(set(here))
            glyphs = [*before, INSTANT, *after]
            self._put(glyphs, slot, top + 0.5)
            box = (slot + len(glyphs) * self.strip, top, following, top + 1)
            texts = (", ".join(here), ",\n".join(here))
            if box[0] < box[2]:
                whole = (slot, *box[1:])
                self.canvas.write(Caption(texts, box, leftmost=True, extent=whole))


def _key(schedule: Schedule, held: Sequence[Lane], marks: _Marks) -> Iterator[Artist]:
    """Entries for what there is."""
    paint, graph = group_paint(1), schedule.graph
    cycles: Counter[str] = Counter()
    for lane in held:
        for bar in lane.bars:
            cycles[bar.span.operation] += bar.span.cycles
    yield patch("in progress on the warps", paint)
    if any(cycles[op.name] < op.cycles for op in graph):
        yield patch("asynchronous", pale(paint))
    yield patch("idle", BACKGROUND)
    instants = {op.name for op in graph if op.cycles == 0}
    for glyph, marked in (*marks.before, *marks.after, (INSTANT, instants)):
        if marked:
            yield Line2D([], [], linestyle="none", label=glyph.text, **glyph.style())
