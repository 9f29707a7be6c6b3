r"""Copies of a chain, as sub-tiles are: of two schedules that differ in their names alone, one.

An automorphism of the loop that swaps the pinned operation p with p' turns every schedule into
another one.  Rotated until p is in cycle 0 again, that has p' in slot :math:`-t` modulo II where it
was in slot t.  So p' may be asked to be in a slot up to :math:`II/2`.  This goes together with the
order of groups (:mod:`.symmetry`), since starts do not change when groups are renamed.

The first tree, which only chooses whom to pin, does without: its conflicts are then about what is
hard, and not about which half is missing.
"""

from __future__ import annotations

from twill_ilp.automorphisms import swap
from twill_ilp.enumeration.frame import Frame
from twill_ilp.graph import LoopGraph

__all__ = ["halve"]


def halve(starts: list[int], graph: LoopGraph, pin: int, frame: Frame) -> None:
    """Leave the operation that is swapped with the pinned one half of its slots, if there is one.

    Args:
        starts: the set of every operation, which is changed.
    """
    if image := swap(graph, pin):
        near = (1 << frame.ii // 2 + 1) - 1
        starts[image[pin]] &= frame.starts_in(near)
