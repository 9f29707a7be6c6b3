"""Tile operations while they are being lowered, in clocks, and the edges between them."""

from __future__ import annotations

from dataclasses import dataclass, field

from twill_ilp.graph import Operation, Usage
from twill_ilp.machine import Machine

__all__ = ["Access", "Link", "Node", "Work"]


@dataclass(frozen=True, slots=True)
class Work:
    """What an operation costs.

    Attributes:
        clocks: per unit, one after the other.  A unit that the machine lacks takes its time
            without being occupied.
        source: where the numbers are from.
    """

    clocks: tuple[tuple[str, int], ...] = ()
    source: str = "free"


@dataclass(slots=True, eq=False)
class Node:
    """A tile operation.

    Attributes:
        name, kind, warps, registers, footprint: as in :class:`~twill_ilp.graph.Operation`.
        line: where it comes from.
        order: position in the program; operations that a rule adds come in between.
        work: its cost.
        space: where its result lives: ``registers``, ``smem``, ``tmem`` or nothing.
        asynchronous: the warps only issue it.
        copied: the warps copy the tile by themselves, and wait for it only where it is needed.
        mma: runs on the tensor core.
        vector: one value per row: takes no part in the choice of the model cycle.
    """

    name: str
    kind: str
    line: int
    order: float
    work: Work
    warps: int = 1
    space: str = ""
    registers: int = 0
    footprint: dict[str, int] = field(default_factory=dict)
    asynchronous: bool = False
    copied: bool = False
    mma: bool = False
    variable_latency: bool = False
    vector: bool = False

    def operation(self, quantum: int, spill_clocks: int, machine: Machine) -> Operation:
        """The operation in cycles of ``quantum`` clocks.

        Vectors round to the nearest cycle, all others up.
        """
        usage: list[Usage] = []
        cycles = 0
        for unit, clocks in self.work.clocks:
            length = (clocks + (quantum // 2 if self.vector else quantum - 1)) // quantum
            if length and unit in machine.units:
                usage.append(Usage(unit, length, start=cycles))
            cycles += length
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
        )


@dataclass(slots=True, eq=False)
class Link:
    """``dst`` needs ``src`` of ``distance`` iterations earlier.

    ``role`` says what for: ``data``, a dot's operand ``a``, ``b`` or ``c``, or ``memory``: the
    order of two accesses to one buffer.
    """

    src: Node
    dst: Node
    distance: int = 0
    role: str = "data"
    keep: bool = False


@dataclass(frozen=True, slots=True)
class Access:
    """One operation that reads or writes a buffer."""

    node: Node
    reads: bool
    writes: bool
