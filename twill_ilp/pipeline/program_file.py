"""Program files: the JSON form ``twill-ilp/program/1``, for simulators and code generators.

It says everything that a :class:`~twill_ilp.pipeline.Program` does, so that a program read back is
equal to the one written.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar, get_args

from twill_ilp.checks import check_flag, check_name, check_natural
from twill_ilp.errors import InvalidProblemError
from twill_ilp.files import write_text
from twill_ilp.pipeline.program import (
    Barrier,
    Buffer,
    Group,
    Instruction,
    Kind,
    Program,
    Read,
    Share,
    Task,
    Wait,
)
from twill_ilp.reading import from_file, read_array, read_mapping, read_object, short

__all__ = [
    "PROGRAM_SCHEMA",
    "program_from_dict",
    "program_json",
    "program_to_dict",
    "read_program",
    "write_program",
]

PROGRAM_SCHEMA = "twill-ilp/program/1"

T = TypeVar("T")

SECTIONS = ("prologue", "steady", "epilogue")


def program_to_dict(program: Program) -> dict[str, Any]:
    """A program as JSON data."""
    return {
        "schema": PROGRAM_SCHEMA,
        "name": program.name,
        "machine": program.machine,
        "ii": program.ii,
        "stages": program.stages,
        "memories": dict(program.memories),
        "groups": [_plain(asdict(group)) for group in program.groups],
        "tasks": [_plain(asdict(task)) for task in program.tasks.values()],
        "buffers": [_plain(asdict(buffer)) for buffer in program.buffers.values()],
        "barriers": [asdict(barrier) for barrier in program.barriers.values()],
    }


def program_json(program: Program) -> str:
    """A program as the text of a program file."""
    return json.dumps(program_to_dict(program), indent=1) + "\n"


def write_program(program: Program, path: str | Path) -> None:
    """Write a program file, whole or not at all.

    Raises:
        OSError: it cannot be written.
    """
    write_text(path, program_json(program))


def read_program(path: str | Path) -> Program:
    """Read a program file.

    Raises:
        InvalidProblemError: it cannot be read or does not fit the schema, by its place.
    """
    return from_file(path, program_from_dict)


def program_from_dict(data: object) -> Program:
    """Inverse of :func:`program_to_dict`.

    Raises:
        InvalidProblemError: anything that does not fit the schema, or names what is not there.
    """
    schema = read_mapping(data, "program").get("schema")
    if schema != PROGRAM_SCHEMA:
        raise InvalidProblemError(f"schema is {short(schema)}; this version reads {PROGRAM_SCHEMA}")
    lists = ("groups", "tasks", "buffers", "barriers")
    keys = ("schema", "name", "machine", "ii", "stages", "memories", *lists)
    fields = read_object(data, "program", keys)
    check_natural(fields["ii"], "program: ii", InvalidProblemError, least=1)
    for key in ("name", "machine"):
        check_name(fields[key], f"program: {key}", InvalidProblemError)
    groups = tuple(read_array(fields["groups"], "program.groups", _group))
    tasks = read_array(fields["tasks"], "program.tasks", _task)
    buffers = read_array(fields["buffers"], "program.buffers", _buffer)
    barriers = read_array(fields["barriers"], "program.barriers", _barrier)
    program = Program(
        fields["name"],
        fields["machine"],
        fields["ii"],
        groups,
        _by_name("tasks", [(task.operation, task) for task in tasks]),
        _by_name("buffers", [(buffer.name, buffer) for buffer in buffers]),
        _by_name("barriers", [(barrier.operation, barrier) for barrier in barriers]),
        _amounts(fields["memories"], "program.memories"),
    )
    _check_names(program)
    if program.stages != fields["stages"]:
        raise InvalidProblemError(
            f"program: stages is {short(fields['stages'])}; the starts of its tasks make it "
            f"{program.stages}"
        )
    return program


def _by_name(what: str, items: Sequence[tuple[str, T]]) -> dict[str, T]:
    named = dict(items)
    if len(named) < len(items):
        names = [name for name, _ in items]
        twice = next(name for i, name in enumerate(names) if name in names[:i])
        raise InvalidProblemError(f"program: two {what} named {twice}; remove one")
    return named


def _plain(value: Any) -> Any:
    """Tuples as lists, as JSON has them."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def _check_names(program: Program) -> None:
    """Every name that a program mentions is in it."""
    for task in program.tasks.values():
        where = f"task {task.operation}"
        for read in task.reads:
            _known(read.operation, program.tasks, f"{where}: read", "task")
            _known(read.buffer, program.buffers, f"{where}: read", "buffer")
        for name in task.writes:
            _known(name, program.buffers, f"{where}: write", "buffer")
        for wait in task.waits:
            _known(wait.operation, program.barriers, f"{where}: wait", "barrier")
    for buffer in program.buffers.values():
        _known(buffer.operation, program.tasks, f"buffer {buffer.name}", "task")
        for share in buffer.shares:
            _known(share.buffer, program.buffers, f"buffer {buffer.name}: share", "buffer")
    for name in program.barriers:
        _known(name, program.tasks, "barrier", "task")
    for group in program.groups:
        for section in SECTIONS:
            for instruction in getattr(group, section):
                _known(instruction.operation, program.tasks, f"group {group.id}", "task")


def _known(name: str, known: Mapping[str, object], where: str, what: str) -> None:
    if name not in known:
        raise InvalidProblemError(f"{where}: no {what} named {short(name)}; mend the name")


def _group(data: object, where: str) -> Group:
    fields = read_object(data, where, ("id", "warps", "stages", *SECTIONS))
    _whole(fields, where, id=0, warps=1, stages=1)
    sections = (tuple(read_array(fields[key], f"{where}.{key}", _instruction)) for key in SECTIONS)
    return Group(fields["id"], fields["warps"], fields["stages"], *sections)


def _instruction(data: object, where: str) -> Instruction:
    fields = read_object(data, where, ("operation", "offset", "least"))
    _texts(fields, where, "operation")
    _whole(fields, where, least=1)
    _integer(fields["offset"], f"{where}: offset")
    return Instruction(**fields)


def _task(data: object, where: str) -> Task:
    keys = ("operation", "kind", "group", "start", "asynchronous", "reads", "writes", "waits")
    fields = read_object(data, where, keys)
    _texts(fields, where, "operation")
    _whole(fields, where, group=0, start=0)
    check_flag(fields["asynchronous"], f"{where}: asynchronous", InvalidProblemError)
    if not isinstance(fields["kind"], str):
        raise InvalidProblemError(f"{where}: kind is {short(fields['kind'])}; give text")
    for key, parse in (("reads", _read), ("writes", _name), ("waits", _wait)):
        reader: Callable[[object, str], Any] = parse
        fields[key] = tuple(read_array(fields[key], f"{where}.{key}", reader))
    return Task(**fields)


def _read(data: object, where: str) -> Read:
    fields = read_object(data, where, ("operation", "distance", "buffer", "blocking"))
    _texts(fields, where, "operation", "buffer")
    _whole(fields, where, distance=0)
    check_flag(fields["blocking"], f"{where}: blocking", InvalidProblemError)
    return Read(**fields)


def _wait(data: object, where: str) -> Wait:
    fields = read_object(data, where, ("operation", "distance", "values", "frees"))
    _texts(fields, where, "operation")
    _integer(fields["distance"], f"{where}: distance")
    for key in ("values", "frees"):
        fields[key] = tuple(read_array(fields[key], f"{where}.{key}", _name))
    return Wait(**fields)


def _buffer(data: object, where: str) -> Buffer:
    keys = ("name", "operation", "kind", "count", "smooth", "size", "address", "shares")
    fields = read_object(data, where, keys)
    _texts(fields, where, "name", "operation")
    _whole(fields, where, count=1, smooth=1)
    if fields["kind"] not in get_args(Kind):
        raise InvalidProblemError(
            f"{where}: kind is {short(fields['kind'])}; choose from {', '.join(get_args(Kind))}"
        )
    for key in ("size", "address"):
        fields[key] = _amounts(fields[key], f"{where}.{key}")
    fields["shares"] = tuple(read_array(fields["shares"], f"{where}.shares", _share))
    return Buffer(**fields)


def _share(data: object, where: str) -> Share:
    fields = read_object(data, where, ("buffer", "distance"))
    _texts(fields, where, "buffer")
    _integer(fields["distance"], f"{where}: distance")
    return Share(**fields)


def _barrier(data: object, where: str) -> Barrier:
    fields = read_object(data, where, ("operation", "slots", "arrivals"))
    _texts(fields, where, "operation")
    _whole(fields, where, slots=1, arrivals=1)
    return Barrier(**fields)


def _amounts(data: object, where: str) -> dict[str, int]:
    amounts = read_mapping(data, where)
    for name, amount in amounts.items():
        check_natural(amount, f"{where}: {short(name)}", InvalidProblemError)
    return amounts


def _name(data: object, where: str) -> str:
    check_name(data, where, InvalidProblemError)
    return str(data)


def _texts(fields: Mapping[str, Any], where: str, *keys: str) -> None:
    for key in keys:
        check_name(fields[key], f"{where}: {key}", InvalidProblemError)


def _whole(fields: Mapping[str, Any], where: str, **least: int) -> None:
    for key, smallest in least.items():
        check_natural(fields[key], f"{where}: {key}", InvalidProblemError, least=smallest)


def _integer(value: object, where: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidProblemError(f"{where} is {short(value)}; give a whole number")
