r"""Deadlines: a value lives no longer than the others leave it room.

Of a store of capacity c that some values share, with the shortest life of each,

- value u has what the others do not need in all slots together,
  :math:`amount_u\,life_u \le c\,II - \sum_{x \ne u} amount_x\,shortest_x`;
- and what they do not need in every slot,
  :math:`\lceil life_u / II \rceil \le
  (c - \sum_{x \ne u} amount_x \lfloor shortest_x / II \rfloor) / amount_u`.

So a use of u at distance :math:`\delta` obeys
:math:`start_u - start_v \ge \delta\,II - longest_u` (plus the cycles of v where a value is dead
only at the completion of its last use).  These rows make other lives longer.

Stores are the memories, and the registers of operations that are known to share a group.  Both are
counted once more in shares of a half and a third: of values over one half of c only one lives at a
time (see :mod:`.registers`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twill_ilp.graph import LoopGraph, Operation
from twill_ilp.ilp.reduction import UNREACHABLE
from twill_ilp.machine import Machine
from twill_ilp.rules import LARGEST_QUOTA, Rules

__all__ = ["MOST_SHARES", "MOST_SWEEPS", "Store", "Use", "add_deadlines", "in_shares", "lengthen",
           "most_instances", "register_words", "stores", "uses_of", "words"]  # fmt: skip

MOST_SWEEPS = 10
"""Times that all rows are looked at; what they could say after that is left out."""

MOST_SHARES = 2
"""Values are counted in shares of 1 / 2, ..., 1 / (this + 1); with quarters (3) refutations with
free groups were slower again."""

Use = tuple[int, int]
"""(operation v, offset): the value is in use until ``start(v) + offset``, cycles."""


@dataclass(frozen=True)
class Store:
    """What some values share: its name, capacity, and the amount of each, by operation."""

    name: str
    capacity: int
    amounts: Mapping[int, int]


def words(op: Operation) -> int:
    """32-bit words of the operation's value in the registers of each of its warps."""
    return -(-op.registers // op.warps)


def most_instances(op: Operation, machine: Machine, rules: Rules) -> int | None:
    """Instances of an operation's value that can live at once; ``None``: any number."""
    limits = []
    capacity = register_words(machine, rules)
    if op.registers and capacity is not None:
        limits.append(capacity // words(op))
    if "memory" in rules:
        limits += [
            machine.memories[memory] // amount
            for memory, amount in op.footprint.items()
            if amount and memory in machine.memories
        ]
    return min(limits, default=None)


def uses_of(graph: LoopGraph, u: int, ii: int, rules: Rules) -> list[Use]:
    """Events up to which the value of operation u lives."""
    index = {op.name: i for i, op in enumerate(graph)}
    lasting = rules.readings.liveness == "completion"
    op = graph.operations[u]
    uses = {(u, op.cycles if lasting else 0)}
    for e in graph.dependences:
        if e.src == op.name:
            v = index[e.dst]
            uses.add((v, e.distance * ii + (graph.operations[v].cycles if lasting else 0)))
    return sorted(uses)


def stores(
    graph: LoopGraph, machine: Machine, rules: Rules, mates: Sequence[Sequence[int]]
) -> Iterator[Store]:
    """Memories, and registers of operations that share a group; then the same in shares.

    Args:
        mates: operations that are known to share a group.
    """
    whole = []
    for memory, capacity in machine.memories.items() if "memory" in rules else ():
        amounts = {u: op.footprint.get(memory, 0) for u, op in enumerate(graph)}
        whole.append(Store(memory, capacity, {u: n for u, n in amounts.items() if n}))
    limit = register_words(machine, rules)
    if limit is not None:
        for members in mates:
            held = {u: words(graph.operations[u]) for u in members if graph.operations[u].registers}
            whole.append(Store("the registers of one group", limit, held))
    for store in whole:
        yield store
        for k in range(1, MOST_SHARES + 1):
            if parts := in_shares(store.capacity, store.amounts, k):
                yield Store(f"shares over 1/{k + 1} of {store.name}", k, parts)


def in_shares(capacity: int, amounts: Mapping[int, int], k: int) -> dict[int, int]:
    r"""Of the values that need more than 1 of k + 1 equal shares, k at most live at a time.

    With :math:`s = \lfloor capacity / (k + 1) \rfloor + 1` these are the values with
    :math:`\lfloor amount / s \rfloor > 0`, which is how many shares they count, see
    :mod:`.registers`.
    """
    share = capacity // (k + 1) + 1
    return {u: amount // share for u, amount in amounts.items() if amount >= share}


def add_deadlines(
    paths: NDArray[np.int64], graph: LoopGraph, ii: int, rules: Rules, shared: Sequence[Store]
) -> str:
    """Make longest paths longer by the rows above; returns why there is no schedule, or ``""``.

    Args:
        paths: between starts, cycles; is changed.
        ii: initiation interval, cycles.
    """
    uses = [uses_of(graph, u, ii, rules) for u in range(len(graph))]
    for _ in range(MOST_SWEEPS):
        longer = False
        for store in shared:
            life = {u: max(int(paths[u, v]) + o for v, o in uses[u]) for u in store.amounts}
            used = sum(n * life[u] for u, n in store.amounts.items())
            if used > ii * store.capacity:
                room = ii * store.capacity
                return f"values in {store.name} need {used} of {room}, amounts times cycles"
            turns = store.capacity - sum(n * (life[u] // ii) for u, n in store.amounts.items())
            for u, n in store.amounts.items():
                longest = min(
                    life[u] + (ii * store.capacity - used) // n, (life[u] // ii + turns // n) * ii
                )
                for v, offset in uses[u]:
                    if offset - longest > paths[v, u]:
                        longer = True
                        if (least := int(paths[u, v]) + offset) > longest:
                            cycles = "1 cycle" if least == 1 else f"{least} cycles"
                            return (
                                f"the value of {graph.operations[u].name} lives at least {cycles}, "
                                f"and the others leave it {longest} in {store.name}"
                            )
                        lengthen(paths, v, u, offset - longest)
        if not longer:
            break
    return ""


def lengthen(paths: NDArray[np.int64], u: int, v: int, weight: int) -> None:
    """Add a row from u to v, which closes no positive cycle."""
    detour = paths[:, u, None] + weight + paths[None, v, :]
    np.maximum(paths, detour, out=paths)
    paths[paths < UNREACHABLE // 2] = UNREACHABLE


def register_words(machine: Machine, rules: Rules) -> int | None:
    """Words in the registers of a warp, if a rule limits them."""
    limits = []
    if "registers" in rules and machine.registers_per_thread is not None:
        limits.append(32 * machine.registers_per_thread)
    if "quotas" in rules:
        limits.append(32 * LARGEST_QUOTA)
    return min(limits, default=None)
