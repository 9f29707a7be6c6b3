"""The values that a loop body may name: where each is defined, and its type."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from twill_ilp.errors import InvalidIRError
from twill_ilp.frontends.ttgir.instructions import MEMORY_VIEWS, ROLES
from twill_ilp.frontends.ttgir.loops import Loop
from twill_ilp.frontends.ttgir.text import (
    MOST_RESULTS,
    Statement,
    split_top,
    split_types,
    uses,
)
from twill_ilp.frontends.ttgir.types import TOKEN, TileType, parse_type

__all__ = ["MOST_OPERANDS", "MOST_STATEMENTS", "Item", "Scope"]

MOST_OPERANDS = 20_000
"""Operands of all operations of one loop body that are read."""

MOST_STATEMENTS = 2000
"""Operations of one loop body that are read."""


@dataclass(slots=True)
class Item:
    """A statement of the loop body with its parts.

    Attributes:
        role: from :data:`~twill_ilp.frontends.ttgir.instructions.ROLES`, or ``unknown``.
        parts: the operands, split at commas; a token in brackets stands behind its buffer.
        operands: every value named, in order.
        types: of the results.
    """

    statement: Statement
    role: str
    parts: list[str]
    operands: list[str]
    types: list[TileType]

    @property
    def line(self) -> int:
        return self.statement.line

    @property
    def name(self) -> str:
        return self.statement.name


class Scope:
    """Definitions and types of the chosen loop's values.

    Raises:
        InvalidIRError: a value that is not defined where it is used, or defined twice.
    """

    def __init__(self, loop: Loop, aliases: Mapping[str, str]) -> None:
        self.loop = loop
        self.aliases = aliases
        self.outer: dict[str, Statement] = {}
        self.types: dict[str, TileType] = {}
        self.heads: dict[int, dict[str, str]] = {}
        self.items: list[Item] = []
        self.carried: dict[str, str] = {}
        """What the previous iteration yields for each value that is carried over."""
        self._define_outer()
        self._read_body()

    def _define_outer(self) -> None:
        for statement in self.loop.around:
            head = statement.rest if statement.name != "scf.for" else statement.rest.split("->")[0]
            for value in uses(head):
                self.outer.setdefault(value, statement)
        for statement in self.loop.before:
            for value in statement.results:
                self.outer[value] = statement

    def _read_body(self) -> None:
        loop, body = self.loop, self.loop.body
        if len(body) > MOST_STATEMENTS:
            raise InvalidIRError(
                loop.statement.line,
                f"{len(body)} operations in the loop; at most {MOST_STATEMENTS} are read",
            )
        carried = self._take_over()
        defined = {loop.variable, *carried}
        yielded: list[str] = []
        left = MOST_OPERANDS
        for statement in body:
            if statement.name == "scf.yield":
                yielded = self._known(uses(split_types(statement.rest)[0]), defined, statement)
                continue
            item = self._item(statement, defined)
            self.items.append(item)
            left -= len(item.operands)
            if left < 0:
                raise InvalidIRError(statement.line, f"more than {MOST_OPERANDS} operands so far")
            for value, kind in zip(statement.results, item.types, strict=True):
                if value in defined:
                    raise InvalidIRError(statement.line, f"{value} is defined twice; rename one")
                defined.add(value)
                self.types[value] = kind
        if len(yielded) != len(carried):
            raise InvalidIRError(
                loop.statement.line,
                f"{len(carried)} values are carried, but scf.yield gives {len(yielded)}",
            )
        self.carried = dict(zip(carried, yielded, strict=True))

    def _take_over(self) -> list[str]:
        """The values that an iteration takes over; each has the type that it has before."""
        loop = self.loop
        carried = loop.carried
        if len(carried) > MOST_RESULTS:
            raise InvalidIRError(
                loop.statement.line,
                f"{len(carried)} values are carried; at most {MOST_RESULTS} are read",
            )
        types = {loop.variable: TileType("scalar", (), "i32", 32)}
        for value, before in carried:
            if before not in self.outer:
                raise InvalidIRError(loop.statement.line, f"{before} is not defined before")
            types[value] = self.type_of(before)
        self.types.update(types)
        return [value for value, _ in carried]

    def _known(self, values: list[str], defined: set[str], statement: Statement) -> list[str]:
        for value in values:
            if value not in defined and value not in self.outer:
                raise InvalidIRError(
                    statement.line, f"{value} is not defined before it is used; mend the text"
                )
        return values

    def _item(self, statement: Statement, defined: set[str]) -> Item:
        head, _ = split_types(statement.rest)
        operands = self._known(uses(head), defined, statement)
        role = ROLES.get(statement.name, "unknown")
        return Item(statement, role, split_top(head), operands, self._result_types(statement))

    def type_of(self, value: str) -> TileType:
        """The type of a value; what came in as an argument counts as a scalar."""
        if value not in self.types:
            statement = self.outer[value]
            if value in statement.results:
                types = self._result_types(statement)
                self.types.update(zip(statement.results, types, strict=True))
            else:
                self.types[value] = self._argument_type(value, statement)
        return self.types[value]

    def _argument_type(self, value: str, statement: Statement) -> TileType:
        """The type after ``%value:`` in a function's head; in a loop's head, that before it."""
        if statement.line not in self.heads:
            self.heads[statement.line] = _arguments(statement)
        told = self.heads[statement.line].get(value, "")
        if not told.startswith("%"):
            return parse_type(told, self.aliases, statement.line)
        if told not in self.outer or self.outer[told] is statement:
            return TileType("scalar")
        return self.type_of(told)

    def _result_types(self, statement: Statement) -> list[TileType]:
        count = len(statement.results)
        if not count:
            return []
        tail = statement.tail.lstrip(") ")
        _, text = split_types(f"{statement.rest.rstrip('( ')} {tail}")
        texts = _result_texts(statement.name, text)
        types = [parse_type(t, self.aliases, statement.line) for t in texts]
        if ROLES.get(statement.name) in ("buffer dot", "write"):
            types = [TOKEN]
        if statement.name in ("arith.cmpf", "arith.cmpi") and types:
            types = [TileType(types[0].space, types[0].shape, "i1", 1)]
        if len(types) != count and count == 1:
            types = types[-1:] or [TileType("scalar")]
        return (types + [TOKEN] * count)[:count]

    @cached_property
    def inside(self) -> dict[str, Statement]:
        """The statement of the body that defines each value."""
        return {v: item.statement for item in self.items for v in item.statement.results}

    def buffer(self, value: str) -> str:
        """The allocation that a memory descriptor is a view of.

        Raises:
            InvalidIRError: which one is decided while the loop runs.
        """
        inside = self.inside
        while True:
            statement = inside.get(value) or self.outer.get(value)
            if value in self.carried:
                raise InvalidIRError(
                    self.loop.statement.line,
                    f"buffer {value} is carried from one iteration to the next, so the loop is "
                    "already pipelined; give the text before that pass, or num_stages=1",
                )
            if statement is None or statement.name not in MEMORY_VIEWS:
                return value
            named = uses(split_types(statement.rest)[0])
            turning = (*inside, *self.carried, self.loop.variable)
            if any(v in turning for v in named[1:]):
                raise InvalidIRError(
                    statement.line,
                    f"{statement.name} chooses a buffer while the loop runs, so the loop is "
                    "already pipelined; give the text before that pass, or num_stages=1",
                )
            if not named:
                return value
            value = named[0]


def _arguments(statement: Statement) -> dict[str, str]:
    """The type of every argument of a function, or the value before a loop of what it carries."""
    loop = statement.name == "scf.for"
    _, _, listed = statement.rest.partition("iter_args(" if loop else "(")
    told: dict[str, str] = {}
    for part in split_top(listed):
        if found := uses(part):
            kind = part.partition(":")[2].partition(" loc(")[0].partition(" {")[0]
            told[found[0]] = found[1] if loop and len(found) > 1 else kind.partition(")")[0].strip()
    return told


def _result_texts(name: str, text: str) -> list[str]:
    """The texts of the result types in the type part of an operation."""
    parts = split_top(text, ">")
    arrow = text.find("->", len(parts[0]) - 1) if len(parts) > 1 else -1
    if arrow >= 0:
        result = text[arrow + 2 :].strip()
        return split_top(result[1:-1]) if result.startswith("(") else [result]
    if " to " in text:
        return [text.rpartition(" to ")[2].strip()]
    types = split_top(text)
    if name in ("tt.addptr", "tt.advance"):
        return types[:1]
    if name == "tt.load":
        return [_pointee(t) for t in types[:1]]
    return types


def _pointee(text: str) -> str:
    """``tensor<64xf32, #e>`` of ``tensor<64x!tt.ptr<f32>, #e>``; ``f32`` of ``!tt.ptr<f32>``."""
    before, found, after = text.partition("!tt.ptr<")
    return before + after.replace(">", "", 1) if found else text
