"""Programs to read, in the form of Soi et al. 2026, Fig. 1: every group's loop, line by line."""

from __future__ import annotations

from collections.abc import Iterator

from twill_ilp.costs import WORD
from twill_ilp.emit.steps import Index, condition, sections
from twill_ilp.pipeline import Buffer, Group, Instruction, Program, Task, Wait
from twill_ilp.report.table import WIDTH, Table

__all__ = ["counted", "program_text"]


def program_text(program: Program, trip_count: int | None = None) -> str:
    """Buffers, barriers and the instructions of every group.

    Args:
        trip_count: fill it in; ``None``: N, any number >= 1.

    Raises:
        OptionError: a trip count that is no whole number >= 1.
    """
    if trip_count is not None:
        program.check_trip_count(trip_count)
    groups = (_group_text(program, group, trip_count) for group in program.groups)
    parts = (_head(program), _buffers(program), _barriers(program), *groups)
    return "\n\n".join(part for part in parts if part)


def _head(program: Program) -> str:
    where = "" if program.machine == program.name else f" on {program.machine}"
    return (
        f"{program.name}{where}: II {program.ii}, {counted(program.stages, 'stage')}, "
        f"{counted(len(program.groups), 'group')}, {counted(len(program.barriers), 'barrier')}"
    )


def _buffers(program: Program) -> str:
    rows = [
        (name, str(b.count), _where(program, b), _size(b), _slot(b.count), str(b.smooth))
        for name, b in program.buffers.items()
        if b.kind != "in place"
    ]
    if not rows:
        return ""
    header = ("buffer", "slots", "where", "one slot", "iteration j in", "no stall with")
    lines = [f"Buffers\n{_indented(Table(header, tuple(rows), frozenset({1, 5})).text(WIDTH))}"]
    for memory, taken in program.memory().items():
        limit = program.memories.get(memory, taken)
        over = "; more than there is, even with shared places" if taken > limit else ""
        lines += [f"  {memory}: {taken} of {limit}{over}"] if taken else []
    copies = [b for b in program.buffers.values() if b.kind == "hand-over"]
    if copies:
        size = sum(WORD * b.size["registers"] * b.count for b in copies)
        lines.append(f"  copies: {size} bytes of smem beside these, which the model does not count")
    pairs = {
        tuple(sorted((name, share.buffer)))
        for name, b in program.buffers.items()
        for share in b.shares
    }
    lines += [f"  {a} and {b} take turns in one place" for a, b in sorted(pairs)]
    return "\n".join(lines)


def _slot(count: int) -> str:
    """Where iteration j is."""
    return "0" if count == 1 else f"j % {count}"


def _where(program: Program, buffer: Buffer) -> str:
    if buffer.kind == "registers":
        return f"registers of group {program.tasks[buffer.operation].group}"
    if buffer.kind == "hand-over":
        return "smem, a copy"
    return ", ".join(f"{memory} {address}" for memory, address in buffer.address.items())


def _size(buffer: Buffer) -> str:
    if buffer.kind == "memory":
        return ", ".join(str(size) for size in buffer.size.values())
    return f"{buffer.size['registers']} words"


def _barriers(program: Program) -> str:
    """Who arrives, who waits for which iteration and why, and the phase."""
    rows = []
    for name, barrier in program.barriers.items():
        task = program.tasks[name]
        waits = [
            f"group {t.group} before {t.operation}[{Index('j', w.distance)}] ({_reason(w)})"
            for t in program.tasks.values()
            for w in t.waits
            if w.operation == name
        ]
        phase = "j % 2" if barrier.slots == 1 else f"j // {barrier.slots} % 2"
        who = f"group {task.group}{' when complete' if task.asynchronous else ''}"
        rows.append((f"{name}[j]", _slot(barrier.slots), phase, who, "; ".join(waits)))
    if not rows:
        return ""
    header = ("barrier", "slot", "phase", "arrives", "waits")
    return f"Barriers\n{_indented(Table(header, tuple(rows), wraps=True).text(WIDTH))}"


def _reason(wait: Wait) -> str:
    reasons = ["value"] if wait.values else []
    reasons += [f"frees {', '.join(wait.frees)}"] if wait.frees else []
    return "; ".join(reasons)


def _group_text(program: Program, group: Group, trip_count: int | None) -> str:
    lines = [f"Group {group.id}, {counted(group.warps, 'warp')}"]
    for section in sections(group, trip_count):
        if section.rounds is None:
            lines.append(f"  {section.name}")
        else:
            lines.append(f"  for i in 0 .. {section.rounds.minus(1)}:")
        for step, at in section.steps:
            waits = ", ".join(_waits(program.tasks[step.operation], at, group, trip_count))
            least = step.least if section.rounds is None and trip_count is None else 1
            guard = f"if N >= {least}: " if least > 1 else ""
            lines += [f"    {guard}wait {waits}"] if waits else []
            lines.append(f"    {guard}{_statement(program, step, at)}")
    return "\n".join(lines)


def _statement(program: Program, step: Instruction, at: Index) -> str:
    """An instruction, and when it arrives at its barrier."""
    task = program.tasks[step.operation]
    operands = ", ".join(f"{r.buffer}[{at.minus(r.distance)}]" for r in task.reads)
    text = f"{step.operation}[{at}] = {task.kind or 'do'}({operands})"
    if step.operation in program.barriers:
        return f"{text}; arrive{' when complete' if task.asynchronous else ''}"
    return f"{text}; asynchronous" if task.asynchronous else text


def _waits(task: Task, at: Index, group: Group, trip_count: int | None) -> Iterator[str]:
    """The waits that can last."""
    for wait in task.waits:
        source = at.minus(wait.distance)
        when = condition(at, source, group.stages, trip_count)
        if when is not None:
            yield f"{wait.operation}[{source}]{f' if {when}' if when else ''}"


def _indented(text: str) -> str:
    return "\n".join(f"  {line}".rstrip() for line in text.splitlines())


def counted(number: int, noun: str) -> str:
    """``1 warp``, ``2 warps``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
