r"""Placement: who is in which group *and* slot, as events that take place once or not at all.

The product of "v is in group g" and "v starts in slot r" is split off the starts, so that rows can
sum over all members of one group.  In the cumulative variables of the slot model,

.. math:: y_{v,g,r} \text{ for "v is in g and its slot is at most r"}, \qquad
          \sum_g y_{v,g,r} = y_{v,r}, \quad y_{v,g,r-1} \le y_{v,g,r}, \quad
          y_{v,g,II-1} = a_{v,g}.

They are continuous: with whole a and y there is one solution, the product.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulp

from twill_ilp.ilp.affine import Affine, Term
from twill_ilp.ilp.joint import JointModel, is_constant

__all__ = ["Event", "part_of", "placement"]


@dataclass(frozen=True)
class Event:
    """Something that takes place in one slot of the kernel, or not at all.

    Attributes:
        upto: for every slot r, 1 if it takes place in one of the slots 0..r.
        total: 1 if it takes place.
    """

    upto: Sequence[Term]
    total: Term

    def within(self, first: int, last: int) -> Affine:
        """1 if it takes place in one of the slots ``first..last`` (modulo II), else 0."""
        if last - first + 1 >= len(self.upto):
            return Affine().add(self.total)
        return self._before(last + 1).add(self._before(first), -1)

    def _before(self, slot: int) -> Affine:
        """How often it takes place in the slots before ``slot``, counted from slot 0."""
        turns, rest = divmod(slot - 1, len(self.upto))
        return Affine().add(self.total, turns).add(self.upto[rest])


def placement(f: JointModel, v: int, g: int) -> Event:
    """The start of operation v in group g; ``member[v][g]`` is no constant 0."""
    groups = [h for h, member in enumerate(f.member[v]) if not is_constant(member, 0)]
    if len(groups) == 1:
        return Event(f.reached[v], f.member[v][g])
    if v not in f.placements:
        whole = Event(f.reached[v], 1)
        parts = {h: part_of(f, whole, f.member[v][h], f"placed_{f.label(v)}_{h}") for h in groups}
        f.placements[v] = parts
        for r in _steps(whole)[:-1]:
            row = Affine().add(whole.upto[r])
            for part in parts.values():
                row.add(part.upto[r], -1)
            f.need(row, 0, f"placed_most_{f.label(v)}_{r}")
            f.need(row.scaled(-1), 0, f"placed_least_{f.label(v)}_{r}")
    event: Event = f.placements[v][g]
    return event


def part_of(f: JointModel, whole: Event, total: Term, name: str) -> Event:
    """An event that takes place ``total`` times, and in slots in which ``whole`` may."""
    upto: list[Term] = [0] * len(whole.upto)
    steps = _steps(whole)
    for i, r in enumerate(steps):
        last = r == steps[-1]
        variable = total if last else f.lp.add_variable(f"{name}_{r}", 0, 1, pulp.LpContinuous)
        if i:
            f.need(Affine().add(variable).add(upto[steps[i - 1]], -1), 0, f"monotone_{name}_{r}")
        end = len(upto) if last else steps[i + 1]
        upto[r:end] = [variable] * (end - r)
    return Event(upto, total)


def _steps(event: Event) -> list[int]:
    """Slots in which the event may take place."""
    upto = event.upto
    return [
        r
        for r, term in enumerate(upto)
        if not is_constant(term, 0) and (r == 0 or term is not upto[r - 1])
    ]
