"""Dependences as curves between the boxes of a layered drawing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from matplotlib.axes import Axes
from matplotlib.markers import CARETDOWN, CARETLEFT, CARETUP
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from twill_ilp.graph import Dependence
from twill_ilp.plot.layers import Layout
from twill_ilp.plot.palette import INK

__all__ = ["LOOP", "Box", "draw_arrows"]

LOOP = 7.0  # points: how far a dependence of an operation on itself reaches beyond its box
PORTS = 0.8  # of a box's width: where dependences arrive and leave
HEAD = 4.5  # points
THIN, THICK = 0.6, 1.4  # points: lines, and those of blocking dependences
DASHES = (0, (3.5, 2))

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle around (``x``, ``y`` + height / 2); y grows downwards."""

    x: float
    top: float
    width: float
    height: float

    @property
    def left(self) -> float:
        return self.x - self.width / 2

    @property
    def bottom(self) -> float:
        return self.top + self.height


def draw_arrows(
    ax: Axes,
    dependences: Sequence[Dependence],
    boxes: Mapping[str, Box],
    places: Layout,
    pitch: float,
) -> None:
    """One curve with a head per dependence; its artist's label is ``_src->dst``.

    ``pitch`` is the distance of two layers, in points of the layout.
    """
    ports = _ports(dependences, boxes, places)
    for number, e in enumerate(dependences):
        if e.src == e.dst:
            path, head = _loop(boxes[e.src]), CARETLEFT
        elif places.layer[e.src] == places.layer[e.dst]:
            path, head = _sideways(ports[number], pitch - boxes[e.src].height), CARETUP
        else:
            down = places.layer[e.src] < places.layer[e.dst]
            first = min(places.layer[e.src], places.layer[e.dst]) + 1
            height = boxes[e.src].height
            bends = [
                (x, (first + layer) * pitch + at)
                for layer, x in enumerate(places.routes[number])
                for at in (0.0, height)
            ]
            path, head = _curve([ports[number][0], *bends, ports[number][1]]), CARETDOWN
            if not down:
                path, head = path[::-1], CARETUP
        _draw(ax, e, path, head)


def _draw(ax: Axes, e: Dependence, path: Sequence[Point], head: int) -> None:
    """Cubic curves through ``path``, with two control points between any two of its points."""
    width = THICK if e.blocking else THIN
    ax.add_patch(
        PathPatch(
            Path(path, [Path.MOVETO, *[Path.CURVE4] * (len(path) - 1)]),
            fill=False,
            edgecolor=INK,
            linewidth=width,
            linestyle=DASHES if e.distance else "-",
            capstyle="butt",
            zorder=2,
            label=f"_{e.src}->{e.dst}",
        )
    )
    x, y = path[-1]
    ax.plot(x, y, marker=head, markersize=HEAD + width, color=INK, markeredgewidth=0, zorder=4)


def _ports(
    dependences: Sequence[Dependence], boxes: Mapping[str, Box], places: Layout
) -> list[tuple[Point, Point]]:
    """Where every dependence touches its boxes, the upper one first (else the source).

    The ends on one side of a box are spread over it in the order of where they lead.
    """
    sides: dict[tuple[str, bool], list[tuple[float, int, int]]] = {}
    for number, e in enumerate(dependences):
        if e.src == e.dst:
            continue
        upper, lower = sorted((e.src, e.dst), key=lambda name: places.layer[name])
        route = places.routes[number]
        below = places.layer[upper] == places.layer[lower]
        onwards, back = (route[0], route[-1]) if route else (boxes[lower].x, boxes[upper].x)
        sides.setdefault((upper, True), []).append((onwards, number, 0))
        sides.setdefault((lower, below), []).append((back, number, 1))
    ends: dict[tuple[int, int], Point] = {}
    for (name, bottom), arrivals in sides.items():
        box = boxes[name]
        for rank, (_, number, end) in enumerate(sorted(arrivals)):
            share = (rank + 0.5) / len(arrivals) - 0.5
            y = box.bottom if bottom else box.top
            ends[number, end] = (box.x + PORTS * share * box.width, y)
    nowhere = (0.0, 0.0)
    return [
        (ends.get((number, 0), nowhere), ends.get((number, 1), nowhere))
        for number in range(len(dependences))
    ]


def _curve(points: Sequence[Point]) -> list[Point]:
    """From point to point with vertical tangents; straight where x stays the same."""
    path = [points[0]]
    for (x0, y0), (x1, y1) in pairwise(points):
        middle = (y0 + y1) / 2
        path += [(x0, middle), (x1, middle), (x1, y1)]
    return path


def _sideways(ends: tuple[Point, Point], gap: float) -> list[Point]:
    """Below two boxes of one layer."""
    (x0, y0), (x1, y1) = ends
    dip = y0 + 0.7 * gap
    return [(x0, y0), (x0, dip), (x1, dip), (x1, y1)]


def _loop(box: Box) -> list[Point]:
    """Out of the right side of a box and back into it."""
    right, indent = box.x + box.width / 2, box.height / 6
    ends = (box.top + indent, box.bottom - indent)
    reach = right + 4 / 3 * LOOP
    return [(right, ends[0]), (reach, ends[0]), (reach, ends[1]), (right, ends[1])]
