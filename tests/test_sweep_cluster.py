"""The same sweep on worker processes and on a Dask cluster of worker processes."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from twill_ilp.cli import main
from twill_ilp.sweep import load, process_executor, read_sweep, run_sweep
from twill_ilp.sweep.table import TIMINGS

pytest.importorskip("distributed")

# Dask's own sockets and threads end after the cluster has closed.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:distributed"),
]

LOOPS = """
[fixed]
kernel = "random"
stage = "modulo"
operations = 6
memory_mb = 500
[[grid]]
loop_seed = { from = 5, to = 12 }
[[grid]]
loop_seed = 1
wall_seconds = 1
[[grid]]
loop_seed = [2, 4]
wall_seconds = 30
"""


def table(folder: Path) -> pd.DataFrame:
    return load(folder).drop(columns=list(TIMINGS), errors="ignore")


def test_a_cluster_of_two_gives_the_same_rows(tmp_path: Path) -> None:
    """Also where points hang, hog memory and raise."""
    from distributed import Client, LocalCluster

    from twill_ilp.sweep import cluster_executor

    path = tmp_path / "loops.toml"
    path.write_text(LOOPS, encoding="utf-8")
    sweep = read_sweep(path)
    with process_executor(2) as executor:
        run_sweep(sweep, tmp_path / "one", executor, function="sweep_plants:planted")
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as local:
        with cluster_executor(local.scheduler_address) as executor:
            report = run_sweep(
                sweep, tmp_path / "two", executor, function="sweep_plants:planted"
            )
        with Client(local) as client:
            assert len(client.scheduler_info()["workers"]) == 2
    assert report.solved == 11
    expected = table(tmp_path / "one")
    assert expected["reason"].dropna().tolist() == ["wall limit", "memory limit", "error"]
    pd.testing.assert_frame_equal(table(tmp_path / "two"), expected)


def test_a_scheduler_that_is_not_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from twill_ilp.sweep import cluster

    monkeypatch.setattr(cluster, "PATIENCE", "1s")
    path = tmp_path / "loops.toml"
    path.write_text(LOOPS, encoding="utf-8")
    code = main(["sweep", str(path), "--engine", "dask", "--scheduler", "tcp://127.0.0.1:1",
                 "--out", str(tmp_path / "out")])  # fmt: skip
    assert code == 2
    assert "scheduler tcp://127.0.0.1:1: not reached" in capsys.readouterr().err
