"""What operations compute: NumPy functions by operation, to run a loop operation by operation.

An operation sees nothing but the results that reach it along its dependences.  So a run in any
order that the graph allows, such as that of a software pipeline, gives the loop's result exactly
if the graph has every dependence on a value that the loop needs.

Values are FP64: the roundings to 16 bit, which the costs do contain, are left out, so that a
difference between a run and its reference means a wrong order and not a rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from twill_ilp.errors import InvalidGraphError, OptionError
from twill_ilp.graph import LoopGraph

__all__ = ["Array", "Compute", "History", "Operands", "Semantics", "execute"]

Array: TypeAlias = NDArray[np.float64]
Source: TypeAlias = "str | tuple[str, int]"
"""An operation, or an operation of so many iterations earlier."""


@dataclass(frozen=True, slots=True)
class Operands:
    """The results that reach one operation.

    Attributes:
        operation: its name, for messages.
        values: by name of the source and distance in iterations.
        sub_tile: number of the operation's sub-tile; ``None``: it is shared by all.
    """

    operation: str
    values: Mapping[tuple[str, int], Array]
    sub_tile: int | None

    def __call__(self, *sources: Source) -> Array:
        """The first of the sources that is there, shared or of the own sub-tile."""
        return self.pieces(*sources)[0]

    def pieces(self, *sources: Source) -> list[Array]:
        """As a call; for a shared operation that reads all sub-tiles, theirs in order.

        Raises:
            InvalidGraphError: no dependence brings any of the sources.
        """
        for source in sources:
            name, distance = (source, 0) if isinstance(source, str) else source
            if (name, distance) in self.values:
                return [self.values[name, distance]]
            if self.sub_tile is None:
                numbered = _numbered(self.values, name, distance)
                if numbered:
                    return numbered
            elif (f"{name}.{self.sub_tile}", distance) in self.values:
                return [self.values[f"{name}.{self.sub_tile}", distance]]
        raise InvalidGraphError(
            f"{self.operation} reads {sources[0]}, but no dependence brings it; add one"
        )


Compute: TypeAlias = Callable[[int, int, Operands], Array]
"""Result of an operation in an iteration and a sub-tile (0 if it is shared)."""

NOTHING: Array = np.empty(0)
"""Result of operations that only synchronise."""


@dataclass(frozen=True, slots=True)
class History:
    """Results of every operation in every iteration."""

    results: Mapping[str, Sequence[Array]]

    def last(self, name: str) -> list[Array]:
        """Results of the last iteration: one, or one per sub-tile."""
        return [results[-1] for results in self.of(name)]

    def of(self, name: str) -> list[Sequence[Array]]:
        """Results of all iterations: one sequence, or one per sub-tile."""
        if name in self.results:
            return [self.results[name]]
        count = sum(key.startswith(f"{name}.") for key in self.results)
        return [self.results[f"{name}.{i}"] for i in range(count)]

    def stacked(self, name: str) -> Array:
        """Rows of all iterations, in each those of all sub-tiles, one below the other."""
        return np.concatenate([piece for i in zip(*self.of(name), strict=True) for piece in i])


@dataclass(frozen=True)
class Semantics:
    """What a kernel computes on given data.

    Attributes:
        iterations: how many the data is for.
        compute: by name without the sub-tile's suffix; what is missing only synchronises.
        initial: results before the first iteration, of one sub-tile, by such names.
        outputs: the loop's results, from those of all operations.
        reference: the loop's results, computed by the loop that the kernel models.
    """

    iterations: int
    compute: Mapping[str, Compute]
    initial: Mapping[str, Array]
    outputs: Callable[[History], Mapping[str, Array]]
    reference: Callable[[], Mapping[str, Array]]

    def run(self, name: str, iteration: int, values: Mapping[tuple[str, int], Array]) -> Array:
        """Result of operation ``name``, such as ``S.0``, in an iteration.

        Args:
            values: results of the sources of its dependences, by (name, distance).

        Raises:
            InvalidGraphError: a value that it needs is not among them.
        """
        base, sub_tile = _split(name)
        if base not in self.compute:
            return NOTHING
        return self.compute[base](iteration, sub_tile or 0, Operands(name, values, sub_tile))

    def before(self, name: str) -> Array | None:
        """Result of operation ``name`` before the first iteration, if it has one."""
        return self.initial.get(_split(name)[0])


def execute(graph: LoopGraph, semantics: Semantics) -> Mapping[str, Array]:
    """Run all iterations one after another, each in dependence order; returns the outputs.

    Raises:
        InvalidGraphError: an operation reads what no dependence brings.
        OptionError: operations of one iteration depend on each other in a circle.
    """
    results: dict[str, list[Array]] = {op.name: [] for op in graph}
    incoming = {
        op.name: [(e.src, e.distance) for e in graph.dependences if e.dst == op.name]
        for op in graph
    }
    order = _order(graph)
    for i in range(semantics.iterations):
        for name in order:
            values = {}
            for src, distance in incoming[name]:
                before = semantics.before(src)
                if i >= distance:
                    values[src, distance] = results[src][i - distance]
                elif before is not None:
                    values[src, distance] = before
            results[name].append(semantics.run(name, i, values))
    return semantics.outputs(History(results))


def _order(graph: LoopGraph) -> list[str]:
    """Operations such that sources of distance 0 come first."""
    import networkx as nx

    within: nx.DiGraph[str] = nx.DiGraph()
    within.add_nodes_from(op.name for op in graph)
    within.add_edges_from((e.src, e.dst) for e in graph.dependences if e.distance == 0)
    try:
        return list(nx.topological_sort(within))
    except nx.NetworkXUnfeasible:
        raise OptionError(
            f"graph {graph.name}: operations of one iteration wait for each other; "
            "give a carried dependence distance >= 1"
        ) from None


def _split(name: str) -> tuple[str, int | None]:
    """``S.0`` as ``S`` and 0; a shared operation has no number."""
    base, dot, number = name.rpartition(".")
    return (base, int(number)) if dot and number.isdecimal() else (name, None)


def _numbered(values: Mapping[tuple[str, int], Array], name: str, distance: int) -> list[Array]:
    """What all sub-tiles' ``name`` brings, in their order."""
    found: list[Array] = []
    while (f"{name}.{len(found)}", distance) in values:
        found.append(values[f"{name}.{len(found)}", distance])
    return found
