"""Strict reading of JSON, shared by problem and result files.

Unknown keys, wrong types and duplicate keys are errors that name the place (``where``, such as
``graph.operations[3] (S0)``) and the mend, so that a typo never turns into a default:
``InvalidProblemError``, whatever the function.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from twill_ilp.errors import InvalidProblemError, TwillError

__all__ = [
    "check_type",
    "construct",
    "from_file",
    "load_json",
    "read_array",
    "read_mapping",
    "read_object",
    "reject_null",
    "short",
]

T = TypeVar("T")


def load_json(path: str | Path) -> Any:
    """Parse a JSON file, refusing duplicate keys, NaN and infinities.

    Raises:
        InvalidProblemError: the file cannot be read or is not JSON (with line and column).
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as e:
        raise InvalidProblemError(f"cannot be read: {e.strerror}; check the path") from None
    except UnicodeDecodeError:
        raise InvalidProblemError("not UTF-8 text; give a JSON file") from None
    except ValueError:  # a null character in the path
        raise InvalidProblemError("cannot be read: no path of a file; check it") from None
    try:
        return json.loads(text, object_pairs_hook=_unique_keys, parse_constant=_no_constant)
    except json.JSONDecodeError as e:
        raise InvalidProblemError(
            f"not JSON: {e.msg} at line {e.lineno}, column {e.colno}; mend the file there"
        ) from None
    except (RecursionError, ValueError):
        raise InvalidProblemError(
            "not a problem: nested too deeply or a number too long; give a problem file"
        ) from None


def from_file(path: str | Path, parse: Callable[[object], T]) -> T:
    """What ``parse`` makes of a JSON file; errors begin with the path."""
    try:
        return parse(load_json(path))
    except TwillError as e:
        raise InvalidProblemError(f"{path}: {e}") from None


def construct(cls: Callable[..., T], fields: Mapping[str, Any], where: str) -> T:
    """An instance of ``cls``; errors begin with the place."""
    try:
        return cls(**fields)
    except TwillError as e:
        raise InvalidProblemError(f"{where}: {e}") from None


def read_object(
    data: object, where: str, required: Iterable[str] = (), optional: Iterable[str] = ()
) -> dict[str, Any]:
    """``data`` as a dict with every required key and no unknown one."""
    fields = read_mapping(data, where)
    known = (*required, *optional)
    for key in fields:
        if key not in known:
            raise InvalidProblemError(
                f"{where}: unknown key {_quoted(key)}; known: {', '.join(known)}"
            )
    for key in required:
        if key not in fields:
            raise InvalidProblemError(f"{where}: key {key!r} is missing; add it")
    return fields


def read_mapping(data: object, where: str) -> dict[str, Any]:
    """``data`` as a dict, whatever its keys."""
    if not isinstance(data, dict):
        raise InvalidProblemError(f"{where} is {short(data)}; give an object {{...}}")
    return dict(data)


def read_array(data: object, where: str, parse: Callable[[object, str], T]) -> list[T]:
    """The items of ``data``, each parsed with its place."""
    if not isinstance(data, list | tuple):
        raise InvalidProblemError(f"{where} is {short(data)}; give an array [...]")
    return [parse(item, f"{where}[{i}]{_label(item)}") for i, item in enumerate(data)]


def _label(item: object) -> str:
    name = item.get("name") if isinstance(item, dict) else None
    return f" ({_quoted(name)[1:-1]})" if isinstance(name, str) else ""


def check_type(fields: Mapping[str, Any], key: str, kind: type, wanted: str, where: str) -> None:
    """Raise unless ``key`` is absent or of type ``kind``; ``wanted`` says what to give."""
    if key in fields and not isinstance(fields[key], kind):
        raise InvalidProblemError(f"{where}: {key} is {short(fields[key])}; give {wanted}")


def reject_null(fields: Mapping[str, Any], where: str) -> None:
    """Raise if any value is null: a key without a value is left out."""
    for key, value in fields.items():
        if value is None:
            raise InvalidProblemError(f"{where}: {key} is null; give a value or leave the key out")


def short(value: object) -> str:
    """``value`` as at most 40 characters of JSON, for messages."""
    try:
        return _cut(json.dumps(value, default=str))
    except (RecursionError, ValueError):
        return "nested too deeply"


def _quoted(text: str) -> str:
    """``text`` in quotes on one line, at most 40 characters."""
    return _cut(repr(text))


def _cut(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:36]}...{text[-1]}"


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for i, key in enumerate(keys) if key in keys[:i])
        raise InvalidProblemError(f"key {_quoted(twice)} stands twice in one object; remove one")
    return fields


def _no_constant(text: str) -> Any:
    raise InvalidProblemError(f"number {text}; give a whole number")
