"""The sections of a group's program; iterations are expressions of i and of the trip count N."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from twill_ilp.pipeline import Group, Instruction

__all__ = ["Index", "Section", "condition", "sections"]


@dataclass(frozen=True, slots=True)
class Index:
    """An iteration: ``symbol`` (``i``, ``N`` or none) and a whole number."""

    symbol: str
    offset: int

    def minus(self, distance: int) -> Index:
        """So many iterations earlier."""
        return Index(self.symbol, self.offset - distance)

    def __str__(self) -> str:
        if not self.symbol:
            return str(self.offset)
        return f"{self.symbol}{self.offset:+d}" if self.offset else self.symbol

    def python(self) -> str:
        """As Python is written."""
        if not self.symbol or not self.offset:
            return str(self)
        return f"{self.symbol} {'+' if self.offset > 0 else '-'} {abs(self.offset)}"

    def modulo(self, count: int) -> str:
        """The slot of ``count``, as Python is written."""
        if count == 1 or not self.symbol:
            return str(self.offset % count)
        inner = self.python()
        return f"{f'({inner})' if ' ' in inner else inner} % {count}"

    def parity(self, count: int) -> str:
        """The parity of the phase of a barrier with ``count`` slots."""
        if not self.symbol:
            return str(self.offset // count % 2)
        inner = self.python()
        inner = f"({inner})" if " " in inner else inner
        return f"{inner} % 2" if count == 1 else f"{inner} // {count} % 2"


@dataclass(frozen=True, slots=True)
class Section:
    """Instructions of one part of a group's program.

    Attributes:
        name: ``prologue``, ``steady state`` or ``epilogue``.
        rounds: how often it runs, an expression of N; ``None``: once.
        steps: instructions with their iterations.
    """

    name: str
    rounds: Index | None
    steps: Sequence[tuple[Instruction, Index]]


def sections(group: Group, trip_count: int | None) -> Iterator[Section]:
    """The sections that are not empty; with a trip count, what of them it leaves, in numbers."""
    n = Index("N", 0) if trip_count is None else Index("", trip_count)

    def steps(listed: Sequence[Instruction], at: Index) -> list[tuple[Instruction, Index]]:
        return [
            (step, at.minus(-step.offset))
            for step in listed
            if trip_count is None or trip_count >= step.least
        ]

    parts = (
        Section("prologue", None, steps(group.prologue, Index("", 0))),
        Section("steady state", n.minus(group.stages - 1), steps(group.steady, Index("i", 0))),
        Section("epilogue", None, steps(group.epilogue, n)),
    )
    return (section for section in parts if section.steps)


def condition(at: Index, source: Index, stages: int, trip_count: int | None) -> str | None:
    """Whether an instruction in iteration ``at`` waits for iteration ``source``.

    Returns:
        ``""``: yes; text: if that holds (an operation that runs ahead may have no such iteration
        any more); ``None``: no, because none exists.  One before the first passes by its parity.
    """
    n = "N" if trip_count is None else str(trip_count)
    if source.symbol == "i":
        return f"{source.python()} < {n}" if source.offset >= stages else ""
    if source.symbol == "N":
        return "" if source.offset < 0 else None
    if source.offset < 0 or (trip_count is not None and source.offset >= trip_count):
        return None
    return f"{source} < N" if trip_count is None and source.offset > at.offset else ""
