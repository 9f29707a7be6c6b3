r"""Group slots that are alike are filled in order: a class goes into one only if a class before it
is in the one before.

Of the schedules that differ in the names of groups alone, this leaves one (value precedence: Law
and Lee, CP 2004, https://doi.org/10.1007/978-3-540-30201-8_28).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from twill_ilp.enumeration.conflict import Literal
from twill_ilp.enumeration.node import Node
from twill_ilp.ilp.group_slots import GroupSlot

__all__ = ["fill_in_order", "successors"]


def successors(slots: Sequence[GroupSlot]) -> list[tuple[int, int]]:
    """Each slot, as a set, with the next one that is like it."""
    latest: dict[GroupSlot, int] = {}
    pairs = []
    for g, slot in enumerate(slots):
        if slot in latest:
            pairs.append((1 << latest[slot], 1 << g))
        latest[slot] = g
    return pairs


def fill_in_order(node: Node) -> None:
    """Nobody goes into a slot before somebody earlier can be in the one before.

    Raises:
        Conflict: nothing is left for a class.
    """
    count = len(node.first)
    for group, following in node.case.successors:
        for x in range(count, len(node.sets)):
            node.keep(x, ~following, _too_soon, group, x)
            if node.sets[x] & group:
                break


def _too_soon(node: Node, _: int, group: int, x: int) -> Iterator[Literal]:
    """Why a class does not go into a slot: none before it can be in the one before."""
    return ((y, group) for y in range(len(node.first), x))
