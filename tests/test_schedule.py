"""Schedules, results, and the result file: exact keys, round trips, strict reading."""

from __future__ import annotations

import copy
import json
import os
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from strategies import FIGURE_1, random_problem

from twill_ilp.errors import InvalidProblemError, InvalidScheduleError, OptionError
from twill_ilp.files import check_writable, write_text, writing
from twill_ilp.graph import LoopGraph, Operation, Usage
from twill_ilp.heuristics import schedule_upwards
from twill_ilp.machine import Machine
from twill_ilp.problem import Problem
from twill_ilp.result_file import read_result
from twill_ilp.schedule import Level, Rejection, Result, Schedule

SCHEDULE = Schedule(FIGURE_1.graph, FIGURE_1.machine, 2, {"S": 0, "P": 2, "O": 3})

RESULT = Result(
    FIGURE_1,
    "optimal",
    SCHEDULE,
    {"res": 2, "rec": 1},
    (Rejection(1, "bound", "TC is busy 2 unit-cycles"),),
    {"ii": Level("proven", 2, 2, "ResMII"), "length": Level("proven", 4, 4, "L 3: infeasible")},
    {"total": 0.5, "build": 0.25, "solve": 0.125},
    {"highs": "1.15.1", "seed": "0"},
)

UNKNOWN = Result(
    FIGURE_1,
    "unknown",
    None,
    {"res": 2, "rec": 1},
    (Rejection(1, "bound", "busy"), Rejection(2, "unknown", "time limit", 1.5)),
    {"ii": Level("unknown", None, 2, "time limit"), "length": Level("skipped")},
)

FEASIBLE = replace(
    RESULT,
    status="feasible",
    schedule=replace(SCHEDULE, ii=3, start={"S": 0, "P": 1, "O": 2}),
    rejected=UNKNOWN.rejected,
    objective={"ii": Level("found", 3, 2, "time limit"), "length": Level("found", 3, None)},
)

INFEASIBLE = replace(UNKNOWN, status="infeasible", rejected=RESULT.rejected)

DATA: dict[str, Any] = {
    "schema": "twill-ilp/result/1",
    "problem": "figure-1",
    "status": "optimal",
    "ii": 2,
    "length": 4,
    "mii": {"res": 2, "rec": 1},
    "start": {"S": 0, "P": 2, "O": 3},
    "rejected": [
        {"ii": 1, "reason": "bound", "evidence": "TC is busy 2 unit-cycles", "seconds": 0.0}
    ],
    "objective": {"ii": "proven", "length": "proven"},
    "bound": {"ii": 2, "length": 4},
    "evidence": {"ii": "ResMII", "length": "L 3: infeasible"},
    "seconds": {"total": 0.5, "build": 0.25, "solve": 0.125},
    "environment": {"highs": "1.15.1", "seed": "0"},
}
"""RESULT as JSON, from DESIGN.md section 7."""


def changed(place: tuple[str | int, ...], value: Any) -> Any:
    """``DATA`` with another value at one place."""
    data = copy.deepcopy(DATA)
    target = data
    for key in place[:-1]:
        target = target[key]  # type: ignore[index]
    target[place[-1]] = value  # type: ignore[index]
    return data


def test_times_of_a_schedule() -> None:
    assert (SCHEDULE.length, SCHEDULE.stages) == (4, 2)
    assert [SCHEDULE.stage(name) for name in "SPO"] == [0, 1, 1]
    assert [SCHEDULE.slot(name) for name in "SPO"] == [0, 0, 1]


def test_normalized_begins_at_zero() -> None:
    late = replace(SCHEDULE, start={"S": 5, "P": 7, "O": 8})
    assert late.normalized() == SCHEDULE
    assert late.length == SCHEDULE.length


def test_a_schedule_of_no_cycles_has_one_stage() -> None:
    graph = LoopGraph("free", (Operation("A"),))
    assert Schedule(graph, Machine("m", {}), 3, {"A": 0}).stages == 1


def test_frame_has_a_row_per_operation_by_start() -> None:
    frame = SCHEDULE.frame()
    assert list(frame["operation"]) == ["S", "P", "O"]
    assert list(frame["slot"]) == [0, 0, 1]


def test_representations_are_short() -> None:
    assert repr(SCHEDULE) == "<Schedule figure-1: II 2, L 4, 2 stages>"
    assert repr(RESULT).startswith("<Result figure-1 on simplified: II = 2 (optimal)")


def test_writes_the_documented_keys() -> None:
    assert RESULT.to_dict() == DATA
    assert list(RESULT.to_dict()) == list(DATA)


def test_what_is_missing_is_null() -> None:
    data = UNKNOWN.to_dict()
    assert data["ii"] is data["length"] is data["start"] is data["bound"]["length"] is None
    assert data["bound"]["ii"] == 2


@pytest.mark.parametrize("result", [RESULT, UNKNOWN, FEASIBLE, INFEASIBLE])
def test_round_trip(result: Result, tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    result.save(path)
    assert read_result(path, FIGURE_1) == result
    assert Result.from_dict(result.to_dict(), FIGURE_1) == result


def test_round_trip_of_random_schedules() -> None:
    for seed in range(30):
        problem = random_problem(random.Random(seed))
        schedule = schedule_upwards(problem, "ims", 200)
        assert schedule
        levels = {
            "ii": Level("proven", schedule.ii, schedule.ii),
            "length": Level("skipped", schedule.length),
        }
        result = Result(problem, "optimal", schedule, {"res": 1, "rec": 1}, (), levels)
        text = json.dumps(result.to_dict())
        assert Result.from_dict(json.loads(text), problem) == result


def test_files_of_other_programs_may_lack_bounds_and_evidence() -> None:
    data = copy.deepcopy(DATA)
    del data["bound"], data["evidence"]
    data["objective"] = {"ii": "found", "length": "skipped"}
    levels = Result.from_dict(data, FIGURE_1).objective
    assert levels == {"ii": Level("found", 2), "length": Level("skipped", 4)}


WRONG: list[tuple[tuple[str | int, ...], Any, str]] = [
    (("schema",), "twill-ilp/problem/1", "this version reads twill-ilp/result/1"),
    (("problem",), "other", "give a result of figure-1"),
    (("extra",), 1, "unknown key 'extra'"),
    (("status",), "best", 'result.status is "best"; choose from optimal, '),
    (("ii",), None, "II is None"),
    (("ii",), 0, "II is 0"),
    (("ii",), 2.0, "II is 2.0"),
    (("length",), 5, "length is 5; by the starts it is 4"),
    (("length",), None, "length is null; by the starts it is 4"),
    (("start",), None, "result.start is null"),
    (("start", "S"), -1, "S: starts at -1"),
    (("start", "S"), 1.5, "S: starts at 1.5"),
    (("start", "X"), 0, "no such operation"),
    (("start", "O"), 2, "TC"),
    (("mii",), {"res": 2}, "key 'rec' is missing"),
    (("mii", "rec"), 0, "result.mii.rec is 0"),
    (("rejected",), {}, "give an array"),
    (("rejected", 0, "reason"), "guess", "result.rejected[0].reason"),
    (("rejected", 0, "ii"), "1", "result.rejected[0].ii"),
    (("rejected", 0, "evidence"), None, "give text"),
    (("rejected", 0, "seconds"), -1, "give seconds >= 0"),
    (("rejected", 0, "reason"), "unknown", "leave 1 unknown"),
    (("objective", "ii"), "certain", "result.objective.ii"),
    (("objective", "ii"), [], "result.objective.ii"),
    (("bound", "width"), 1, "unknown key 'width'"),
    (("bound", "ii"), -1, "result.bound.ii"),
    (("bound", "ii"), 1, "objective ii is proven, but its bound is 1"),
    (("bound", "length"), None, "objective length is proven, but its bound is None"),
    (("evidence", "ii"), 1, "give text"),
    (("seconds", "total"), "1", "result.seconds.total"),
    (("seconds", "total"), True, "result.seconds.total"),
    (("environment", "seed"), 0, "give text"),
    (("status",), "infeasible", "status is infeasible with a schedule"),
    (("status",), "feasible", "leave nothing unknown"),
]


@pytest.mark.parametrize(("place", "value", "message"), WRONG)
def test_refuses(place: tuple[str | int, ...], value: Any, message: str, tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    path.write_text(json.dumps(changed(place, value)))
    with pytest.raises(InvalidProblemError) as caught:
        read_result(path, FIGURE_1)
    assert message in str(caught.value)
    assert str(caught.value).startswith(f"{path}: ")
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("key", [key for key in DATA if key not in ("bound", "evidence")])
def test_refuses_a_missing_key(key: str) -> None:
    data = {k: v for k, v in DATA.items() if k != key}
    with pytest.raises(InvalidProblemError, match=f"key '{key}' is missing"):
        Result.from_dict(data, FIGURE_1)


def test_refuses_a_result_without_schedule_that_claims_one() -> None:
    data = DATA | {"ii": None, "length": None, "start": None}
    with pytest.raises(InvalidProblemError, match="optimal without a schedule"):
        Result.from_dict(data, FIGURE_1)


def test_refuses_a_schedule_of_another_problem() -> None:
    graph = LoopGraph("figure-1", (Operation("S", usage=(Usage("TC", 1),)),))
    with pytest.raises(InvalidScheduleError):
        Result.from_dict(DATA, Problem(graph, FIGURE_1.machine))


def fail(*_: object, **__: object) -> None:
    raise OSError(28, "No space left on device")


def test_a_failed_write_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "result.json"
    path.write_text("old")
    for target, name in ((os, "replace"), (Path, "write_text")):
        with monkeypatch.context() as patch:
            patch.setattr(target, name, fail)
            with pytest.raises(OSError, match="No space"):
                RESULT.save(path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_interrupted_write_leaves_nothing(tmp_path: Path) -> None:
    def interrupted() -> None:
        with writing(tmp_path / "a.txt") as temporary:
            temporary.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(tmp_path.iterdir()) == []


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "target")
    write_text(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_text() == "new"


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (lambda folder: folder, "not a regular file"),
        (lambda folder: f"{folder}/new/", "not a regular file"),
        (lambda folder: "", "not a regular file"),
        (lambda folder: os.devnull, "not a regular file"),
        (lambda folder: folder / "none" / "a.json", "does not exist; create it"),
        (lambda folder: folder / ("a" * 300), "File name too long"),
    ],
)
def test_refuses_to_write_to(
    path: Callable[[Path], str | Path], message: str, tmp_path: Path
) -> None:
    with pytest.raises(OptionError, match=message):
        check_writable(path(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_checking_leaves_no_trace(tmp_path: Path) -> None:
    check_writable(tmp_path / "a.json")
    assert list(tmp_path.iterdir()) == []
