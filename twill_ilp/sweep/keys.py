"""What a row is filed under: parameters, code and solver versions.

A row may be reused only if nothing that could change it has changed.  Its *key* is a digest of
the complete parameters, the content of the files that they name, the content of the package's
own files, and the versions of HiGHS and PuLP.  Files that cannot change a row are left out of
the code's digest: figures, reports, commands, and the part of this package that runs sweeps
rather than points.  A comment in a module that solves does change it, which costs a rerun and
never a wrong row.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from twill_ilp.errors import InvalidProblemError
from twill_ilp.solver import highs_version
from twill_ilp.sweep.parameters import Value

__all__ = ["canonical", "code_digest", "digest", "git_revision", "point_digest", "row_key"]

ROOT = Path(__file__).parents[1]

WITHOUT = ("cli", "plot", "report", "sweep")
"""Folders whose files change no row."""

SOLVING = ("sweep/build.py", "sweep/measure.py", "sweep/random_loops.py")
"""Files of those folders that do."""

DIGITS = 20
"""Hexadecimal digits of a digest: 80 bits."""


def canonical(data: Any) -> str:
    """JSON with sorted keys and no blanks: equal data, equal text."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest(data: Any) -> str:
    """A short content digest of JSON data."""
    return hashlib.sha256(canonical(data).encode()).hexdigest()[:DIGITS]


def point_digest(point: Mapping[str, Value]) -> str:
    """Digest of the parameters alone; those that are not given do not count."""
    return digest({name: value for name, value in point.items() if value is not None})


def row_key(point: Mapping[str, Value], folder: Path) -> str:
    """Digest of all that decides a row.

    Args:
        folder: what file names among the parameters are relative to.

    Raises:
        InvalidProblemError: a file that the point names cannot be read.
    """
    given = {name: value for name, value in point.items() if value is not None}
    files = {name: _content(folder / str(point[name])) for name in _files(point)}
    return digest([given, files, code_digest(), highs_version(), version("pulp")])


@cache
def code_digest() -> str:
    """Digest of the package's files that can change a row."""
    summary = hashlib.sha256()
    for path in sorted(_sources()):
        summary.update(f"{path.relative_to(ROOT).as_posix()}\0".encode())
        summary.update(path.read_bytes())
    return summary.hexdigest()[:DIGITS]


@cache
def git_revision() -> str:
    """The commit of the working tree that the package is in, ``+`` if files differ from it;
    empty where there is none."""

    def git(*arguments: str) -> str:
        command = ("git", "-C", str(ROOT), *arguments)
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        return git("rev-parse", "--short=12", "HEAD") + (
            "+" if git("status", "--porcelain", "--", str(ROOT)) else ""
        )
    except (OSError, subprocess.CalledProcessError):
        return ""


def _sources() -> Iterator[Path]:
    for path in ROOT.rglob("*"):
        name = path.relative_to(ROOT)
        relevant = name.parts[0] not in WITHOUT or name.as_posix() in SOLVING
        if relevant and path.suffix in (".py", ".json") and path.is_file():
            yield path


def _files(point: Mapping[str, Value]) -> Iterator[str]:
    if point.get("file") is not None:
        yield "file"
    if str(point.get("machine") or "").lower().endswith((".toml", ".json")):
        yield "machine"


@cache
def _content(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as e:
        raise InvalidProblemError(f"{path}: cannot be read: {e.strerror}; check the path") from None
