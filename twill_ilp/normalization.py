"""The answer of a cost normalization, and what it costs in accuracy.  Loads no solver."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from fractions import Fraction

__all__ = ["LIMIT", "READINGS", "Normalization"]

LIMIT = 300
"""The paper's U."""
READINGS = ("distinct", "literal")


@dataclass(frozen=True)
class Normalization:
    """Costs in clocks and their normalized values, entry by entry.

    Attributes:
        costs: clocks.
        normalized: whole numbers without a unit: cycles of a normalized problem.
        limit: U.
        reading: ``distinct`` or ``literal``.
        spread: the least F, proven.
        always_zero: entries shown to be 0 in every optimal solution; others may be as well.
        maximal: whether the sum is proven the largest at that F; ``None``: not asked for.
        seconds: wall time.
    """

    costs: tuple[int, ...]
    normalized: tuple[int, ...]
    limit: int
    reading: str
    spread: int
    always_zero: int
    maximal: bool | None
    seconds: float

    @property
    def scale(self) -> Fraction:
        """Clocks per normalized cycle: the sum of the costs over that of the normalized."""
        return Fraction(sum(self.costs), sum(self.normalized))

    @property
    def errors(self) -> tuple[float, ...]:
        """Of every positive cost: \\|normalized * scale / cost - 1\\|; 1 for a collapsed one."""
        return tuple(
            float(abs(value * self.scale / cost - 1))
            for cost, value in zip(self.costs, self.normalized, strict=True)
            if cost
        )

    @property
    def worst_error(self) -> float:
        """The largest of :attr:`errors`."""
        return max(self.errors)

    @property
    def mean_error(self) -> float:
        """The mean of :attr:`errors`."""
        return sum(self.errors) / len(self.errors)

    @property
    def collapsed(self) -> int:
        """Entries with a positive cost that became 0."""
        return sum(
            cost > 0 and not value for cost, value in zip(self.costs, self.normalized, strict=True)
        )

    @property
    def merged(self) -> int:
        """Distinct costs less distinct normalized values among those that did not collapse."""
        kept: dict[int, set[int]] = defaultdict(set)
        for cost, value in zip(self.costs, self.normalized, strict=True):
            if value:
                kept[value].add(cost)
        return sum(len(costs) - 1 for costs in kept.values())

    def value(self, cost: int) -> int:
        """The normalized value of a cost of the list, or 0."""
        return self.normalized[self.costs.index(cost)] if cost else 0

    def __repr__(self) -> str:
        return (
            f"<Normalization ({self.reading}) of {len(self.costs)} costs: F = {self.spread}, "
            f"sum {sum(self.normalized)} of at most {self.limit}, scale {float(self.scale):.4g}, "
            f"ratio error at most {self.worst_error:.1%}, {self.collapsed} collapsed>"
        )
