"""Loop graphs: tile-level operations and the dependences between their iterations.

Everything here is immutable and checked at construction, so every other module may
assume a well-formed graph.  Times are in cycles, distances in iterations, registers in
32-bit words, footprints in the memory's own unit (bytes; columns for tensor memory).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from twill_ilp.checks import check_flag, check_name, check_natural
from twill_ilp.errors import InvalidGraphError
from twill_ilp.reading import short

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["Dependence", "LoopGraph", "Operation", "Usage"]


@dataclass(frozen=True, slots=True)
class Usage:
    """One row of a resource reservation table (RRT).

    The operation holds ``amount`` of ``unit`` for ``cycles`` cycles, beginning ``start``
    cycles after its own start.
    """

    unit: str
    cycles: int
    start: int = 0
    amount: int = 1

    def __post_init__(self) -> None:
        check_name(self.unit, "usage: unit", InvalidGraphError)
        check_natural(self.start, f"usage of {self.unit}: start", InvalidGraphError)
        check_natural(self.cycles, f"usage of {self.unit}: cycles", InvalidGraphError, least=1)
        check_natural(self.amount, f"usage of {self.unit}: amount", InvalidGraphError, least=1)

    @property
    def end(self) -> int:
        """First cycle after the row, counted from the operation's start."""
        return self.start + self.cycles


@dataclass(frozen=True, slots=True)
class Operation:
    """A tile-level instruction.

    Attributes:
        name: unique within its graph.
        kind: free text, such as ``mma`` or ``exp2``.
        usage: the RRT; empty for an operation that needs no unit.
        cycles: cycles until the result exists; counts towards the schedule length.
            Default: the end of the usage.
        issue: cycles for which the issuing warps are held.  Default: ``cycles``.
        warps: warps that issue the operation together.
        registers: 32-bit words of the result tile, 0 if it does not live in registers.
        footprint: units of each memory that the result holds.
        spill: extra cycles to hand the result to another warp group.
        variable_latency: the latency is not known at compile time (a TMA load).
        splits: has the sub-tiled dimension (see :mod:`twill_ilp.tiling`).

    Raises:
        InvalidGraphError: a blank name, or a number that is negative or not whole.
    """

    name: str
    kind: str = ""
    usage: tuple[Usage, ...] = ()
    cycles: int = None  # type: ignore[assignment]  # resolved below
    issue: int = None  # type: ignore[assignment]  # resolved below
    warps: int = 1
    registers: int = 0
    footprint: Mapping[str, int] = field(default_factory=dict, hash=False)
    spill: int = 0
    variable_latency: bool = False
    splits: bool = False

    def __post_init__(self) -> None:
        check_name(self.name, "operation: name", InvalidGraphError)
        object.__setattr__(self, "usage", tuple(self.usage))
        object.__setattr__(self, "footprint", dict(self.footprint))
        if self.cycles is None:
            object.__setattr__(self, "cycles", max((row.end for row in self.usage), default=0))
        if self.issue is None:
            object.__setattr__(self, "issue", self.cycles)
        for key in ("cycles", "issue", "registers", "spill"):
            check_natural(getattr(self, key), f"operation {self.name}: {key}", InvalidGraphError)
        check_natural(self.warps, f"operation {self.name}: warps", InvalidGraphError, least=1)
        if not isinstance(self.kind, str):
            raise InvalidGraphError(f"operation {self.name}: kind is {short(self.kind)}; give text")
        for key in ("variable_latency", "splits"):
            check_flag(getattr(self, key), f"operation {self.name}: {key}", InvalidGraphError)
        for memory, amount in self.footprint.items():
            check_name(memory, f"operation {self.name}: memory", InvalidGraphError)
            check_natural(
                amount, f"operation {self.name}: footprint in {memory}", InvalidGraphError
            )


@dataclass(frozen=True, slots=True)
class Dependence:
    """``dst`` starts at least ``delay`` cycles after ``src`` of ``distance`` iterations earlier.

    In a schedule with initiation interval II:
    ``start(dst) + distance * II - start(src) >= delay``.  ``blocking`` says that the warp of
    ``dst`` must wait for ``src`` to finish (DESIGN: concurrency).

    Raises:
        InvalidGraphError: a number that is negative or not whole.
    """

    src: str
    dst: str
    delay: int
    distance: int = 0
    blocking: bool = False

    def __post_init__(self) -> None:
        check_name(self.src, "dependence: src", InvalidGraphError)
        check_name(self.dst, "dependence: dst", InvalidGraphError)
        check_flag(self.blocking, f"{self.src} -> {self.dst}: blocking", InvalidGraphError)
        check_natural(self.delay, f"{self.src} -> {self.dst}: delay", InvalidGraphError)
        check_natural(self.distance, f"{self.src} -> {self.dst}: distance", InvalidGraphError)


@dataclass(frozen=True)
class LoopGraph:
    """The dependence graph of one loop body.

    Raises:
        InvalidGraphError: no operations, a duplicate name, a dependence to nowhere, or a
            cycle of total distance 0 with a positive delay (an iteration that waits for itself).
    """

    name: str
    operations: tuple[Operation, ...]
    dependences: tuple[Dependence, ...] = ()

    def __post_init__(self) -> None:
        check_name(self.name, "graph: name", InvalidGraphError)
        object.__setattr__(self, "operations", tuple(self.operations))
        object.__setattr__(self, "dependences", tuple(self.dependences))
        if not self.operations:
            raise InvalidGraphError(f"graph {self.name}: no operations; give at least one")
        if len(self.by_name) < len(self.operations):
            names = [op.name for op in self.operations]
            twice = next(name for i, name in enumerate(names) if name in names[:i])
            raise InvalidGraphError(f"graph {self.name}: two operations named {twice}; rename one")
        for e in self.dependences:
            for end in (e.src, e.dst):
                if end not in self.by_name:
                    raise InvalidGraphError(
                        f"{e.src} -> {e.dst}: no operation named {end}; add it or mend the name"
                    )
        self._reject_causality_loops()

    def _reject_causality_loops(self) -> None:
        """Within an iteration no operation may wait, with a delay, for itself.

        Delays are >= 0, so a strongly connected component of the distance-0 edges contains a
        positive cycle exactly if it contains an edge with a positive delay: O(V + E).
        """
        component = _components(
            [op.name for op in self.operations],
            [(e.src, e.dst) for e in self.dependences if e.distance == 0],
        )
        for e in self.dependences:
            if e.distance == 0 and e.delay > 0 and component[e.src] == component[e.dst]:
                raise InvalidGraphError(
                    f"{e.src} -> {e.dst}: delay {e.delay} on a cycle of total distance 0, so "
                    f"{e.src} would wait for itself; give the carried dependence distance >= 1"
                )

    @cached_property
    def by_name(self) -> dict[str, Operation]:
        """Operations by name."""
        return {op.name: op for op in self.operations}

    @cached_property
    def units(self) -> tuple[str, ...]:
        """Units in use, in order of first appearance."""
        return tuple(dict.fromkeys(row.unit for op in self.operations for row in op.usage))

    def __len__(self) -> int:
        return len(self.operations)

    def __iter__(self) -> Iterator[Operation]:
        return iter(self.operations)

    def __repr__(self) -> str:
        return (
            f"<LoopGraph {self.name}: {len(self.operations)} operations, "
            f"{len(self.dependences)} dependences, units {', '.join(self.units) or 'none'}>"
        )

    def to_networkx(self) -> nx.MultiDiGraph[str]:
        """Convert to a multigraph: node attribute ``operation``, edge attributes
        ``delay`` (cycles), ``distance`` (iterations), ``blocking``; an edge's key is its
        index in :attr:`dependences`."""
        import networkx as nx

        multigraph: nx.MultiDiGraph[str] = nx.MultiDiGraph(name=self.name)
        multigraph.add_nodes_from((op.name, {"operation": op}) for op in self.operations)
        for i, e in enumerate(self.dependences):
            data = {"delay": e.delay, "distance": e.distance, "blocking": e.blocking}
            multigraph.add_edge(e.src, e.dst, i, **data)
        return multigraph

    @classmethod
    def from_networkx(cls, multigraph: nx.MultiDiGraph[str]) -> LoopGraph:
        """Inverse of :meth:`to_networkx`."""
        edges = sorted(multigraph.edges(keys=True, data=True), key=lambda edge: edge[2])
        operations: list[Any] = [data["operation"] for _, data in multigraph.nodes(data=True)]
        return cls(
            multigraph.graph["name"],
            tuple(operations),
            tuple(Dependence(u, v, **data) for u, v, _, data in edges),
        )


def _components(nodes: list[str], edges: list[tuple[str, str]]) -> dict[str, int]:
    """Number of the strongly connected component of every node."""
    import networkx as nx

    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(nodes)
    graph.add_edges_from(edges)
    return {
        node: number
        for number, members in enumerate(nx.strongly_connected_components(graph))
        for node in members
    }
