"""The steady state as a modulo reservation table."""

from __future__ import annotations

from matplotlib.axes import Axes

from twill_ilp.plot.canvas import Canvas, open_axes, readable_size
from twill_ilp.plot.lanes import Bar, Lane, pack, unit_label, unit_spans, units_in_use, wrap
from twill_ilp.plot.palette import BACKGROUND, Paint, stage_paint
from twill_ilp.plot.ticks import round_step
from twill_ilp.schedule import Schedule

__all__ = ["plot_kernel"]

MOST_SLOT_LINES = 64


def plot_kernel(schedule: Schedule, *, ax: Axes | None = None) -> Axes:
    """Draw the modulo reservation table: what every unit does in every slot of the kernel.

    One lane per unit in use, with a row per instance where the capacity is above 1 (up to 4
    rows high).  A bar is cut at II and goes on at slot 0, which arrows outside the axes
    point out; idle slots stay grey.  Colour and ``k`` are the operation's stage: in one
    kernel iteration i, stage k works for loop iteration i - k.

    Args:
        schedule: any schedule, valid or not; rows are added where a unit is over-subscribed.
        ax: axes to draw on; default: those of a new figure, 3.5 or 7 inches wide.

    Returns:
        The axes; slot r in cycles is the interval [r, r + 1).
    """
    ii = schedule.ii
    lanes = [_lane(schedule, unit) for unit in units_in_use(schedule)]

    def paint(bar: Bar) -> Paint:
        return stage_paint(schedule.stage(bar.span.operation))

    def texts(bar: Bar) -> tuple[str, ...]:
        name = bar.span.operation
        return f"{name}\nk={schedule.stage(name)}", name

    ax = open_axes(ax, readable_size(lanes, ii))
    canvas = Canvas(ax, lanes, 0, ii)
    canvas.draw_bands()
    if ii <= MOST_SLOT_LINES:
        canvas.draw_slots()
    canvas.draw_bars(paint, texts)
    canvas.draw_wraps(paint)
    stages = sorted({schedule.stage(bar.span.operation) for lane in lanes for bar in lane.bars})
    canvas.draw_legend([*((f"stage k={k}", stage_paint(k)) for k in stages), ("idle", BACKGROUND)])
    slots = range(0, ii, round_step(ii, canvas.points))
    middles = [slot + 0.5 for slot in slots]
    return canvas.finish(f"slot (cycle modulo II = {ii})", "functional unit", middles, slots)


def _lane(schedule: Schedule, unit: str) -> Lane:
    capacity = schedule.machine.units.get(unit, 1)
    pieces = [piece for span in unit_spans(schedule, unit) for piece in wrap(span, schedule.ii)]
    return pack(unit_label(schedule, unit), pieces, unit, capacity)
