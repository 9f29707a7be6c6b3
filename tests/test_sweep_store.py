"""The store: whole lines or none, whoever dies and whatever is full."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import resource
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sweep_plants import row as plain_row

from twill_ilp.errors import OptionError
from twill_ilp.sweep import complete, load
from twill_ilp.sweep.keys import point_digest
from twill_ilp.sweep.store import POINTS, Store, StoreError, read_rows


def stored(number: int, **known: Any) -> dict[str, Any]:
    point = complete({"kernel": "random", "loop_seed": number})
    return point | plain_row(**known) | {"key": f"k{number}", "point": point_digest(point)}


def fill(folder: Path, count: int) -> bytes:
    with Store(folder) as store:
        for number in range(count):
            store.append(stored(number, ii_found=number))
    return (folder / POINTS).read_bytes()


def test_rows_come_back_in_order(tmp_path: Path) -> None:
    fill(tmp_path / "deep" / "down", 5)
    rows = list(read_rows(tmp_path / "deep" / "down" / POINTS))
    assert [row["ii_found"] for row in rows] == [0, 1, 2, 3, 4]
    with Store(tmp_path / "deep" / "down") as store:
        assert store.keys == {"k0", "k1", "k2", "k3", "k4"}
        assert store.torn == 0


def test_a_line_torn_anywhere_is_cut_off_and_reported(tmp_path: Path) -> None:
    whole = fill(tmp_path, 3)
    path = tmp_path / POINTS
    second = whole.index(b"\n", whole.index(b"\n") + 1) + 1
    rng = random.Random(1)
    for at in (second + 1, len(whole) - 1, *rng.sample(range(second + 1, len(whole) - 1), 20)):
        path.write_bytes(whole[:at])
        assert len(list(read_rows(path))) == 2, "a reader of a running sweep leaves it out"
        with Store(tmp_path) as store:
            assert store.torn == at - second
            assert store.keys == {"k0", "k1"}
            store.append(stored(2, ii_found=2))
        assert path.read_bytes() == whole


def test_a_file_without_any_newline_is_one_torn_line(tmp_path: Path) -> None:
    (tmp_path / POINTS).write_bytes(b'{"key": "x' + b" " * 200_000)
    with Store(tmp_path) as store:
        assert (store.torn, store.keys) == (200_010, set())


@pytest.mark.parametrize("line", [b"{}", b"null", b"nonsense", b'{"key": 1}', b""])
def test_a_damaged_line_is_named(tmp_path: Path, line: bytes) -> None:
    whole = fill(tmp_path, 2)
    first = whole.index(b"\n") + 1
    (tmp_path / POINTS).write_bytes(whole[:first] + line + b"\n" + whole[first:])
    with pytest.raises(StoreError, match=rf"{POINTS}:2: not a row of a sweep; delete the line"):
        Store(tmp_path)


def test_a_second_runner_is_kept_out(tmp_path: Path) -> None:
    with Store(tmp_path), pytest.raises(StoreError, match="another runner writes it"):
        Store(tmp_path)
    Store(tmp_path).__exit__(None, None, None)


def test_a_folder_that_takes_no_files(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="choose another folder"):
        Store(tmp_path / "file" / "below")


def _limited(folder: Path, most: int, said: Any) -> None:
    """Append rows until the file may not grow."""
    import signal

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    try:
        with Store(folder) as store:
            for number in range(100):
                store.append(stored(number))
    except StoreError as e:
        said.put(str(e))


def test_a_full_disk_tears_no_line(tmp_path: Path) -> None:
    size = len(json.dumps(stored(0), separators=(",", ":")))
    context = multiprocessing.get_context("spawn")
    for spare in (1, size // 2):
        folder, said = tmp_path / str(spare), context.Queue()
        process = context.Process(target=_limited, args=(folder, 4 * size + spare + 40, said))
        process.start()
        message = said.get(timeout=60)
        process.join()
        assert "File too large after" in message
        assert "which are safe; make room and go on with --resume" in message
        data = (folder / POINTS).read_bytes()
        assert data.endswith(b"\n")
        done = len(list(read_rows(folder / POINTS)))
        assert f"after {done} points" in message
        assert done >= 3


def test_the_table_has_types_and_missing_values(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        store.append(stored(0, ii_found=7, ii_gap=0.5, status="feasible"))
        store.append(stored(1, status="unknown", reason="time limit") | {"unit.TC": 2})
        store.append(stored(0, ii_found=6, ii_gap=0.0) | {"key": "newer code"})
    frame = load(tmp_path)
    assert len(frame) == 2, "the newest row of each point"
    assert frame["ii_found"].dtype == "Int64"
    assert frame["ii_gap"].dtype == "Float64"
    assert frame["confirm"].dtype == "boolean"
    assert isinstance(frame["status"].dtype, pd.CategoricalDtype)
    assert frame["unit.TC"].dtype == "Int64"
    assert frame["ii_found"].isna().tolist() == [False, True]
    assert frame["ii_found"].tolist()[0] == 6
    assert "tile" not in frame, "no row uses it"


def test_results_that_do_not_exist(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="no results there"):
        load(tmp_path / "nothing")
    assert os.listdir(tmp_path) == []


def test_parquet_keeps_the_types(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    from twill_ilp.sweep.table import write_tables

    fill(tmp_path, 3)
    paths = write_tables(tmp_path)
    assert [path.name for path in paths] == ["points.csv", "points.parquet"]
    again = pd.read_parquet(tmp_path / "points.parquet")
    pd.testing.assert_frame_equal(again, load(tmp_path), check_categorical=False)
