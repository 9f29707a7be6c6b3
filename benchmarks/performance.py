"""Performance profiles: the share of instances that a peer decides within a factor of the best.

E. D. Dolan, J. J. Moré, "Benchmarking optimization software with performance profiles",
Mathematical Programming 91, 2002, https://doi.org/10.1007/s101070100263.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf

from matplotlib.axes import Axes

from twill_ilp.plot.canvas import NORMAL, WIDE, open_axes
from twill_ilp.plot.palette import INK, OKABE_ITO

__all__ = ["plot_performance", "ratios"]

LEAST = 0.05
"""CPU seconds below which differences are not told apart."""

STYLES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))
COLOURS = ("blue", "vermillion", "bluish green", "orange", "reddish purple")


def ratios(seconds: Mapping[str, Sequence[float | None]]) -> dict[str, list[float]]:
    """Per peer, its seconds over those of the best on each instance, sorted; ``inf``: open.

    Instances that nobody decided are left out.
    """
    floored = {
        name: [inf if t is None else max(LEAST, t) for t in times]
        for name, times in seconds.items()
    }
    best = [min(times) for times in zip(*floored.values(), strict=True)]
    return {
        name: sorted(t / least for t, least in zip(times, best, strict=True) if least < inf)
        for name, times in floored.items()
    }


def plot_performance(
    seconds: Mapping[str, Sequence[float | None]], *, ax: Axes | None = None
) -> Axes:
    """Draw one step curve per peer.

    Args:
        seconds: per peer, CPU seconds on every instance in one order; ``None``: not decided.
    """
    found = ratios(seconds)
    ax = open_axes(ax, (WIDE, 3.2))
    most = max((r for row in found.values() for r in row if r < inf), default=1.0)
    right = max(2.0, most * 1.3)
    for number, (name, row) in enumerate(found.items()):
        decided = [r for r in row if r < inf]
        xs = [1.0, *decided, right]
        ys = [0.0, *[(i + 1) / len(row) for i in range(len(decided))]]
        ax.step(
            xs,
            [*ys, ys[-1]],
            where="post",
            label=f"{name}: {len(decided)} of {len(row)}",
            color=OKABE_ITO[COLOURS[number % len(COLOURS)]],
            linestyle=STYLES[number % len(STYLES)],
        )
    ax.set_xscale("log", base=2)
    ax.set_xlim(1, right)
    ax.set_ylim(0, 1.03)
    ax.xaxis.set_major_formatter("{x:g}")
    ax.set_xlabel("CPU seconds over those of the fastest, at most", fontsize=NORMAL)
    ax.set_ylabel("share of instances decided", fontsize=NORMAL)
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(color=INK, alpha=0.12, linewidth=0.6)
    ax.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    return ax
