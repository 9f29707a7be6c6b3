"""The loop while it is being lowered."""

from __future__ import annotations

from dataclasses import dataclass, field

from twill_ilp.costs import Throughputs
from twill_ilp.frontends.ttgir import work
from twill_ilp.frontends.ttgir.flow import Flow
from twill_ilp.frontends.ttgir.nodes import Access, Link, Node
from twill_ilp.frontends.ttgir.scope import Scope
from twill_ilp.frontends.ttgir.types import TileType

__all__ = ["Body", "Dropped"]


@dataclass(frozen=True, slots=True)
class Dropped:
    """A statement that is no operation of the loop."""

    line: int
    name: str
    reason: str


@dataclass
class Body:
    """The loop while it is being lowered.

    Attributes:
        nodes: operations in program order.
        links: edges between them.
        accesses: to buffers that are written more than once, in program order.
        outer: buffers among them that were allocated before the loop.
        resident: what tiles and buffers from before the loop take of each memory.
        cycle: clocks per model cycle, once it is chosen.
    """

    scope: Scope
    flow: Flow
    t: Throughputs
    rules: frozenset[str]
    warps: int
    strict: bool
    nodes: list[Node] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    accesses: dict[str, list[Access]] = field(default_factory=dict)
    outer: set[str] = field(default_factory=set)
    resident: dict[str, int] = field(default_factory=dict)
    dropped: list[Dropped] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    counted: set[str] = field(default_factory=set)
    cycle: int = 1

    def reside(self, value: str, tile: TileType) -> None:
        """Count a buffer from before the loop, once."""
        if value not in self.counted:
            self.counted.add(value)
            for memory, amount in work.memory_bytes(tile).items():
                self.resident[memory] = self.resident.get(memory, 0) + amount

    def access(self, value: str, node: Node, *, reads: bool, writes: bool) -> None:
        """Note that ``node`` uses the buffer that ``value`` views."""
        buffer = self.scope.buffer(value)
        tile = self.scope.type_of(buffer)
        if buffer not in self.scope.inside:
            self.outer.add(buffer)
            self.reside(buffer, tile)
        elif writes:
            node.footprint.update(work.memory_bytes(tile))
        self.accesses.setdefault(buffer, []).append(Access(node, reads, writes))
