"""Result files: the JSON form ``twill-ilp/result/1`` of what a search found and proved.

What is not known is null, never 0.  Reading is as strict as for problem files, and what a file
claims is checked: its schedule is verified, and nothing is *proven* that its own list of
rejected initiation intervals leaves open.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, get_args

from twill_ilp.checks import check_natural
from twill_ilp.errors import InvalidProblemError, OptionError
from twill_ilp.files import write_text
from twill_ilp.lifetimes import register_quotas, traffic
from twill_ilp.problem import Problem
from twill_ilp.reading import (
    check_type,
    from_file,
    read_array,
    read_mapping,
    read_object,
    short,
)
from twill_ilp.rules import Readings, Rules
from twill_ilp.schedule import REASONS, Certainty, Level, Rejection, Result, Schedule, Status
from twill_ilp.verify import verify

__all__ = [
    "RESULT_SCHEMA",
    "read_result",
    "result_from_dict",
    "result_to_dict",
    "write_result",
]

RESULT_SCHEMA = "twill-ilp/result/1"

REQUIRED = (
    "schema",
    "problem",
    "status",
    "ii",
    "length",
    "mii",
    "start",
    "rejected",
    "objective",
    "seconds",
    "environment",
)
OPTIONAL = ("bound", "evidence", "group", "groups", "rules")


def result_to_dict(result: Result) -> dict[str, Any]:
    """A result as JSON data."""
    levels = result.objective.items()
    joint = _joint_to_dict(result) if result.rules is not None else {}
    return {
        "schema": RESULT_SCHEMA,
        "problem": result.problem.name,
        "status": result.status,
        "ii": result.ii,
        "length": result.length,
        "mii": dict(result.mii),
        "start": dict(result.schedule.start) if result.schedule else None,
        **joint,
        "rejected": [asdict(rejection) for rejection in result.rejected],
        "objective": {name: level.certainty for name, level in levels},
        "bound": {name: level.bound for name, level in levels},
        "evidence": {name: level.evidence for name, level in levels},
        "seconds": dict(result.seconds),
        "environment": dict(result.environment),
    }


def result_from_dict(data: object, problem: Problem) -> Result:
    """Inverse of :func:`result_to_dict`.

    Args:
        data: parsed JSON.
        problem: the problem that the result belongs to; the data only hold its name.

    Raises:
        InvalidProblemError: anything that does not fit the schema or the problem, or claims
            that contradict each other, by its place.
        InvalidScheduleError: the starts are no schedule of the problem.
    """
    schema = read_mapping(data, "result").get("schema", RESULT_SCHEMA)
    if schema != RESULT_SCHEMA:
        raise InvalidProblemError(f"schema is {short(schema)}; this version reads {RESULT_SCHEMA}")
    fields = read_object(data, "result", REQUIRED, OPTIONAL)
    if fields["problem"] != problem.name:
        raise InvalidProblemError(
            f"result: problem is {short(fields['problem'])}; give a result of {problem.name}"
        )
    rules = _rules(fields["rules"]) if "rules" in fields else None
    schedule = _schedule(fields, problem, rules)
    result = Result(
        problem,
        _one_of(fields["status"], get_args(Status), "result.status"),
        schedule,
        _mii(fields["mii"]),
        tuple(read_array(fields["rejected"], "result.rejected", _rejection)),
        _objective(fields, schedule),
        _seconds(fields["seconds"]),
        _environment(fields["environment"]),
        rules,
    )
    _check_claims(result)
    return result


def read_result(path: str | Path, problem: Problem) -> Result:
    """Read a result file of ``problem``.

    Raises:
        InvalidProblemError: the file cannot be read, is not JSON, does not fit, or holds a
            schedule that the verifier rejects; the message begins with the path.
    """
    return from_file(path, lambda data: result_from_dict(data, problem))


def write_result(result: Result, path: str | Path) -> None:
    """Write a result file, whole or not at all.

    Raises:
        OSError: the file cannot be written.
    """
    write_text(path, json.dumps(result_to_dict(result), indent=2) + "\n")


def _joint_to_dict(result: Result) -> dict[str, Any]:
    """What a result of the joint stage has beyond one of the modulo stage."""
    schedule, rules = result.schedule, result.rules
    assert rules is not None
    quotas = register_quotas(schedule, rules.readings) if schedule else {}
    return {
        "group": dict(schedule.group) if schedule else None,
        "groups": [
            {
                "id": group.id,
                "warps": group.warps,
                "operations": list(group.operations),
                "registers_per_thread": quotas[group.id],
            }
            for group in (schedule.groups if schedule else ())
        ],
        "rules": {
            "families": list(rules.families),
            "readings": asdict(rules.readings),
            "max_groups": rules.max_groups,
        },
    }


def _rules(data: object) -> Rules:
    fields = read_object(data, "result.rules", ("families", "readings", "max_groups"))
    families = read_array(fields["families"], "result.rules.families", lambda item, _: str(item))
    readings = read_mapping(fields["readings"], "result.rules.readings")
    try:
        return Rules(
            tuple(families),
            Readings.parse([f"{name}={choice}" for name, choice in readings.items()]),
            fields["max_groups"],
        )
    except OptionError as e:
        raise InvalidProblemError(f"result.rules: {e}") from None


def _schedule(fields: Mapping[str, Any], problem: Problem, rules: Rules | None) -> Schedule | None:
    """The verified schedule, or ``None`` if ``ii``, ``length`` and ``start`` are all null."""
    ii, length, start = (fields[key] for key in ("ii", "length", "start"))
    if ii is None and length is None and start is None:
        return None
    group = {} if rules is None else read_mapping(fields.get("group"), "result.group")
    starts = read_mapping(start, "result.start")
    schedule = Schedule(problem.graph, problem.machine, ii, starts, group)
    verify(problem.graph, problem.machine, schedule, rules or Rules())
    if schedule.length != length:
        raise InvalidProblemError(
            f"result: length is {short(length)}; by the starts it is {schedule.length}; mend one"
        )
    return schedule


def _mii(data: object) -> dict[str, int]:
    fields = read_object(data, "result.mii", ("res", "rec"))
    for key, value in fields.items():
        check_natural(value, f"result.mii.{key}", InvalidProblemError, least=1)
    return fields


def _rejection(data: object, where: str) -> Rejection:
    fields = read_object(data, where, ("ii", "reason", "evidence", "seconds"))
    check_natural(fields["ii"], f"{where}.ii", InvalidProblemError, least=1)
    _one_of(fields["reason"], REASONS, f"{where}.reason")
    check_type(fields, "evidence", str, "text", where)
    return Rejection(
        fields["ii"],
        fields["reason"],
        fields["evidence"],
        _number(fields["seconds"], f"{where}.seconds"),
    )


def _objective(fields: Mapping[str, Any], schedule: Schedule | None) -> dict[str, Level]:
    """The levels; their values are those of the schedule."""
    certainties = read_mapping(fields["objective"], "result.objective")
    bounds = read_object(fields.get("bound", {}), "result.bound", optional=certainties)
    evidence = read_object(fields.get("evidence", {}), "result.evidence", optional=certainties)
    value = _values(schedule) if schedule else {}
    for name, bound in bounds.items():
        if bound is not None:
            check_natural(bound, f"result.bound.{name}", InvalidProblemError)
    for name in evidence:
        check_type(evidence, name, str, "text", "result.evidence")
    return {
        name: Level(
            _one_of(certainty, get_args(Certainty), f"result.objective.{name}"),
            value.get(name),
            bounds.get(name),
            evidence.get(name, ""),
        )
        for name, certainty in certainties.items()
    }


def _values(schedule: Schedule) -> dict[str, int]:
    """What the schedule has of every level."""
    values = {"ii": schedule.ii, "length": schedule.length}
    if schedule.group:
        values["warps"] = sum(group.warps for group in schedule.groups)
        values["traffic"] = traffic(schedule)
    return values


def _seconds(data: object) -> dict[str, float]:
    fields = read_mapping(data, "result.seconds")
    return {name: _number(value, f"result.seconds.{name}") for name, value in fields.items()}


def _environment(data: object) -> dict[str, str]:
    fields = read_mapping(data, "result.environment")
    for name in fields:
        check_type(fields, name, str, "text", "result.environment")
    return fields


def _number(value: object, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidProblemError(f"{where} is {short(value)}; give seconds")
    if not (value >= 0 and math.isfinite(value)):
        raise InvalidProblemError(f"{where} is {short(value)}; give seconds >= 0")
    return float(value)


def _one_of(value: object, choices: tuple[Any, ...], where: str) -> Any:
    if value not in choices:
        raise InvalidProblemError(f"{where} is {short(value)}; choose from {', '.join(choices)}")
    return value


def _check_claims(result: Result) -> None:
    """Refuse claims that contradict each other."""
    status, found = result.status, result.schedule is not None
    if found != (status in ("optimal", "feasible")):
        raise InvalidProblemError(
            f"result: status is {status} {'with' if found else 'without'} a schedule; mend one"
        )
    open_questions = [r.ii for r in result.rejected if not r.proven]
    if (status in ("optimal", "infeasible")) == bool(open_questions):
        raise InvalidProblemError(
            f"result: status is {status}, but the rejected II leave "
            f"{', '.join(map(str, open_questions)) or 'nothing'} unknown; mend one"
        )
    for name, level in result.objective.items():
        tight = level.bound is not None and level.bound == level.value
        if level.certainty == "proven" and not tight:
            raise InvalidProblemError(
                f"result: objective {name} is proven, but its bound is {level.bound} and its "
                f"value {level.value}; mend one"
            )
