"""``twill-ilp graph``, and the other commands on compilers' files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from twill_ilp import read_problem
from twill_ilp.cli import main
from twill_ilp.frontends import read_ttgir

ROOT = Path(__file__).parent.parent
ATTENTION = ROOT / "tests" / "data" / "ir" / "attention.ttgir"
TTIR = ROOT / "examples" / "triton" / "gemm.ttir"
DUMP = ROOT / "examples" / "dumps" / "two-loops.json"


def run(*arguments: object) -> int:
    return main([str(a) for a in arguments])


def test_the_report_says_what_was_read(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("graph", ATTENTION) == 0
    out = capsys.readouterr().out
    assert out.startswith("attention on blackwell: 22 operations, 29 dependences; loop 0 (line 58)")
    for part in (
        "32 clocks per cycle",
        "costs.mma(128, 64, 128)",
        "variable",
        "Dependences",
        "blocking",
        "Dropped",
        "ttg.memdesc_trans (",
    ):
        assert part in out


def test_files_are_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    problem, dot = tmp_path / "p.json", tmp_path / "g.dot"
    assert run("graph", ATTENTION, "--json", problem, "--dot", dot, "--quiet") == 0
    assert capsys.readouterr().out == ""
    assert read_problem(problem) == read_ttgir(ATTENTION).problem
    text = dot.read_text()
    assert text.count(" -> ") == 29 and text.count("dashed") == 5 and text.endswith("}\n")
    assert '"s_18.free" -> "s_17" [label="0, 1 later", style="dashed,bold"];' in text


def test_a_figure_is_drawn(tmp_path: Path) -> None:
    path = tmp_path / "graph.png"
    assert run("graph", ATTENTION, "--png", path, "--quiet") == 0
    assert path.read_bytes().startswith(b"\x89PNG")


def test_kernels_problems_and_dumps_have_graphs(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("graph", "gemm", "--machine", "hopper") == 0
    assert "kernel gemm" in capsys.readouterr().out
    assert run("graph", ROOT / "examples" / "problems" / "fig1.json") == 0
    assert "the file" in capsys.readouterr().out
    assert run("graph", DUMP, "--loop", "1", "--without-rule", "blocking") == 0
    assert "the dump" in capsys.readouterr().out


def test_ir_can_be_solved(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("bounds", TTIR, "--machine", "b200") == 0
    assert "gemm on blackwell: MII = 2" in capsys.readouterr().out
    assert run("solve", ATTENTION, "--stage", "modulo") == 0
    assert "II = 20 (optimal)" in capsys.readouterr().out


def test_warnings_go_to_standard_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "odd.txt"  # known by its first word
    path.write_text(
        TTIR.read_text().replace("arith.truncf", "odd.cast").replace("tt.dot", "my.dot")
    )
    assert run("graph", path, "--machine", "hopper") == 0
    assert "warning: line " in capsys.readouterr().err
    assert run("graph", path, "--machine", "hopper", "--strict") == 2
    assert "my.dot is not known" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["gemm", "--strict"], "--strict: gemm is a kernel"),
        (["gemm", "--loop", "0"], "--loop: gemm is a kernel"),
        (["gemm", "--loop", "first"], "is no loop"),
        ([ATTENTION, "--tile", "1,2,3"], "--tile: "),
        ([ATTENTION, "--without-rule", "magic"], "rule magic: no such rule"),
        ([ATTENTION, "--loop", "line:3"], "no loop fits"),
        ([ATTENTION, "--quantum", "0"], "quantum is 0"),
        ([DUMP, "--loop", "line:3"], "has no lines"),
        ([DUMP, "--strict"], "not TTIR or TTGIR"),
        ([DUMP, "--quantum", "2"], "--quantum: "),
        ([TTIR], "no target in the text; give --machine"),
        ([ROOT / "examples" / "problems" / "fig1.json", "--with-rule", "views"], "a problem file"),
        ([ATTENTION, "--png", "graph.txt"], "end the name in .png"),
        ([ATTENTION, "--dot", "/nowhere/g.dot"], "does not exist"),
    ],
)
def test_bad_input_is_one_line(
    arguments: list[object], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("graph", *arguments) == 2
    err = capsys.readouterr().err
    assert message in err and err.count("\n") == 1


def test_the_problem_file_of_a_kernel_is_the_kernel(tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    assert run("graph", "fig1", "--json", path, "--quiet") == 0
    assert json.loads(path.read_text())["graph"]["name"] == "fig1"
