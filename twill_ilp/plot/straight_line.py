"""The straight-line program: as many copies of the loop as overlap."""

from __future__ import annotations

from dataclasses import replace

from matplotlib.axes import Axes

from twill_ilp.plot.canvas import Canvas, open_axes, readable_size
from twill_ilp.plot.lanes import Bar, pack, spans_without_unit, unit_spans, units_in_use
from twill_ilp.plot.palette import stage_paint
from twill_ilp.plot.ticks import stage_step
from twill_ilp.schedule import Schedule

__all__ = ["plot_straight_line"]


def plot_straight_line(schedule: Schedule, *, ax: Axes | None = None) -> Axes:
    """Draw the loop as a program without a loop, as in Fig. 3 of [1]_.

    ``ceil(L / II)`` copies, each II cycles after the one before, on one lane per unit; a bar has
    the colour of its copy and the name ``operation[copy]``.  Dashed lines part the intervals of
    II cycles.  In the grey one every stage is at work, each on behalf of another copy: read
    across all lanes it is the steady state.

    Args:
        schedule: any schedule, valid or not; starts and II in cycles.
        ax: axes to draw on; default: those of a new figure, 3.5 or 7 inches wide.

    Returns:
        The axes; x in cycles from the first start of copy 0.

    References:
        .. [1] Soi et al., "Optimal Software Pipelining and Warp Specialization for Tensor
           Core GPUs", OSDI 2026, arXiv:2512.18134.
    """
    schedule = schedule.normalized()
    ii, copies = schedule.ii, schedule.stages
    rows = [(unit, unit_spans(schedule, unit)) for unit in units_in_use(schedule)]
    rows += [("no unit", waiting)] if (waiting := spans_without_unit(schedule)) else []
    lanes = [
        pack(
            label,
            [
                replace(
                    span,
                    operation=f"{span.operation}[{copy}]",
                    begin=span.begin + copy * ii,
                    end=span.end + copy * ii,
                )
                for copy in range(copies)
                for span in spans
            ],
            label,
        )
        for label, spans in rows
    ]
    ends = [bar.span.end for lane in lanes for bar in lane.bars]
    end = max([(copies - 1) * ii + schedule.length, copies * ii, *ends])

    canvas = Canvas(open_axes(ax, readable_size(lanes, end)), lanes, 0, end)
    steady = (copies - 1) * ii
    canvas.draw_header(
        [
            (0, steady, ("prologue",)),
            (steady, steady + ii, (f"all {copies} stages", "all")),
            (steady + ii, end, ("epilogue",)),
        ]
    )
    canvas.draw_span(steady, steady + ii)
    canvas.draw_rules(range(ii, end, ii), header=True)
    canvas.draw_separators()
    canvas.draw_bars(lambda bar: stage_paint(_copy(bar)), lambda bar: (bar.span.operation,))
    canvas.draw_legend([(f"copy {copy}", stage_paint(copy)) for copy in range(copies)])
    step = stage_step(end, ii, canvas.points)
    ticks = range(0, end + 1, step)
    return canvas.finish("cycles", "functional unit", ticks, ticks)


def _copy(bar: Bar) -> int:
    return int(bar.span.operation.rpartition("[")[2][:-1])
