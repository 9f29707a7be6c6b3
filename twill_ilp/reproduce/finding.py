"""What a claim of the paper turned out to be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from matplotlib.axes import Axes

from twill_ilp.report import Table

__all__ = ["Claim", "Drawing", "Finding"]

Drawing = Callable[[], Axes]
"""Draws a figure on axes of its own."""


@dataclass(frozen=True)
class Finding:
    """Our answer to a claim.

    Attributes:
        result: what was computed, in sentences; only what is proven or verified.
        verdict: ``same``, ``different``, ``partly`` or ``out of scope``.
        why: what causes the verdict.
        tables: under their titles.
        figures: file name without suffix to what draws it.
    """

    result: str
    verdict: str
    why: str
    tables: Mapping[str, Table] = field(default_factory=dict)
    figures: Mapping[str, Drawing] = field(default_factory=dict)


@dataclass(frozen=True)
class Claim:
    """One thing that the paper reports.

    Attributes:
        name: short, in the report's contents.
        figures: numbers of the paper's figures that it is about.
        text: what the paper says.
        commands: what shows the same on a terminal.
        check: computes the finding; takes a function that is told of progress.
    """

    name: str
    figures: tuple[int, ...]
    text: str
    commands: tuple[str, ...]
    check: Callable[[Callable[[str], None]], Finding]
