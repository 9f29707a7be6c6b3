"""Texts that fit their boxes: re-fitted whenever the axes are drawn at another size.

Only the renderer knows how wide a text is, and only the final layout how wide a box is, so
the choice between upright, rotated, smaller, shortened and beside is made while drawing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.font_manager import FontProperties
from matplotlib.text import Text
from matplotlib.textpath import text_to_path
from matplotlib.transforms import Bbox

from twill_ilp.plot.palette import INK

__all__ = ["Caption", "add_captions", "least_width", "most_width", "shortened"]

FONT_SIZES = (7.0, 6.0, 5.5)  # points
MARGIN = 0.8  # points between a text and the edge of its box
HINTED = 1.1  # most that fitting letters to pixels, on a coarse screen, widens a text
SHORTEST = 6  # characters, below which a name says nothing


@dataclass(frozen=True, slots=True)
class Caption:
    """A text for a box (x0, y0, x1, y1) in data coordinates.

    Attributes:
        texts: wordings, best first.
        box: where the text belongs.
        ink: its colour inside the box.
        movable: it may be shortened, or stand beside the box where nothing else is.
        leftmost: it stands at the left end of its box, not in the middle.
        extent: what other texts keep off, if that is more than the box.
    """

    texts: tuple[str, ...]
    box: tuple[float, float, float, float]
    ink: str = INK
    movable: bool = False
    leftmost: bool = False
    extent: tuple[float, float, float, float] | None = None


def add_captions(ax: Axes, captions: Sequence[Caption]) -> None:
    """Add one text per caption to ``ax.texts``; those without any room become invisible."""
    texts = [
        ax.text(
            (caption.box[0] + caption.box[2]) / 2,
            (caption.box[1] + caption.box[3]) / 2,
            caption.texts[0],
            ha="center",
            va="center",
            linespacing=1.0,
            clip_on=True,
            in_layout=False,
            parse_math=False,
        )
        for caption in captions
    ]
    ax.add_artist(_Fitter(ax, list(zip(captions, texts, strict=True))))


def least_width(text: str) -> float:
    """Width in points of the narrowest box that can hold the line upright."""
    return _width(text, FONT_SIZES[-1])


def most_width(text: str) -> float:
    """Width in points of the narrowest box that can hold the line in the largest size."""
    return _width(text, FONT_SIZES[0])


def _width(text: str, size: float) -> float:
    font = FontProperties(size=size)
    width, _, _ = text_to_path.get_text_width_height_descent(text, font, ismath=False)
    return HINTED * float(width) + 2 * MARGIN


def shortened(text: str, length: int) -> str:
    """``text`` in ``length`` characters; its tail, which often numbers it, survives."""
    if len(text) <= length:
        return text
    return f"{text[: length - 3]}\N{HORIZONTAL ELLIPSIS}{text[-2:]}"


class _Fitter(Artist):
    """Draws nothing: it is drawn before the texts and places them."""

    zorder = 0

    def __init__(self, ax: Axes, items: list[tuple[Caption, Text]]) -> None:
        super().__init__()
        self.set_in_layout(False)
        self._host = ax
        self._items = items
        self._fitted: object = None

    def draw(self, renderer: RendererBase) -> None:
        """Fit the texts, unless nothing changed: an endless redraw would be the price."""
        ax = self._host
        scale = _margin(renderer)
        view = (type(renderer), scale, ax.bbox.bounds, ax.viewLim.bounds)
        if view == self._fitted:
            return
        self._fitted = view
        taken = [self._pixels(caption.extent or caption.box) for caption, _ in self._items]
        homeless = [item for item in self._items if not self._put_inside(*item, renderer)]
        for caption, text in homeless:
            text.set_visible(
                caption.movable
                and (
                    self._put_beside(caption, text, taken, renderer)
                    or self._put_inside(_shorter(caption), text, renderer)
                )
            )

    def _put_inside(self, caption: Caption, text: Text, renderer: RendererBase) -> bool:
        box = self._pixels(caption.box)
        room = box.width - 2 * _margin(renderer)
        for width, height in _outfits(text, caption.texts, renderer):
            if width <= room and height <= box.height:
                if caption.leftmost:
                    box = Bbox.from_bounds(box.x0, box.y0, width, box.height)
                self._put(text, box, caption.ink)
                return True
        return False

    def _put_beside(
        self, caption: Caption, text: Text, taken: list[Bbox], renderer: RendererBase
    ) -> bool:
        """Put the text right or left of its box, off the boxes and texts in ``taken``."""
        box = self._pixels(caption.extent or caption.box)
        view = self._host.bbox
        for width, height in _outfits(text, caption.texts[-1:], renderer):
            # The extent of a turned text has its line's leading left and right: room enough.
            gap = _margin(renderer) * (0.75 if text.get_rotation() else 2)
            for x in (box.x1 + gap, box.x0 - gap - width):
                place = Bbox.from_bounds(x, (box.y0 + box.y1 - height) / 2, width, height)
                visible = view.x0 <= x and x + width <= view.x1 and height <= box.height
                if visible and place.padded(0.9 * gap).count_overlaps(taken) == 0:
                    taken.append(place)
                    self._put(text, place, INK)
                    return True
        return False

    def _pixels(self, box: tuple[float, float, float, float]) -> Bbox:
        (x0, y0), (x1, y1) = self._host.transData.transform([box[:2], box[2:]])
        return Bbox.from_extents(min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1))

    def _put(self, text: Text, place: Bbox, ink: str) -> None:
        centre = ((place.x0 + place.x1) / 2, (place.y0 + place.y1) / 2)
        x, y = self._host.transData.inverted().transform(centre)
        text.set(position=(x, y), color=ink, visible=True)


def _margin(renderer: RendererBase) -> float:
    return float(renderer.points_to_pixels(MARGIN))  # type: ignore[arg-type]  # stubs: ArrayLike


def _outfits(
    text: Text, wordings: Sequence[str], renderer: RendererBase
) -> Iterator[tuple[float, float]]:
    """Dress the text, best outfit first, and yield its (width, height) in pixels."""
    for wording in wordings:
        for rotation in (0, 90):
            for size in FONT_SIZES:
                text.set(text=wording, rotation=rotation, fontsize=size, visible=True)
                extent = text.get_window_extent(renderer)
                yield extent.width, extent.height


def _shorter(caption: Caption) -> Caption:
    name = caption.texts[-1]
    lengths = range(len(name) - 1, SHORTEST - 1, -1)
    return replace(caption, texts=tuple(shortened(name, length) for length in lengths))
