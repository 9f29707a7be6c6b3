"""The table of a sweep: one row per point, tidy, with types."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twill_ilp.errors import OptionError
from twill_ilp.files import writing
from twill_ilp.sweep.keys import point_digest
from twill_ilp.sweep.measure import RESULTS
from twill_ilp.sweep.parameters import OPEN, PARAMETERS
from twill_ilp.sweep.spec import read_sweep
from twill_ilp.sweep.store import POINTS, read_rows

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["PROVENANCE", "RESULTS_FOLDER", "SPEC", "TIMINGS", "load", "write_tables"]

RESULTS_FOLDER = Path("results")
SPEC = "sweep.toml"
"""Copy of the sweep file beside its rows."""

PROVENANCE: Mapping[str, type] = {
    "peak_mb": float,
    "highs": str,
    "pulp": str,
    "python": str,
    "code": str,
    "git": str,
    "cpu": str,
    "threads": int,
    "timestamp": str,
    "point": str,
    "key": str,
}
"""Columns that say where and with what a row was made.  ``peak_mb``: largest resident memory."""

TIMINGS = (
    *(name for name in RESULTS if name.startswith("seconds")),
    "peak_mb",
    "git",
    "cpu",
    "timestamp",
)
"""Columns that differ between two runs of the same sweep."""

PANDAS = {int: "Int64", float: "Float64", bool: "boolean", str: "category"}
PLAIN = ("evidence", "rejected", "schedule", "timestamp", "point", "key")
"""Texts that hardly repeat; no categories."""


def load(name: str | Path) -> pd.DataFrame:
    """The table of a sweep.

    The rows are those of the sweep's points, in its order, each the newest of its parameters;
    points that have not ended yet are missing.

    Args:
        name: of a folder in ``results/``, or the path of such a folder.

    Returns:
        Parameters, results and provenance as columns; ``Int64``, ``Float64``, ``boolean`` and
        ``category``, so that what is not known is missing and not 0.  Columns that no row of this
        sweep uses are left out.

    Raises:
        OptionError: there is no such folder.
        StoreError: the store is damaged.
    """
    folder = folder_of(name)
    newest = {str(row["point"]): row for row in read_rows(folder / POINTS)}
    spec = folder / SPEC
    if spec.exists():
        wanted = map(point_digest, read_sweep(spec).points)
        newest = {point: newest[point] for point in wanted if point in newest}
    return _frame(newest.values())


def folder_of(name: str | Path) -> Path:
    """The results folder that a name, a path or a sweep file means."""
    path = Path(name)
    if path.suffix == ".toml":
        path = RESULTS_FOLDER / path.stem
    for folder in (path, RESULTS_FOLDER / path):
        if (folder / POINTS).is_file():
            return folder
    raise OptionError(
        f"{name}: no results there, nor in {RESULTS_FOLDER / path}; run 'twill-ilp sweep' first"
    )


def write_tables(folder: Path) -> list[Path]:
    """Write ``points.csv``, and ``points.parquet`` if pyarrow is there; returns the paths.

    Raises:
        OSError: a file cannot be written.
    """
    frame = load(folder)
    path = folder / "points.csv"
    with writing(path) as temporary:
        frame.to_csv(temporary, index=False, lineterminator="\n")
    paths = [path]
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        return paths
    path = folder / "points.parquet"
    with writing(path) as temporary:
        frame.to_parquet(temporary, index=False)
    return [*paths, path]


def _frame(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    import pandas as pd

    data = list(rows)
    names = list(dict.fromkeys(name for row in data for name in row))
    order = [*PARAMETERS, *(n for n in names if _kind(n) is None), *RESULTS, *PROVENANCE]
    columns: dict[str, Any] = {}
    for name in dict.fromkeys(order):
        values = [row.get(name) for row in data]
        always = name in ("status", "reason", "ii_found", "kernel")
        if always or any(value not in (None, "") for value in values):
            columns[name] = pd.Series(values, dtype=_dtype(name, values))
    return pd.DataFrame(columns)


def _kind(name: str) -> type | None:
    if name in PARAMETERS:
        return PARAMETERS[name].kind
    return RESULTS.get(name, PROVENANCE.get(name))


def _dtype(name: str, values: list[Any]) -> str:
    kind = _kind(name)
    family = name.partition(".")[0]
    if kind is None and family in OPEN:
        kind = OPEN[family].kind
    if kind in (None, object):
        given = {type(value) for value in values if value is not None}
        kind = given.pop() if len(given) == 1 else str
    if name in PLAIN or (kind is str and not any(values)):
        return "string"
    return PANDAS.get(kind or str, "category")


def columns() -> tuple[str, ...]:
    """Names of every column with a fixed name."""
    return (*PARAMETERS, *RESULTS, *PROVENANCE)
