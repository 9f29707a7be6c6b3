"""Run a sweep: hand its points to an executor and store every row as soon as it is there."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future, as_completed
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from twill_ilp.errors import DoesNotFitError, OptionError, SolverError, TwillError
from twill_ilp.files import write_text
from twill_ilp.sweep.build import build
from twill_ilp.sweep.child import MEASURE, solve_in_child
from twill_ilp.sweep.keys import canonical, code_digest, git_revision, point_digest, row_key
from twill_ilp.sweep.parameters import PointError, Value
from twill_ilp.sweep.spec import InvalidSweepError, Sweep
from twill_ilp.sweep.store import Store, StoreError, read_rows
from twill_ilp.sweep.table import SPEC, write_tables

__all__ = ["Report", "check_points", "run_sweep"]

Point = dict[str, Value]
Row = dict[str, Any]

SEARCH_ONLY = ("time_limit", "solve_time_limit", "level_time_limit", "seed", "wall_seconds", "ii")
"""Parameters that no problem depends on and that no check could refuse any more."""


@dataclass(frozen=True)
class Report:
    """What a run did.

    Attributes:
        total: points of the sweep (or the limit on them).
        before: of these, done when it began.
        statuses: of the rows that this run stored, how many have each status.
        torn: bytes of a torn last line that were cut off at the beginning.
        seconds: wall time.
        interrupted: Ctrl-C ended it.
    """

    total: int
    before: int
    statuses: Mapping[str, int]
    torn: int
    seconds: float
    interrupted: bool

    @property
    def solved(self) -> int:
        """Rows that this run stored."""
        return sum(self.statuses.values())


def check_points(sweep: Sweep) -> None:
    """Build the problem of every point, without solving anything.

    Raises:
        InvalidSweepError: a point that cannot be meant, with the line of its block.
    """
    options = {k: v for p in sweep.points for k, v in p.items() if k.startswith("solver.")}
    if options:
        from twill_ilp.solver import check_options

    seen = set()
    for point, line in zip(sweep.points, sweep.lines, strict=True):
        problem = canonical({k: v for k, v in point.items() if k not in SEARCH_ONLY})
        if problem in seen:
            continue
        seen.add(problem)
        try:
            built = build(point, sweep.path.parent, normalize=False)
            if options:
                check_options(built.options.solver)
        except DoesNotFitError:
            continue  # a finding, not a mistake
        except PointError as e:
            raise InvalidSweepError(
                f"{sweep.path}:{sweep.line_of(line, e.parameter)}: {e}"
            ) from None
        except TwillError as e:
            varied = ", ".join(f"{k} = {point[k]}" for k in sweep.axes if point.get(k) is not None)
            raise InvalidSweepError(f"{sweep.path}:{line}: {e} (at {varied})") from None


def run_sweep(
    sweep: Sweep,
    folder: Path,
    executor: Executor,
    *,
    limit: int | None = None,
    resume: bool = False,
    function: str = MEASURE,
    progress: Callable[[Row], None] = lambda _: None,
    begin: Callable[[int, int], None] = lambda todo, done: None,
) -> Report:
    """Solve what is not in the store yet.

    Args:
        folder: of the results.
        executor: see :func:`~twill_ilp.sweep.processes.process_executor` and
            :func:`~twill_ilp.sweep.cluster.cluster_executor`.
        limit: only the first so many points of the sweep.
        resume: go on with a sweep of which some points are done.
        function: what the workers run.
        progress: called with every row that was stored.
        begin: called with the numbers of points to do and done.

    Raises:
        OptionError: some points are done, and ``resume`` is false.
        StoreError: the store is in use, damaged, or the disk is full.
        SolverError: no worker starts, or one runs other code than this process.
    """
    began = time.monotonic()
    points = sweep.points[:limit]
    with Store(folder) as store:
        keys = [row_key(point, sweep.path.parent) for point in points]
        todo = [(p, k) for p, k in zip(points, keys, strict=True) if k not in store.keys]
        before = len(points) - len(todo)
        if todo and (before or store.torn) and not resume:
            torn = f" and {store.torn} bytes of a torn line were cut off" if store.torn else ""
            raise OptionError(
                f"{folder}: {before} of {len(points)} points are done{torn}; add --resume to solve "
                "the rest, or give another --out"
            )
        _keep_spec(sweep, folder)
        begin(len(todo), before)
        run = _Run(sweep, folder, store, function, progress)
        interrupted = run.through(executor, todo)
    write_tables(folder)
    new = {key for _, key in todo}  # counted in the file: Ctrl-C may come at any line
    rows = (row for row in read_rows(store.path) if row["key"] in new)
    statuses = Counter(str(row["status"]) for row in rows)
    seconds = time.monotonic() - began
    return Report(len(points), before, statuses, store.torn, seconds, interrupted)


@dataclass
class _Run:
    """One run under way."""

    sweep: Sweep
    folder: Path
    store: Store
    function: str
    progress: Callable[[Row], None]

    def through(self, executor: Executor, todo: list[tuple[Point, str]]) -> bool:
        """Solve and store; whether Ctrl-C ended it."""
        waiting: dict[Future[Row], tuple[Point, str]] = {}
        try:
            for point, key in todo:
                waiting[self.submit(executor, point)] = point, key
            for future in as_completed(list(waiting)):
                self.keep(future.result(), *waiting[future])
                del waiting[future]
        except KeyboardInterrupt:
            self.keep_finished(waiting)
            return True
        except SolverError:
            self.keep_finished(waiting)
            raise
        finally:
            for future in waiting:
                future.cancel()
        return False

    def keep_finished(self, waiting: Mapping[Future[Row], tuple[Point, str]]) -> None:
        """Store what has ended and was not stored yet."""
        for future, (point, key) in waiting.items():
            ended = future.done() and not future.cancelled() and not future.exception()
            if ended and key not in self.store.keys:
                self.keep(future.result(), point, key)

    def submit(self, executor: Executor, point: Point) -> Future[Row]:
        request = {
            "point": point,
            "folder": str(self.sweep.path.parent.resolve()),
            "keep": self.sweep.schedules,
        }
        wall, memory = float(str(point["wall_seconds"])), float(str(point["memory_mb"]))
        return executor.submit(solve_in_child, request, wall, memory, self.function)

    def keep(self, row: Row, point: Point, key: str) -> None:
        """Store the row of a point that ended, its result file first."""
        row = dict(row)
        if row.get("code", code_digest()) != code_digest():
            raise SolverError(
                "a worker runs other code than this process (was the package changed meanwhile, or "
                "is it another version on the cluster?); nothing of it is stored"
            )
        if (result := row.pop("result", None)) is not None:
            _keep_result(self.folder / "schedules" / f"{key}.json", result)
        facts = {
            "git": git_revision(),
            "timestamp": datetime.now(UTC).isoformat(timespec="seconds"),
            "point": point_digest(point),
            "key": key,
        }
        self.store.append(point | row | facts)
        self.progress(row)


def _keep_result(path: Path, result: Row) -> None:
    try:
        path.parent.mkdir(exist_ok=True)
        write_text(path, canonical(result) + "\n")
    except OSError as e:
        raise StoreError(f"{path}: {e.strerror}; make room and go on with --resume") from None


def _keep_spec(sweep: Sweep, folder: Path) -> None:
    """Copy the sweep file to its results."""
    target = folder / SPEC
    if not (target.exists() and target.read_text(encoding="utf-8") == sweep.text):
        write_text(target, sweep.text)
