"""The command line: exit codes, one line per error, files whole or not at all."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import highspy
import pytest
from strategies import FIGURE_1

import twill_ilp
from twill_ilp.cli import doctor, main
from twill_ilp.errors import InvalidScheduleError, OptionError, SolverError
from twill_ilp.export import export_model
from twill_ilp.graph import Dependence, LoopGraph, Operation, Usage
from twill_ilp.ilp import FORMULATIONS
from twill_ilp.kernels import KERNELS, build_kernel
from twill_ilp.machine import Machine
from twill_ilp.problem import Problem
from twill_ilp.result_file import read_result
from twill_ilp.rules import FAMILIES, Readings, Rules
from twill_ilp.schedule import Result

ROOT = Path(__file__).parent.parent

DUMP = {
    "schema_version": "ddg-0.1",
    "loops": [
        {
            "loop_id": number,
            "ddg": {
                "nodes": [
                    {
                        "id": 0,
                        "op_kind": "ttng.mma",
                        "pipeline": "TC",
                        "occupancy": number,
                        "latency": 5,
                        "min_warps": 1,
                    }
                ],
                "edges": [{"src": 0, "dst": 0, "latency": 3, "distance": 1}],
            },
        }
        for number in (7, 8)
    ],
}


class Run:
    """One run in this process: exit code, standard output, standard error."""

    def __init__(self, capsys: pytest.CaptureFixture[str], *argv: object) -> None:
        self.code = main([str(argument) for argument in argv])
        self.out, self.err = capsys.readouterr()


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., Run]:
    return lambda *argv: Run(capsys, *argv)


@pytest.fixture
def loop(tmp_path: Path) -> Path:
    """The problem file of Fig. 1, alone in its folder."""
    path = tmp_path / "loop.json"
    path.write_text(json.dumps(FIGURE_1.to_dict()))
    return path


@pytest.fixture
def no_solve(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> Result:
        raise AssertionError("bad input reached the solver")

    monkeypatch.setattr("twill_ilp.search.solve", fail)


def own_process(*argv: str) -> subprocess.CompletedProcess[str]:
    """A run in a process of its own."""
    return subprocess.run(
        [sys.executable, *argv],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def refused(run: Run, *words: str) -> None:
    """Exit code 2 and one line on standard error that holds the words."""
    assert (run.code, run.out) == (2, "")
    assert run.err.startswith("twill-ilp: ")
    assert run.err.count("\n") == 1
    assert "Traceback" not in run.err
    for word in words:
        assert word in run.err


# verdicts


def test_optimal(run: Callable[..., Run]) -> None:
    done = run("solve", "fig1")
    assert done.code == 0
    assert done.out.startswith("fig1: II = 2 (optimal), L = 4 (proven)")
    assert done.err == ""


def test_infeasible(run: Callable[..., Run]) -> None:
    done = run("solve", "fig1", "--max-ii", 1)
    assert done.code == 1
    assert "no schedule up to II = 1 (proven)" in done.out


@pytest.mark.parametrize("status", ["feasible", "unknown"])
def test_nothing_proven(
    status: Any, run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    schedule = twill_ilp.solve(FIGURE_1).schedule if status == "feasible" else None
    result = Result(FIGURE_1, status, schedule, {"res": 2, "rec": 1})
    monkeypatch.setattr("twill_ilp.search.solve", lambda *_, **__: result)
    assert run("solve", "fig1").code == 3


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (KeyboardInterrupt(), 130, "interrupted"),
        (SolverError("HiGHS is lost"), 3, "HiGHS is lost"),
        (InvalidScheduleError("a bug\nin two lines"), 3, "a bug\\nin two lines"),
        (MemoryError(), 3, "out of memory"),
    ],
)
def test_a_search_that_ends_early(
    error: BaseException,
    code: int,
    message: str,
    run: Callable[..., Run],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object, **__: object) -> Result:
        raise error

    monkeypatch.setattr("twill_ilp.search.solve", fail)
    done = run("solve", "fig1", "--json", tmp_path / "a.json")
    assert (done.code, done.out) == (code, "")
    assert done.err.startswith(f"twill-ilp: {message}") and done.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_options_reach_the_search(run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def spy(problem: Problem, options: object, **_: object) -> Result:
        seen.append(options)
        return Result(problem, "unknown", None, {"res": 2, "rec": 1})

    monkeypatch.setattr("twill_ilp.search.solve", spy)
    run("solve", "fig1")
    flags = "--method ims --formulation order --max-ii 9 --time-limit 2 --solve-time-limit 1.5"
    run(
        "solve",
        "fig1",
        "--stage",
        "modulo",
        *flags.split(),
        "--seed",
        3,
        "--confirm",
        "--levels",
        "ii",
    )
    rules = "--groups 4 --without spills --quotas --reading hold=cycles --level-time-limit 7"
    run("solve", "fig1", *rules.split(), "--levels", "ii,warps,traffic,length")
    assert seen == [
        twill_ilp.SearchOptions(),
        twill_ilp.SearchOptions(
            stage="modulo",
            method="ims",
            formulation="order",
            max_ii=9,
            time_limit=2.0,
            solve_time_limit=1.5,
            levels=("ii",),
            confirm=True,
            seed=3,
        ),
        twill_ilp.SearchOptions(
            levels=("ii", "warps", "traffic", "length"),
            level_time_limit=7.0,
            rules=Rules(FAMILIES, Readings(hold="cycles"), 4).without("spills").also("quotas"),
        ),
    ]


# bad input


def changed(*place: str | int, value: Any) -> Any:
    """The problem file of Fig. 1 with another value at one place."""
    data = target = copy.deepcopy(FIGURE_1.to_dict())
    for key in place[:-1]:
        target = target[key]  # type: ignore[index]
    target[place[-1]] = value  # type: ignore[index]
    return data


def first(*place: str | int, value: Any) -> Any:
    return changed("graph", "operations", 0, *place, value=value)


def edge(**fields: Any) -> Any:
    return changed("graph", "dependences", 0, value={"src": "S", "dst": "P", "delay": 1} | fields)


BAD_FILES: dict[str, tuple[Any, str]] = {
    "truncated": ('{"schema": ', "line 1, column"),
    "not an object": ([], "problem is []"),
    "wrong schema": (changed("schema", value="twill-ilp/problem/9"), "twill-ilp/problem/9"),
    "wrong dump schema": ({"schema_version": "ddg-9"}, "ddg-9"),
    "unknown key": (first("colour", value=1), "graph.operations[0] (S): unknown key 'colour'"),
    "unknown unit": (first("usage", 0, "unit", value="XU"), "unit XU is unknown"),
    "negative number": (first("cycles", value=-1), "cycles is -1"),
    "fraction": (first("cycles", value=1.5), "cycles is 1.5"),
    "number as text": (edge(delay="1"), "delay is"),
    "duplicate name": (first("name", value="P"), "two operations named P"),
    "dependence to nowhere": (edge(dst="Q"), "no operation named Q"),
    "waits for itself": (edge(dst="S"), "S would wait for itself"),
    "above capacity": (first("usage", 0, "amount", value=2), "needs 2 of TC"),
    "empty graph": (changed("graph", "operations", value=[]), "no operations"),
    "newline in a name": (first("name", value="a\nb"), "name is"),
}


@pytest.mark.usefixtures("no_solve")
@pytest.mark.parametrize(("content", "words"), BAD_FILES.values(), ids=BAD_FILES)
@pytest.mark.parametrize("command", ["solve", "bounds"])
def test_bad_files(
    command: str, content: Any, words: str, run: Callable[..., Run], tmp_path: Path
) -> None:
    path = tmp_path / "loop.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    outputs = ["--json", tmp_path / "a.json"] if command == "solve" else []
    refused(run(command, path, *outputs), f"twill-ilp: {path}: ", words)
    assert list(tmp_path.iterdir()) == [path]


BAD_ARGUMENTS = {
    "": "required: COMMAND",
    "frobnicate": "invalid choice",
    "solve": "required: KERNEL_OR_FILE",
    "solve nothing": "nothing: neither a kernel nor a file",
    "solve fig1 --max-ii 0": "max II is 0",
    "solve fig1 --max-ii 1.5": "invalid int value",
    "solve fig1 --max 5": "unrecognized arguments",
    "solve fig1 --time-limit 0": "time limit is 0",
    "solve fig1 --time-limit nan": "time limit is nan",
    "solve fig1 --solve-time-limit -1": "solve time limit is -1",
    "solve fig1 --seed -1": "seed is -1",
    "solve fig1 --method guess": "invalid choice: 'guess'",
    "solve fig1 --stage both": "invalid choice: 'both'",
    "solve fig1 --levels length": "the first has to be ii",
    "solve fig1 --levels ii,ii": "give each of them once",
    "solve fig1 --levels ii,height": "level 'height': no such one",
    "solve fig1 --without magic": "--without magic: choose from memory",
    "solve fig1 --reading hold": "reading 'hold': no such reading",
    "solve fig1 --reading hold=long": "reading hold is 'long'; choose from issue, cycles",
    "solve fig1 --groups 0": "groups is 0",
    "solve fig1 --warps 0": "machine: warps is 0",
    "audit fmha-forward nothing": "neither a partition file nor one of fa3, fa4",
    "audit gemm fa4": "no operation of gemm matches",
    "solve fig1 --loop 1": "--loop: fig1 is a kernel",
    "solve fig1 --tile 1,2,3": "no option tile",
    "solve gemm --tile 1,2": "give three whole numbers",
    "solve gemm --tile a,b,c": "give whole numbers",
    "solve gemm --quantum 0": "quantum is 0",
    "solve gemm --sub-tiles 3": "sub_tiles is 3; give 1 or 2",
    "solve gemm --dtype int3": "dtype int3: unknown",
    "solve gemm --machine LOOP": "a kernel needs rates too",
    "solve gemm --machine FOLDER/none.toml": "cannot be read",
    "solve gemm --machine z80": "machine z80",
    "solve fig1 --machine hopper": "its own machine",
    "solve LOOP --machine z80": "--machine z80: neither a file nor one of",
    "solve LOOP --machine hopper": "loop.json on --machine hopper: operation P: unit EXP",
    "solve LOOP --machine LOOP": "loop.json: machine: unknown key",
    "solve LOOP --tile 1,2,3": "--tile: ",
    "solve LOOP --sub-tiles 2": "--sub-tiles: ",
    "solve LOOP --loop 0": "--loop: ",
    "solve fig1 --json FOLDER": "not a regular file",
    "solve fig1 --json FOLDER/none/a.json": "none does not exist; create it",
    "solve fig1 --json LOOP/a.json": "does not exist",
    "solve LOOP --json LOOP": "another role",
    "solve fig1 --json FOLDER/a.mps --export FOLDER/a.mps": "another role",
    "solve fig1 --export FOLDER/a.txt": "end the name in .mps, .lp",
    "solve fig1 --plot FOLDER/a.gif": "end the name in .png, .svg, .pdf",
    "solve fig1 --plot FOLDER/none/a.png": "create it",
}


@pytest.mark.usefixtures("no_solve")
@pytest.mark.parametrize(("line", "words"), BAD_ARGUMENTS.items())
def test_bad_arguments(
    line: str, words: str, run: Callable[..., Run], tmp_path: Path, loop: Path
) -> None:
    before = loop.read_bytes()
    line = line.replace("LOOP", str(loop)).replace("FOLDER", str(tmp_path))
    refused(run(*line.split()), words)
    assert list(tmp_path.iterdir()) == [loop]
    assert loop.read_bytes() == before


def test_unknown_formulation(run: Callable[..., Run]) -> None:
    refused(run("solve", "fig1", "--formulation", "guess"), "choose from auto, structured")


def test_long_complaints_are_cut(run: Callable[..., Run]) -> None:
    assert len(run("solve", "x" * 5000).err) < 700


# sources


def test_problem_file_on_another_machine(
    run: Callable[..., Run], loop: Path, tmp_path: Path
) -> None:
    machine = tmp_path / "machine.json"
    machine.write_text(json.dumps({"name": "wide", "units": {"TC": 2, "EXP": 1}}))
    assert "figure-1 on wide: II = 1 (optimal)" in run("solve", loop, "--machine", machine).out


def test_kernel_with_options(run: Callable[..., Run]) -> None:
    line = "bounds fmha-forward --machine h100 --tile 64,128,128 --sub-tiles 1 --quantum 1"
    assert run(*line.split()).out.startswith("fmha-forward on hopper: MII = ")


def test_dump(run: Callable[..., Run], tmp_path: Path) -> None:
    path = tmp_path / "dump.json"
    path.write_text(json.dumps(DUMP))
    assert "MII = 8 (ResMII 8, RecMII 3)" in run("bounds", path, "--loop", 8).out
    refused(run("bounds", path), f"{path}: 2 loops; choose one with --loop")
    refused(run("bounds", path, "--loop", 9), f"{path}: no loop 9")


# output files


def test_json(run: Callable[..., Run], tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    done = run("solve", "fig1", "--json", path, "--quiet")
    assert (done.code, done.out, done.err) == (0, "", "")
    result = read_result(path, build_kernel("fig1"))
    assert (result.status, result.ii, result.length) == ("optimal", 2, 4)
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_does_not_hide_the_report(
    run: Callable[..., Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.json"
    path.write_text("old")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr("os.replace", fail)
    done = run("solve", "fig1", "--json", path)
    assert done.code == 2
    assert done.out.startswith("fig1: II = 2 (optimal)")
    assert done.err == f"twill-ilp: {path}: No space left on device; nothing was written there\n"
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def optimum(path: Path) -> tuple[str, float]:
    """What HiGHS makes of a model file."""
    highs = highspy.Highs()  # type: ignore[no-untyped-call]
    highs.setOptionValue("output_flag", False)
    highs.setOptionValue("presolve_rule_off", 4096)
    assert highs.readModel(str(path)) == highspy.HighsStatus.kOk
    highs.run()
    return highs.modelStatusToString(highs.getModelStatus()), highs.getObjectiveValue()


@pytest.mark.parametrize("formulation", [*FORMULATIONS, "auto"])
@pytest.mark.parametrize("suffix", ["mps", "lp"])
@pytest.mark.parametrize(("kernel", "ii", "length"), [("fig1", 2, 4), ("fmha-forward", 16, 34)])
def test_exported_models_have_the_same_optimum(
    formulation: str, suffix: str, kernel: str, ii: int, length: int, tmp_path: Path
) -> None:
    path = tmp_path / f"model.{suffix}"
    export_model(build_kernel(kernel), ii, length + 2, formulation, path)
    assert optimum(path) == ("Optimal", length)
    export_model(build_kernel(kernel), ii, None, formulation, path)
    assert optimum(path) == ("Optimal", 0)
    export_model(build_kernel("fig1"), 1, None, formulation, path)
    assert optimum(path)[0] == "Infeasible"
    assert list(tmp_path.iterdir()) == [path]


def test_export_of_awkward_names(tmp_path: Path) -> None:
    """Names that the formats lack are replaced; too long ones are refused by LP alone."""
    names = ("e9", "a + b <= 3", "\u03b1" * 300)
    operations = tuple(Operation(name, usage=(Usage("1 unit", 1),)) for name in names)
    graph = LoopGraph("a loop", operations, (Dependence(names[0], names[2], 2),))
    problem = Problem(graph, Machine("m", {"1 unit": 1}))
    export_model(problem, 3, 5, "structured", tmp_path / "a.mps")
    assert optimum(tmp_path / "a.mps") == ("Optimal", 3)
    with pytest.raises(OptionError, match="mps instead"):
        export_model(problem, 3, 5, "structured", tmp_path / "a.lp")
    assert list(tmp_path.iterdir()) == [tmp_path / "a.mps"]


@pytest.mark.parametrize(
    ("ii", "length", "formulation", "name", "message"),
    [
        (2, 4, "guess", "a.mps", "choose from"),
        (2, 4, "order", "a.txt", "unknown format"),
        (2, 2, "order", "a.mps", "give at least 3"),
        (0, None, "order", "a.mps", "below RecMII"),
    ],
)
def test_export_refuses(
    ii: int, length: int | None, formulation: str, name: str, message: str, tmp_path: Path
) -> None:
    with pytest.raises(OptionError, match=message):
        export_model(FIGURE_1, ii, length, formulation, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_export_and_plot(run: Callable[..., Run], tmp_path: Path) -> None:
    model, figure = tmp_path / "model.mps", tmp_path / "figure.svg"
    line = ["--stage", "modulo", "--quiet", "--export", model, "--plot", figure]
    assert run("solve", "fig1", *line).code == 0
    assert optimum(model) == ("Optimal", 4)
    assert "<svg" in figure.read_text()


@pytest.mark.parametrize("figure", ["graph", "warps", "occupancy", "registers"])
def test_joint_export_and_figures(run: Callable[..., Run], tmp_path: Path, figure: str) -> None:
    """The joint ILP asks for any schedule of at most L."""
    model, picture = tmp_path / "model.mps", tmp_path / "picture.png"
    line = ["--levels", "ii", "--export", model, "--plot", picture, "--figure", figure, "--quiet"]
    assert run("solve", "fig1", *line).code == 0
    assert optimum(model) == ("Optimal", 0.0)
    assert picture.stat().st_size > 1000


@pytest.mark.parametrize(
    ("costs", "text"), [("raw", "Costs raw: 1 clocks"), ("normalized", "Costs normalized, U = 300")]
)
def test_costs_in_clocks(run: Callable[..., Run], costs: str, text: str) -> None:
    done = run("solve", "gemm", "--costs", costs, "--stage", "modulo", "--levels", "ii")
    assert done.code == 0
    assert text in done.out and "II is about 512 clocks" in done.out
    assert "the tensor core is busy 100% of them" in done.out
    refused(run("solve", "gemm", "--costs", costs, "--quantum", 2), "leave out --quantum")


def test_what_an_infeasible_search_can_write(run: Callable[..., Run], tmp_path: Path) -> None:
    """The model of the last II, but no figure; below RecMII not even a model."""
    model, figure = tmp_path / "model.lp", tmp_path / "figure.svg"
    line = ["--max-ii", 1, "--export", model, "--plot", figure, "--json", tmp_path / "a.json"]
    done = run("solve", "fig1", *line)
    assert done.code == 1
    assert done.err == f"twill-ilp: {figure}: not written, because there is no schedule to draw\n"
    assert optimum(model)[0] == "Infeasible"
    data = json.loads((tmp_path / "a.json").read_text())
    assert data["ii"] is data["length"] is data["start"] is None
    model.unlink()
    done = run("solve", "first-order-recurrence", "--max-ii", 3, "--export", model)
    assert done.code == 1
    assert "not written, because no ILP exists below RecMII 4" in done.err
    assert not model.exists()


# the other commands


def test_bounds_names_who_is_to_blame(run: Callable[..., Run]) -> None:
    assert run("bounds", "first-order-recurrence").out == (
        "first-order-recurrence on vliw: MII = 4 (ResMII 3, RecMII 4)\n"
        "\n"
        "Units (ResMII)\n"
        "  unit  work  capacity  II >=\n"
        "  MEM      3         1      3  <- ResMII\n"
        "  MUL      1         1      1\n"
        "  ADD      1         1      1\n"
        "\n"
        "Dependence cycles (RecMII)\n"
        "  II >= 4  cycle mul -> add -> mul takes 4 cycles over 1 iteration\n"
        "\n"
        "Length at II = 4\n"
        "  L >= 8  critical path of one iteration\n"
    )


def test_bounds_of_a_loop_that_cannot_run_at_mii(run: Callable[..., Run], tmp_path: Path) -> None:
    """A holds the unit in cycles 0 and 2, which meet at II = 2."""
    rows = (Usage("TC", 1), Usage("TC", 1, start=2))
    problem = Problem(LoopGraph("l", (Operation("A", usage=rows),)), Machine("m", {"TC": 1}))
    (tmp_path / "l.json").write_text(json.dumps(problem.to_dict()))
    assert "II = 2 impossible  A alone: 2 of TC" in run("bounds", tmp_path / "l.json").out


def test_kernels(run: Callable[..., Run]) -> None:
    done = run("kernels")
    assert done.code == 0
    for name in KERNELS:
        assert f"\n{name} " in done.out


def test_doctor(run: Callable[..., Run]) -> None:
    done = run("doctor")
    assert done.code == 0, done.out
    assert f"highspy     ok       {highspy.Highs().version()}" in done.out  # type: ignore[no-untyped-call]
    assert "3 is right" in done.out or "finds the optimum 3" in done.out
    assert done.out.endswith("\nAll is well.\n")


def test_doctor_finds_what_is_bad(run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch) -> None:
    def version(name: str) -> str:
        if name == "jupyter":
            raise PackageNotFoundError(name)
        return "3.3.1" if name == "pulp" else "99.0"

    def self_test() -> tuple[int, int]:
        raise SolverError("HiGHS answers 5 where the optimum is 3")

    monkeypatch.setattr(doctor, "version", version)
    monkeypatch.setattr("twill_ilp.solver.self_test", self_test)
    done = run("doctor")
    assert done.code == 1
    assert "3.3.1; pip install 'pulp>=3.3.2'" in done.out
    assert "jupyter     missing  optional" in done.out
    assert "self-test   bad      HiGHS answers 5 where" in done.out
    assert done.out.endswith("Not usable: mend pulp, self-test.\n")


def test_doctor_finds_what_is_missing(
    run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    done = run("doctor")
    assert done.code == 1
    assert "pandas      bad      cannot be imported" in done.out


def test_doctor_wants_what_the_package_declares() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = dict(text.partition(",")[0].split(">=") for text in project["dependencies"])
    assert {name: doctor._dotted(least) for name, least in doctor.REQUIRED.items()} == declared
    assert project["requires-python"] == f">={doctor._dotted(doctor.LEAST_PYTHON)}"


@pytest.mark.parametrize("flags", [["--help"], ["solve", "--help"], ["--version"]])
def test_help_and_version(flags: list[str], run: Callable[..., Run]) -> None:
    done = run(*flags)
    assert (done.code, done.err) == (0, "")
    assert "twill-ilp" in done.out


# as a process of its own


def test_module_and_exit_code() -> None:
    done = own_process("-m", "twill_ilp", "solve", "fig1", "--max-ii", "1")
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith("fig1: no schedule up to II = 1 (proven)")


def test_usage_errors_load_no_solver() -> None:
    code = (
        "import sys; from twill_ilp.cli import main; main(['solve', 'fig1', '--max-ii', '0'])\n"
        "main(['solve', '--help'])\n"
        "heavy = {'highspy', 'matplotlib', 'networkx', 'numpy', 'pandas', 'pulp'}\n"
        "sys.exit(str(heavy & set(sys.modules)))"
    )
    assert own_process("-c", code).stderr.splitlines()[-1] == "set()"


def test_a_reader_who_leaves_early_is_no_error(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    code = (
        "import os, sys; read, write = os.pipe(); os.close(read); os.dup2(write, 1)\n"
        "from twill_ilp.cli import main\n"
        f"sys.exit(main(['solve', 'fig1', '--json', {str(path)!r}]))"
    )
    done = own_process("-c", code)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(path.read_text())["ii"] == 2
