"""What a search may use, and the clock that enforces it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import inf
from typing import Any

from twill_ilp.errors import OptionError
from twill_ilp.rules import Rules

__all__ = ["LEVELS", "METHODS", "STAGES", "SearchOptions", "Session"]

METHODS = ("ilp", "ims", "sms")

STAGES = ("joint", "modulo")
"""What is solved: software pipelining with warp specialization, or without."""

LEVELS = ("ii", "length", "warps", "traffic")
"""Levels of the lexicographic objective in their default order."""


@dataclass(frozen=True)
class SearchOptions:
    """Methods and limits of a search.

    Attributes:
        method: ``ilp`` proves; ``ims`` and ``sms`` are the heuristics alone, as baselines.
        formulation: name of the ILP, see :data:`twill_ilp.ilp.FORMULATIONS`; ``auto`` is
            ``structured`` unless II is large against the number of operations.
        max_ii: largest II to try, cycles.
        min_ii: smallest II to try, cycles; smaller ones above MII are not asked and stay unknown.
        time_limit: wall seconds for the whole search.
        solve_time_limit: wall seconds for each ILP.
        stage: ``joint``, or ``modulo``: starts alone, without warp groups and their rules.
        levels: what is minimised, one after the other; the first is ``ii``.  Those left out are
            reported as skipped.
        rules: families and readings of the joint stage.
        level_time_limit: wall seconds for each level after II.
        confirm: ask again whatever a modulo ILP refutes, with a second formulation, and what
            enumeration refutes, with the joint ILP.
        seed: random seed of HiGHS and of the heuristics.
        solver: further options of HiGHS, by name.

    Raises:
        OptionError: a value that cannot be meant.
    """

    method: str = "ilp"
    formulation: str = "auto"
    max_ii: int | None = None
    time_limit: float | None = None
    solve_time_limit: float | None = None
    stage: str = "joint"
    levels: tuple[str, ...] = LEVELS
    rules: Rules = field(default_factory=Rules)
    level_time_limit: float | None = None
    confirm: bool = False
    seed: int = 0
    min_ii: int | None = None
    solver: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise OptionError(f"method is {self.method!r}; choose from {', '.join(METHODS)}")
        if self.stage not in STAGES:
            raise OptionError(f"stage is {self.stage!r}; choose from {', '.join(STAGES)}")
        object.__setattr__(self, "levels", tuple(self.levels))
        _check_levels(self.levels)
        for name in ("max_ii", "min_ii"):
            ii = getattr(self, name)
            if ii is not None and ii < 1:
                raise OptionError(f"{name[:3]} II is {ii}; give a whole number >= 1")
        for name in ("time_limit", "solve_time_limit", "level_time_limit"):
            limit = getattr(self, name)
            if limit is not None and not limit > 0:
                raise OptionError(f"{name.replace('_', ' ')} is {limit:g}; give seconds > 0")
        if not 0 <= self.seed < 2**31:
            raise OptionError(f"seed is {self.seed}; give a whole number from 0 to {2**31 - 1}")


def _check_levels(levels: tuple[str, ...]) -> None:
    for level in levels:
        if level not in LEVELS:
            raise OptionError(f"level {level!r}: no such one; choose from {', '.join(LEVELS)}")
    if levels[:1] != ("ii",):
        raise OptionError(f"levels are {','.join(levels) or 'empty'}; the first has to be ii")
    if len(set(levels)) < len(levels):
        raise OptionError(f"levels are {','.join(levels)}; give each of them once")


@dataclass
class Session:
    """One search under way: options, clock (wall seconds), listener, and the ILPs it used.

    ``level_ends`` is when the present level has to end, on the clock of ``elapsed``.
    """

    options: SearchOptions
    progress: Callable[[str], None] = lambda _: None
    began: float = field(default_factory=time.perf_counter)
    build: float = 0.0
    solve: float = 0.0
    formulations: set[str] = field(default_factory=set)
    level_ends: float = inf

    @property
    def elapsed(self) -> float:
        return time.perf_counter() - self.began

    @property
    def remaining(self) -> float:
        """Seconds of the whole search that are left; infinite without a limit."""
        limit = self.options.time_limit
        return inf if limit is None else max(0.0, limit - self.elapsed)

    def allowance(self) -> float:
        """Seconds that the next ILP may take; 0 when time is up, infinite without limits."""
        limits = [max(0.0, self.level_ends - self.elapsed), self.remaining]
        if self.options.solve_time_limit is not None:
            limits.append(self.options.solve_time_limit)
        return min(limits)

    @contextmanager
    def level(self) -> Iterator[None]:
        """Give the block the time of one level."""
        limit = self.options.level_time_limit
        with self.bounded(inf if limit is None else limit):
            yield

    @contextmanager
    def bounded(self, seconds: float) -> Iterator[None]:
        """Let the ILPs of the block end within that many wall seconds from now."""
        before = self.level_ends
        self.level_ends = min(before, self.elapsed + seconds)
        try:
            yield
        finally:
            self.level_ends = before

    @contextmanager
    def building(self) -> Iterator[None]:
        """Count the time of the block as model building."""
        began = time.perf_counter()
        yield
        self.build += time.perf_counter() - began
