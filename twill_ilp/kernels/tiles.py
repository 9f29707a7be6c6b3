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

from twill_ilp.costs import Cost, hand_over
from twill_ilp.device import Device
from twill_ilp.errors import DoesNotFitError, OptionError
from twill_ilp.graph import Dependence, LoopGraph, Operation, Usage
from twill_ilp.problem import Problem
from twill_ilp.tiling import replicate

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
        name, kind, registers, footprint, variable_latency, splits: as in
            :class:`~twill_ilp.graph.Operation`.
        costs: clocks per unit; several units work one after the other, in this order.
        delay: further clocks, on no unit, until the result exists.
        asynchronous: the warps only issue it: they are held for one cycle, and whoever needs
            the result must wait for it.
        warps: warps that issue it together.
        vector: works on one value per row: rounded to the nearest cycle.
        exact: takes part in the choice of the model cycle.
    """

    name: str
    kind: str
    costs: Mapping[str, Cost] = field(default_factory=dict, hash=False)
    delay: int = 0
    asynchronous: bool = False
    warps: int = WARPGROUP
    registers: int = 0
    footprint: Mapping[str, int] = field(default_factory=dict, hash=False)
    variable_latency: bool = False
    vector: bool = False
    exact: bool = True
    splits: bool = True

    def operation(self, quantum: int, spill_clocks: int) -> Operation:
        """The operation in cycles of ``quantum`` clocks; ``spill_clocks`` round up.

        Synchronous work holds its warps until the result exists; the issue of asynchronous work
        takes one cycle, or none if the whole rounds to none.
        """
        usage: list[Usage] = []
        cycles = self._cycles(self.delay, quantum)
        for unit, cost in self.costs.items():
            length = self._cycles(cost.occupancy, quantum)
            if length:
                usage.append(Usage(unit, length, start=cycles))
            cycles += self._cycles(cost.latency, quantum)
        return Operation(
            self.name,
            self.kind,
            usage=tuple(usage),
            cycles=cycles,
            issue=min(1, cycles) if self.asynchronous else cycles,
            warps=self.warps,
            registers=self.registers,
            footprint=self.footprint,
            spill=-(-spill_clocks // quantum),
            variable_latency=self.variable_latency,
            splits=self.splits,
        )

    def _cycles(self, clocks: int, quantum: int) -> int:
        """To the nearest cycle, halves up, for a vector; up for a tile."""
        return (clocks + (quantum // 2 if self.vector else quantum - 1)) // quantum


@dataclass(frozen=True, slots=True)
class Edge:
    """``dst`` starts when ``src``, of ``distance`` iterations earlier, has finished.

    ``blocking`` defaults to: the source is asynchronous.  Between two MMAs, which accumulate on
    one another, it is false and the second may follow as soon as the first has left the unit,
    because the tensor core runs what one warp issues in order.
    """

    src: str
    dst: str
    distance: int = 0
    blocking: bool | None = None


def tile_problem(
    name: str,
    device: Device,
    tile: tuple[int, ...],
    ops: Sequence[TileOp],
    edges: Sequence[Edge],
    *,
    quantum: int | None,
    sub_tiles: int = 1,
    resident: Mapping[str, int] | None = None,
) -> Problem:
    """Assemble the problem.

    Args:
        tile: what the user asked for, for error messages.
        ops, edges: those of one sub-tile, and the shared ones.
        quantum: clocks per model cycle; ``None``: the largest exact one.
        sub_tiles: copies of the operations that split.
        resident: amount of each memory that is taken before the loop starts; the problem's
            machine has that much less.

    Raises:
        OptionError: the operations cannot fit into a memory.
    """
    taken = dict(resident or {})
    if quantum is None:
        counted = [op for op in ops if op.exact and not op.vector]
        quantum = math.gcd(*(cost.occupancy for op in counted for cost in op.costs.values()))
    rates, machine = device.rates, device.machine
    operations = {op.name: op.operation(quantum, hand_over(rates, op.registers)) for op in ops}
    asynchronous = {op.name for op in ops if op.asynchronous}
    dependences = [_dependence(e, operations, e.src in asynchronous) for e in edges]
    one = LoopGraph(name, tuple(operations.values()), tuple(dependences))
    graph = replicate(one, sub_tiles)
    _check_fit(device, tile, graph, taken)
    left = {memory: amount - taken.get(memory, 0) for memory, amount in machine.memories.items()}
    return Problem(graph, replace(machine, memories=left))


def check_tile(tile: Sequence[int], extents: str) -> tuple[int, ...]:
    """``tile`` as extents in elements, named ``extents`` (such as ``"M, N, K"``).

    Raises:
        OptionError: not as many whole numbers from 1 to 4096 as there are names.
    """
    count = extents.count(",") + 1
    try:
        values = tuple(tile)
    except TypeError:
        values = ()
    if len(values) != count or not all(_is_whole(v) and 1 <= v <= LARGEST_EXTENT for v in values):
        raise OptionError(
            f"tile is {tile!r}; give {('one', 'two', 'three')[count - 1]} whole numbers "
            f"{extents} from 1 to {LARGEST_EXTENT}"
        )
    return values


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
    in_order = src.kind == dst.kind == "mma"
    blocking = e.blocking
    if blocking is None:
        blocking = asynchronous and not in_order
    delay = max(row.end for row in src.usage) if in_order else src.cycles
    return Dependence(e.src, e.dst, delay, e.distance, blocking)


def _check_fit(
    device: Device, tile: tuple[int, ...], graph: LoopGraph, taken: Mapping[str, int]
) -> None:
    """Refuse a tile that no schedule can fit: next to what is always live (``taken``, and the
    values carried into themselves), each other value must fit at least once."""
    carried = {e.src for e in graph.dependences if e.src == e.dst}
    for memory, capacity in device.machine.memories.items():
        sizes = {op.name: op.footprint[memory] for op in graph if memory in op.footprint}
        always = {name: size for name, size in sizes.items() if name in carried}
        others = {name: size for name, size in sizes.items() if name not in carried}
        largest = max(others, key=lambda name: others[name], default="")
        need = taken.get(memory, 0) + sum(always.values()) + others.get(largest, 0)
        if need > capacity:
            holders = [*(["tiles loaded before the loop"] if taken.get(memory) else []), *always]
            raise DoesNotFitError(
                f"tile {','.join(map(str, tile))}: needs {need} of {memory} for "
                f"{', '.join([*holders, *([largest] if largest else [])])}, above machine "
                f"{device.name}'s {capacity}; choose a smaller tile or fewer sub-tiles"
            )
