"""What every constraint family sees: one loop at one II, its windows, and the LP under way."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulp

from twill_ilp.ilp.reduction import Core
from twill_ilp.machine import Machine

__all__ = ["Family", "Formulation", "Window", "windows_any_length", "windows_for_length"]

Window = tuple[int, int]
"""First and last start of a node, in cycles; no schedule worth having is outside."""


@dataclass
class Formulation:
    """A model under construction.

    ``reached[v][r]`` says "node v's slot is at most r": a 0-1 variable, or the constant 0 or 1
    where the window decides it.  The slot one-hot of the literature is the difference
    ``x[v, r] = reached[v][r] - reached[v][r - 1]``; the sums of x that dependences and capacity
    rows consist of telescope, so that rows stay short (4 terms instead of up to 2 II + 2) while
    the LP relaxation is the same.

    Attributes:
        core: the reduced loop.
        windows: of every node.
        lp: the PuLP model.
        reached, stage: variables of the slot formulations.
        start: start of every node as a variable or expression (cycles).
    """

    core: Core
    machine: Machine
    windows: Sequence[Window]
    lp: pulp.LpProblem
    reached: list[list[Any]] = field(default_factory=list)
    stage: list[Any] = field(default_factory=list)
    start: list[Any] = field(default_factory=list)

    @property
    def ii(self) -> int:
        return self.core.ii

    def label(self, v: int) -> str:
        """A name for the node that solvers accept and that no other node shares."""
        return f"{v}_{re.sub(r'[^A-Za-z0-9_]', '_', self.core.nodes[v].name)}"

    def by_slot(self, v: int, slot: int) -> Any:
        """1 if node v's slot is at most ``slot``, for ``-1 <= slot < II``."""
        return self.reached[v][slot] if slot >= 0 else 0

    def in_slots(self, v: int, first: int, count: int) -> Any:
        """1 if node v's slot is one of the ``count <= II`` slots from ``first`` (mod II) on."""
        if count >= self.ii:
            return 1
        first %= self.ii
        last = first + count - 1
        if last < self.ii:
            return self.by_slot(v, last) - self.by_slot(v, first - 1)
        return 1 - self.by_slot(v, first - 1) + self.by_slot(v, last - self.ii)

    def read_starts(self, values: Mapping[str, float]) -> list[int]:
        """Start of every node in a solution; a variable in no row may stay at its least value."""

        def value(variable: Any) -> int:
            number: float = values.get(variable.name, variable.lowBound)
            return round(number)

        return [
            value(start)
            if isinstance(start, pulp.LpVariable)
            else round(start.constant) + sum(round(c) * value(v) for v, c in start.items())
            for start in self.start
        ]

    def require(self, row: Any, name: str) -> None:
        """Add a row; one without variables only has to be true."""
        if isinstance(row, bool):
            if not row:
                self.lp += pulp.LpConstraint(pulp.LpAffineExpression(), rhs=1, name=name)
        else:
            self.lp += row, name

    def needed_edges(self) -> list[tuple[int, int, int]]:
        """Dependences that the windows alone do not imply."""
        return [
            (u, v, w) for u, v, w in self.core.edges if self.windows[v][0] - self.windows[u][1] < w
        ]


Family = Callable[[Formulation], None]
"""A constraint family: adds its variables and rows to the model."""


def windows_for_length(core: Core, length: int) -> list[Window] | None:
    """Windows of every schedule of at most ``length`` cycles that begins at cycle 0.

    ``None`` if some window is empty: the length is below the critical path.
    """
    windows = [(head, length - tail) for head, tail in zip(core.head, core.tail, strict=True)]
    if length < core.critical_path or any(last < first for first, last in windows):
        return None
    return windows


def windows_any_length(core: Core) -> list[Window]:
    """Windows that keep at least one schedule of whatever length, if there is any.

    A schedule may be rotated, so one node is pinned to start 0.  Given all slots, stages obey a
    system of differences; in a feasible one every stage is within ``reach`` of the pinned
    node's, where ``reach`` bounds the longest simple path counted in stages: adding the two rows
    ``-reach <= stage(v) - stage(pin) <= reach`` closes no positive cycle.  Longest paths to
    and from the pin narrow the windows further.
    """
    ii, count = core.ii, len(core.nodes)
    most = [0] * count
    for u, _, w in core.edges:
        most[u] = max(most[u], -(-(w + ii - 1) // ii))
    reach = ii * (sum(most) + 1)
    choices = [
        [
            (max(int(core.between[pin, v]), -reach), min(-int(core.between[v, pin]), reach))
            for v in range(count)
        ]
        for pin in range(count)
    ]
    return min(choices, key=lambda windows: sum(min(ii, b - a) for a, b in windows), default=[])
