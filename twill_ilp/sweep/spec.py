"""A sweep as one TOML file: which points, in which order, and which figures.

::

    title = "How many warps does attention forward need?"
    schedules = true                # keep result files (default: false)

    [fixed]                         # one value each, for all points
    kernel = "fmha-forward"
    levels = "ii"

    [[grid]]                        # every combination of the lists
    machine = "blackwell"
    ii = [16, 17, 18]
    warps = { from = 8, to = 16, step = 2 }
    unit.TC = [1, 2]

    [[zip]]                         # the first of each list, the second of each, ...
    tile = ["64x128x128", "128x128x128"]
    sub_tiles = [2, 1]

    [[point]]                       # one point
    warps = 12

    [[figure]]                      # see twill_ilp.sweep.figures
    kind = "feasibility"
    x = "warps"

The blocks may occur any number of times; their points follow each other.  Whatever is wrong is
found here, before anything runs, and named with its line.
"""

from __future__ import annotations

import itertools
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from twill_ilp.errors import InvalidProblemError, OptionError
from twill_ilp.reading import short
from twill_ilp.sweep.lines import Places, places
from twill_ilp.sweep.parameters import OPEN, PointError, Value, check_value, complete

__all__ = ["InvalidSweepError", "Sweep", "read_sweep"]

MOST_POINTS = 100_000

BLOCKS = ("grid", "zip", "point")
TOP = ("title", "schedules", "fixed", *BLOCKS, "figure")

Point = dict[str, Value]


class InvalidSweepError(InvalidProblemError):
    """A sweep file that cannot be meant; the message begins with the file and the line."""


@dataclass(frozen=True)
class Sweep:
    """A sweep, read and checked.

    Attributes:
        path: the TOML file; ``machine`` and ``file`` are relative to its folder.
        title: the question that it answers.
        points: complete points in their order, each once.
        schedules: whether result files are kept.
        figures: options of every figure.
        lines: line of the block that each point comes from.
        text: the file's content.
    """

    path: Path
    title: str
    points: tuple[Point, ...]
    schedules: bool
    figures: tuple[Mapping[str, Any], ...]
    lines: tuple[int, ...]
    text: str = field(repr=False)

    @property
    def name(self) -> str:
        """The file's name without its suffix: that of the results."""
        return self.path.stem

    @property
    def axes(self) -> tuple[str, ...]:
        """Parameters that vary."""
        names = dict.fromkeys(name for point in self.points for name in point)
        return tuple(name for name in names if len({repr(p.get(name)) for p in self.points}) > 1)

    def line_of(self, block: int, key: str) -> int:
        """The line of a key in the block that begins in line ``block``, or in ``[fixed]``; else
        that of the block."""
        where = places(self.text)
        tables = [(name, number) for (name, number, k), line in where.items() if line == block]
        for table in (*tables, ("fixed", 0)):
            if (*table, key) in where:
                return where[(*table, key)]
        return block


def read_sweep(path: str | Path) -> Sweep:
    """Read a sweep file; the problems behind its points are not built yet.

    Raises:
        InvalidSweepError: the file cannot be read, is no TOML, or has a key or value that cannot
            be meant, an empty axis, lists of unequal length in a zip, or no points at all.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
        data = tomllib.loads(text)
    except OSError as e:
        raise InvalidSweepError(f"{path}: cannot be read: {e.strerror}; check the path") from None
    except UnicodeDecodeError:
        raise InvalidSweepError(f"{path}: not UTF-8 text; give a TOML file") from None
    except tomllib.TOMLDecodeError as e:
        raise InvalidSweepError(f"{path}: not TOML: {e}; mend the file there") from None
    return _Reader(Path(path), text, data, places(text)).sweep()


@dataclass(frozen=True)
class _Reader:
    """One file under way."""

    path: Path
    text: str
    data: dict[str, Any]
    where: Places

    def sweep(self) -> Sweep:
        for key in self.data:
            if key not in TOP:
                self.fail(key, 0, "", f"{key}: no such key; choose from {', '.join(TOP)}")
        title = self.data.get("title", self.path.stem)
        schedules = self.data.get("schedules", False)
        if not isinstance(title, str):
            self.fail("", 0, "title", f"title is {short(title)}; give text")
        if not isinstance(schedules, bool):
            self.fail("", 0, "schedules", f"schedules is {short(schedules)}; give true or false")
        fixed = self.table("fixed", 0, self.data.get("fixed", {}))
        for key, value in fixed.items():
            if isinstance(value, list | dict):
                self.fail("fixed", 0, key, f"{key}: {short(value)}; one value, or move to a grid")
        points = list(self.points(fixed))
        if not points:
            raise InvalidSweepError(f"{self.path}:1: no points; add a [[grid]] with an axis")
        unique: dict[str, tuple[Point, int]] = {}
        for point, line in points:
            unique.setdefault(repr(sorted(point.items())), (point, line))
        kept = list(unique.values())
        return Sweep(
            self.path,
            title,
            tuple(point for point, _ in kept),
            schedules,
            tuple(self.figures()),
            tuple(line for _, line in kept),
            self.text,
        )

    def points(self, fixed: Mapping[str, Any]) -> Iterator[tuple[Point, int]]:
        for block in sorted(self.blocks(), key=lambda block: self.line(block[0], block[1], "")):
            name, number, table = block
            for given in self.expand(name, number, self.table(name, number, table)):
                yield self.complete(name, number, {**fixed, **given}), self.line(name, number, "")

    def blocks(self) -> Iterator[tuple[str, int, object]]:
        for name in BLOCKS:
            tables = self.data.get(name, [])
            if not isinstance(tables, list):
                self.fail(name, 0, "", f"[{name}]: write [[{name}]], with two brackets")
            for number, table in enumerate(tables):
                yield name, number, table

    def expand(self, name: str, number: int, table: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """The combinations that a block means."""
        axes: dict[str, list[Any]] = {}
        for key, value in table.items():
            values = self.values(name, number, key, value)
            if name == "point" and isinstance(value, list | dict):
                self.fail(name, number, key, f"{key}: {short(value)}; a [[point]] has no axes")
            if not values:
                self.fail(name, number, key, f"{key}: an empty axis; give at least one value")
            axes[key] = values
        count = 1
        for values in axes.values():
            count *= len(values)
        if name == "grid" and count > MOST_POINTS:
            self.fail(name, number, "", f"[[grid]]: {count} points, above {MOST_POINTS}; split it")
        if name != "zip":
            combinations: Iterator[tuple[Any, ...]] = itertools.product(*axes.values())
        else:
            lengths = {key: len(values) for key, values in axes.items() if len(values) > 1}
            if len(set(lengths.values())) > 1:
                sizes = ", ".join(f"{key} {size}" for key, size in lengths.items())
                self.fail(name, number, "", f"[[zip]]: lists of unequal length: {sizes}")
            longest = max(lengths.values(), default=1)
            full = (values * longest if len(values) == 1 else values for values in axes.values())
            combinations = zip(*full, strict=True)
        for combination in combinations:
            yield dict(zip(axes, combination, strict=True))

    def values(self, name: str, number: int, key: str, value: Any) -> list[Any]:
        """The values of one axis; a single value is an axis of one."""
        if isinstance(value, dict):
            if set(value) - {"from", "to", "step"} or not {"from", "to"} <= set(value):
                self.fail(name, number, key, f"{key}: give {{ from = A, to = B, step = C }}")
            first, last, step = value["from"], value["to"], value.get("step", 1)
            if not all(type(n) is int for n in (first, last, step)) or step < 1:
                self.fail(name, number, key, f"{key}: from, to and step are whole numbers")
            if last - first >= MOST_POINTS * step:
                self.fail(name, number, key, f"{key}: more than {MOST_POINTS} values")
            value = list(range(first, last + 1, step))
        values = value if isinstance(value, list) else [value]
        for one in values:
            try:
                check_value(key, one)
            except PointError as e:
                self.fail(name, number, key, str(e))
        if len({repr(one) for one in values}) < len(values):
            self.fail(name, number, key, f"{key}: a value stands twice; remove one")
        return values

    def table(self, name: str, number: int, table: object) -> dict[str, Any]:
        """A block with ``unit.TC`` and the like as flat keys."""
        if not isinstance(table, dict):
            self.fail(name, number, "", f"{name} is {short(table)}; write [[{name}]]")
        flat: dict[str, Any] = {}
        for key, value in table.items():
            if isinstance(value, dict) and (key in OPEN or key == "reading"):
                flat |= {f"{key}.{member}": inner for member, inner in value.items()}
            else:
                flat[key] = value
        if name == "fixed":
            for key, value in flat.items():
                if not isinstance(value, list | dict):
                    self.values(name, number, key, value)
        return flat

    def complete(self, name: str, number: int, given: Mapping[str, Any]) -> Point:
        try:
            return complete(given)
        except PointError as e:
            at = (name, number) if (name, number, e.parameter) in self.where else ("fixed", 0)
            key = e.parameter if (*at, e.parameter) in self.where else ""
            return self.fail(*(at if key else (name, number)), key, str(e))

    def figures(self) -> Iterator[Mapping[str, Any]]:
        from twill_ilp.sweep.figures import check_figure, file_name

        names: set[str] = set()
        figures = self.data.get("figure", [])
        for number, figure in enumerate(figures if isinstance(figures, list) else [figures]):
            try:
                check_figure(figure)
                if file_name(figure) in names:
                    raise PointError("kind", f"two figures named {file_name(figure)}; add a name")
                names.add(file_name(figure))
            except PointError as e:
                self.fail("figure", number, e.parameter, str(e))
            except OptionError as e:
                self.fail("figure", number, "", str(e))
            yield figure

    def line(self, name: str, number: int, key: str) -> int:
        """The line of a key, or of its table, or else the first."""
        table = self.where.get((name, number, ""), 1)
        return self.where.get((name, number, key), self.where.get(("", 0, name), table))

    def fail(self, name: str, number: int, key: str, reason: str) -> NoReturn:
        raise InvalidSweepError(f"{self.path}:{self.line(name, number, key)}: {reason}")
