"""Where buffers lie in shared and tensor memory, and which of them take turns in one place.

Every buffer has a place of its own while the memory lasts.  When it does not, buffers of one slot
share: a and b can if, between the last use of a and its next result, b's whole life fits, in the
order of :mod:`~twill_ilp.pipeline.order`.  (FlashAttention-4 keeps P in the columns of S.)  Then b
waits for the readers of a, and the next a for those of b, like any buffer that is written again.

A schedule whose live values fit may still not find room: places are constant, and buffers of
several slots do not share.  What finds none lies beyond the capacity, and reports say so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from twill_ilp.pipeline.order import Order
from twill_ilp.pipeline.program import Buffer, Share

__all__ = ["overlap", "placed"]

Readers = Mapping[str, Sequence[tuple[str, int]]]
"""Per buffer: who reads it, and of how many iterations ago."""


def placed(
    buffers: Mapping[str, Buffer], readers: Readers, order: Order, memories: Mapping[str, int]
) -> dict[str, Buffer]:
    """The buffers with addresses, and with whom they share them."""
    result = dict(buffers)
    for memory in dict.fromkeys(m for b in buffers.values() if b.kind == "memory" for m in b.size):
        here = [name for name, b in buffers.items() if b.kind == "memory" and memory in b.size]
        # The largest first, and among equals in the order of the graph.
        for name in sorted(here, key=lambda name: -_extent(buffers[name], memory)):
            others = [result[other] for other in here if memory in result[other].address]
            turns = {
                other.name: turn
                for other in others
                if (turn := _turn(buffers[name], other, readers, order)) is not None
            }
            address = _address(buffers[name], memory, others, turns, memories.get(memory))
            chosen = result[name]
            result[name] = replace(chosen, address={**chosen.address, memory: address})
            for other in others:
                if overlap(result[name], other, memory):
                    _share(result, name, other.name, turns[other.name])
    return result


def overlap(a: Buffer, b: Buffer, memory: str) -> bool:
    """Whether two buffers have a part of a memory in common."""
    return a.address[memory] < b.address[memory] + _extent(b, memory) and b.address[
        memory
    ] < a.address[memory] + _extent(a, memory)


def _extent(buffer: Buffer, memory: str) -> int:
    return buffer.size[memory] * buffer.count


def _turn(a: Buffer, b: Buffer, readers: Readers, order: Order) -> int | None:
    """The n for which iteration n of b comes between iterations 0 and 1 of a, if there is one."""
    if a.count > 1 or b.count > 1:
        return None

    def last_use(buffer: Buffer, iteration: int) -> tuple[int, int]:
        uses = [(reader, iteration + n) for reader, n in readers[buffer.name]]
        return max(order.key(*use) for use in [(buffer.operation, iteration), *uses])

    ii, start = order.schedule.ii, order.schedule.start
    n = (start[a.operation] - start[b.operation]) // ii
    while order.key(b.operation, n) <= last_use(a, 0):
        n += 1
    # What comes into the loop must not be overwritten by results that run ahead of it.
    ahead = a if n > 1 else b
    carried = n not in (0, 1) and any(distance for _, distance in readers[ahead.name])
    return n if last_use(b, n) < order.key(a.operation, 1) and not carried else None


def _address(
    buffer: Buffer,
    memory: str,
    others: Sequence[Buffer],
    turns: Mapping[str, int],
    capacity: int | None,
) -> int:
    """The lowest address with the fewest to share with; beyond all others if there is none."""
    end = max((b.address[memory] + _extent(b, memory) for b in others), default=0)

    def choices() -> Iterator[tuple[int, int]]:
        starts = {0, *(b.address[memory] for b in others)}
        starts |= {b.address[memory] + _extent(b, memory) for b in others}
        # Behind another one that is smaller than the partner: two small ones fill a large place.
        starts |= {b.address[memory] + _extent(buffer, memory) for b in others}
        for at in sorted(starts):
            there = replace(buffer, address={memory: at})
            met = [b for b in others if overlap(there, b, memory)]
            fits = capacity is None or at + _extent(buffer, memory) <= capacity
            if fits and all(b.name in turns for b in met):
                yield len(met), at

    return min(choices(), default=(0, end))[1]


def _share(buffers: dict[str, Buffer], a: str, b: str, turn: int) -> None:
    """Note on both that they take turns: a of iteration j, b of j + turn, a of j + 1."""
    if b in [share.buffer for share in buffers[a].shares]:
        return
    for name, share in ((a, Share(b, 1 - turn)), (b, Share(a, turn))):
        buffers[name] = replace(buffers[name], shares=(*buffers[name].shares, share))
