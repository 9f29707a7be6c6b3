"""The program of a loop: what every warp group does, in which order, and whom it waits for.

Everything is periodic: an instruction of iteration j differs from that of iteration 0 by j alone.
So an operation's operands, buffers and barriers stand once, in its :class:`Task`; the lists of a
:class:`Group` only say which operation of which iteration is next.

*Buffers rotate.*  The result of iteration j is in slot ``j % count`` of every buffer of its
operation.  In shared and tensor memory that is an address; registers have no address, so there a
compiler unrolls the steady state ``count`` times and renames (modulo variable expansion).

*Barriers.*  Every operation that anybody waits for has one, of ``slots`` slots.  When the
operation of iteration j is complete, it arrives at slot ``j % slots``, which ends that slot's
phase ``j // slots``; whoever waits for iteration j waits for the end of that phase, by its parity
``j // slots % 2``, as at an mbarrier of a GPU.  A wait for an iteration before the first one passes
at once: its phase is -1, of parity 1, which a new mbarrier reports as ended.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from twill_ilp.errors import OptionError

__all__ = [
    "Barrier",
    "Buffer",
    "Group",
    "Instruction",
    "Kind",
    "Program",
    "Read",
    "Share",
    "Task",
    "Wait",
]

Kind = Literal["registers", "memory", "hand-over", "in place"]
"""Where a buffer is.  ``registers``: of the warps of its operation's group, who alone see them.
``memory``: its footprint.  ``hand-over``: a copy in shared memory for other groups, of a value in
registers.  ``in place``: the operation declares no storage; its result is what it did to
another one's (a store into an accumulator) or to nobody's (an arrival)."""


@dataclass(frozen=True, slots=True)
class Share:
    """A result of iteration j overwrites that of j - ``distance`` in another buffer of one slot."""

    buffer: str
    distance: int


@dataclass(frozen=True, slots=True)
class Buffer:
    """Storage of one operation's results.

    Attributes:
        name: unique in the program.
        operation: whose results.
        kind: see :data:`Kind`.
        count: slots; iteration j is in slot ``j % count``.
        smooth: slots with which no wait for a slot to become free lasts, because every reader is
            complete by then; with fewer the program is right but may stall.
        size: of one slot, per memory in its own unit; ``{"registers": 32-bit words}``.
        address: of the first slot per memory, in its unit; the others follow.  Only of kind
            ``memory``.
        shares: with whom it takes turns in a part of its place.
    """

    name: str
    operation: str
    kind: Kind
    count: int
    smooth: int
    size: Mapping[str, int] = field(default_factory=dict, hash=False)
    address: Mapping[str, int] = field(default_factory=dict, hash=False)
    shares: tuple[Share, ...] = ()


@dataclass(frozen=True, slots=True)
class Barrier:
    """Where an operation arrives when it is complete.

    Attributes:
        operation: who arrives, once per iteration.
        slots: phases that may be under way at once.
        arrivals: warps that arrive to end a phase.
    """

    operation: str
    slots: int
    arrivals: int


@dataclass(frozen=True, slots=True)
class Read:
    """An operand: the result of ``operation``, ``distance`` iterations ago, in ``buffer``.

    ``blocking``: the warps wait for it at a barrier, whatever group it is from.  Else a result of
    the own group needs no barrier: the machine keeps the order (of a warp's instructions and
    registers, or of what one warp tells one unit).
    """

    operation: str
    distance: int
    buffer: str
    blocking: bool = False


@dataclass(frozen=True, slots=True)
class Wait:
    """Before it is issued in iteration j: wait for iteration ``j - distance`` of ``operation``.

    Attributes:
        operation: whose barrier.
        distance: iterations; negative if that operation runs ahead.
        values: results that must be there.
        frees: buffers whose slot must have been read, or written, before it is written again.
    """

    operation: str
    distance: int
    values: tuple[str, ...] = ()
    frees: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Task:
    """What holds for an operation in every iteration.

    Attributes:
        operation, kind: name and kind in the graph.
        group: who issues it.
        start: cycle in iteration 0, from the first start of the loop.
        asynchronous: its warps go on before it is complete.
        reads: operands, and what else it comes after.
        writes: buffers that its result goes to.
        waits: at barriers, before it is issued.
    """

    operation: str
    kind: str
    group: int
    start: int
    asynchronous: bool
    reads: tuple[Read, ...]
    writes: tuple[str, ...]
    waits: tuple[Wait, ...] = ()


@dataclass(frozen=True, slots=True)
class Instruction:
    """An operation of iteration ``offset`` (prologue), i + ``offset`` (steady state, i = 0, 1, ...)
    or N + ``offset`` (epilogue), where N is the trip count.

    It is left out if N is less than ``least`` (in the steady state: of N - stages + 1 rounds).
    """

    operation: str
    offset: int
    least: int = 1


@dataclass(frozen=True, slots=True)
class Group:
    """The instructions of one warp group, in order.

    Attributes:
        id, warps: number and width.
        stages: iterations that its steady state works on at once.
        prologue, steady, epilogue: see :class:`Instruction`; the steady state runs
            max(0, N - stages + 1) times.
    """

    id: int
    warps: int
    stages: int
    prologue: tuple[Instruction, ...]
    steady: tuple[Instruction, ...]
    epilogue: tuple[Instruction, ...]

    def run(self, trip_count: int) -> Iterator[tuple[str, int]]:
        """(operation, iteration) of every instruction of a run, in order."""
        for instruction in self.prologue:
            if trip_count >= instruction.least:
                yield instruction.operation, instruction.offset
        for i in range(trip_count - self.stages + 1):
            for instruction in self.steady:
                yield instruction.operation, i + instruction.offset
        for instruction in self.epilogue:
            if trip_count >= instruction.least:
                yield instruction.operation, trip_count + instruction.offset


@dataclass(frozen=True)
class Program:
    """A software-pipelined loop for warp groups.

    Attributes:
        name, machine: of the graph and of the machine.
        ii: cycles per iteration that the schedule promises.
        groups: by number.
        tasks, buffers, barriers: by name.
        memories: capacity per memory, in its own unit.
    """

    name: str
    machine: str
    ii: int
    groups: tuple[Group, ...]
    tasks: Mapping[str, Task] = field(hash=False)
    buffers: Mapping[str, Buffer] = field(hash=False)
    barriers: Mapping[str, Barrier] = field(hash=False)
    memories: Mapping[str, int] = field(default_factory=dict, hash=False)

    @property
    def stages(self) -> int:
        """Iterations in flight over all groups; with a smaller trip count parts are left out."""
        starts = [task.start // self.ii for task in self.tasks.values()]
        return max(starts) - min(starts) + 1

    def memory(self) -> dict[str, int]:
        """Amount of every memory that the buffers take together, hand-over copies apart."""
        taken = dict.fromkeys(self.memories, 0)
        for buffer in self.buffers.values():
            for memory, address in buffer.address.items():
                end = address + buffer.size[memory] * buffer.count
                taken[memory] = max(taken.get(memory, 0), end)
        return taken

    def check_trip_count(self, trip_count: int) -> None:
        """Raise :class:`OptionError` unless it is a whole number >= 1."""
        whole = isinstance(trip_count, int) and not isinstance(trip_count, bool)
        if not whole or trip_count < 1:
            raise OptionError(f"trip count is {trip_count!r}; give a whole number >= 1")

    def __repr__(self) -> str:
        return (
            f"<Program {self.name}: {len(self.tasks)} operations in {len(self.groups)} groups, "
            f"{self.stages} stages, {len(self.barriers)} barriers>"
        )

    def __str__(self) -> str:
        from twill_ilp.emit.text import program_text

        return program_text(self)
