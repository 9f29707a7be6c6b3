"""What a piece of work cost HiGHS: counted at the gateway, read by whoever asks.

>>> with counting() as effort:
...     pass
>>> effort.models
0
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

__all__ = ["Effort", "counting", "note"]


@dataclass
class Effort:
    """Sums over the models that were solved, and the size of the largest.

    Attributes:
        models: how many were solved.
        nodes, lp_iterations: of branch and bound, summed.
        rows, columns: of the model with the most columns.
    """

    models: int = 0
    nodes: int = 0
    lp_iterations: int = 0
    rows: int = 0
    columns: int = 0


_listener: ContextVar[Effort | None] = ContextVar("listener", default=None)


@contextmanager
def counting() -> Iterator[Effort]:
    """Count what the block solves, in this thread."""
    effort = Effort()
    token = _listener.set(effort)
    try:
        yield effort
    finally:
        _listener.reset(token)


def note(rows: int, columns: int, nodes: int, lp_iterations: int) -> None:
    """Add one solve to the count under way, if there is one."""
    effort = _listener.get()
    if effort is None:
        return
    effort.models += 1
    effort.nodes += nodes
    effort.lp_iterations += lp_iterations
    if columns >= effort.columns:
        effort.rows, effort.columns = rows, columns
