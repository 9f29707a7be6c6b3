"""Implicit enumeration of the joint problem (Balas, Operations Research 13, 1965,
https://doi.org/10.1287/opre.13.4.517): the whole numbers of the ILP, without its relaxation.

A decision (a slot, a start, a group, two that share one) is fixed and propagated through one
constraint family after the other.  A conflict teaches a covering row, which takes decisions back
(:mod:`.analysis`, :mod:`.learned`).  So it is a small cousin of lazy clause generation (Ohrimenko
et al. 2009, https://doi.org/10.1007/s10601-008-9064-x), with sets of starts and of groups in place
of literals.
Where sums decide, the linear programs are the better proofs; so the search uses both.

One file per family, as in :mod:`twill_ilp.ilp`, each with what it removes and why: :mod:`.spills`
(with longest :mod:`.paths`), :mod:`.units`, :mod:`.waiting`, :mod:`.together`, :mod:`.groups`,
:mod:`.traffic`, memories and registers (:mod:`.lives`, :mod:`.timetable`, :mod:`.energy`),
:mod:`.quotas`.
:mod:`.covering`, :mod:`.symmetry` and :mod:`.mirror` add what follows from all of them.
"""

from __future__ import annotations

from twill_ilp.enumeration.case import Case
from twill_ilp.enumeration.search import Enumeration

__all__ = ["ENUMERATED", "Case", "Enumeration"]

ENUMERATED = (
    "memory",
    "warps",
    "variable-latency",
    "registers",
    "spills",
    "concurrency",
    "no-cross-warp",
    "quotas",
)
"""Families that are enumerated.  With others in force a refutation still counts, and a schedule may
turn out not to be one."""
