"""The dependence graph, coloured by warp group."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from twill_ilp.graph import Dependence, LoopGraph, Operation
from twill_ilp.plot.arrows import LOOP, Box, draw_arrows
from twill_ilp.plot.canvas import NARROW, WIDE, open_axes
from twill_ilp.plot.key import draw_key, key_height, patch
from twill_ilp.plot.labels import Caption, add_captions, least_width, most_width, shortened
from twill_ilp.plot.lanes import units_in_use
from twill_ilp.plot.layers import Layout, layers_of, layout
from twill_ilp.plot.palette import BACKGROUND, INK, Paint, group_paint, unit_paint
from twill_ilp.problem import Problem
from twill_ilp.schedule import Schedule

__all__ = ["plot_graph"]

HEIGHT, LEAST_WIDTH = 19.0, 22.0  # points: of a box
PORT = 8.0  # points of a box's width for every dependence that touches one side
PITCH, LEAST_PITCH = 36.0, 27.0  # points: from one layer to the next
PAGE = 9.0  # inches: above this height the pitch shrinks
MARGIN = 8.0  # points around the drawing
SHORTEST = 5  # characters to which a name may be cut


@dataclass(frozen=True)
class _Style:
    """What a colour means: the paint of an operation, and the key of the paints."""

    paint: Callable[[Operation], Paint]
    key: Sequence[Patch]


def plot_graph(problem: Problem | Schedule, *, ax: Axes | None = None) -> Axes:
    """Draw the dependence graph, from top to bottom, as in Fig. 9 of [1]_.

    The layer of an operation is its longest path over dependences within one iteration; those
    carried to later iterations are dashed, and blocking ones thick.  A box names the units and
    has the colour of the warp group or, where there are no groups, of the unit used most.

    Args:
        problem: a schedule, whose warp groups are shown if it has any, or a problem.
        ax: axes to draw on; default: those of a new figure, 3.5 to 7 inches wide.

    Returns:
        The axes, which measure nothing: x and y, downwards, are points of the layout.

    References:
        .. [1] Soi et al., "Optimal Software Pipelining and Warp Specialization for Tensor
           Core GPUs", OSDI 2026, arXiv:2512.18134.
    """
    graph = problem.graph
    style = _by_unit(problem)
    if isinstance(problem, Schedule) and problem.group:
        style = _by_group(problem)
    widths, places = _layout(graph)
    key = [*style.key, *_lines(graph.dependences)]
    width = min(max((places.width + 2 * MARGIN) / 72, NARROW), WIDE)
    head = key_height(key, width) + 0.15
    pitch = min(PITCH, max(LEAST_PITCH, (PAGE - head) * 72 / places.layers))
    height = (places.layers - 1) * pitch + HEIGHT + 2 * MARGIN
    ax = open_axes(ax, (width, height / 72 + head))
    half = max(places.width / 2 + MARGIN, width * 36)
    ax.set_xlim(places.width / 2 - half, places.width / 2 + half)
    ax.set_ylim(height - MARGIN, -MARGIN)
    ax.set_axis_off()
    boxes = {
        name: Box(places.x[name], places.layer[name] * pitch, widths[name], HEIGHT)
        for name in graph.by_name
    }
    draw_arrows(ax, graph.dependences, boxes, places, pitch)
    _draw_boxes(ax, graph.operations, boxes, style)
    draw_key(ax, key)
    return ax


def _layout(graph: LoopGraph) -> tuple[Mapping[str, float], Layout]:
    """Widths of the boxes and a layout: names in the largest letters that the page has room for."""
    looped = {e.src for e in graph.dependences if e.src == e.dst}
    crowd = {name: PORT * ends for name, ends in _ends(graph).items()}
    for letters in (most_width, least_width):
        widths = {
            op.name: max(LEAST_WIDTH, crowd[op.name], *map(letters, _text(op).split("\n")))
            for op in graph
        }
        room = {name: width + 2 * LOOP * (name in looped) for name, width in widths.items()}
        places = layout(graph, room)
        if places.width + 2 * MARGIN <= WIDE * 72:
            break
    return widths, places


def _ends(graph: LoopGraph) -> dict[str, int]:
    """How many dependences touch the more crowded of the upper and the lower side of a box."""
    layer = layers_of(graph)
    sides: Counter[tuple[str, bool]] = Counter()
    for e in graph.dependences:
        if e.src != e.dst:
            sides[e.src, layer[e.dst] >= layer[e.src]] += 1
            sides[e.dst, layer[e.src] >= layer[e.dst]] += 1
    return {op.name: max(sides[op.name, True], sides[op.name, False]) for op in graph}


def _text(op: Operation) -> str:
    units = "+".join(dict.fromkeys(row.unit for row in op.usage))
    return f"{op.name}\n{units}" if units else op.name


def _draw_boxes(
    ax: Axes, operations: Sequence[Operation], boxes: Mapping[str, Box], style: _Style
) -> None:
    """One labelled rectangle per operation; its artist's label is the name after an underscore."""
    captions = []
    for op in operations:
        box, paint = boxes[op.name], style.paint(op)
        ax.add_patch(
            Rectangle(
                (box.left, box.top),
                box.width,
                box.height,
                facecolor=paint.fill,
                hatch=paint.hatch,
                edgecolor=INK,
                linewidth=0.5,
                zorder=3,
                label=f"_{op.name}",
            )
        )
        lengths = range(len(op.name) - 1, SHORTEST - 1, -1)
        texts = (_text(op), op.name, *(shortened(op.name, length) for length in lengths))
        area = (box.left, box.top, box.left + box.width, box.top + box.height)
        captions.append(Caption(tuple(dict.fromkeys(texts)), area, paint.ink))
    add_captions(ax, captions)


def _by_group(schedule: Schedule) -> _Style:
    key = [
        patch(
            f"group {g.id} ({g.warps} warp{'' if g.warps == 1 else 's'})",
            group_paint(g.id),
        )
        for g in schedule.groups
    ]
    return _Style(lambda op: group_paint(schedule.group[op.name]), key)


def _by_unit(problem: Problem | Schedule) -> _Style:
    units = units_in_use(problem)
    key = [patch(unit, unit_paint(number)) for number, unit in enumerate(units)]
    if any(not op.usage for op in problem.graph):
        key.append(patch("no unit", BACKGROUND))

    def paint(op: Operation) -> Paint:
        if not op.usage:
            return BACKGROUND
        most = max(op.usage, key=lambda row: row.cycles * row.amount)
        return unit_paint(units.index(most.unit))

    return _Style(paint, key)


def _lines(dependences: Sequence[Dependence]) -> Iterator[Artist]:
    """Entries of the key for the kinds of dependences that there are."""
    kinds: tuple[tuple[str, Any, float, bool], ...] = (
        ("same iteration", "-", 0.8, any(e.distance == 0 for e in dependences)),
        ("carried", (0, (3, 2)), 0.8, any(e.distance > 0 for e in dependences)),
        ("blocking", "-", 1.8, any(e.blocking for e in dependences)),
    )
    for text, style, width, needed in kinds:
        if needed:
            yield Line2D([], [], color=INK, linewidth=width, linestyle=style, label=text)
