"""Docstrings of everything public, the API reference, and the pages of the guide."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import twill_ilp

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs").glob("*.md"))
OPTIONAL = {"triton", "dask", "distributed", "pyarrow"}
"""Packages of extras that need not be there."""

UNITS = re.compile(
    r"cycle|clock|iteration|byte|word|column|second|slot|warp|row|element|instruction|inch|"
    r"number|index|ratio|share|count|whole|dots|points|letters|registers|exit code|"
    r"\bII\b|\bL\b|\bU\b",
    re.IGNORECASE,
)


def modules() -> Iterator[ModuleType]:
    for info in pkgutil.walk_packages(twill_ilp.__path__, "twill_ilp."):
        if info.name.endswith("__main__"):
            continue
        try:
            yield importlib.import_module(info.name)
        except ModuleNotFoundError as missing:
            if missing.name not in OPTIONAL:
                raise


def public() -> list[tuple[str, Any]]:
    """Every public name by the module that defines it."""
    found = {}
    for module in [twill_ilp, *modules()]:
        for name in getattr(module, "__all__", ()):
            thing = getattr(module, name)
            home = getattr(thing, "__module__", module.__name__)
            if inspect.isfunction(thing) or inspect.isclass(thing):
                found[f"{home}.{name}"] = thing
    return sorted(found.items())


PUBLIC = public()
FUNCTIONS = [(name, thing) for name, thing in PUBLIC if inspect.isfunction(thing)]


def test_every_module_says_what_it_is_and_what_is_public() -> None:
    for module in [twill_ilp, *modules()]:
        assert module.__doc__, module.__name__
        for name in getattr(module, "__all__", ()):
            assert hasattr(module, name), f"{module.__name__} has no {name}"


@pytest.mark.parametrize(("name", "thing"), PUBLIC, ids=[name for name, _ in PUBLIC])
def test_public_names_have_docstrings(name: str, thing: Any) -> None:
    text = inspect.getdoc(thing)
    assert text and not text.startswith(f"{thing.__name__}("), f"{name} has no docstring"
    for method_name, method in vars(thing).items() if inspect.isclass(thing) else ():
        written = inspect.isfunction(method) and method.__name__ == method_name
        if written and not method_name.startswith("_"):
            assert inspect.getdoc(method), f"{name}.{method_name} has no docstring"


def documentation(function: Any) -> str:
    """The docstring, and those of module and package, which may speak for all functions."""
    module = inspect.getmodule(function)
    assert module is not None
    package = importlib.import_module(module.__package__ or "twill_ilp")
    return f"{inspect.getdoc(function)} {module.__doc__} {package.__doc__}"


def raised(function: Any) -> set[str]:
    """Names of the errors that a function raises itself."""
    return set(re.findall(r"^\s+raise (\w+(?:Error|Warning))\b", inspect.getsource(function), re.M))


@pytest.mark.parametrize(("name", "function"), FUNCTIONS, ids=[name for name, _ in FUNCTIONS])
def test_what_a_function_raises_is_documented(name: str, function: Any) -> None:
    text = documentation(function)
    for error in raised(function):
        assert error in text, f"{name} raises {error}; say so under 'Raises:'"


def quantities(function: Any) -> list[str]:
    """Parameters and results that are plain numbers, and so have a unit."""
    kinds = {"int", "float", "int | None", "float | None"}
    notes = function.__annotations__
    return [name for name, kind in notes.items() if str(kind) in kinds]


@pytest.mark.parametrize(("name", "function"), FUNCTIONS, ids=[name for name, _ in FUNCTIONS])
def test_numbers_have_units(name: str, function: Any) -> None:
    text = documentation(function)
    if quantities(function):
        assert UNITS.search(text), f"{name}: the unit of {', '.join(quantities(function))}"


SOURCE = re.compile(r"Fig\. \d|20\d\d|19\d\d|model\.md|et al\.|doi|arXiv|potential")


def test_constraint_families_name_their_source() -> None:
    import twill_ilp.ilp as ilp

    families = {f for families in ilp.FORMULATIONS.values() for f in families}
    for family in {*families, *ilp.JOINT_FAMILIES.values()}:
        name = f"{family.__module__}.{family.__name__}"
        assert SOURCE.search(documentation(family)), f"{name} names no source"


def links(page: Path) -> Iterator[str]:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.S)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" not in target:
            yield target


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.M)
    plain = (re.sub(r"[`*]", "", heading).lower() for heading in headings)
    return {re.sub(r"[^\w -]", "", heading).replace(" ", "-") for heading in plain}


@pytest.mark.parametrize("page", [ROOT / "README.md", *PAGES], ids=lambda page: page.name)
def test_links_of_a_page_lead_somewhere(page: Path) -> None:
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{page.name}: {link}"
        if anchor and target.suffix == ".md":
            assert anchor in anchors(target), f"{page.name}: {link}"


def test_the_guide_lists_every_page() -> None:
    guide = (ROOT / "docs" / "guide.md").read_text(encoding="utf-8")
    for page in PAGES:
        assert page.name == "guide.md" or f"]({page.name}" in guide, page.name


def test_the_example_of_a_family_is_short() -> None:
    text = (ROOT / "docs" / "adding-a-family.md").read_text(encoding="utf-8")
    examples = re.findall(r"```python\n(.*?)```", text, re.S)
    lines = [line for example in examples for line in example.splitlines() if line.strip()]
    assert 10 < len(lines) < 60


@pytest.mark.slow
def test_api_reference(tmp_path: Path) -> None:
    pytest.importorskip("pdoc")
    command = [sys.executable, str(ROOT / "docs" / "api.py"), str(tmp_path)]
    subprocess.run(command, check=True, capture_output=True)
    assert "solve" in (tmp_path / "twill_ilp.html").read_text(encoding="utf-8")
    assert "add_memory" in (tmp_path / "twill_ilp" / "ilp.html").read_text(encoding="utf-8")
