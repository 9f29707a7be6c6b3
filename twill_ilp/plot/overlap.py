"""Successive iterations, overlapped."""

from __future__ import annotations

from itertools import pairwise
from math import lcm

from matplotlib.axes import Axes

from twill_ilp.errors import OptionError
from twill_ilp.plot.canvas import Canvas, open_axes, readable_size
from twill_ilp.plot.lanes import Lane, pack, unit_spans, units_in_use
from twill_ilp.plot.palette import unit_paint
from twill_ilp.plot.ticks import stage_step
from twill_ilp.schedule import Schedule

__all__ = ["plot_overlap"]

THIN_ROW = 9.0  # points


def plot_overlap(
    schedule: Schedule, *, iterations: int | None = None, ax: Axes | None = None
) -> Axes:
    """Draw iterations i, i+1, ... each II cycles after the one before, as in Fig. 1e of [1]_.

    One lane per iteration; within a lane a row per unit, or a single row where an iteration
    never uses two units at once.  The steady state, in which every stage is at work, is
    grey; prologue and epilogue fill and drain the pipeline.

    Args:
        schedule: any schedule, valid or not; starts and II in cycles.
        iterations: how many; default: two more than fill the pipeline.  Too few for a
            steady state are drawn without one.
        ax: axes to draw on; default: those of a new figure, 3.5 or 7 inches wide.

    Returns:
        The axes; x in cycles from the start of iteration i.

    Raises:
        OptionError: fewer than one iteration.

    References:
        .. [1] Soi et al., "Optimal Software Pipelining and Warp Specialization for Tensor
           Core GPUs", OSDI 2026, arXiv:2512.18134.
    """
    ii, units = schedule.ii, units_in_use(schedule)
    stages = [schedule.stage(op.name) for op in schedule.graph]
    fill, drain = max(stages), min(stages)
    if iterations is None:
        iterations = fill - drain + 3
    if iterations < 1:
        raise OptionError(f"iterations is {iterations}; give at least 1")
    lanes = _lanes(schedule, units, iterations)
    begin = min(schedule.start.values())
    end = begin + (iterations - 1) * ii + schedule.length
    end = max((bar.span.end for lane in lanes for bar in lane.bars), default=end)

    row = None if lanes[0].height == 1 else THIN_ROW
    ax = open_axes(ax, readable_size(lanes, end - begin, row))
    canvas = Canvas(ax, lanes, begin, end)
    steady = range(fill * ii, (iterations + drain) * ii, ii)
    if steady:
        canvas.draw_header(
            [
                (begin, steady.start, ("prologue",)),
                (steady.start, steady.stop, (f"steady state, II = {ii}", "steady state")),
                (steady.stop, end, ("epilogue",)),
            ]
        )
        canvas.draw_span(steady.start, steady.stop)
        canvas.draw_rules([*steady, steady.stop])
    canvas.draw_separators()
    paints = {unit: unit_paint(index) for index, unit in enumerate(units)}
    canvas.draw_bars(lambda bar: paints[bar.unit], lambda bar: (bar.span.operation,), False)
    if units:
        canvas.draw_legend(list(paints.items()))
    step = stage_step(end - begin, ii, canvas.points)
    ticks = range(-(-begin // step) * step, end + 1, step)
    return canvas.finish("cycles", "iteration", ticks, ticks)


def _lanes(schedule: Schedule, units: list[str], iterations: int) -> list[Lane]:
    """One lane per iteration; in it, bands of equal height for the units, or one for all."""
    packed = [pack(unit, unit_spans(schedule, unit), unit) for unit in units]
    spans = sorted((bar.span for lane in packed for bar in lane.bars), key=lambda s: s.begin)
    one_band = all(before.end <= after.begin for before, after in pairwise(spans))
    band = lcm(*(lane.rows for lane in packed))
    bands = 1 if one_band else len(units)
    bars = [
        bar.enlarged(band // lane.rows, number % bands * band)
        for number, lane in enumerate(packed)
        for bar in lane.bars
    ]
    return [
        Lane(
            f"i+{i}" if i else "i",
            tuple(bar.delayed(i * schedule.ii) for bar in bars),
            rows=bands * band,
            height=bands,
        )
        for i in range(iterations)
    ]
