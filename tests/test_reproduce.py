"""The reproduction report: its command, its parts, and that the committed one still holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from twill_ilp.cli import main
from twill_ilp.errors import OptionError
from twill_ilp.report import Table
from twill_ilp.reproduce import CLAIMS, claims_about, reproduce, without_times
from twill_ilp.reproduce.finding import Claim, Finding
from twill_ilp.reproduce.text import markdown, report_text

COMMITTED = Path(__file__).parents[1] / "results" / "reproduction" / "REPRODUCTION.md"


def section(report: str, name: str) -> str:
    """The section of a claim, without its number and without times."""
    for part in without_times(report).split("\n## ")[1:]:
        heading, _, body = part.partition("\n")
        if heading.partition(". ")[2] == name:
            return body.strip()
    raise AssertionError(f"no section {name}")


def test_figure_1_as_committed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "new" / "folder"
    assert main(["reproduce", "--figure", "1", "--out", str(out)]) == 0
    report = (out / "REPRODUCTION.md").read_text(encoding="utf-8")
    assert "II 2" in report and "**Same.**" in report
    assert report in capsys.readouterr().out
    for image in ("fig1-one-by-one", "fig1-overlap", "fig1-kernel"):
        assert (out / "figures" / f"{image}.png").stat().st_size > 5000
    name = claims_about(1)[0].name
    assert section(report, name) == section(COMMITTED.read_text(encoding="utf-8"), name)


def test_families_as_committed(tmp_path: Path) -> None:
    (claim,) = claims_about(6)
    report = reproduce(tmp_path, [claim])
    assert section(report, claim.name) == section(COMMITTED.read_text(encoding="utf-8"), claim.name)


@pytest.mark.slow
def test_the_whole_report_as_committed(tmp_path: Path) -> None:
    report = reproduce(tmp_path)
    assert without_times(report) == without_times(COMMITTED.read_text(encoding="utf-8"))
    images = {path.name for path in (tmp_path / "figures").iterdir()}
    assert images == {path.name for path in (COMMITTED.parent / "figures").iterdir()}


def test_every_claim_is_in_the_committed_report() -> None:
    report = COMMITTED.read_text(encoding="utf-8")
    for claim in CLAIMS:
        assert without_times(claim.text) in section(report, claim.name)
    for image in (COMMITTED.parent / "figures").iterdir():
        assert f"(figures/{image.name})" in report


def test_a_figure_that_nobody_reproduces() -> None:
    with pytest.raises(OptionError, match=r"figure 3 .* choose from 1, 2, 4, 5, 6, 9"):
        claims_about(3)
    assert claims_about(None) == CLAIMS


def test_a_file_in_the_way(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    assert main(["reproduce", "--figure", "1", "--out", str(blocked)]) == 2
    assert "is no folder" in capsys.readouterr().err


def test_times_are_masked_and_nothing_else() -> None:
    text = "Time 12.3 s; 19 s on a Xeon; II 16, L 32; 14 warps; 0.5 shares"
    assert without_times(text) == "Time # s; # s on a Xeon; II 16, L 32; 14 warps; 0.5 shares"


def test_report_text() -> None:
    table = Table(("a|b", "n"), (("x", "1"),), frozenset({1}))
    finding = Finding("Ours.", "different", "Because.", {"Numbers": table})
    claim = Claim("A claim", (9,), "Theirs.", ("twill-ilp kernels",), lambda progress: finding)
    report = report_text([(claim, finding, 1.26)])
    assert "| [A claim](#1-a-claim) | Fig. 9 | different | 1.3 s |" in report
    assert "**Different.** Because." in report
    assert markdown(table) == "| a\\|b | n |\n| --- | --: |\n| x | 1 |"
