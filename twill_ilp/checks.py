"""Checks of single values, shared by the data classes and the file readers."""

from __future__ import annotations

from twill_ilp.errors import InvalidProblemError

__all__ = ["LARGEST", "check_name", "check_natural"]

LARGEST = 10**9
"""Largest amount any field may hold; keeps every path length far inside 64-bit integers."""


def check_natural(
    value: object, what: str, error: type[InvalidProblemError], least: int = 0
) -> None:
    """Raise ``error`` unless ``value`` is an ``int`` in ``[least, LARGEST]``."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise error(f"{what} is {value!r}; give a whole number >= {least}")
    if not least <= value <= LARGEST:
        raise error(f"{what} is {value}; give a whole number from {least} to {LARGEST}")


def check_name(value: object, what: str, error: type[InvalidProblemError]) -> None:
    """Raise ``error`` unless ``value`` is a string that is not blank."""
    if not isinstance(value, str) or not value.strip():
        raise error(f"{what} is {value!r}; give a name that is not blank")
