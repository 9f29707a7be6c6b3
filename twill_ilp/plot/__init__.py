"""Figures of schedules, costs and sweeps: one function per figure, ``ax=None`` in, the Axes out.

No function shows or saves anything; importing this package does not import pyplot.  Texts
are fitted when the axes are drawn: a name that fits neither in nor beside its bar is
shortened or left out, and comes back on larger axes.
"""

from __future__ import annotations

from twill_ilp.plot.ecdf import plot_ecdf
from twill_ilp.plot.feasibility import plot_feasibility
from twill_ilp.plot.gap import plot_gap
from twill_ilp.plot.graph import plot_graph
from twill_ilp.plot.growth import plot_growth
from twill_ilp.plot.heatmap import plot_heatmap
from twill_ilp.plot.iteration import plot_iteration
from twill_ilp.plot.kernel import plot_kernel
from twill_ilp.plot.normalization import plot_normalization
from twill_ilp.plot.occupancy import plot_occupancy
from twill_ilp.plot.overlap import plot_overlap
from twill_ilp.plot.pareto import plot_pareto
from twill_ilp.plot.performance import plot_performance
from twill_ilp.plot.registers import plot_registers
from twill_ilp.plot.straight_line import plot_straight_line
from twill_ilp.plot.tradeoff import plot_tradeoff
from twill_ilp.plot.warps import plot_warps

__all__ = [
    "plot_ecdf",
    "plot_feasibility",
    "plot_gap",
    "plot_graph",
    "plot_growth",
    "plot_heatmap",
    "plot_iteration",
    "plot_kernel",
    "plot_normalization",
    "plot_occupancy",
    "plot_overlap",
    "plot_pareto",
    "plot_performance",
    "plot_registers",
    "plot_straight_line",
    "plot_tradeoff",
    "plot_warps",
]
