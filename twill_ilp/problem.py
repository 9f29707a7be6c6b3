"""Problems: a loop graph on a machine, and their JSON form ``twill-ilp/problem/1``.

Reading is strict: unknown keys, wrong types and duplicate keys are errors that name the
place (``graph.operations[3] (S0)``) and the mend, so that a typo never turns into a default.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from twill_ilp.errors import InvalidProblemError
from twill_ilp.graph import Dependence, LoopGraph, Operation, Usage
from twill_ilp.machine import Machine
from twill_ilp.reading import (
    check_type,
    construct,
    from_file,
    load_json,
    read_array,
    read_mapping,
    read_object,
    reject_null,
    short,
)

__all__ = ["PROBLEM_SCHEMA", "Problem", "load_json", "read_machine", "read_problem"]

PROBLEM_SCHEMA = "twill-ilp/problem/1"


@dataclass(frozen=True)
class Problem:
    """A loop graph and the machine that runs it, checked against each other.

    Raises:
        InvalidProblemError: an operation uses a unit or memory that the machine lacks, or
            more of a unit at once than the machine has.
    """

    graph: LoopGraph
    machine: Machine

    def __post_init__(self) -> None:
        for op in self.graph:
            _check_usage(op, self.machine)
            for memory in op.footprint:
                if self.machine.memories and memory not in self.machine.memories:
                    raise InvalidProblemError(
                        f"operation {op.name}: footprint in {memory}, which machine "
                        f"{self.machine.name} lacks; it has {', '.join(self.machine.memories)}"
                    )

    @property
    def name(self) -> str:
        """The graph's name."""
        return self.graph.name

    def to_dict(self) -> dict[str, Any]:
        """The problem as JSON data, every default written out."""
        graph, machine = self.graph, self.machine
        return {
            "schema": PROBLEM_SCHEMA,
            "graph": {
                "name": graph.name,
                "operations": [_operation_dict(op) for op in graph.operations],
                "dependences": [asdict(e) for e in graph.dependences],
            },
            "machine": {k: v for k, v in asdict(machine).items() if v is not None},
        }

    @classmethod
    def from_dict(cls, data: object) -> Problem:
        """Inverse of :meth:`to_dict`; only the keys without a default are required.

        Raises:
            InvalidProblemError: anything that does not fit the schema, by its place.
        """
        # First, so that a result file or a later version is told apart from a typo.
        schema = read_mapping(data, "problem").get("schema", PROBLEM_SCHEMA)
        if schema != PROBLEM_SCHEMA:
            raise InvalidProblemError(
                f"schema is {short(schema)}; this version reads {PROBLEM_SCHEMA!r}"
            )
        top = read_object(data, "problem", required=("schema", "graph", "machine"))
        return cls(_graph(top["graph"]), _machine(top["machine"]))


def read_problem(path: str | Path) -> Problem:
    """Read a problem file.

    Raises:
        InvalidProblemError: the file cannot be read, is not JSON or does not fit; the
            message begins with the path.
    """
    return from_file(path, Problem.from_dict)


def read_machine(path: str | Path) -> Machine:
    """Read a machine: a JSON file that holds the ``machine`` object of a problem file.

    Raises:
        InvalidProblemError: as :func:`read_problem`.
    """
    return from_file(path, _machine)


def _operation_dict(op: Operation) -> dict[str, Any]:
    """``splits`` is left out where it is false: earlier readers do not know the key."""
    return {key: value for key, value in asdict(op).items() if key != "splits" or value}


def _check_usage(op: Operation, machine: Machine) -> None:
    for row in op.usage:
        if row.unit not in machine.units:
            raise InvalidProblemError(
                f"operation {op.name}: unit {row.unit} is unknown to machine {machine.name}; "
                f"it has {', '.join(machine.units) or 'none'}"
            )
        at_once = sum(
            other.amount
            for other in op.usage
            if other.unit == row.unit and other.start <= row.start < other.end
        )
        if at_once > machine.units[row.unit]:
            raise InvalidProblemError(
                f"operation {op.name}: needs {at_once} of {row.unit} in its cycle {row.start}, "
                f"above machine {machine.name}'s capacity {machine.units[row.unit]}; "
                "lower the amount or raise the capacity"
            )


def _graph(data: object) -> LoopGraph:
    fields = read_object(data, "graph", required=("name", "operations"), optional=("dependences",))
    operations = read_array(fields["operations"], "graph.operations", _operation)
    dependences = read_array(fields.get("dependences", []), "graph.dependences", _dependence)
    return LoopGraph(fields["name"], tuple(operations), tuple(dependences))


def _operation(data: object, where: str) -> Operation:
    fields = read_object(
        data, where, ("name",), tuple(key for key in Operation.__slots__ if key != "name")
    )
    check_type(fields, "kind", str, "text", where)
    check_type(fields, "variable_latency", bool, "true or false", where)
    check_type(fields, "splits", bool, "true or false", where)
    reject_null(fields, where)
    if "usage" in fields:
        fields["usage"] = tuple(read_array(fields["usage"], f"{where}.usage", _usage))
    if "footprint" in fields:
        fields["footprint"] = read_mapping(fields["footprint"], f"{where}.footprint")
    return construct(Operation, fields, where)


def _usage(data: object, where: str) -> Usage:
    fields = read_object(data, where, ("unit", "cycles"), ("start", "amount"))
    return construct(Usage, fields, where)


def _dependence(data: object, where: str) -> Dependence:
    fields = read_object(data, where, ("src", "dst", "delay"), ("distance", "blocking"))
    check_type(fields, "src", str, "an operation's name", where)
    check_type(fields, "dst", str, "an operation's name", where)
    check_type(fields, "blocking", bool, "true or false", where)
    return construct(Dependence, fields, where)


def _machine(data: object) -> Machine:
    optional = ("memories", "warps", "registers_per_thread", "registers_per_sm")
    fields = read_object(data, "machine", ("name", "units"), optional)
    reject_null(fields, "machine")
    fields["units"] = read_mapping(fields["units"], "machine.units")
    if "memories" in fields:
        fields["memories"] = read_mapping(fields["memories"], "machine.memories")
    return construct(Machine, fields, "machine")
