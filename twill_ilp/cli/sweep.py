"""``twill-ilp sweep``: run a sweep file, or say what it would do."""

from __future__ import annotations

import argparse
import os
import signal
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from twill_ilp.cli.terminal import complain, say
from twill_ilp.errors import OptionError
from twill_ilp.report import Table
from twill_ilp.sweep.parameters import Value, parameter_text
from twill_ilp.sweep.spec import Sweep, read_sweep

__all__ = ["run"]

UNDECIDED, INTERRUPTED = 3, 130
FAILURES = ("error", "crash")
SHOWN = 60
"""Points that a dry run prints; the rest is counted."""


def run(arguments: argparse.Namespace) -> int:
    """Run the sweep; 0 if every point has a row, 130 if it was interrupted."""
    if arguments.parameters:
        say(parameter_text())
        return 0
    if arguments.file is None:
        raise OptionError("which sweep? give a .toml file, or --parameters")
    if arguments.limit is not None and arguments.limit < 1:
        raise OptionError(f"--limit {arguments.limit}: give a whole number >= 1")
    if arguments.scheduler and arguments.engine != "dask":
        raise OptionError("--scheduler: only with --engine dask; leave it out")
    sweep = read_sweep(arguments.file)
    from twill_ilp.sweep.runner import check_points
    from twill_ilp.sweep.table import RESULTS_FOLDER

    check_points(sweep)
    folder = Path(arguments.out or RESULTS_FOLDER / sweep.name)
    if arguments.dry_run:
        say(_plan(sweep, folder, arguments))
        return 0
    return _run(sweep, folder, arguments)


def _run(sweep: Sweep, folder: Path, arguments: argparse.Namespace) -> int:
    from tqdm import tqdm

    from twill_ilp.sweep.runner import run_sweep

    statuses: Counter[str] = Counter()
    failures: list[str] = []
    bar: tqdm[Any] | None = None

    def begin(todo: int, done: int) -> None:
        nonlocal bar
        bar = tqdm(total=todo + done, initial=done, unit="point", disable=None, smoothing=0.1)

    def progress(row: dict[str, Any]) -> None:
        statuses[str(row["status"])] += 1
        if row["reason"] in FAILURES:
            failures.append(str(row["evidence"]))
        if bar is not None:
            bar.update()
            bar.set_postfix(statuses, refresh=False)

    try:
        with _terminable(), _executor(arguments) as executor:
            report = run_sweep(
                sweep,
                folder,
                executor,
                limit=arguments.limit,
                resume=arguments.resume,
                progress=progress,
                begin=begin,
            )
    finally:
        if bar is not None:
            bar.close()
    if report.torn:
        complain(
            f"{folder}: a torn last line ({report.torn} bytes) was cut off; its point is redone"
        )
    done = report.before + report.solved
    seen = ", ".join(f"{number} {status}" for status, number in sorted(report.statuses.items()))
    say(
        f"{folder}: {done} of {report.total} points done, {report.solved} of them now"
        f"{f' ({seen})' if seen else ''}, in {report.seconds:.1f} s"
    )
    if report.interrupted:
        complain(f"stopped; go on with 'twill-ilp sweep {arguments.file} --resume'")
        return INTERRUPTED
    if failures:
        complain(f"{len(failures)} points failed, which proves nothing; the first: {failures[0]}")
        return UNDECIDED
    return 0


def _executor(arguments: argparse.Namespace) -> Any:
    if arguments.jobs is not None and arguments.jobs < 1:
        raise OptionError(f"--jobs {arguments.jobs}: give a whole number >= 1")
    if arguments.engine == "dask":
        from twill_ilp.sweep.cluster import cluster_executor

        return cluster_executor(arguments.scheduler, arguments.jobs)
    from twill_ilp.sweep.processes import process_executor

    return process_executor(arguments.jobs)


@contextmanager
def _terminable() -> Iterator[None]:
    """Let SIGTERM, which batch systems send before they kill, stop as cleanly as Ctrl-C."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _plan(sweep: Sweep, folder: Path, arguments: argparse.Namespace) -> str:
    """The points and an estimate."""
    points = sweep.points[: arguments.limit]
    axes = sweep.axes
    rows = tuple(
        (str(number), *(_shown(point.get(axis)) for axis in axes))
        for number, point in enumerate(points[:SHOWN], 1)
    )
    table = Table(("", *axes), rows, frozenset({0})).text()
    if len(points) > SHOWN:
        table += f"\n... and {len(points) - SHOWN} more"
    return f"{sweep.title}\n\n{table}\n\n{_estimate(sweep, points, folder, arguments.jobs)}"


def _shown(value: Value) -> str:
    return "-" if value in (None, "") else str(value)


def _estimate(
    sweep: Sweep, points: Sequence[dict[str, Value]], folder: Path, jobs: int | None
) -> str:
    from twill_ilp.sweep.keys import point_digest, row_key
    from twill_ilp.sweep.store import POINTS, read_rows

    path = folder / POINTS
    rows = list(read_rows(path)) if path.exists() else []
    keys = {str(row["key"]) for row in rows}
    todo = [p for p in points if row_key(p, sweep.path.parent) not in keys]
    at_a_time = jobs or len(os.sched_getaffinity(0))
    worst = sum(float(str(p["wall_seconds"])) for p in todo) / at_a_time
    text = (
        f"{len(points)} points, {len(points) - len(todo)} done; the rest takes at most "
        f"{_duration(worst)} on {at_a_time} processes"
    )
    seconds = {row["point"]: row["seconds_total"] or 0.0 for row in rows}
    known = [seconds[d] for p in todo if (d := point_digest(p)) in seconds]
    mean = sum(known or seconds.values()) / max(1, len(known or seconds))
    if seconds and todo:
        text += f", about {_duration(mean * len(todo) / at_a_time)} going by the rows in {path}"
    return text + "."


def _duration(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
