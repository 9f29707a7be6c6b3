"""Killed runners, killed workers and full disks, at random moments, on real sweeps.

Whatever was stored stays as it was, byte by byte; after ``--resume`` every point has one row; and
the table is that of a run that nobody disturbed, apart from times.
"""

from __future__ import annotations

import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from twill_ilp.sweep import load
from twill_ilp.sweep.store import POINTS, read_rows
from twill_ilp.sweep.table import TIMINGS

LOOPS = """
[fixed]
kernel = "random"
stage = "modulo"
wall_seconds = 60
[[grid]]
operations = [4, 7]
loop_seed = { from = 0, to = 14 }
"""
POINTS_IN_ALL = 30


def start(path: Path, out: Path, most_bytes: int | None = None) -> subprocess.Popen[str]:
    def limit() -> None:
        assert most_bytes is not None
        resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))

    return subprocess.Popen(
        [sys.executable, "-m", "twill_ilp", "sweep", str(path), "--out", str(out), "--resume",
         "--jobs", "2"],
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=limit if most_bytes is not None else None,
    )  # fmt: skip


def stored(out: Path) -> bytes:
    path = out / POINTS
    return path.read_bytes() if path.exists() else b""


def whole(data: bytes) -> bytes:
    """The lines that are complete."""
    return data[: data.rfind(b"\n") + 1]


def workers_of(pid: int) -> list[int]:
    """Worker processes whose parent is ``pid``."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            if folder.name.isdigit() and f"\nPPid:\t{pid}\n" in (folder / "status").read_text():
                found.append(int(folder.name))
        except OSError:
            continue  # it has just ended
    return found


def wait_for_rows(run: subprocess.Popen[str], out: Path, rows: int) -> bool:
    """Wait until so many rows are stored; false if the run ends before."""
    while stored(out).count(b"\n") < rows:
        if run.poll() is not None:
            return False
        time.sleep(0.005)
    return True


def kill_runner(rng: random.Random, path: Path, out: Path) -> int:
    """Kill the runner somewhere in the middle, or while it starts; the number of rows then."""
    done = stored(out).count(b"\n")
    run = start(path, out)
    wait_for_rows(run, out, done + rng.randrange(max(1, (POINTS_IN_ALL - done) // 3)))
    time.sleep(rng.random() * 0.05)
    assert run.poll() is None, "the sweep has not ended yet"
    workers = workers_of(run.pid)
    run.kill()
    run.communicate()
    for worker in workers:
        wait_for_the_end(worker)
    return stored(out).count(b"\n")


def wait_for_the_end(pid: int) -> None:
    """A worker ends with its parent."""
    for _ in range(1000):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except OSError:
            return
        if state == "Z":
            return
        time.sleep(0.01)
    raise AssertionError(f"worker {pid} outlives its parent")


def kill_workers(rng: random.Random, path: Path, out: Path) -> int:
    """Kill a worker now and then until the run has ended by itself; how often."""
    run, kills = start(path, out), 0
    while run.poll() is None:
        time.sleep(rng.random() * 0.3)
        workers = workers_of(run.pid)
        if workers and kills < 4:
            kills += 1
            try:
                os.kill(rng.choice(workers), signal.SIGKILL)
            except ProcessLookupError:
                kills -= 1
    said, complaint = run.communicate()
    assert run.returncode == 0, complaint
    assert f"{POINTS_IN_ALL} of {POINTS_IN_ALL} points done" in said
    return kills


@contextmanager
def small_disk(folder: Path, kilobytes: int) -> Iterator[bool]:
    """A file system of that size, if this user may mount one."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(mount, capture_output=True).returncode == 0
    except OSError:
        mounted = False
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", str(folder)], check=True)


def fill_disk(rng: random.Random, path: Path, disk: Path, out: Path, mounted: bool) -> None:
    """Run into a full disk, or else into a limit on the size of files."""
    room = rng.randrange(5_000, 20_000)
    run = start(path, out, None if mounted else room)
    _, complaint = run.communicate()
    assert run.returncode == 2
    assert ("No space left" if mounted else "File too large") in complaint
    assert "Traceback" not in complaint
    assert stored(out).endswith(b"\n") or not stored(out), "no torn line"
    if mounted:
        subprocess.run(["mount", "-o", "remount,size=8m", str(disk)], check=True)


def undisturbed(folder: Path, path: Path) -> pd.DataFrame:
    run = start(path, folder / "undisturbed")
    _, complaint = run.communicate()
    assert run.returncode == 0, complaint
    return load(folder / "undisturbed")


def check_disturbed(folder: Path, rounds: int, seed: int) -> dict[str, Any]:
    """``rounds`` sweeps, each of which meets a full disk, two killed runners, killed workers."""
    path = folder / "loops.toml"
    path.write_text(LOOPS, encoding="utf-8")
    truth = undisturbed(folder, path).drop(columns=list(TIMINGS), errors="ignore")
    rng = random.Random(seed)
    counts: dict[str, Any] = dict.fromkeys(("rounds", "mounted", "torn", "workers killed"), 0)
    counts["rows at kills"] = []
    for number in range(rounds):
        disk = folder / f"disk{number}"
        with small_disk(disk, rng.randrange(16, 28)) as mounted:
            _one_round(rng, path, disk, mounted, counts)
            table = load(disk / "out").drop(columns=list(TIMINGS), errors="ignore")
            pd.testing.assert_frame_equal(table, truth)
            counts["rounds"] += 1
            counts["mounted"] += mounted
    return counts


def _one_round(
    rng: random.Random, path: Path, disk: Path, mounted: bool, counts: dict[str, Any]
) -> None:
    out, before = disk / "out", b""

    def kill() -> None:
        counts["rows at kills"].append(kill_runner(rng, path, out))

    def kill_some_workers() -> None:
        counts["workers killed"] += kill_workers(rng, path, out)

    for disturb in (
        lambda: fill_disk(rng, path, disk, out, mounted),
        kill,
        kill,
        lambda: tear(rng, out, counts),
        kill_some_workers,
    ):
        disturb()
        now = stored(out)
        assert now.startswith(before), "what was stored stays as it was"
        before = whole(now)
    keys = [row["key"] for row in read_rows(out / POINTS)]
    assert len(keys) == len(set(keys)) == POINTS_IN_ALL


def tear(rng: random.Random, out: Path, counts: dict[str, Any]) -> None:
    """Half a line at the end, as a power failure leaves it."""
    line = next(iter(stored(out).splitlines(True)), b'{"key":"x"}\n')
    with (out / POINTS).open("ab") as lines:
        lines.write(line[: rng.randrange(1, len(line))])
    counts["torn"] += 1


def test_nothing_that_ended_is_lost(tmp_path: Path) -> None:
    assert check_disturbed(tmp_path, rounds=1, seed=1)["rounds"] == 1


@pytest.mark.slow
def test_nothing_that_ended_is_lost_twenty_times(tmp_path: Path) -> None:
    counts = check_disturbed(tmp_path, rounds=20, seed=2)
    print(counts)
    assert counts["rounds"] == 20
    assert len(set(counts["rows at kills"])) > 5, "the moments differ"
    assert counts["workers killed"] >= 20
