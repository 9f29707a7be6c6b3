"""What one solve of a model established."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

__all__ = ["Outcome", "SolveStatus"]


class SolveStatus(Enum):
    """What a solve established; a limit never establishes infeasibility."""

    OPTIMAL = "optimal"
    FEASIBLE = "feasible"
    INFEASIBLE = "infeasible"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Outcome:
    """The answer to one model.

    Attributes:
        status: what is established.
        values: variable name to whole number (continuous variables: float); empty without
            a solution.
        bound: proven lower bound of the objective, ``None`` if there is none.
        seconds: wall time inside HiGHS.
        nodes, lp_iterations: size of the search.
        message: HiGHS's own word for the status.
    """

    status: SolveStatus
    values: Mapping[str, float]
    bound: float | None
    seconds: float
    nodes: int
    lp_iterations: int
    message: str

    @property
    def solved(self) -> bool:
        """Whether ``values`` is a solution (it may well be empty: no variables)."""
        return self.status in (SolveStatus.OPTIMAL, SolveStatus.FEASIBLE)
