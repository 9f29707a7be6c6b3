"""Registers of every warp group over the steady state."""

from __future__ import annotations

from matplotlib.axes import Axes

from twill_ilp.errors import OptionError
from twill_ilp.lifetimes import (
    DEFAULT_READINGS,
    QUOTAS,
    WARP,
    register_profile,
    register_quotas,
)
from twill_ilp.plot.palette import group_paint
from twill_ilp.plot.profiles import Profile, draw_profiles
from twill_ilp.rules import Readings
from twill_ilp.schedule import Schedule

__all__ = ["plot_registers"]


def plot_registers(
    schedule: Schedule, *, ax: Axes | None = None, readings: Readings = DEFAULT_READINGS
) -> Axes:
    """Draw the live registers per thread of every warp group, and the machine's limit.

    One lane per group, all of one scale: the 32-bit words that a warp holds in every slot, over
    its 32 threads.  A line marks the limit, and what exceeds it is hatched.  At the right stand
    the peak and the quota, the smallest multiple of 8 from 24 to 248 that holds it.

    Args:
        schedule: any schedule with warp groups, valid or not.
        ax: axes to draw on; default: those of a new figure, 7 inches wide.
        readings: say when a value is dead.

    Returns:
        The axes; slot r in cycles is the interval [r, r + 1).  Every lane is a ``StepPatch``
        with the label ``_group g``.

    Raises:
        OptionError: the schedule has no warp groups.
    """
    if not schedule.group:
        raise OptionError("the schedule has no warp groups; give one of the joint problem")
    limit = schedule.machine.registers_per_thread
    words, quotas = register_profile(schedule, readings), register_quotas(schedule, readings)
    top = max(limit or 1, max(map(max, words.values())) / WARP)
    profiles = [
        Profile(
            name=f"group {group.id}",
            label=f"group {group.id}\n{group.warps} warp{'' if group.warps == 1 else 's'}",
            remark=_remark(max(words[group.id]), quotas[group.id]),
            amounts=[n / WARP for n in words[group.id]],
            limit=limit,
            top=top,
            paint=group_paint(group.id),
        )
        for group in schedule.groups
    ]
    ylabel = "registers per thread"
    return draw_profiles(ax, profiles, ylabel, f"limit of {limit} per thread", "free")


def _remark(words: int, quota: int | None) -> str:
    peak = -(-words // WARP)
    return f"peak {peak}\nquota {f'> {QUOTAS[-1]}' if quota is None else quota}"
