"""Checks of single values, shared by the data classes and the file readers."""

from __future__ import annotations

from twill_ilp.errors import InvalidProblemError
from twill_ilp.reading import short

__all__ = ["LARGEST", "check_flag", "check_name", "check_natural"]

LARGEST = 10**9
"""Largest amount any field may hold; keeps every path length far inside 64-bit integers."""


def check_natural(
    value: object, what: str, error: type[InvalidProblemError], least: int = 0
) -> None:
    """Raise ``error`` unless ``value`` is an ``int`` in ``[least, LARGEST]``."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise error(f"{what} is {short(value)}; give a whole number >= {least}")
    if not least <= value <= LARGEST:
        raise error(f"{what} is {short(value)}; give a whole number from {least} to {LARGEST}")


def check_name(value: object, what: str, error: type[InvalidProblemError]) -> None:
    """Raise ``error`` unless ``value`` is one line of printable text that is not blank."""
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise error(f"{what} is {short(value)}; give a name that is not blank, on one line")


def check_flag(value: object, what: str, error: type[InvalidProblemError]) -> None:
    """Raise ``error`` unless ``value`` is a ``bool``."""
    if not isinstance(value, bool):
        raise error(f"{what} is {short(value)}; give true or false")
