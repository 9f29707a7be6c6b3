"""Why something was removed, and a contradiction.

A *literal* ``(x, mask)`` says that variable x has lost every element of the mask.  Whoever removes
elements leaves a *reason*: a function and its arguments.  It is asked only when a conflict needs
it, with the sets as they were just before, for literals that imply the removal of some of the
elements; so it may answer with less than what the removal was made from (Katsirelos and Bacchus,
AAAI 2005).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from twill_ilp.enumeration.node import Node

__all__ = ["Conflict", "Literal", "Reason", "Removal", "explained", "largest"]

T = TypeVar("T")

Literal = tuple[int, int]

Reason = tuple[Any, ...]
"""``(function, *arguments)``, called as ``function(node, removed, *arguments)``; nothing for a
decision."""

Removal = tuple[int, int, int, Reason]
"""(variable, its set before, the mask that was kept, reason)."""


class Conflict(Exception):
    """Nothing is left of variable x, of which ``mask`` should be kept; or, with x = -1, the reason
    by itself is a contradiction."""

    def __init__(self, reason: Reason, x: int = -1, mask: int = 0) -> None:
        super().__init__(x)
        self.reason, self.x, self.mask = reason, x, mask


def explained(reason: Reason, node: Node, removed: int) -> Iterator[Literal]:
    """What implies that these elements are removed, or the contradiction."""
    function, *arguments = reason
    literals: Iterator[Literal] = function(node, removed, *arguments)
    return literals


def largest(parts: Iterable[tuple[int, T]], room: int) -> Iterator[T]:
    """Of things with an amount, the largest that together take more than the room.

    They have to be there: a reason that does not suffice would be a wrong proof.
    """
    for amount, part in sorted(parts, key=lambda part: -part[0]):
        if room < 0:
            return
        room -= amount
        yield part
    assert room < 0, "a reason has to suffice"
