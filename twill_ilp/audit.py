"""Audits: is a strategy that people designed optimal, and if not, what separates it?

A strategy is a partition of the operations into warp groups, perhaps with starts.  The file
(schema ``twill-ilp/partition/1``) lists the groups as patterns of operation names, the designated
group first; ``*`` and ``?`` stand for any letters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from importlib.resources import files
from pathlib import Path

from twill_ilp.errors import InvalidProblemError, InvalidScheduleError, OptionError
from twill_ilp.explain import Explanation, explain
from twill_ilp.options import SearchOptions
from twill_ilp.problem import Problem
from twill_ilp.reading import check_type, from_file, read_array, read_mapping, read_object, short
from twill_ilp.rules import designates
from twill_ilp.schedule import Result, Schedule
from twill_ilp.search import solve
from twill_ilp.verify import verify

__all__ = ["Audit", "Strategy", "audit", "published_strategies", "read_strategy"]

PARTITION_SCHEMA = "twill-ilp/partition/1"


@dataclass(frozen=True)
class Strategy:
    """A partition by patterns, and starts (with their II) if they are given."""

    name: str
    groups: tuple[tuple[str, ...], ...]
    source: str = ""
    ii: int | None = None
    start: Mapping[str, int] | None = None

    def partition(self, problem: Problem) -> dict[str, int]:
        """The group of every operation.

        Raises:
            OptionError: an operation that no group names, or two; or a pattern without any.
        """
        result: dict[str, int] = {}
        for g, patterns in enumerate(self.groups):
            for pattern in patterns:
                hits = [op.name for op in problem.graph if fnmatchcase(op.name, pattern)]
                if not hits:
                    raise OptionError(
                        f"strategy {self.name}: no operation of {problem.name} matches {pattern}; "
                        "mend the pattern"
                    )
                for name in hits:
                    if result.setdefault(name, g) != g:
                        raise OptionError(
                            f"strategy {self.name}: {name} is in group {result[name]} and in "
                            f"group {g}; mend one pattern"
                        )
        missing = [op.name for op in problem.graph if op.name not in result]
        if missing:
            raise OptionError(
                f"strategy {self.name}: no group for {', '.join(missing[:8])}; add a pattern"
            )
        return result


@dataclass(frozen=True)
class Audit:
    """What a strategy reaches, what any partition reaches, and what separates them.

    Attributes:
        strategy: what was audited.
        own: the best schedule of exactly this partition.
        best: the best schedule of any partition.
        why: why this partition misses the best II; ``None`` if it does not, or nobody knows.
        given: what the verifier says of the strategy's own starts; ``""`` if there are none.
    """

    strategy: Strategy
    own: Result
    best: Result
    why: Explanation | None
    given: str


def audit(
    problem: Problem,
    strategy: Strategy,
    options: SearchOptions | None = None,
    *,
    progress: Callable[[str], None] = lambda _: None,
) -> Audit:
    """Audit a strategy: the smallest II for exactly its partition, and for any.

    Raises:
        OptionError: the partition does not fit the problem or its rules.
    """
    options = options or SearchOptions()
    partition = strategy.partition(problem)
    _check_designated(problem, strategy, partition, options)
    given = _given(problem, strategy, partition, options)
    best = solve(problem, options, progress=progress)
    own = solve(problem, options, partition=partition, progress=progress)
    why = None
    if best.ii is not None and (own.ii is None or own.ii > best.ii):
        why = explain(problem, best.ii, options, partition=partition, progress=progress)
    return Audit(strategy, own, best, why, given)


def read_strategy(path: str | Path) -> Strategy:
    """Read a partition file.

    Raises:
        InvalidProblemError: the file cannot be read or does not fit, by its place.
    """
    return from_file(path, _strategy)


def published_strategies() -> dict[str, Path]:
    """The strategies that come with the package: name to file."""
    folder = Path(str(files("twill_ilp") / "strategies"))
    return {path.stem: path for path in sorted(folder.glob("*.json"))}


def _strategy(data: object) -> Strategy:
    schema = read_mapping(data, "partition").get("schema", PARTITION_SCHEMA)
    if schema != PARTITION_SCHEMA:
        raise InvalidProblemError(
            f"schema is {short(schema)}; this version reads {PARTITION_SCHEMA!r}"
        )
    optional = ("source", "ii", "start")
    fields = read_object(data, "partition", ("schema", "name", "groups"), optional)
    for key in ("name", "source"):
        check_type(fields, key, str, "text", "partition")
    groups = read_array(fields["groups"], "partition.groups", _patterns)
    start = fields.get("start")
    return Strategy(
        fields["name"],
        tuple(groups),
        fields.get("source", ""),
        fields.get("ii"),
        None if start is None else read_mapping(start, "partition.start"),
    )


def _patterns(data: object, where: str) -> tuple[str, ...]:
    return tuple(read_array(data, where, _pattern))


def _pattern(data: object, where: str) -> str:
    if not isinstance(data, str):
        raise InvalidProblemError(f"{where} is {short(data)}; give a pattern of operation names")
    return data


def _check_designated(
    problem: Problem, strategy: Strategy, partition: Mapping[str, int], options: SearchOptions
) -> None:
    if not any(designates(op, options.rules) for op in problem.graph):
        return
    for op in problem.graph:
        if designates(op, options.rules) != (partition[op.name] == 0):
            where = "has to be in" if designates(op, options.rules) else "may not be in"
            raise OptionError(
                f"strategy {strategy.name}: {op.name} {where} the first group, that of variable "
                "latency; mend the groups, or leave out that family"
            )


def _given(
    problem: Problem, strategy: Strategy, partition: Mapping[str, int], options: SearchOptions
) -> str:
    if strategy.start is None:
        return ""
    if strategy.ii is None:
        raise OptionError(f"strategy {strategy.name}: starts without an ii; add it")
    schedule = Schedule(problem.graph, problem.machine, strategy.ii, strategy.start, partition)
    try:
        verify(problem.graph, problem.machine, schedule, options.rules)
    except InvalidScheduleError as e:
        return f"rejected by the verifier: {e}"
    return f"accepted by the verifier: II = {strategy.ii}, L = {schedule.length}"
