"""From tile operations in clocks to a problem in model cycles.

A GPU kernel of this package lists what its tile operations cost in clocks (:class:`TileOp`) and
which wait for which (:class:`Edge`); :func:`tile_problem` chooses the model cycle and fills in
the rest.

The model cycle is ``quantum`` clocks.  Without a wish of the user's it is the greatest common
divisor of the operations' clocks, so that rounding costs nothing; two kinds of operations do
not take part in that choice:

- row vectors (``vector``): a handful of clocks, rounded to the *nearest* cycle, which usually is
  none.  The model then says that they are free; ``quantum=1`` counts them exactly.
- operations with ``exact=False``, rounded *up*: for one that would force a finer cycle than the
  whole rest needs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from twill_ilp.costs import hand_over, throughputs
from twill_ilp.errors import OptionError
from twill_ilp.graph import Dependence, LoopGraph, Operation, Usage
from twill_ilp.machine import Machine
from twill_ilp.problem import Problem

__all__ = [
    "WARPGROUP",
    "Edge",
    "TileOp",
    "check_quantum",
    "check_sub_tiles",
    "check_tile",
    "tile_problem",
]

WARPGROUP = 4
"""Warps that together own a tile: 128 threads, one row of 128 each."""
LARGEST_EXTENT = 4096
"""Largest tile extent, elements: far beyond any SM, and its cycles still fit every field."""


@dataclass(frozen=True, slots=True)
class TileOp:
    """A tile operation, in clocks.

    Attributes:
        name, kind, registers, footprint, variable_latency: as in
            :class:`~twill_ilp.graph.Operation`.
        clocks: clocks per unit; several units work one after the other, in this order.
        asynchronous: the warps only issue it: they are held for one cycle, and whoever needs
            the result must wait for it.
        warps: warps that issue it together.
        vector: works on one value per row: rounded to the nearest cycle.
        exact: takes part in the choice of the model cycle.
    """

    name: str
    kind: str
    clocks: Mapping[str, int] = field(default_factory=dict, hash=False)
    asynchronous: bool = False
    warps: int = WARPGROUP
    registers: int = 0
    footprint: Mapping[str, int] = field(default_factory=dict, hash=False)
    variable_latency: bool = False
    vector: bool = False
    exact: bool = True

    def operation(self, quantum: int, spill_clocks: int) -> Operation:
        """The operation in cycles of ``quantum`` clocks; ``spill_clocks`` round up."""
        usage: list[Usage] = []
        cycles = 0
        for unit, clocks in self.clocks.items():
            # nearest, halves up, for a vector; up for a tile
            length = (clocks + (quantum // 2 if self.vector else quantum - 1)) // quantum
            if length:
                usage.append(Usage(unit, length, start=cycles))
            cycles += length
        return Operation(
            self.name,
            self.kind,
            usage=tuple(usage),
            cycles=cycles,
            issue=1 if self.asynchronous else cycles,
            warps=self.warps,
            registers=self.registers,
            footprint=self.footprint,
            spill=-(-spill_clocks // quantum),
            variable_latency=self.variable_latency,
        )


@dataclass(frozen=True, slots=True)
class Edge:
    """``dst`` starts when ``src``, of ``distance`` iterations earlier, has finished.

    ``blocking`` defaults to: the source is asynchronous.  Between two MMAs it is false, because
    the tensor core runs what one warp issues in order.
    """

    src: str
    dst: str
    distance: int = 0
    blocking: bool | None = None


def tile_problem(
    name: str,
    machine: Machine,
    tile: tuple[int, ...],
    ops: Sequence[TileOp],
    edges: Sequence[Edge],
    *,
    quantum: int | None,
    resident: Mapping[str, int] | None = None,
) -> Problem:
    """Assemble the problem.

    Args:
        tile: what the user asked for, for error messages.
        quantum: clocks per model cycle; ``None``: the largest exact one.
        resident: amount of each memory that is taken before the loop starts; the problem's
            machine has that much less.

    Raises:
        OptionError: the operations cannot fit into a memory.
    """
    taken = dict(resident or {})
    _check_fit(machine, tile, ops, edges, taken)
    if quantum is None:
        quantum = math.gcd(
            *(n for op in ops if op.exact and not op.vector for n in op.clocks.values())
        )
    t = throughputs(machine.name)
    operations = {op.name: op.operation(quantum, hand_over(t, op.registers)) for op in ops}
    asynchronous = {op.name for op in ops if op.asynchronous}
    dependences = [_dependence(e, operations, e.src in asynchronous) for e in edges]
    left = {memory: amount - taken.get(memory, 0) for memory, amount in machine.memories.items()}
    return Problem(
        LoopGraph(name, tuple(operations.values()), tuple(dependences)),
        replace(machine, memories=left),
    )


def check_tile(tile: Sequence[int], extents: str) -> tuple[int, int, int]:
    """``tile`` as three extents in elements, named ``extents`` (such as ``"M, N, K"``).

    Raises:
        OptionError: not three whole numbers from 1 to 4096.
    """
    try:
        values = tuple(tile)
    except TypeError:
        values = ()
    if len(values) != 3 or not all(_is_whole(v) and 1 <= v <= LARGEST_EXTENT for v in values):
        raise OptionError(
            f"tile is {tile!r}; give three whole numbers {extents} from 1 to {LARGEST_EXTENT}"
        )
    return values[0], values[1], values[2]


def check_sub_tiles(sub_tiles: int) -> None:
    """Raise :class:`OptionError` unless ``sub_tiles`` is 1 or 2."""
    if not _is_whole(sub_tiles) or sub_tiles not in (1, 2):
        raise OptionError(f"sub_tiles is {sub_tiles!r}; give 1 or 2")


def check_quantum(quantum: int | None) -> None:
    """Raise :class:`OptionError` unless ``quantum`` is ``None`` or a whole number >= 1."""
    if quantum is not None and not (_is_whole(quantum) and quantum >= 1):
        raise OptionError(
            f"quantum is {quantum!r}; give clocks per model cycle, a whole number >= 1"
        )


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _dependence(e: Edge, operations: Mapping[str, Operation], asynchronous: bool) -> Dependence:
    src, dst = operations[e.src], operations[e.dst]
    blocking = e.blocking
    if blocking is None:
        blocking = asynchronous and not src.kind == dst.kind == "mma"
    return Dependence(e.src, e.dst, src.cycles, e.distance, blocking)


def _check_fit(
    machine: Machine,
    tile: tuple[int, ...],
    ops: Sequence[TileOp],
    edges: Sequence[Edge],
    taken: Mapping[str, int],
) -> None:
    """Refuse a tile that no schedule can fit: next to what is always live (``taken``, and the
    values carried into themselves), each other value must fit at least once."""
    carried = {e.src for e in edges if e.src == e.dst}
    for memory, capacity in machine.memories.items():
        sizes = {op.name: op.footprint[memory] for op in ops if memory in op.footprint}
        always = {name: size for name, size in sizes.items() if name in carried}
        others = {name: size for name, size in sizes.items() if name not in carried}
        largest = max(others, key=lambda name: others[name], default="")
        need = taken.get(memory, 0) + sum(always.values()) + others.get(largest, 0)
        if need > capacity:
            holders = [*(["tiles loaded before the loop"] if taken.get(memory) else []), *always]
            raise OptionError(
                f"tile {','.join(map(str, tile))}: needs {need} of {memory} for "
                f"{', '.join([*holders, *([largest] if largest else [])])}, above machine "
                f"{machine.name}'s {capacity}; choose a smaller tile or fewer sub-tiles"
            )
