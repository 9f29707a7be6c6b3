r"""Two copies of a chain, half a turn apart: what one sub-tile does, the other does II/2 later.

Where copies are bound by the same units it is natural that they alternate, as the two softmaxes of
FlashAttention-3 do (Shah et al. 2024, https://doi.org/10.48550/arXiv.2407.08608, section 3.1).
With v' the twin of v (:func:`~twill_ilp.automorphisms.twins`),

.. math:: start_{v'} - start_v = \lfloor II / 2 \rfloor ,

which leaves about half of the problem.  Of 500 random loops nearly all that have copies, a schedule
and an even II have such a one.  No such schedule says nothing about others.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from twill_ilp.ilp.deadlines import lengthen
from twill_ilp.ilp.timeline import Timeline, assembled

__all__ = ["half_turn"]


def half_turn(line: Timeline, twins: Iterable[tuple[int, int]]) -> Timeline:
    """The timeline of the schedules whose twins are half a turn apart, or with a conflict.

    Args:
        line: one with a conflict is returned as it is.
        twins: indices of operations, each with its twin.
    """
    if line.conflict:
        return line
    core, paths = line.core, line.core.between.copy()
    apart = core.ii // 2
    for v, twin in twins:
        if not -paths[twin, v] >= apart >= paths[v, twin]:
            names = " and ".join(core.graph.operations[w].name for w in (v, twin))
            return replace(line, conflict=f"{names} cannot be {apart} cycles apart")
        lengthen(paths, v, twin, apart)
        lengthen(paths, twin, v, -apart)
    return assembled(core.graph, line.rules, core.ii, paths, line.bonds, "")
