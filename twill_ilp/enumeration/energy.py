r"""Energy: lives together are no longer than what they live in lasts.

Over the II slots of the kernel, with the least length of every life,

.. math:: \sum_u amount_u\,life_u \le II \cdot capacity.
"""

from __future__ import annotations

from collections.abc import Iterator

from twill_ilp.enumeration.conflict import Conflict, Literal, largest
from twill_ilp.enumeration.lives import Store, Value, why_so_long
from twill_ilp.enumeration.node import Node

__all__ = ["fit_energy"]


def fit_energy(node: Node, store: Store) -> None:
    """All lives in the store together.

    Raises:
        Conflict: they are too long.
    """
    spare = node.case.lives.ii * store.capacity
    spare -= sum([_energy(store, value) for value in store.members(node)])
    if spare < 0:
        raise Conflict((_no_space, store, None))
    for value in store.candidates(node):
        if _energy(store, value) > spare:
            store.exclude(node, value, _no_space, store, value)


def _energy(store: Store, value: Value) -> int:
    """Amount times cycles that a value lives at least."""
    part = store.parts[value.u]
    return max(part.end - part.begin, store.paths.shortest[value.u]) * value.amount


def _no_space(node: Node, _: int, store: Store, more: Value | None) -> Iterator[Literal]:
    """Why all lives together are too long, with one value more in the group."""
    room = store.capacity * node.case.lives.ii
    if more:
        room -= _energy(store, more)
        yield from why_so_long(node, more, store)
    lives = [(_energy(store, value), value) for value in store.members(node) if value is not more]
    for value in largest(lives, room):
        yield from store.why_member(node, value)
        yield from why_so_long(node, value, store)
