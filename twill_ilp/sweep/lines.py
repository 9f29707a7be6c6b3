"""Where in a TOML text a key stands; Python's reader does not tell."""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["Places", "places"]

Places = dict[tuple[str, int, str], int]
"""Line (from 1) of a key, by the table's name, its number among those of that name, and the
dotted key in it.  The table itself has the key ``""``."""

_PART = r"""(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')"""
_KEY = rf"{_PART}(?:\s*\.\s*{_PART})*"
_HEADER = re.compile(rf"\s*\[\[?\s*({_KEY})\s*\]\]?")
_ASSIGNMENT = re.compile(rf"\s*({_KEY})\s*=")
_TOKEN = re.compile(
    r'"""(?:\\.|[^\\])*?"""'
    r"|'''.*?'''"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'"
    r"|#[^\n]*"
    r"|[\[\]{}]",
    re.DOTALL,
)


def places(text: str) -> Places:
    """The line of every table and key of a valid TOML text.

    A sub-table ``[grid.unit]`` counts as keys ``unit.NAME`` of the last ``grid``.
    """
    found: Places = {}
    seen: dict[str, int] = {}
    table, number, prefix = "", 0, ""
    for line, statement in _statements(text):
        if header := _HEADER.match(statement):
            top, _, rest = _plain(header.group(1)).partition(".")
            prefix = f"{rest}." if rest else ""
            if not rest:
                seen[top] = seen.get(top, -1) + 1
            table, number = top, seen.setdefault(top, 0)
            found.setdefault((table, number, rest), line)
        elif assignment := _ASSIGNMENT.match(statement):
            key = prefix + _plain(assignment.group(1))
            found.setdefault((table, number, key), line)
    return found


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Lines that begin outside any text in several lines and any bracket, with their numbers."""
    inside = bytearray(len(text) + 1)  # 1: within a token of several lines, or within brackets
    depth, begin = 0, 0
    for token in _TOKEN.finditer(text):
        word = token.group()
        if word in "[{":
            if depth == 0:
                begin = token.start()
            depth += 1
        elif word in "]}":
            depth = max(0, depth - 1)
            if depth == 0:
                inside[begin + 1 : token.start() + 1] = b"\1" * (token.start() - begin)
        elif "\n" in word:
            inside[token.start() + 1 : token.end()] = b"\1" * (len(word) - 1)
    at = 0
    for number, line in enumerate(text.split("\n"), 1):
        if not inside[at]:
            yield number, line
        at += len(line) + 1


def _plain(key: str) -> str:
    """A dotted key without quotes and blanks."""
    return ".".join(part.strip("\"'") for part in re.findall(_PART, key))
