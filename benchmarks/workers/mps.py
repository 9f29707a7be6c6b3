"""A reader of free MPS files with whole numbers, as PuLP writes them."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf
from pathlib import Path

__all__ = ["Model", "read_mps"]


@dataclass
class Model:
    """``minimise cost x`` under ``lower <= rows x <= upper`` and bounds on every variable."""

    cost: dict[str, int] = field(default_factory=dict)
    rows: dict[str, dict[str, int]] = field(default_factory=dict)
    sides: dict[str, list[float]] = field(default_factory=dict)
    bounds: dict[str, list[float]] = field(default_factory=dict)


def whole(text: str) -> int:
    number = float(text)
    if not number.is_integer():
        raise ValueError(f"{text} is not whole; this model needs another reader")
    return int(number)


def read_mps(path: str | Path) -> Model:
    """Read a model.

    Continuous variables are read like integer ones.  That loses nothing in the models of this
    package: once the integer variables are fixed, the least values of the others (live
    instances of a value, and their shares by group) are whole, and they only take up room.

    Raises:
        ValueError: a number that is not whole, or a section or bound of another kind.
    """
    model, section, objective = Model(), "", ""
    for line in Path(path).read_text().splitlines():
        words = line.split()
        if not words or line.startswith("*"):
            continue
        if not line[0].isspace():
            section = words[0]
            if section not in ("NAME", "ROWS", "COLUMNS", "RHS", "BOUNDS", "ENDATA"):
                raise ValueError(f"{path}: section {section} is not read")
        elif section == "ROWS":
            kind, name = words
            if kind == "N":
                objective = name
            else:
                model.rows[name] = {}
                model.sides[name] = {"L": [-inf, 0], "G": [0, inf], "E": [0, 0]}[kind]
        elif section == "COLUMNS" and words[1] != "'MARKER'":
            bounds = model.bounds.setdefault(words[0], [0, inf])
            assert bounds
            for row, value in zip(words[1::2], words[2::2], strict=True):
                target = model.cost if row == objective else model.rows[row]
                target[words[0]] = whole(value)
        elif section == "RHS":
            for row, value in zip(words[1::2], words[2::2], strict=True):
                if row != objective:
                    model.sides[row] = [s if abs(s) == inf else whole(value)
                                        for s in model.sides[row]]  # fmt: skip
        elif section == "BOUNDS":
            _bound(model, words)
    return model


def _bound(model: Model, words: list[str]) -> None:
    kind, name = words[0], words[2]
    bounds = model.bounds.setdefault(name, [0, inf])
    match kind:
        case "BV":
            bounds[:] = 0, 1
        case "FX":
            bounds[:] = whole(words[3]), whole(words[3])
        case "UP":
            bounds[1] = whole(words[3])
        case "LO":
            bounds[0] = whole(words[3])
        case "MI":
            bounds[0] = -inf
        case "FR":
            bounds[:] = -inf, inf
        case _:
            raise ValueError(f"bound {kind} of {name} is not read")
