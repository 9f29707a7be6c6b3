"""Columns of a sweep's table as axes: labels with units, and what is proven about a value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from twill_ilp.errors import OptionError
from twill_ilp.rules import FAMILIES

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "ANSWERS",
    "column",
    "decided",
    "label",
    "optimum_known",
    "problem_of",
    "proven",
    "series",
    "shown",
]

LABELS: Mapping[str, str] = {
    "ii": "II asked for, cycles",
    "ii_found": "II, cycles",
    "ii_clocks": "II, clocks",
    "ii_gap": "gap of II, %",
    "ii_over_mii_clocks": "II over its bound in clocks",
    "length": "L, cycles",
    "traffic": "traffic between groups, words per iteration",
    "warps": "warp budget, warps",
    "warps_used": "warps",
    "groups": "groups allowed",
    "groups_used": "warp groups",
    "registers_per_thread": "registers per thread, 32-bit words",
    "spill": "hand-over between groups, cycles",
    "operations": "operations",
    "operations_built": "operations",
    "u": "U, largest sum of normalized costs",
    "tile": "tile, elements",
    "sub_tiles": "sub-tiles",
    "tensor_core_utilization": "share of time the tensor core is busy",
    "seconds_total": "wall time, s",
    "seconds_solve": "wall time in HiGHS, s",
    "seconds_build": "wall time of building models, s",
    "seconds_cpu": "CPU time, s",
    "peak_mb": "largest memory, MB",
    "nodes": "branch-and-bound nodes",
    "lp_iterations": "LP iterations",
    "rows": "rows of the largest model",
    "columns": "columns of the largest model",
    "rate.exponential": "exponentials per clock",
    "rate.tensor_core": "multiply-accumulates per clock",
    "rate.fp32": "FP32 operations per clock",
    "without": "families left out",
    "memory.smem": "shared memory, bytes",
    "memory.tmem": "tensor memory, columns",
}

CERTAINTY = {
    "length": "length_certainty",
    "warps_used": "warps_certainty",
    "traffic": "traffic_certainty",
}
"""Where the certainty of a level stands; every other value is as certain as II."""

ANSWERS = ("ii_found", "ii_clocks", "length", "warps_used", "traffic", "tensor_core_utilization")
"""Columns whose value is an answer that is proven best, or only found."""

SEARCH = ("method", "formulation", "levels", "confirm", "seed", "max_ii", "stage")
"""Parameters that say how a problem is solved, not which one."""


def label(name: str) -> str:
    """The label of an axis, with the unit."""
    return LABELS.get(name, name.replace("_", " "))


def shown(value: object) -> str:
    """A value as a text on an axis or in a key."""
    if value == ",".join(FAMILIES):
        return "all families"
    if isinstance(value, float):
        return f"{value:g}"
    return str(value) or "none"


def column(frame: pd.DataFrame, name: str) -> pd.Series[Any]:
    """A column of the table.

    Raises:
        OptionError: the table does not have it.
    """
    if name not in frame:
        raise OptionError(f"column {name}: no row of this sweep has it; name another one")
    return frame[name]


def series(frame: pd.DataFrame, by: str | None) -> Iterator[tuple[str, pd.DataFrame]]:
    """The rows of every value of a column, in the order of their first rows."""
    if by is None:
        yield "", frame
        return
    values = column(frame, by)
    for value in dict.fromkeys(values.dropna()):
        name = value if isinstance(value, str) else f"{by.replace('_', '-')} {shown(value)}"
        yield shown(name), frame[values == value]


def proven(frame: pd.DataFrame, name: str) -> pd.Series[bool]:
    """Whether the value of a column is proven to be the best possible, per row."""
    certainty = CERTAINTY.get(name)
    if certainty is not None and certainty in frame:
        return (frame[certainty] == "proven").fillna(False).astype(bool)
    return (frame["status"] == "optimal").fillna(False).astype(bool)


def decided(frame: pd.DataFrame) -> pd.Series[bool]:
    """Whether the whole question got an answer: II, and every level that was asked for.

    For a fixed II a schedule is an answer.
    """
    answers = frame["status"].isin(["optimal", "infeasible"])
    if "ii" in frame:
        answers |= frame["ii"].notna() & (frame["status"] == "feasible")
    for name in CERTAINTY.values():
        if name in frame:
            answers &= ~frame[name].isin(["found", "unknown"]) | (frame["status"] == "infeasible")
    return answers.astype(bool)


def problem_of(frame: pd.DataFrame) -> pd.Series[str]:
    """A name for the problem that each row solves: its parameters but those of the search."""
    import pandas as pd

    from twill_ilp.sweep.parameters import OPEN, PARAMETERS

    names = [
        name
        for name in frame.columns
        if (name in PARAMETERS or name.partition(".")[0] in OPEN)
        and name not in SEARCH
        and not name.endswith(("_limit", "wall_seconds", "memory_mb"))
        and not name.startswith("solver.")
    ]
    rows = frame[names].itertuples(index=False, name=None)
    return pd.Series(["|".join(map(str, row)) for row in rows], index=frame.index, dtype=str)


def optimum_known(frame: pd.DataFrame) -> pd.Series[bool]:
    """Whether some row proves the least II of each row's problem."""
    return (frame["status"] == "optimal").groupby(problem_of(frame)).transform("any").astype(bool)
