"""Tables of short texts, aligned for a terminal or marked up for a notebook."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import zip_longest

__all__ = ["WIDTH", "Table", "cut", "printable"]

WIDTH = 100
"""Columns of a terminal that a report fills at most, by default."""

GAP = "  "
LONGEST = 40
"""Columns of one cell, in a table that does not wrap its last column."""

STYLE = "border-collapse:collapse;font-family:monospace;font-size:90%"


@dataclass(frozen=True)
class Table:
    """Rows of texts under a header.

    Attributes:
        header: one text per column; all empty: the header is left out.
        rows: as long as the header.
        numbers: columns aligned to the right.
        wraps: the last column holds sentences, which are wrapped; otherwise columns that do
            not fit side by side follow in further blocks that repeat the first column.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: frozenset[int] = frozenset()
    wraps: bool = False

    def text(self, width: int = WIDTH) -> str:
        """Aligned text of at most ``width`` columns, unless two columns alone are wider."""
        headers = [self.header] if any(self.header) else []
        lines = [tuple(map(printable, row)) for row in (*headers, *self.rows)]
        if self.wraps:
            return "\n".join(self._wrapped(lines, width))
        lines = [tuple(map(cut, line)) for line in lines]
        return "\n\n".join("\n".join(block) for block in self._blocks(lines, width))

    def html(self) -> str:
        """An HTML table; every text is escaped."""
        lines = []
        if any(self.header):
            lines.append("".join(f"<th>{_cell(text)}</th>" for text in self.header))
        for row in self.rows:
            lines.append(
                "".join(
                    f'<td style="text-align:{self._side(i)}">{_cell(text)}</td>'
                    for i, text in enumerate(row)
                )
            )
        body = "".join(f"<tr>{line}</tr>" for line in lines)
        return f'<table style="{STYLE}">{body}</table>'

    def _side(self, column: int) -> str:
        return "right" if column in self.numbers else "left"

    def _wrapped(self, lines: Sequence[tuple[str, ...]], width: int) -> Iterator[str]:
        """Wrapped sentences; the first column breaks at commas where it leaves too little room."""
        widths = _widths(lines)[:-1]
        rest = sum(widths[1:]) + len(GAP) * len(widths)
        clauses = (clause for first, *_ in lines for clause in _clauses(first, 1))
        widths[0] = max([min(widths[0], width - LONGEST - rest), *map(len, clauses)])
        room = max(width - widths[0] - rest, LONGEST)
        for first, *middle, last in lines:
            heads = _clauses(first, widths[0]) or [""]
            sentences = textwrap.wrap(last, room) or [""]
            for head, cells, sentence in zip_longest(heads, [middle], sentences):
                line = (head or "", *(cells or [""] * len(middle)))
                padded = self._padded(line, range(len(widths)), widths)
                yield GAP.join([*padded, sentence or ""]).rstrip()

    def _blocks(self, lines: Sequence[tuple[str, ...]], width: int) -> Iterator[list[str]]:
        widths = _widths(lines)
        columns = list(range(1, len(self.header)))
        while True:
            fitting, used = [0], widths[0]
            while columns and (len(fitting) == 1 or used + len(GAP) + widths[columns[0]] <= width):
                used += len(GAP) + widths[columns[0]]
                fitting.append(columns.pop(0))
            yield [GAP.join(self._padded(line, fitting, widths)).rstrip() for line in lines]
            if not columns:
                return

    def _padded(
        self, line: tuple[str, ...], columns: Sequence[int], widths: Sequence[int]
    ) -> list[str]:
        return [
            line[i].rjust(widths[i]) if i in self.numbers else line[i].ljust(widths[i])
            for i in columns
        ]


def printable(text: str) -> str:
    """``text`` on one line: what is no printable character is written as an escape."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def cut(text: str, columns: int = LONGEST) -> str:
    """At most ``columns`` of ``text``; names differ at their ends, so the middle goes."""
    if len(text) <= columns:
        return text
    half = (columns - 2) // 2
    return f"{text[:half]}..{text[-half:]}"


def _widths(lines: Sequence[tuple[str, ...]]) -> list[int]:
    return [max(map(len, column)) for column in zip(*lines, strict=True)]


def _clauses(text: str, columns: int) -> list[str]:
    """``text`` in lines that end at commas, of ``columns`` where that can be."""
    joint = text.replace(" ", "\0").replace(",\0", ", ")
    lines = textwrap.wrap(joint, columns, break_long_words=False, break_on_hyphens=False)
    return [line.replace("\0", " ") for line in lines]


def _cell(text: str) -> str:
    return escape(printable(text))
