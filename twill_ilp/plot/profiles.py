"""Amounts over the slots of the steady state, one lane above the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from twill_ilp.plot.canvas import NORMAL, WIDE, open_axes
from twill_ilp.plot.key import SMALL, draw_key, patch
from twill_ilp.plot.palette import ALARM, BACKGROUND, INK, Paint
from twill_ilp.plot.ticks import round_step

__all__ = ["Profile", "draw_profiles"]

LANE, MARGIN = 0.44, 0.9  # inches: height of a lane; above and below all of them
FILLED = 0.78  # of a lane: from 0 to its top
BESIDE = 1.01  # of the width: where the remarks begin
TOO_MUCH = Paint(ALARM, "xxx", INK)


@dataclass(frozen=True, slots=True)
class Profile:
    """One lane.

    Attributes:
        name: what the artist is called, after an underscore.
        label: left of the lane.
        remark: right of the lane.
        amounts: per slot, 0 to II - 1.
        limit: most that is allowed; ``None``: no limit.
        top: amount at the upper end of the lane, above 0.
        paint: of the amounts up to the limit.
    """

    name: str
    label: str
    remark: str
    amounts: Sequence[float]
    limit: int | None
    top: float
    paint: Paint


def draw_profiles(
    ax: Axes | None, profiles: Sequence[Profile], ylabel: str, limit: str, rest: str
) -> Axes:
    """Draw the lanes; ``limit`` and ``rest`` name the limits' line and what is free below it."""
    ii = len(profiles[0].amounts) if profiles else 1
    ax = open_axes(ax, (WIDE, max(len(profiles), 2) * LANE + MARGIN))
    for number, profile in enumerate(profiles):
        _draw(ax, profile, number)
    ax.set_xlim(0, ii)
    ax.set_ylim(max(len(profiles), 1), 0)
    slots = range(0, ii, round_step(ii, ax.bbox.width / ax.figure.dpi * 72))
    ax.set_xticks([slot + 0.5 for slot in slots], [str(slot) for slot in slots])
    middles = [number + 0.5 for number in range(len(profiles))]
    ax.set_yticks(middles, [profile.label for profile in profiles], parse_math=False)
    ax.tick_params(labelsize=SMALL)
    ax.tick_params(axis="y", length=0)
    ax.set_xlabel(f"slot (cycle modulo II = {ii})", fontsize=NORMAL)
    ax.set_ylabel(ylabel, fontsize=NORMAL)
    ax.spines[["top", "right", "left"]].set_visible(False)
    draw_key(ax, _key(profiles, limit, rest))
    return ax


def _draw(ax: Axes, profile: Profile, number: int) -> None:
    """One lane between y = number and number + 1, downwards."""
    ii, scale = len(profile.amounts), FILLED / profile.top
    floor = number + (1 + FILLED) / 2
    cap = profile.top if profile.limit is None else profile.limit
    ax.add_patch(Rectangle((0, floor), ii, -cap * scale, facecolor=BACKGROUND.fill, zorder=1))
    ax.stairs(
        [floor - min(amount, cap) * scale for amount in profile.amounts],
        baseline=floor,
        fill=True,
        facecolor=profile.paint.fill,
        hatch=profile.paint.hatch,
        zorder=2,
        label=f"_{profile.name}",
    )
    if max(profile.amounts) > cap:
        ax.stairs(
            [floor - max(amount, cap) * scale for amount in profile.amounts],
            baseline=floor - cap * scale,
            fill=True,
            facecolor=TOO_MUCH.fill,
            hatch=TOO_MUCH.hatch,
            edgecolor=INK,
            linewidth=0,
            zorder=2,
            label=f"_{profile.name} too much",
        )
    if profile.limit is not None:
        ax.hlines(floor - cap * scale, 0, ii, colors=INK, linewidth=0.8, zorder=3)
    ax.text(
        BESIDE,
        number + 0.5,
        profile.remark,
        transform=ax.get_yaxis_transform(),
        va="center",
        fontsize=SMALL,
        parse_math=False,
    )


def _key(profiles: Sequence[Profile], limit: str, rest: str) -> list[Line2D | Patch]:
    entries: list[Line2D | Patch] = [patch(rest, BACKGROUND)]
    limits = [(p.limit, max(p.amounts)) for p in profiles if p.limit is not None]
    if limits:
        entries.append(Line2D([], [], color=INK, linewidth=0.8, label=limit))
    if any(peak > most for most, peak in limits):
        entries.append(patch("too much", TOO_MUCH))
    return entries
