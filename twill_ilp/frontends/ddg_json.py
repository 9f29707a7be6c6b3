"""Dependence graphs dumped by a compiler's modulo-scheduling pass (schema ``ddg-0.1``).

A dump holds a kernel's loops; each has nodes with the unit they occupy (``pipeline``), for how
long (``occupancy``) and the cycles until the result exists (``latency``), and edges with a
latency and an iteration distance.  Cycles are the machine's clocks, not normalized.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twill_ilp.errors import InvalidProblemError, OptionError, TwillError
from twill_ilp.graph import Dependence, LoopGraph, Operation, Usage
from twill_ilp.machine import Machine
from twill_ilp.problem import Problem, load_json

__all__ = ["DDG_SCHEMA", "is_ddg", "problem_from_ddg", "read_ddg"]

DDG_SCHEMA = "ddg-0.1"

NO_UNIT = "NONE"
"""The dumps' word for a node that occupies no unit."""


def is_ddg(data: object) -> bool:
    """Whether parsed JSON claims to be such a dump."""
    return isinstance(data, dict) and "schema_version" in data


def read_ddg(path: str | Path, loop: int | None = None) -> Problem:
    """Read one loop of a dump; every unit it names has capacity 1.

    Args:
        path: the file.
        loop: ``loop_id``; by default the only loop of the file.

    Raises:
        InvalidProblemError: the file cannot be read or does not fit; begins with the path.
        OptionError: the file has no such loop, or several and none was chosen.
    """
    try:
        return problem_from_ddg(load_json(path), loop, Path(path).stem)
    except OptionError as e:
        raise OptionError(f"{path}: {e}") from None
    except TwillError as e:
        raise InvalidProblemError(f"{path}: {e}") from None


def problem_from_ddg(data: object, loop: int | None = None, name: str = "ddg") -> Problem:
    """The problem of one loop of a parsed dump; see :func:`read_ddg`."""
    version = _get(data, "schema_version", str, "dump")
    if version != DDG_SCHEMA:
        raise InvalidProblemError(f"schema_version is {version!r}; this version reads {DDG_SCHEMA}")
    chosen, where = _choose(_get(data, "loops", list, "dump"), loop)
    ddg = _get(chosen, "ddg", dict, where)
    nodes = _get(ddg, "nodes", list, f"{where}.ddg")
    edges = _get(ddg, "edges", list, f"{where}.ddg")
    names: dict[int, str] = {}
    operations = []
    for i, node in enumerate(nodes):
        place = f"{where}.ddg.nodes[{i}]"
        operation = _operation(node, place)
        number = _get(node, "id", int, place)
        if number in names:
            raise InvalidProblemError(f"{place}: id {number} stands twice; renumber one")
        names[number] = operation.name
        operations.append(operation)
    dependences = [
        _dependence(edge, names, f"{where}.ddg.edges[{i}]") for i, edge in enumerate(edges)
    ]
    graph = LoopGraph(name, tuple(operations), tuple(dependences))
    return Problem(graph, Machine("ddg", dict.fromkeys(graph.units, 1)))


def _choose(loops: list[Any], wanted: int | None) -> tuple[object, str]:
    """The chosen loop and its place in the file."""
    by_id = {
        _get(loop, "loop_id", int, f"loops[{i}]"): (loop, f"loops[{i}]")
        for i, loop in enumerate(loops)
    }
    known = ", ".join(map(str, by_id))
    if not by_id:
        raise InvalidProblemError("no loops; give a dump with at least one")
    if wanted is None and len(by_id) > 1:
        raise OptionError(f"{len(by_id)} loops; choose one with --loop: {known}")
    if wanted is not None and wanted not in by_id:
        raise OptionError(f"no loop {wanted}; choose from {known}")
    return by_id[wanted] if wanted is not None else next(iter(by_id.values()))


def _operation(node: object, where: str) -> Operation:
    kind = _get(node, "op_kind", str, where)
    unit = _get(node, "pipeline", str, where)
    occupancy = _get(node, "occupancy", int, where)
    try:
        return Operation(
            f"{kind.rpartition('.')[2]}_{_get(node, 'id', int, where)}",
            kind=kind,
            usage=() if unit == NO_UNIT or occupancy == 0 else (Usage(unit, occupancy),),
            cycles=_get(node, "latency", int, where),
            issue=min(occupancy, _get(node, "latency", int, where)),
            warps=_get(node, "min_warps", int, where),
        )
    except InvalidProblemError as e:
        raise InvalidProblemError(f"{where}: {e}") from None


def _dependence(edge: object, names: dict[int, str], where: str) -> Dependence:
    ends = []
    for key in ("src", "dst"):
        number = _get(edge, key, int, where)
        if number not in names:
            raise InvalidProblemError(f"{where}: {key} {number} is no node's id; mend it")
        ends.append(names[number])
    try:
        return Dependence(
            ends[0], ends[1], _get(edge, "latency", int, where), _get(edge, "distance", int, where)
        )
    except InvalidProblemError as e:
        raise InvalidProblemError(f"{where}: {e}") from None


def _get(data: object, key: str, kind: type, where: str) -> Any:
    """``data[key]``, checked to be of ``kind``."""
    if not isinstance(data, dict):
        raise InvalidProblemError(f"{where} is not an object; give {{...}}")
    if key not in data:
        raise InvalidProblemError(f"{where}: key {key!r} is missing; add it")
    value = data[key]
    if not isinstance(value, kind) or isinstance(value, bool):
        raise InvalidProblemError(f"{where}: {key} is not of type {kind.__name__}; mend it")
    return value
