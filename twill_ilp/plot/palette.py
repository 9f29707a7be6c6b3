"""Colours that survive colour blindness and print, with hatches once they run out.

The colours are those of Okabe and Ito, "Color Universal Design" (2008),
https://jfly.uni-koeln.de/color/.  Units and stages take them in different orders, so that
up to three of each never share a colour; warp groups begin with those on which ink is legible.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = [
    "ALARM",
    "BACKGROUND",
    "INK",
    "OKABE_ITO",
    "RULE",
    "Paint",
    "group_paint",
    "pale",
    "stage_paint",
    "unit_paint",
]

OKABE_ITO = {
    "orange": "#E69F00",
    "sky blue": "#56B4E9",
    "bluish green": "#009E73",
    "yellow": "#F0E442",
    "blue": "#0072B2",
    "vermillion": "#D55E00",
    "reddish purple": "#CC79A7",
}
INK = "#1A1A1A"
"""Text and edges: nearly black."""
RULE = "#8C8C8C"
"""Lines behind the bars."""
ALARM = OKABE_ITO["vermillion"]
"""What exceeds a limit, and the limit."""

_UNITS = ("blue", "orange", "bluish green", "vermillion", "reddish purple", "sky blue", "yellow")
_STAGES = ("sky blue", "yellow", "reddish purple", "vermillion", "bluish green", "orange", "blue")
_GROUPS = ("yellow", "sky blue", "orange", "bluish green", "reddish purple", "vermillion", "blue")
_HATCHES = ("", "///", "...", "xxx")
_PALE = 0.65  # share of white
_DARK = 0.25  # luminance below which white text reads better than black


@dataclass(frozen=True, slots=True)
class Paint:
    """How to draw a bar: fill colour, hatch pattern and the colour of text on it."""

    fill: str
    hatch: str
    ink: str


BACKGROUND = Paint("#EFEFEF", "", INK)
"""Idle units, and whatever lies behind the bars."""


def unit_paint(index: int) -> Paint:
    """The paint of functional unit number ``index``; distinct for the first 28."""
    return _paint(_UNITS, index)


def stage_paint(index: int) -> Paint:
    """The paint of stage number ``index``; distinct for the first 28."""
    return _paint(_STAGES, index)


def group_paint(index: int) -> Paint:
    """The paint of warp group number ``index``; distinct for the first 28."""
    return _paint(_GROUPS, index)


def pale(paint: Paint) -> Paint:
    """The same paint, mixed with white."""
    channels = (int(paint.fill[i : i + 2], 16) for i in (1, 3, 5))
    mixed = (round(c + (255 - c) * _PALE) for c in channels)
    return Paint("#" + "".join(f"{c:02X}" for c in mixed), paint.hatch, INK)


def _paint(names: tuple[str, ...], index: int) -> Paint:
    fill = OKABE_ITO[names[index % len(names)]]
    hatch = _HATCHES[index // len(names) % len(_HATCHES)]
    return Paint(fill, hatch, INK if hatch or _luminance(fill) > _DARK else "white")


def _luminance(colour: str) -> float:
    """Relative luminance of ``#RRGGBB``, 0 (black) to 1, with gamma taken as 2.2."""
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return float(0.2126 * red**2.2 + 0.7152 * green**2.2 + 0.0722 * blue**2.2)
