"""What a search may use, and the clock that enforces it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import inf

from twill_ilp.errors import OptionError

__all__ = ["METHODS", "SearchOptions", "Session"]

METHODS = ("ilp", "ims", "sms")


@dataclass(frozen=True)
class SearchOptions:
    """Methods and limits of a search.

    Attributes:
        method: ``ilp`` proves; ``ims`` and ``sms`` are the heuristics alone, as baselines.
        formulation: name of the ILP, see :data:`twill_ilp.ilp.FORMULATIONS`; ``auto`` is
            ``structured`` unless II is large against the number of operations.
        max_ii: largest II to try, cycles.
        time_limit: wall seconds for the whole search.
        solve_time_limit: wall seconds for each ILP.
        minimize_length: look for the shortest schedule at the first II.
        confirm: repeat every ILP infeasibility with a second formulation.
        seed: random seed of HiGHS and of the heuristics.

    Raises:
        OptionError: a value that cannot be meant.
    """

    method: str = "ilp"
    formulation: str = "auto"
    max_ii: int | None = None
    time_limit: float | None = None
    solve_time_limit: float | None = None
    minimize_length: bool = True
    confirm: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise OptionError(f"method is {self.method!r}; choose from {', '.join(METHODS)}")
        if self.max_ii is not None and self.max_ii < 1:
            raise OptionError(f"max II is {self.max_ii}; give a whole number >= 1")
        for name in ("time_limit", "solve_time_limit"):
            limit = getattr(self, name)
            if limit is not None and not limit > 0:
                raise OptionError(f"{name.replace('_', ' ')} is {limit:g}; give seconds > 0")
        if not 0 <= self.seed < 2**31:
            raise OptionError(f"seed is {self.seed}; give a whole number from 0 to {2**31 - 1}")


@dataclass
class Session:
    """One search under way: options, clock (wall seconds), listener, and the ILPs it used."""

    options: SearchOptions
    progress: Callable[[str], None] = lambda _: None
    began: float = field(default_factory=time.perf_counter)
    build: float = 0.0
    solve: float = 0.0
    formulations: set[str] = field(default_factory=set)

    @property
    def elapsed(self) -> float:
        return time.perf_counter() - self.began

    def allowance(self) -> float:
        """Seconds that the next ILP may take; 0 when time is up, infinite without limits."""
        limits = [inf]
        if self.options.solve_time_limit is not None:
            limits.append(self.options.solve_time_limit)
        if self.options.time_limit is not None:
            limits.append(max(0.0, self.options.time_limit - self.elapsed))
        return min(limits)

    @contextmanager
    def building(self) -> Iterator[None]:
        """Count the time of the block as model building."""
        began = time.perf_counter()
        yield
        self.build += time.perf_counter() - began
