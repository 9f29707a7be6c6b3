"""The text of TTIR and TTGIR as a tree of statements and regions.

Triton prints one operation per line.  A region opens with a brace at the end of a line and
closes with one at the start of a line, so that a stack and one pass over the lines suffice;
nothing here recurses, and every line is scanned a fixed number of times.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from twill_ilp.errors import InvalidIRError
from twill_ilp.reading import short

__all__ = [
    "MOST_RESULTS",
    "Region",
    "Statement",
    "Text",
    "read_text",
    "split_top",
    "split_types",
    "uses",
]

DEEPEST = 50
"""Regions within regions that are read."""
MOST_RESULTS = 1000
"""Results of one operation that are read."""

STRING = re.compile(r'"(?:[^"\\]|\\.)*("|\Z)', re.DOTALL)
IDENTIFIER = r"%[A-Za-z0-9_$.\-]+"
RESULT = rf"{IDENTIFIER}(?::\d{{1,9}})?"
RESULTS = re.compile(rf"\s*({RESULT}(?:\s*,\s*{RESULT})*)\s*=\s*")
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z0-9_$]+)*")
USE = re.compile(rf"{IDENTIFIER}(?:#\d{{1,9}})?")
ALIAS = re.compile(r"([#!][A-Za-z0-9_$.\-]+)\s*=\s*")
FURTHER_REGION = re.compile(r"(?:default|partition\d+|else|do)\b")
OLD_DIALECTS = {
    "triton_gpu.": "ttg.",
    "triton_nvidia_gpu.": "ttng.",
    "tt.experimental_descriptor_": "tt.descriptor_",
}


@dataclass(slots=True)
class Region:
    """The statements between two braces."""

    line: int
    statements: list[Statement] = field(default_factory=list)


@dataclass(slots=True)
class Statement:
    """One operation.

    Attributes:
        line: counted from 1.
        name: such as ``arith.mulf``; a label is ``^``.
        results: the values that it defines, such as ``%a`` or ``%a#1``.
        rest: what follows the name, without location; strings are emptied.
        raw: the whole line.
        tail: what follows the closing brace of its last region, without location.
        location: ``loc(...)`` of an operation with regions.
    """

    line: int
    name: str
    results: tuple[str, ...]
    rest: str
    raw: str
    tail: str = ""
    location: str = ""
    regions: list[Region] = field(default_factory=list)


@dataclass(slots=True)
class Text:
    """A whole file: its outermost statements, and attribute aliases such as ``#smem``."""

    top: Region
    aliases: dict[str, str]


def read_text(text: str) -> Text:
    """Split IR text into statements.

    Raises:
        InvalidIRError: a line that is no operation, or braces that do not match.
    """
    return _Reader().read(text)


class _Reader:
    """The open regions while the lines go by."""

    def __init__(self) -> None:
        self.top = Region(1)
        self.open: list[tuple[Statement, Region]] = []
        self.aliases: dict[str, str] = {}

    def read(self, text: str) -> Text:
        number = 0
        for number, raw in enumerate(text.split("\n"), start=1):
            if raw.startswith("{-#"):  # resources for debuggers, up to the end of the file
                break
            masked, strings = _mask(raw, number)
            line = masked.strip()
            if line:
                self._line(number, raw, line, strings)
        if self.open:
            statement, region = self.open[-1]
            raise InvalidIRError(
                number, f"the region of {statement.name} opened in line {region.line} is not closed"
            )
        return Text(self.top, self.aliases)

    def _line(self, number: int, raw: str, line: str, strings: list[str]) -> None:
        if alias := ALIAS.match(line):
            if alias[1].startswith("#loc"):
                return self._location(alias[1], raw)
            self.aliases[alias[1]] = line[alias.end() :]
        elif line.startswith("}"):
            self._close(number, line, raw)
        elif line.startswith("^"):
            self._region().statements.append(Statement(number, "^", (), line, raw))
        elif FURTHER_REGION.match(line) and line.endswith("{"):
            if not self._region().statements:
                raise InvalidIRError(number, f"{short(line)} follows no operation; mend the text")
            self._open(self._region().statements[-1], number)
        else:
            statement = _statement(number, raw, line, strings)
            self._region().statements.append(statement)
            if statement.rest.endswith("{"):
                statement.rest = statement.rest[:-1].rstrip()
                self._open(statement, number)

    def _location(self, name: str, raw: str) -> None:
        self.aliases[name] = raw.partition("=")[2].strip()

    def _region(self) -> Region:
        return self.open[-1][1] if self.open else self.top

    def _open(self, statement: Statement, number: int) -> None:
        if len(self.open) >= DEEPEST:
            raise InvalidIRError(number, f"more than {DEEPEST} regions deep; give simpler text")
        statement.regions.append(Region(number))
        self.open.append((statement, statement.regions[-1]))

    def _close(self, number: int, line: str, raw: str) -> None:
        if not self.open:
            raise InvalidIRError(number, "a brace closes what no brace opened; mend the text")
        statement, _ = self.open.pop()
        rest = _without_location(line[1:])
        if rest.endswith("{"):
            self._open(statement, number)
        elif "}" in rest and "{" not in rest:
            raise InvalidIRError(number, "two regions close in one line; give one line to each")
        else:
            statement.tail = f"{statement.tail} {rest}".strip()
            statement.location = raw[raw.rfind("loc(") :] if "loc(" in raw else ""


def _mask(raw: str, number: int) -> tuple[str, list[str]]:
    """The line with its strings emptied and its comment cut off, and the strings."""
    if '"' not in raw:
        return raw.partition("//")[0], []
    strings: list[str] = []

    def empty(match: re.Match[str]) -> str:
        if not match[1]:
            raise InvalidIRError(number, "a string does not end; close its quotation mark")
        strings.append(match[0][1:-1])
        return '""'

    return STRING.sub(empty, raw).partition("//")[0], strings


def _statement(number: int, raw: str, line: str, strings: list[str]) -> Statement:
    results: tuple[str, ...] = ()
    at = 0
    if found := RESULTS.match(line):
        results, at = _results(found[1], number), found.end()
    if line.startswith('""', at) and strings:
        name, at = strings[0], at + 2
        if not NAME.fullmatch(name):
            raise InvalidIRError(number, f"{short(name)} is no operation's name; mend the text")
    elif word := NAME.match(line, at):
        name, at = word[0], word.end()
    else:
        raise InvalidIRError(number, f"{short(raw.strip())} is no operation; give TTIR or TTGIR")
    for old, new in OLD_DIALECTS.items():
        if name.startswith(old):
            name = new + name[len(old) :]
    return Statement(number, name, results, _without_location(line[at:]), raw)


def _results(text: str, number: int) -> tuple[str, ...]:
    names: list[str] = []
    for part in text.split(","):
        name, _, count = part.strip().partition(":")
        if count and int(count) > MOST_RESULTS:
            raise InvalidIRError(number, f"{count} results; at most {MOST_RESULTS} are read")
        names += [f"{name}#{i}" for i in range(int(count))] if count else [name]
    return tuple(names)


def _without_location(text: str) -> str:
    """``text`` without a ``loc(...)`` at its end, or before the brace at its end."""
    text = text.strip()
    brace = text.endswith("{")
    body = text[:-1].rstrip() if brace else text
    if body.endswith(")"):
        at = body.rfind("loc(")
        if at == 0 or (at > 0 and body[at - 1] in " )"):
            body = body[:at].rstrip()
    return f"{body} {{" if brace else body


def uses(text: str) -> list[str]:
    """The values that ``text`` names, in order."""
    return USE.findall(text)


def split_types(rest: str) -> tuple[str, str]:
    """What comes before and after the first colon outside of all brackets."""
    for at, character in _outside(rest):
        if character == ":":
            return rest[:at], rest[at + 1 :].strip()
    return rest, ""


def split_top(text: str, separator: str = ",") -> list[str]:
    """The parts of ``text`` between separators that are outside of all brackets."""
    parts, begin = [], 0
    for at, character in _outside(text):
        if character == separator:
            parts.append(text[begin:at].strip())
            begin = at + 1
    last = text[begin:].strip()
    return [*parts, last] if last or parts else []


def _outside(text: str) -> Iterator[tuple[int, str]]:
    """Characters outside of all brackets; the ``>`` of an arrow is no bracket."""
    depth = 0
    for at, character in enumerate(text):
        if character in "([{<":
            depth += 1
        elif character in ")]}" or (character == ">" and text[at - 1 : at] != "-"):
            depth -= 1
        elif depth == 0:
            yield at, character
