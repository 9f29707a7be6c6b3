"""Notebooks as files: no outputs in git, an opening that says what and how long, a language.

That they run is a step of ``.ci/run`` (``pytest --nbmake notebooks``).
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parents[1] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


def cells(path: Path) -> list[dict[str, Any]]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = content["cells"]
    return found


def text(cell: dict[str, Any]) -> str:
    return "".join(cell["source"])


def test_there_are_notebooks() -> None:
    numbers = {path.name[:2] for path in NOTEBOOKS}
    assert numbers >= {"01", "02", "03", "04", "05", "06", "07", "10"}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_outputs_are_stripped(path: Path) -> None:
    for cell in cells(path):
        if cell["cell_type"] == "code":
            assert cell["outputs"] == [] and cell["execution_count"] is None, text(cell)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_opening_says_what_and_how_long(path: Path) -> None:
    first = cells(path)[0]
    assert first["cell_type"] == "markdown"
    opening = text(first)
    assert opening.startswith("# "), opening
    assert re.search(r"\*\*What it (shows|is)\.\*\*", opening)
    assert re.search(r"\*\*Time\.\*\* .*(second|minute)", opening)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_links_lead_somewhere(path: Path) -> None:
    for cell in cells(path):
        if cell["cell_type"] != "markdown":
            continue
        for link in re.findall(r"\]\(([^)\s]+)\)", text(cell)):
            if "://" not in link:
                assert (FOLDER / link.partition("#")[0]).exists(), f"{path.name}: {link}"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_helpers_belong_into_the_package(path: Path) -> None:
    for cell in cells(path):
        if cell["cell_type"] == "code":
            assert len(text(cell).splitlines()) <= 45, f"{path.name}: a cell of many lines"
            assert "class " not in text(cell), f"{path.name}: a class in a cell"
