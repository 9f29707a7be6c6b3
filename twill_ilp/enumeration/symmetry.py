r"""Group slots that are alike are filled in order: a class goes into one only if a class before it
is in the one before.

Of the schedules that differ in the names of groups alone, this leaves one (value precedence: Law
and Lee, CP 2004, https://doi.org/10.1007/978-3-540-30201-8_28).  Any order of the classes will do.
Those whose values take most of the registers come first, words times cycles: they keep each other
out of groups, so that much is decided at the root.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from twill_ilp.enumeration.conflict import Literal
from twill_ilp.enumeration.lives import Lives
from twill_ilp.enumeration.node import Node
from twill_ilp.ilp.group_slots import GroupSlot

__all__ = ["fill_in_order", "filling_order", "successors"]


def successors(slots: Sequence[GroupSlot]) -> list[tuple[int, int]]:
    """Each slot, as a set, with the next one that is like it."""
    latest: dict[GroupSlot, int] = {}
    pairs = []
    for g, slot in enumerate(slots):
        if slot in latest:
            pairs.append((1 << latest[slot], 1 << g))
        latest[slot] = g
    return pairs


def filling_order(classes: int, lives: Lives, shortest: Sequence[int]) -> list[int]:
    """The classes in the order in which they may open groups.

    Args:
        classes: how many there are.
        shortest: cycles that the value of each operation lives at least.
    """
    energy = [0] * classes
    for value in lives.registers[1]:
        energy[value.c] += value.amount * shortest[value.u]
    return sorted(range(classes), key=lambda c: -energy[c])


def fill_in_order(node: Node) -> None:
    """Nobody goes into a slot before somebody earlier can be in the one before.

    Raises:
        Conflict: nothing is left for a class.
    """
    count = len(node.first)
    for group, following in node.case.successors:
        for i, c in enumerate(node.case.filling):
            node.keep(count + c, ~following, _too_soon, group, i)
            if node.sets[count + c] & group:
                break


def _too_soon(node: Node, _: int, group: int, i: int) -> Iterator[Literal]:
    """Why a class does not go into a slot: none before it can be in the one before."""
    count = len(node.first)
    return ((count + c, group) for c in node.case.filling[:i])
