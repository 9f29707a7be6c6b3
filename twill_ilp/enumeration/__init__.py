"""Implicit enumeration of the joint problem (Balas, Operations Research 13, 1965,
https://doi.org/10.1287/opre.13.4.517): the whole numbers of the ILP, without its relaxation.

A decision (a slot, a start, a group) is fixed and propagated through one constraint family after
the other; a conflict takes it back.  On loops whose groups and units leave little freedom this
decides in milliseconds what costs HiGHS seconds of linear programs and cuts; where sums decide, the
linear programs are the better proofs.  So the search uses both.

One file per family, as in :mod:`twill_ilp.ilp`: :mod:`.spills` (with longest :mod:`.paths`),
:mod:`.units`, :mod:`.waiting`, :mod:`.groups`, :mod:`.lives`.
"""

from __future__ import annotations

from twill_ilp.enumeration.case import Case
from twill_ilp.enumeration.search import Enumeration
from twill_ilp.rules import FAMILIES

__all__ = ["ENUMERATED", "Case", "Enumeration"]

ENUMERATED = (*FAMILIES, "no-cross-warp")
"""Families that are enumerated.  With others in force a refutation still counts, and a schedule may
turn out not to be one."""
