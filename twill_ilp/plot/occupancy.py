"""How much of every unit the steady state uses, slot by slot."""

from __future__ import annotations

from matplotlib.axes import Axes

from twill_ilp.plot.lanes import unit_amounts, unit_label, units_in_use
from twill_ilp.plot.palette import unit_paint
from twill_ilp.plot.profiles import Profile, draw_profiles
from twill_ilp.schedule import Schedule

__all__ = ["plot_occupancy"]


def plot_occupancy(schedule: Schedule, *, ax: Axes | None = None) -> Axes:
    """Draw the amount of every unit in use per slot of the steady state, and its capacity.

    One lane per unit in use, as high as its capacity, which a line marks; what exceeds it, in an
    invalid schedule, is hatched.  At the right stand the unit-cycles in use, of those that II
    cycles offer.

    Args:
        schedule: any schedule, valid or not.
        ax: axes to draw on; default: those of a new figure, 7 inches wide.

    Returns:
        The axes; slot r in cycles is the interval [r, r + 1).  Every lane is a ``StepPatch``
        with the label ``_unit``.
    """
    profiles = [_profile(schedule, unit, n) for n, unit in enumerate(units_in_use(schedule))]
    return draw_profiles(ax, profiles, "amount in use", "capacity", "idle")


def _profile(schedule: Schedule, unit: str, number: int) -> Profile:
    amounts, capacity = unit_amounts(schedule, unit), schedule.machine.units.get(unit, 1)
    used, offered = sum(amounts), capacity * schedule.ii
    return Profile(
        name=unit,
        label=unit_label(schedule, unit),
        remark=f"{used} of {offered} ({100 * used / offered:.0f} %)",
        amounts=amounts,
        limit=capacity,
        top=max(capacity, *amounts),
        paint=unit_paint(number),
    )
