"""One iteration on the functional units."""

from __future__ import annotations

from matplotlib.axes import Axes

from twill_ilp.plot.canvas import Canvas, open_axes, readable_size
from twill_ilp.plot.lanes import Bar, pack, spans_without_unit, unit_spans, units_in_use
from twill_ilp.plot.palette import Paint, stage_paint
from twill_ilp.plot.ticks import stage_step
from twill_ilp.schedule import Schedule

__all__ = ["plot_iteration"]


def plot_iteration(schedule: Schedule, *, ax: Axes | None = None) -> Axes:
    """Draw one iteration: what every functional unit does, and where the stages begin.

    One lane per unit in use, a bar for every row of an operation's reservation table; one
    more lane for operations that take cycles on no unit.  Dashed lines at the multiples of
    II separate the stages, and a bar has the colour of the stage in which its operation
    starts, as in :func:`~twill_ilp.plot.plot_kernel`.

    Args:
        schedule: any schedule, valid or not; starts and II in cycles.
        ax: axes to draw on; default: those of a new figure, 3.5 or 7 inches wide.

    Returns:
        The axes; x in cycles from the start of iteration 0.
    """
    ii = schedule.ii
    lanes = [pack(unit, unit_spans(schedule, unit), unit) for unit in units_in_use(schedule)]
    if waiting := spans_without_unit(schedule):
        lanes.append(pack("no unit", waiting))
    ends = [bar.span.end for lane in lanes for bar in lane.bars]
    begin, end = min(schedule.start.values()), max(ends, default=0)
    end = max(end, begin + schedule.length, begin + 1)

    def paint(bar: Bar) -> Paint:
        return stage_paint(schedule.stage(bar.span.operation))

    ax = open_axes(ax, readable_size(lanes, end - begin))
    canvas = Canvas(ax, lanes, begin, end)
    canvas.draw_bands()
    stages = range(begin // ii, -(-end // ii))
    canvas.draw_header([(k * ii, (k + 1) * ii, (f"stage {k}", f"{k}")) for k in stages])
    canvas.draw_rules([k * ii for k in stages if k * ii > begin], header=True)
    canvas.draw_bars(paint, lambda bar: (bar.span.operation,))
    step = stage_step(end - begin, ii, canvas.points)
    ticks = range(-(-begin // step) * step, end + 1, step)
    return canvas.finish("cycles", "functional unit", ticks, ticks)
