"""The loops of a module, and the choice of one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from twill_ilp.errors import InvalidIRError
from twill_ilp.frontends.ttgir.text import (
    Region,
    Statement,
    Text,
    split_top,
    split_types,
    uses,
)

__all__ = ["Loop", "choose_loop", "find_loops"]

Path = tuple[tuple[Statement, Region, int], ...]

TARGET = re.compile(r'"?(?:ttg|triton_gpu)\.target"?\s*=\s*"([^"]*)"')
WARPS = re.compile(r'"?(?:ttg|triton_gpu)\.num-warps"?\s*=\s*(\d{1,4})\b')
LOCATION = re.compile(r"\((#loc\d*)\)")
FILE_LINE = re.compile(r'"(?:[^"\\]|\\.)*":(\d{1,9}):\d')
LONGEST_CHAIN = 20
"""Locations that refer to locations, followed to find a line of the kernel's source."""


@dataclass(frozen=True)
class Loop:
    """An ``scf.for`` and what surrounds it.

    Attributes:
        index: in order of appearance in the text.
        statement: the loop.
        path: the statements around it, each with a region of it and the position inside.
        inner: the line of the first loop inside, or ``None``.
        partition: the line of the warp-specialized region around it, or ``None``.
        target: such as ``cuda:100``, if the module says so.
        warps: of the module, if it says so.
        source_line: where it stands in the kernel's Python source, if the text says so.
    """

    index: int
    statement: Statement
    path: Path
    inner: int | None
    partition: int | None
    target: str | None
    warps: int | None
    source_line: int | None

    @property
    def body(self) -> list[Statement]:
        """The statements of one iteration, the last of them ``scf.yield`` if there is one."""
        return self.statement.regions[0].statements

    @property
    def before(self) -> list[Statement]:
        """Every statement whose results the loop may use, in order."""
        return [s for _, region, i in self.path for s in region.statements[:i]]

    @property
    def around(self) -> list[Statement]:
        """The statements whose arguments the loop may use: functions, loops, partitions."""
        return [s for s, _, _ in self.path]

    @property
    def carried(self) -> list[tuple[str, str]]:
        """Each value that an iteration takes over, and its value before the loop."""
        head = split_types(self.statement.rest)[0].partition("->")[0]
        _, found, listed = head.partition("iter_args(")
        names = []
        for part in split_top(listed.rpartition(")")[0]) if found else []:
            pair = uses(part)
            if len(pair) != 2:
                raise InvalidIRError(self.statement.line, f"iter_args: {part[:40]} is no pair")
            names.append((pair[0], pair[1]))
        return names

    @property
    def variable(self) -> str:
        """The induction variable."""
        found = uses(self.statement.rest.partition("=")[0])
        if len(found) != 1:
            raise InvalidIRError(self.statement.line, "scf.for without an induction variable")
        return found[0]

    def __str__(self) -> str:
        return f"{self.index} (line {self.statement.line})"


def find_loops(text: Text) -> list[Loop]:
    """Every ``scf.for`` of every function, in order of appearance."""
    loops: list[Loop] = []
    for module, function in _functions(text.top):
        for statement, path in _walk(function):
            if statement.name != "scf.for" or not statement.regions:
                continue
            partition = next((s.line for s, _, _ in path if s.name == "ttg.warp_specialize"), None)
            attributes = module.raw if module else ""
            target, warps = TARGET.search(attributes), WARPS.search(attributes)
            inside = (s for s, _ in _walk(statement) if s.name in ("scf.for", "scf.while"))
            inner = next(inside, None)
            loops.append(
                Loop(
                    len(loops),
                    statement,
                    path,
                    inner.line if inner else None,
                    partition,
                    target[1] if target else None,
                    int(warps[1]) if warps else None,
                    _source_line(statement, text.aliases),
                )
            )
    return loops


def choose_loop(loops: Sequence[Loop], wanted: str | int | None) -> Loop:
    """The loop called for.

    Args:
        loops: those of the text.
        wanted: an index; or ``line:N`` for the loop in line N of the text, or of the kernel's
            source; ``None``: the only one that has no loop inside.

    Raises:
        InvalidIRError: there is no such loop, or more than one, or it cannot be read as one.
    """
    if not loops:
        raise InvalidIRError(1, "no scf.for in the text; give a kernel with a loop")
    fitting = [loop for loop in loops if _is_wanted(loop, wanted)]
    if wanted is None and len(loops) == 1:
        fitting = list(loops)
    if len(fitting) != 1:
        many = f"{len(fitting)} loops fit" if fitting else "no loop fits"
        known = ", ".join(map(str, (fitting or loops)[:8]))
        raise InvalidIRError(
            (fitting or loops)[0].statement.line, f"{many}; choose one with --loop: {known}"
        )
    loop = fitting[0]
    line = loop.statement.line
    if loop.partition is not None:
        raise InvalidIRError(
            line,
            f"the loop is one partition of the ttg.warp_specialize of line {loop.partition}, "
            "whose warps are already assigned; give the text before that pass",
        )
    if loop.inner is not None:
        raise InvalidIRError(
            line, f"another loop inside, in line {loop.inner}; choose that one with --loop"
        )
    return loop


def _is_wanted(loop: Loop, wanted: str | int | None) -> bool:
    if wanted is None:
        return loop.inner is None
    text = str(wanted)
    if text.startswith("line:"):
        number = text.removeprefix("line:")
        return number in (str(loop.statement.line), str(loop.source_line))
    return text == str(loop.index)


def _functions(top: Region) -> Iterator[tuple[Statement | None, Statement]]:
    """Each function with its module; functions may also stand alone."""
    for statement in top.statements:
        inside = [s for region in statement.regions for s in region.statements]
        if statement.name in ("module", "builtin.module"):
            yield from ((statement, s) for s in inside if s.name == "tt.func")
        elif statement.name == "tt.func":
            yield None, statement


def _walk(root: Statement) -> Iterator[tuple[Statement, Path]]:
    """Every statement below ``root``, in order, with the regions and positions above it."""
    pending: list[tuple[Statement, Path]] = [(root, ())]
    while pending:
        statement, path = pending.pop()
        if statement is not root:
            yield statement, path
        for region in reversed(statement.regions):
            for i in range(len(region.statements) - 1, -1, -1):
                child = region.statements[i]
                pending.append((child, (*path, (statement, region, i))))


def _source_line(statement: Statement, aliases: Mapping[str, str]) -> int | None:
    """The line of the kernel's source, through aliases such as ``loc("acc"(#loc3))``."""
    text = statement.location
    for _ in range(LONGEST_CHAIN):
        if place := FILE_LINE.search(text):
            return int(place[1])
        if not (alias := LOCATION.search(text)):
            return None
        text = aliases.get(alias[1], "")
    return None
