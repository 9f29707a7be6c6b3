"""The benchmarks that compare solvers: instances, readers, verdicts, and one run of each script."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from functools import cache
from math import inf
from pathlib import Path

import performance
import pytest
from exported import Exports
from instances import Instance, instances, random_instance, random_joint_loop
from mps import read_mps
from peer_process import PEERS, Worker, available, default_python
from questions import Answer, ask, disagreements, report_disagreement

from twill_ilp import SearchOptions, read_problem, solve
from twill_ilp.rules import Rules
from twill_ilp.structure import hopeless

ROOT = Path(__file__).parent.parent
FIG1 = ROOT / "examples" / "problems" / "fig1.json"


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": str(ROOT), "MPLBACKEND": "Agg"},
    )


def installed(name: str) -> str:
    python = default_python(name)
    if not available(PEERS[name], python):
        pytest.skip(f"{name}: not installed in {python}")
    return python


@cache
def smallest_ii(seed: int) -> int | None:
    """The search's answer for a random loop; quick ones only."""
    instance = random_instance(seed)
    result = solve(instance.problem, SearchOptions(levels=("ii",), max_ii=instance.last_ii))
    assert result.status in ("optimal", "infeasible")
    return result.ii


def test_random_loops_are_reproducible_and_not_hopeless() -> None:
    for seed in range(40):
        loop = random_joint_loop(seed)
        assert loop == random_joint_loop(seed)
        assert 7 <= len(loop.graph) <= 30
        assert hopeless(loop, Rules()) is None
    assert random_joint_loop(0) != random_joint_loop(1)


def test_sets_name_every_instance_once() -> None:
    for name in ("forward", "groups", "ablations"):
        names = [instance.name for instance in instances(name)]
        assert len(set(names)) == len(names) >= 2
    assert [i.last_ii - i.mii for i in instances("groups")] == [0] * 8
    assert len(instances("random", count=3)) == 3


def test_the_mps_reader_reads_every_number_of_an_exported_model(tmp_path: Path) -> None:
    instance = random_instance(3)
    exports = Exports(instance, tmp_path)
    path = exports.path(instance.mii)
    assert path is not None
    model, lp = read_mps(path), exports._models[instance.mii, None].lp  # type: ignore[union-attr]
    rows = {row.name: row for row in lp.constraints()}
    assert model.rows.keys() == rows.keys() and len(rows) > 100
    for name, row in rows.items():
        assert model.rows[name] == {v.name: c for v, c in row.items() if c}, name
        low, high = model.sides[name]
        side = -row.constant
        assert (low, high) == {0: (side, side), 1: (side, inf), -1: (-inf, side)}[row.sense], name
    for v in lp.variables():
        assert model.bounds[v.name] == [v.lowBound, v.upBound], v.name


def test_the_mps_reader_refuses_what_it_would_misread(tmp_path: Path) -> None:
    path = tmp_path / "half.mps"
    path.write_text("NAME x\nROWS\n N OBJ\n L r\nCOLUMNS\n    x r 0.5\nRHS\nENDATA\n")
    with pytest.raises(ValueError, match=r"0\.5 is not whole"):
        read_mps(path)
    path.write_text("NAME x\nRANGES\n")
    with pytest.raises(ValueError, match="section RANGES is not read"):
        read_mps(path)


def test_contradictions_are_found_and_unknown_is_none(tmp_path: Path) -> None:
    yes = Answer({8: "infeasible", 9: "feasible"})
    no, unsure = Answer({8: "infeasible", 9: "infeasible"}), Answer({8: "unknown"})
    assert disagreements({"a": yes, "b": unsure}) == []
    found = disagreements({"a": yes, "b": no, "c": unsure})
    assert found == ["II 9: a says feasible, b says infeasible"]
    longer = Answer({8: "infeasible", 9: "feasible"}, length=5)
    shorter = Answer({8: "infeasible", 9: "feasible"}, length=4)
    assert disagreements({"a": longer, "b": shorter}) == ["L: a says 5, b says 4"]
    path = report_disagreement(random_instance(0), found, {"a": yes, "b": no}, tmp_path)
    assert json.loads(path.read_text())["answers"]["b"]["verdicts"] == {
        "8": "infeasible", "9": "infeasible"
    }  # fmt: skip


def test_a_decided_answer_without_a_proven_length_is_not_complete() -> None:
    modulo = Instance("fig1", read_problem(FIG1), stage="modulo")
    assert not Answer({2: "feasible"}).complete(modulo)
    assert Answer({2: "feasible"}, length=4).complete(modulo)
    joint = Instance("fig1", read_problem(FIG1))
    assert Answer({2: "feasible"}).complete(joint)
    assert not Answer({2: "feasible"}, levels={"length": [4, "found"]}).complete(joint)
    assert not Answer({2: "unknown"}).complete(joint)


def test_ratios_are_to_the_fastest_and_leave_out_what_nobody_decided() -> None:
    found = performance.ratios({"a": [1.0, 4.0, None], "b": [2.0, None, None]})
    assert found == {"a": [1.0, 1.0], "b": [2.0, inf]}
    ax = performance.plot_performance({"a": [1.0, 4.0], "b": [2.0, None]})
    shares = {line.get_label(): max(line.get_ydata()) for line in ax.get_lines()}
    assert shares == {"a: 2 of 2": 1.0, "b: 1 of 2": 0.5}


def test_a_worker_ends_at_its_cpu_limit(tmp_path: Path) -> None:
    slow = next(i for i in instances("groups") if i.name == "fmha-forward blackwell, 4 groups")
    worker = Worker(PEERS["highs"], sys.executable, cpu_limit=1)
    answer = ask(worker, PEERS["highs"], slow, Exports(slow, tmp_path))
    assert answer.verdicts == {16: "unknown"} and not answer.decided
    assert 0.5 < worker.close() < 10


def test_a_worker_that_somebody_else_ends_has_not_answered(tmp_path: Path) -> None:
    instance = random_instance(16)
    for limit in (None, 60):
        worker = Worker(PEERS["highs"], sys.executable, limit)
        os.kill(worker._process.pid, signal.SIGKILL)
        if limit is None:
            with pytest.raises(RuntimeError, match="nobody asked it to"):
                ask(worker, PEERS["highs"], instance, Exports(instance, tmp_path))
        else:
            assert not ask(worker, PEERS["highs"], instance, Exports(instance, tmp_path)).decided
        with pytest.raises(RuntimeError, match="exit code -9"):
            worker.close()


def test_the_kernel_may_count_more_than_it_reports(tmp_path: Path) -> None:
    """A worker that the CPU limit ended, long before 60 s by what is reported, is only open."""
    instance = random_instance(16)
    worker = Worker(PEERS["highs"], sys.executable, 60)
    os.kill(worker._process.pid, signal.SIGXCPU)
    assert not ask(worker, PEERS["highs"], instance, Exports(instance, tmp_path)).decided
    assert worker.close() < 10


@pytest.mark.parametrize("name", [name for name in PEERS if name != "search"])
def test_peers_agree_with_the_search(name: str, tmp_path: Path) -> None:
    worker = Worker(PEERS[name], installed(name))
    for seed in (13, 16, 21, 22):
        instance = random_instance(seed)
        answer = ask(worker, PEERS[name], instance, Exports(instance, tmp_path), seconds=60)
        assert answer.decided and answer.ii == smallest_ii(seed), seed
    modulo = Instance("fig1", read_problem(FIG1), stage="modulo")
    answer = ask(worker, PEERS[name], modulo, Exports(modulo, tmp_path))
    assert (answer.ii, answer.length) == (2, 4)
    worker.close()


def test_peers_writes_table_page_and_figure(tmp_path: Path) -> None:
    ended = run(ROOT / "benchmarks" / "peers.py", "files", FIG1, "--peers", "search,highs",
                "--repeat", 1, "--out", tmp_path)  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines()[-1] == "1 instances, 0 disagreements"
    table = (tmp_path / "files.csv").read_text().splitlines()
    assert table[0].startswith("instance,operations,mii,last_ii,ii,") and len(table) == 2
    assert str(tmp_path) not in (tmp_path / "files.md").read_text().replace(f"--out {tmp_path}", "")
    assert (tmp_path / "files.png").stat().st_size > 1000


def test_peers_refuses_what_it_cannot_run(tmp_path: Path) -> None:
    script = ROOT / "benchmarks" / "peers.py"
    assert "set modulo needs problem files" in run(script, "modulo").stderr
    assert "no peer gurobi; choose from" in run(script, "forward", "--peers", "gurobi").stderr


def test_agree_goes_on_where_it_ended(tmp_path: Path) -> None:
    script, out = ROOT / "benchmarks" / "agree.py", tmp_path / "agree.jsonl"
    common = (script, "--peers", "search,highs", "--first", 21, "--out", out)
    assert run(*common, "--count", 1).returncode == 0
    ended = run(*common, "--count", 2)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith("2 loops: ") and "0 disagreements" in ended.stdout
    assert [json.loads(line)["seed"] for line in out.read_text().splitlines()] == [21, 22]
