"""Programs as a pseudo-kernel in Python syntax, to be followed in CUDA, TLX or the like.

One function per warp group.  What it calls is the reader's to write: the operations, by kind, and
``buffer``, ``registers``, ``barrier``, ``wait`` and ``signal``, as the file's head says.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator

from twill_ilp.emit.steps import Index, Section, condition, sections
from twill_ilp.emit.text import counted
from twill_ilp.pipeline import Buffer, Group, Instruction, Program, Wait
from twill_ilp.report.table import printable

__all__ = ["program_python"]

HEAD = '''\
"""{title}

A pseudo-kernel: Python syntax, one function per warp group; all of them run at once.

- kind("X", j, operands ...): operation X of iteration j.  kind_async: the warps go on at once; it
  arrives at ``done`` when it is complete (a TMA load, or an MMA and its commit).
- buffer: slots in shared or tensor memory; iteration j is in slot j % count.
- registers: as many copies of a value in registers.  They have no address: unroll the loop that
  many times and rename.
- barrier(slots, arrivals): that many mbarriers.  wait(slot, parity): until the phase of that
  parity has ended (mbarrier.try_wait.parity); a new mbarrier lets parity 1 pass, so that waits for
  iterations before the first need no condition.  signal(slot): all warps that ran it arrive.
- In TLX: tlx.local_alloc (reuse= for those in turn), tlx.alloc_barriers, tlx.barrier_wait,
  tlx.barrier_arrive, and a tlx.async_task per function.
- Results of iterations before the first ([-1 % count] and so on) are there when the loop begins.
"""
'''

RESERVED = {"N", "barrier", "buffer", "i", "range", "registers", "signal", "wait"}


def program_python(program: Program, trip_count: int | None = None) -> str:
    """The pseudo-kernel, which ``ast.parse`` accepts.

    Args:
        trip_count: fill it in; ``None``: a parameter N, any number >= 1.

    Raises:
        OptionError: a trip count that is no whole number >= 1.
    """
    if trip_count is not None:
        program.check_trip_count(trip_count)
    return _Writer(program, trip_count).text()


class _Writer:
    def __init__(self, program: Program, trip_count: int | None) -> None:
        self.program = program
        self.trip_count = trip_count
        taken = set(RESERVED) | {f"group_{group.id}" for group in program.groups}
        self.kinds = {
            kind: _identifier(kind or "do", taken)
            for kind in dict.fromkeys(task.kind for task in program.tasks.values())
        }
        taken |= {f"{name}_async" for name in self.kinds.values()}
        self.buffers = {name: _identifier(name, taken) for name in program.buffers}
        self.barriers = {name: _identifier(f"done_{name}", taken) for name in program.barriers}

    def text(self) -> str:
        program = self.program
        warps = sum(group.warps for group in program.groups)
        title = (
            f"{program.name} on {program.machine}: II {program.ii} cycles, "
            f"{counted(program.stages, 'stage')}, {counted(warps, 'warp')}."
        )
        lines = [HEAD.format(title=_quotable(title)), *self._declarations()]
        for group in program.groups:
            lines += ["", "", *self._function(group)]
        return "\n".join(lines) + "\n"

    def _declarations(self) -> Iterator[str]:
        for name, buffer in self.program.buffers.items():
            yield f"{self.buffers[name]} = {self._storage(buffer)}"
        for name, barrier in self.program.barriers.items():
            yield (
                f"{self.barriers[name]} = barrier(slots={barrier.slots}, "
                f"arrivals={barrier.arrivals})  # {printable(name)} is complete"
            )

    def _storage(self, buffer: Buffer) -> str:
        if buffer.kind == "registers":
            group = self.program.tasks[buffer.operation].group
            words = buffer.size["registers"]
            return f"registers(count={buffer.count}, words={words})  # group {group}"
        if buffer.kind == "hand-over":
            words = buffer.size["registers"]
            return f'buffer("smem", count={buffer.count}, words={words})  # copy for other groups'
        if buffer.kind == "in place":
            return f'buffer("in place", count={buffer.count})  # no storage of its own'
        memories = ", ".join(repr(memory).replace("'", '"') for memory in buffer.size)
        sizes = ", ".join(str(size) for size in buffer.size.values())
        size = sizes if len(buffer.size) == 1 else f"({sizes})"
        shares = ", ".join(self.buffers[share.buffer] for share in buffer.shares)
        note = f"  # in turn with {shares}" if shares else ""
        addresses = ", ".join(str(address) for address in buffer.address.values())
        address = addresses if len(buffer.size) == 1 else f"({addresses})"
        return f"buffer({memories}, count={buffer.count}, size={size}, address={address}){note}"

    def _function(self, group: Group) -> Iterator[str]:
        parameter = "N" if self.trip_count is None else f"N={self.trip_count}"
        yield f"def group_{group.id}({parameter}):  # {counted(group.warps, 'warp')}"
        for section in sections(group, self.trip_count):
            yield f"    # {section.name}"
            if section.rounds is not None:
                yield f"    for i in range({section.rounds.python()}):"
                for step, at in section.steps:
                    yield from self._statements(step, at, "        ", group.stages)
            else:
                yield from self._once(section)

    def _once(self, section: Section) -> Iterator[str]:
        """Prologue or epilogue, with conditions where a trip count may be too small."""
        condition = 1
        for step, at in section.steps:
            if self.trip_count is None and step.least != condition:
                condition = step.least
                if condition > 1:
                    yield f"    if N >= {condition}:"
            inside = self.trip_count is None and condition > 1
            yield from self._statements(step, at, "        " if inside else "    ", 0)

    def _statements(self, step: Instruction, at: Index, indent: str, stages: int) -> Iterator[str]:
        """Waits, the operation, its copy for others, its arrival."""
        task = self.program.tasks[step.operation]
        for wait in task.waits:
            yield from self._wait(wait, at, at.minus(wait.distance), indent, stages)
        name = step.operation
        operands = [repr(name).replace("'", '"'), at.python()]
        operands += [self._slot(read.buffer, at.minus(read.distance)) for read in task.reads]
        call = self.kinds[task.kind] + ("_async" if task.asynchronous else "")
        barrier = self._barrier(name, at) if name in self.barriers else None
        if task.asynchronous and barrier:
            operands.append(f"done={barrier}")
        targets = [self._slot(buffer, at) for buffer in task.writes]
        yield f"{indent}{' = '.join([*targets, ''])}{call}({', '.join(operands)})"
        if barrier and not task.asynchronous:
            yield f"{indent}signal({barrier})"

    def _wait(
        self, wait: Wait, at: Index, source: Index, indent: str, stages: int
    ) -> Iterator[str]:
        when = condition(at, source, stages, self.trip_count)
        if when is None:
            return
        slots = self.program.barriers[wait.operation].slots
        why = [f"{value} is there" for value in wait.values]
        why += [f"{buffer} may be overwritten" for buffer in wait.frees]
        if when:
            yield f"{indent}if {when}:"
            indent += "    "
        call = f"wait({self._barrier(wait.operation, source)}, {source.parity(slots)})"
        yield f"{indent}{call}  # {printable(', '.join(why))}"

    def _slot(self, buffer: str, at: Index) -> str:
        return f"{self.buffers[buffer]}[{at.modulo(self.program.buffers[buffer].count)}]"

    def _barrier(self, name: str, at: Index) -> str:
        return f"{self.barriers[name]}[{at.modulo(self.program.barriers[name].slots)}]"


def _identifier(name: str, taken: set[str]) -> str:
    """``name`` as an identifier that is not taken; it is then."""
    plain = re.sub(r"\W", "_", name, flags=re.ASCII)
    plain = f"_{plain}" if not plain or plain[0].isdigit() or keyword.iskeyword(plain) else plain
    while plain in taken:
        plain += "_"
    taken.add(plain)
    return plain


def _quotable(text: str) -> str:
    return printable(text).replace("\\", "\\\\").replace('"', "'")
