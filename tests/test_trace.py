"""Traces fit the Trace Event Format, and the command writes what it says."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

import matplotlib.pyplot as plt
import pytest

from twill_ilp import OptionError, build_kernel, solve
from twill_ilp.cli import main
from twill_ilp.plot import plot_straight_line
from twill_ilp.result_file import read_result
from twill_ilp.schedule import Schedule
from twill_ilp.simulate import Jitter, Run, simulate
from twill_ilp.trace import trace_events, write_trace

EXAMPLE = Path(__file__).parents[1] / "examples" / "problems" / "too-few-warps.json"
SAVED = Path(__file__).parent / "data" / "simulation" / "fmha-forward-hopper.json"


@pytest.fixture(scope="module")
def schedule() -> Schedule:
    found = read_result(SAVED, build_kernel("fmha-forward", "hopper")).schedule
    assert found is not None
    return found


@pytest.fixture(scope="module", params=["constant:1", "lognormal:4"])
def run(request: pytest.FixtureRequest, schedule: Schedule) -> Run:
    return simulate(schedule, iterations=12, jitter=Jitter.parse(request.param))


def test_every_event_is_complete(run: Run) -> None:
    data = json.loads(json.dumps(trace_events(run)))
    assert set(data) == {"traceEvents", "displayTimeUnit", "otherData"}
    assert data["displayTimeUnit"] in ("ms", "ns")
    for event in data["traceEvents"]:
        assert {"ph", "name", "ts", "dur", "pid", "tid", "args"} <= set(event)
        assert event["ph"] in ("X", "M")
        assert all(isinstance(event[key], int) for key in ("ts", "dur", "pid", "tid"))
        assert event["ts"] >= 0 and event["dur"] >= 0
        assert isinstance(event["name"], str) and event["name"]


def test_lanes_have_names_and_do_not_overlap(run: Run) -> None:
    events = trace_events(run)["traceEvents"]
    named = {(e["pid"], e["tid"]): e["args"]["name"] for e in events if e["name"] == "thread_name"}
    processes = {e["pid"]: e["args"]["name"] for e in events if e["name"] == "process_name"}
    assert processes == {1: "warp groups", 2: "units"}
    groups = {f"group {g}" for g in run.program.schedule.group.values()}
    assert {name for (pid, _), name in named.items() if pid == 1} == groups
    units = set(run.program.schedule.graph.units)
    assert {name for (pid, _), name in named.items() if pid == 2} == units
    lanes: defaultdict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
    for event in events:
        if event["ph"] == "X":
            assert (event["pid"], event["tid"]) in named
            lanes[event["pid"], event["tid"]].append((event["ts"], event["ts"] + event["dur"]))
    for spans in lanes.values():
        spans.sort()
        for i, (_, end) in enumerate(spans[:-1]):
            assert end <= spans[i + 1][0]


def test_every_instance_and_every_idle_cycle_is_there(run: Run) -> None:
    events = [e for e in trace_events(run)["traceEvents"] if e["ph"] == "X"]
    issued = {e["name"]: e["ts"] for e in events if e["cat"] == "operation"}
    assert issued == {
        f"{name} [{i}]": t for name, times in run.issue.items() for i, t in enumerate(times)
    }
    waits = sum(e["dur"] for e in events if e["cat"] == "wait")
    assert waits == sum(w.end - w.begin for w in run.waits if w.cause != "drain")
    held = sum(e["dur"] for e in events if e["cat"] == "unit")
    usage = [row for op in run.program.schedule.graph for row in op.usage]
    assert held == run.iterations * sum(row.cycles * row.amount for row in usage)


def test_too_long_a_trace_is_refused(
    schedule: Schedule, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("twill_ilp.trace.MOST_EVENTS", 1000)
    run = simulate(schedule, iterations=40)
    with pytest.raises(OptionError, match="too many for a viewer; give at most"):
        write_trace(run, tmp_path / "trace.json")
    assert not list(tmp_path.iterdir())


def test_straight_line_shows_every_copy(schedule: Schedule) -> None:
    ax = plot_straight_line(schedule)
    names = {str(patch.get_label()) for patch in ax.patches}
    rows = [op.name for op in schedule.graph if op.usage]
    assert {f"_{name}[{c}]" for name in rows for c in range(schedule.stages)} <= names
    legend = ax.get_legend()
    assert legend is not None
    copies = [text.get_text() for text in legend.get_texts()]
    assert copies == [f"copy {c}" for c in range(schedule.stages)]
    ax.figure.draw_without_rendering()  # type: ignore[union-attr]
    plt.close("all")


def test_straight_line_of_one_stage_and_of_fig1() -> None:
    fig1 = solve(build_kernel("fig1")).schedule
    assert fig1 is not None
    for schedule in (fig1, Schedule(fig1.graph, fig1.machine, 9, fig1.start)):
        ax = plot_straight_line(schedule)
        starts = {p.get_label(): p.get_x() for p in ax.patches if "[" in str(p.get_label())}
        assert starts["_O[0]"] == schedule.start["O"]
        assert len(starts) == 3 * schedule.stages
    plt.close("all")


# ------------------------------------------------------------------------------ the command


def test_simulate(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    trace, picture = tmp_path / "run.json", tmp_path / "line.svg"
    arguments = ["simulate", str(EXAMPLE), "--baselines", "--iterations", "40"]
    code = main([*arguments, "--trace", str(trace), "--plot", str(picture)])
    shown = capsys.readouterr()
    assert code == 0 and not shown.err
    assert "II = 4 (optimal)" in shown.out
    lines = {line.split("  ")[0]: line for line in shown.out.splitlines()}
    assert lines["modulo, one group"]
    assert "at a barrier" in shown.out and "concurrency" in shown.out
    assert json.loads(trace.read_text())["otherData"]["ii"] == 4
    assert picture.stat().st_size > 1000


def test_simulate_jitter_and_depth(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["simulate", "gemm", "--machine", "hopper", "--iterations", "40"]
    assert main([*arguments, "--jitter", "lognormal:4", "--depth", "9", "--seed", "3"]) == 0
    shown = capsys.readouterr()
    assert "latencies lognormal:4, seed 3; buffers of loads: A 9, B 9" in shown.out
    assert "warning: joint: does not fit: smem: slot" in shown.err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--jitter", "normal:3"], "no such distribution"),
        (["--iterations", "0"], "--iterations 0: give at least 1"),
        (["--depth", "0"], "--depth 0: give at least 1 buffer"),
        (["--plot", "line.txt"], "end the name in .png"),
        (["--trace", "nowhere/run.json"], "folder"),
    ],
)
def test_simulate_refuses(
    options: list[str],
    words: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("twill_ilp.search.solve", lambda *_, **__: pytest.fail("solved"))
    assert main(["simulate", "fig1", *options]) == 2
    shown = capsys.readouterr()
    assert words in shown.err and shown.err.count("\n") == 1 and not shown.out


def test_simulate_without_a_schedule(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", "fig1", "--max-ii", "1"]) == 1
    assert "no schedule up to II = 1 (proven)" in capsys.readouterr().out
