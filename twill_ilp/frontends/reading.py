"""What a reader of a compiler's graph found: the problem, and how it came about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from twill_ilp.problem import Problem

__all__ = ["Reading"]


@dataclass(frozen=True)
class Reading:
    """A problem with its history.

    Attributes:
        problem: what is solved.
        subject: which loop of the file.
        costs: where the cost of each operation is from, by its name.
        lines: the line of the file that each operation is from, if it has lines.
        dropped: line (or node), operation and reason of all that is no operation of the loop.
        warnings: what may be wrong, in full sentences.
    """

    problem: Problem
    subject: str = ""
    costs: Mapping[str, str] = field(default_factory=dict)
    lines: Mapping[str, int] = field(default_factory=dict)
    dropped: Sequence[tuple[int, str, str]] = ()
    warnings: Sequence[str] = ()
