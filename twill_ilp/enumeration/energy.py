r"""Energy: lives together are no longer than what they live in lasts.

Over the II slots of the kernel, with the least length of every life,

.. math:: \sum_u amount_u\,life_u \le II \cdot capacity.
"""

from __future__ import annotations

from collections.abc import Iterator

from twill_ilp.enumeration.conflict import Conflict, Literal, largest
from twill_ilp.enumeration.lives import Store, Value, why_so_long
from twill_ilp.enumeration.node import Node
from twill_ilp.enumeration.together import part

__all__ = ["fit_energy"]


def fit_energy(node: Node, store: Store) -> None:
    """All lives in the store together; what is too much is apart from its members.

    Raises:
        Conflict: they are too long.
    """
    energy = [(_energy(store, value), value) for value in store.members(node)]
    spare = node.case.lives.ii * store.capacity - sum([cycles for cycles, _ in energy])
    candidates = store.candidates(node) if energy else ()
    if spare >= 0 and not candidates:
        return
    _, member = max(energy, key=lambda pair: pair[0])
    if spare < 0:
        raise Conflict((_no_space, store, member, None))
    for value in candidates:
        if _energy(store, value) > spare:
            part(node, value.c, member.c, _no_space, store, member, value)


def _energy(store: Store, value: Value) -> int:
    """Amount times cycles that a value lives at least."""
    life = store.parts[value.u]
    return max(life.end - life.begin, store.paths.shortest[value.u]) * value.amount


def _no_space(
    node: Node, _: int, store: Store, member: Value, more: Value | None
) -> Iterator[Literal]:
    """Why all lives together are too long where a value is, with one more."""
    room = store.capacity * node.case.lives.ii
    for value in (member, more):
        if value:
            room -= _energy(store, value)
            yield from why_so_long(node, value, store)
    lives = [(_energy(store, v), v) for v in store.members(node) if v is not member]
    for value in largest(lives, room):
        yield from store.why_with(node, member, value)
        yield from why_so_long(node, value, store)
