"""Programs as text: to read (``text``), as data (``json``), or as a pseudo-kernel (``py``)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from twill_ilp.emit.python import program_python
from twill_ilp.emit.text import program_text
from twill_ilp.pipeline import Program
from twill_ilp.pipeline.program_file import program_json

__all__ = ["FORMATS", "program_json", "program_python", "program_text"]

FORMATS: Mapping[str, Callable[[Program, int | None], str]] = {
    "text": program_text,
    "json": lambda program, trip_count: program_json(program),
    "py": program_python,
}
"""By name; a trip count, where there is one, is filled in (the data keep every trip count)."""
