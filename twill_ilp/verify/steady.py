"""What the steady state holds, slot by slot: units, memories and registers are counted alike.

A *holding* is an amount held for some cycles of every iteration.  In the steady state the
holdings of all iterations in flight overlap: a holding of ``q * II + r`` cycles takes its amount
q times in every slot, and once more in the r slots from its first one on, round the end of the
kernel.  So the amount in a slot changes at a few slots only, and cost does not grow with II.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

__all__ = ["Excess", "Holding", "excess", "listed", "peak"]

NAMED = 8
"""Operations or groups that one message names."""


class Holding(NamedTuple):
    """``amount`` held by an operation or its value from cycle ``first``, for ``cycles`` cycles."""

    name: str
    first: int
    cycles: int
    amount: int


class Excess(NamedTuple):
    """A slot that holds more than the limit, and the names of those that hold it."""

    slot: int
    held: int
    names: str


def excess(holdings: Sequence[Holding], ii: int, limit: int) -> Excess | None:
    """The first slot that holds more than ``limit``, if any."""
    for slot, held in _profile(holdings, ii):
        if held > limit:
            return Excess(slot, held, _holders(holdings, ii, slot))
    return None


def peak(holdings: Iterable[Holding], ii: int) -> int:
    """The largest amount that any slot holds."""
    return max((held for _, held in _profile(holdings, ii)), default=0)


def listed(names: Sequence[str]) -> str:
    """At most :data:`NAMED` names, and how many more there are."""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def _profile(holdings: Iterable[Holding], ii: int) -> Iterator[tuple[int, int]]:
    """``(slot, amount held)`` for every slot from which on the amount may change.

    This is a difference array over the slots that stores only the entries that matter; the
    one at slot II, where the kernel ends, brings the amount back to 0.
    """
    change: defaultdict[int, int] = defaultdict(int)
    for holding in holdings:
        for first, last, amount in _arcs(holding, ii):
            change[first] += amount
            change[last] -= amount
    slots = sorted(change)
    return zip(slots, accumulate(change[slot] for slot in slots), strict=True)


def _holders(holdings: Iterable[Holding], ii: int, slot: int) -> str:
    names = [
        holding.name
        for holding in holdings
        if any(first <= slot < last for first, last, _ in _arcs(holding, ii))
    ]
    return listed(list(dict.fromkeys(names)))


def _arcs(holding: Holding, ii: int) -> Iterator[tuple[int, int, int]]:
    """``(first slot, slot after the last, amount)``, none of them round the end of the kernel."""
    turns, rest = divmod(holding.cycles, ii)
    first = holding.first % ii
    if turns:
        yield 0, ii, turns * holding.amount
    if rest:
        yield first, min(first + rest, ii), holding.amount
    if first + rest > ii:
        yield 0, first + rest - ii, holding.amount
