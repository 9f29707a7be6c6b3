"""A sweep from beginning to end, in this process and from the command line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

import pytest
import sweep_plants

from twill_ilp.cli import main
from twill_ilp.errors import OptionError, SolverError
from twill_ilp.sweep import load, process_executor, read_sweep, run_sweep
from twill_ilp.sweep.store import POINTS, Store, read_rows

LOOPS = """
[fixed]
kernel = "random"
stage = "modulo"
operations = 5
[[grid]]
loop_seed = { from = 10, to = %d }
"""


def sweep_file(folder: Path, last: int = 15, extra: str = "", top: str = "") -> Path:
    path = folder / "loops.toml"
    path.write_text(top + LOOPS % last + extra, encoding="utf-8")
    return path


class Inline(Executor):
    """Runs a point when it is submitted, in this process and with this function."""

    def __init__(self, function: Any, stop_after: int | None = None) -> None:
        self.function, self.stop_after, self.calls = function, stop_after, 0

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.calls += 1
        if self.stop_after is not None and self.calls > self.stop_after:
            raise KeyboardInterrupt
        request = args[0]
        future: Future[Any] = Future()
        try:
            future.set_result(
                self.function(request["point"], Path(request["folder"]), request["keep"])
            )
        except Exception as e:
            future.set_exception(e)
        return future


def test_what_is_done_is_skipped(tmp_path: Path) -> None:
    sweep, out = read_sweep(sweep_file(tmp_path)), tmp_path / "out"
    first = Inline(sweep_plants.quick)
    report = run_sweep(sweep, out, first, limit=2)
    assert (report.total, report.before, report.solved) == (2, 0, 2)
    with pytest.raises(OptionError, match=r"2 of 6 points are done; add --resume"):
        run_sweep(sweep, out, first)
    report = run_sweep(sweep, out, first, resume=True)
    assert (report.before, report.solved, first.calls) == (2, 4, 6)
    report = run_sweep(sweep, out, first)
    assert (report.before, report.solved, first.calls) == (6, 0, 6)
    frame = load(out)
    assert frame["loop_seed"].tolist() == [10, 11, 12, 13, 14, 15]
    assert frame["ii_found"].tolist() == [110, 111, 112, 113, 114, 115]
    assert (out / "points.csv").read_text().count("\n") == 7
    assert (out / "sweep.toml").read_text() == sweep.text


def test_a_point_that_leaves_the_sweep_leaves_the_table(tmp_path: Path) -> None:
    out = tmp_path / "out"
    run_sweep(read_sweep(sweep_file(tmp_path)), out, Inline(sweep_plants.quick))
    fewer = read_sweep(sweep_file(tmp_path, last=12))
    report = run_sweep(fewer, out, Inline(sweep_plants.quick))
    assert report.solved == 0
    assert load(out)["loop_seed"].tolist() == [10, 11, 12]
    assert len(list(read_rows(out / POINTS))) == 6, "nothing is thrown away"


def test_other_code_on_a_worker_is_refused_and_the_rest_is_kept(tmp_path: Path) -> None:
    def other(point: Any, folder: Path, keep: bool) -> dict[str, Any]:
        row = sweep_plants.quick(point, folder, keep)
        return row | ({"code": "other"} if point["loop_seed"] == 12 else {})

    sweep, out = read_sweep(sweep_file(tmp_path)), tmp_path / "out"
    with pytest.raises(SolverError, match="a worker runs other code"):
        run_sweep(sweep, out, Inline(other))
    assert 12 not in {row["loop_seed"] for row in read_rows(out / POINTS)}


def test_an_interrupt_keeps_what_has_ended(tmp_path: Path) -> None:
    sweep, out = read_sweep(sweep_file(tmp_path)), tmp_path / "out"
    report = run_sweep(sweep, out, Inline(sweep_plants.quick, stop_after=3))
    assert report.interrupted
    assert report.solved == 3
    assert len(load(out)) == 3


@pytest.mark.parametrize(("written", "kept"), [(True, 6), (False, 5)])
def test_an_interrupt_while_a_row_is_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: bool, kept: int
) -> None:
    """What is said to be done is what is in the file, whichever line the interrupt came at."""
    append = Store.append

    def interrupted(store: Store, row: dict[str, Any]) -> None:
        if row["loop_seed"] != 12:
            append(store, row)
            return
        if written:
            append(store, row)
        store.keys.add(row["key"])
        raise KeyboardInterrupt

    monkeypatch.setattr(Store, "append", interrupted)
    sweep, out = read_sweep(sweep_file(tmp_path)), tmp_path / "out"
    report = run_sweep(sweep, out, Inline(sweep_plants.quick))
    assert report.interrupted and len(list(read_rows(out / POINTS))) == kept
    assert report.solved == kept == sum(report.statuses.values())


def test_schedules_are_kept_on_request(tmp_path: Path) -> None:
    from twill_ilp import Result
    from twill_ilp.sweep import complete
    from twill_ilp.sweep.build import build
    from twill_ilp.sweep.measure import measure_point

    sweep = read_sweep(sweep_file(tmp_path, last=11, top="schedules = true\n"))
    out = tmp_path / "out"
    run_sweep(sweep, out, Inline(measure_point))
    for row in read_rows(out / POINTS):
        data = json.loads((out / "schedules" / f"{row['key']}.json").read_text())
        given = {name: row[name] for name in ("kernel", "stage", "operations", "loop_seed")}
        problem = build(complete(given), tmp_path).problem
        assert Result.from_dict(data, problem).ii == row["ii_found"]
        assert "result" not in row


def test_processes_and_planted_points(tmp_path: Path) -> None:
    """A hang, a memory hog, a crash and an exception cost their own points only."""
    path = tmp_path / "planted.toml"
    path.write_text(
        (LOOPS % 20).replace("operations = 5", "operations = 5\nwall_seconds = 2\nmemory_mb = 400")
        .replace("from = 10", "from = 1"),
        encoding="utf-8",
    )  # fmt: skip
    sweep, out = read_sweep(path), tmp_path / "out"
    with process_executor(2) as executor:
        report = run_sweep(sweep, out, executor, function="sweep_plants:planted")
    assert report.solved == 20
    frame = load(out).set_index("loop_seed")
    assert frame["reason"].loc[[1, 2, 3, 4]].tolist() == [
        "wall limit", "memory limit", "crash", "error",
    ]  # fmt: skip
    assert (frame["status"].loc[:4] == "unknown").all()
    assert (frame["status"].loc[5:] == "optimal").all()
    assert (frame["threads"].loc[5:] == 1).all()


def command(*arguments: str, **options: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "twill_ilp", "sweep", *arguments],
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        **options,
    )


@pytest.mark.parametrize(
    "number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)]
)
def test_a_signal_stops_cleanly_with_exit_code_130(tmp_path: Path, number: int) -> None:
    path, out = sweep_file(tmp_path, last=2000), tmp_path / "out"
    run = command(str(path), "--jobs", "2", "--out", str(out))
    while not ((out / POINTS).exists() and (out / POINTS).stat().st_size > 5000):
        time.sleep(0.02)
        assert run.poll() is None
    os.kill(run.pid, number)
    said, complaint = run.communicate(timeout=30)
    assert run.returncode == 130
    done = len(list(read_rows(out / POINTS)))
    assert f"{done} of 1991 points done" in said
    assert "--resume" in complaint
    assert "Traceback" not in complaint
    assert len(load(out)) == done
    with Store(out) as store:
        assert store.torn == 0


def test_the_command_reports_a_torn_line_and_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, out = sweep_file(tmp_path, last=11), tmp_path / "out"
    assert main(["sweep", str(path), "--out", str(out), "--limit", "1"]) == 0
    with (out / POINTS).open("ab") as lines:
        lines.write(b'{"key": "to')
    assert main(["sweep", str(path), "--out", str(out)]) == 2
    assert "1 of 2 points are done and 11 bytes of a torn line" in capsys.readouterr().err
    with (out / POINTS).open("ab") as lines:
        lines.write(b'{"key": "to')
    assert main(["sweep", str(path), "--out", str(out), "--resume"]) == 0
    said = capsys.readouterr()
    assert "a torn last line (11 bytes) was cut off" in said.err
    assert "2 of 2 points done, 1 of them now (1 optimal)" in said.out


def test_a_dry_run_prints_points_and_an_estimate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, out = sweep_file(tmp_path, last=80), tmp_path / "out"
    assert main(["sweep", str(path), "--dry-run", "--jobs", "4", "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert "loop_seed" in said
    assert "... and 11 more" in said
    assert "71 points, 0 done; the rest takes at most 3.0 h on 4 processes." in said
    assert not out.exists()
    run_sweep(read_sweep(path), out, Inline(sweep_plants.quick), limit=3)
    assert main(["sweep", str(path), "--dry-run", "--out", str(out)]) == 0
    assert "71 points, 3 done" in capsys.readouterr().out


def test_the_command_lists_parameters(capsys: pytest.CaptureFixture[str]) -> None:
    from twill_ilp.sweep.parameters import OPEN, PARAMETERS

    assert main(["sweep", "--parameters"]) == 0
    lines = capsys.readouterr().out.splitlines()
    listed = [line.split()[0] for line in lines if line]
    assert listed == [*PARAMETERS, *(f"{family}.NAME" for family in OPEN)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "which sweep?"),
        (("x.toml",), "x.toml: cannot be read"),
        (("x.toml", "--limit", "0"), "--limit 0"),
        (("x.toml", "--scheduler", "tcp://a:1"), "only with --engine dask"),
    ],
)
def test_bad_arguments(
    arguments: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sweep", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_no_job_at_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sweep", str(sweep_file(tmp_path)), "--jobs", "0"]) == 2
    assert "--jobs 0" in capsys.readouterr().err
