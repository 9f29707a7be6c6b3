"""Dependence graphs dumped by a compiler's modulo-scheduling pass (schema ``ddg-0.1``).

A dump holds a kernel's loops; each has nodes with the unit they occupy (``pipeline``), for how
long (``occupancy``) and the cycles until the result exists (``latency``), and edges with a
latency and an iteration distance.  Cycles are the machine's clocks, not normalized.  Where the
dump has them, the types of results (``ops``) give registers and footprints.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from twill_ilp.errors import InvalidIRError, InvalidProblemError, OptionError, TwillError
from twill_ilp.frontends.ddg_lower import DdgEdge, DdgNode, lower_ddg
from twill_ilp.frontends.reading import Reading
from twill_ilp.frontends.rules import chosen_rules
from twill_ilp.frontends.ttgir.types import TileType, parse_type
from twill_ilp.frontends.ttgir.work import memory_bytes
from twill_ilp.graph import LoopGraph
from twill_ilp.machine import Machine, blackwell, hopper
from twill_ilp.problem import Problem, load_json

__all__ = ["DDG_SCHEMA", "ddg_reading", "is_ddg", "problem_from_ddg", "read_ddg"]

DDG_SCHEMA = "ddg-0.1"

TENSOR_MEMORY_COLUMN = 128 * 4
"""Bytes of one column of tensor memory."""


def is_ddg(data: object) -> bool:
    """Whether parsed JSON claims to be such a dump."""
    return isinstance(data, dict) and "schema_version" in data


def read_ddg(
    path: str | Path,
    loop: int | None = None,
    *,
    without: Iterable[str] = (),
    also: Iterable[str] = (),
) -> Problem:
    """Read one loop of a dump; every unit it names has capacity 1.

    Args:
        path: the file.
        loop: ``loop_id``; by default the only loop of the file.
        without, also: rules of :data:`twill_ilp.frontends.rules.RULES` to turn off and on.

    Raises:
        InvalidProblemError: the file cannot be read or does not fit; begins with the path.
        OptionError: the file has no such loop, or several and none was chosen.
    """
    try:
        data = load_json(path)
        return ddg_reading(data, loop, Path(path).stem, without=without, also=also).problem
    except OptionError as e:
        raise OptionError(f"{path}: {e}") from None
    except TwillError as e:
        raise InvalidProblemError(f"{path}: {e}") from None


def problem_from_ddg(data: object, loop: int | None = None, name: str = "ddg") -> Problem:
    """The problem of one loop of a parsed dump; see :func:`read_ddg`."""
    return ddg_reading(data, loop, name).problem


def ddg_reading(
    data: object,
    loop: int | None = None,
    name: str = "ddg",
    *,
    without: Iterable[str] = (),
    also: Iterable[str] = (),
) -> Reading:
    """One loop of a parsed dump, with what was dropped; see :func:`read_ddg`.

    Raises:
        InvalidProblemError: another schema, or data that does not fit it, by its place.
    """
    rules = chosen_rules(without, also)
    version = _get(data, "schema_version", str, "dump")
    if version != DDG_SCHEMA:
        raise InvalidProblemError(f"schema_version is {version!r}; this version reads {DDG_SCHEMA}")
    chosen, where = _choose(_get(data, "loops", list, "dump"), loop)
    ddg = _get(chosen, "ddg", dict, where)
    table = _table(data)
    nodes: dict[int, DdgNode] = {}
    for i, entry in enumerate(_get(ddg, "nodes", list, f"{where}.ddg")):
        node = _node(entry, table, f"{where}.ddg.nodes[{i}]")
        if node.number in nodes:
            raise InvalidProblemError(f"{node.where}: id {node.number} stands twice; renumber one")
        nodes[node.number] = node
    edges = [
        _edge(entry, nodes, f"{where}.ddg.edges[{i}]")
        for i, entry in enumerate(_get(ddg, "edges", list, f"{where}.ddg"))
    ]
    lowered = lower_ddg(nodes, edges, rules)
    graph = LoopGraph(name, tuple(lowered.operations), tuple(lowered.dependences))
    machine = _machine(data, graph, _resident(nodes.values(), table))
    return Reading(
        Problem(graph, machine),
        f"{where} of the dump",
        {op.name: "the dump" for op in graph},
        dropped=lowered.dropped,
    )


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


def _table(data: object) -> dict[str, Any]:
    """The dump's table of operations; older dumps have none."""
    table = data.get("ops", {}) if isinstance(data, dict) else {}
    if not isinstance(table, dict):
        raise InvalidProblemError("dump: ops is not of type dict; mend it")
    return table


def _node(entry: object, table: dict[str, Any], where: str) -> DdgNode:
    kind = _get(entry, "op_kind", str, where)
    reference = entry.get("op_ref") if isinstance(entry, dict) else None
    op = table.get(reference, {}) if isinstance(reference, str) else {}
    number = _get(entry, "id", int, where)
    return DdgNode(
        number,
        f"{kind.rpartition('.')[2]}_{number}",
        kind,
        _get(entry, "pipeline", str, where),
        occupancy=_get(entry, "occupancy", int, where),
        latency=_get(entry, "latency", int, where),
        warps=_get(entry, "min_warps", int, where),
        reference=str(reference),
        types=_types(op, where),
        operands=_operands(op),
        where=where,
    )


def _types(op: object, where: str) -> tuple[TileType, ...]:
    texts = op.get("result_types", []) if isinstance(op, dict) else []
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise InvalidProblemError(f"{where}: result_types is no list of texts; mend it")
    try:
        return tuple(parse_type(text, {}, 0) for text in texts)
    except InvalidIRError as e:
        raise InvalidProblemError(f"{where}: {e.reason}") from None


def _operands(op: object) -> tuple[tuple[str, int], ...]:
    """The operations whose results an operation reads, each with the position among them."""
    operands = op.get("operands", []) if isinstance(op, dict) else []
    if not isinstance(operands, list):
        return ()
    found = [(o.get("op"), o.get("result", 0)) for o in operands if isinstance(o, dict)]
    return tuple((op, n) for op, n in found if isinstance(op, str) and isinstance(n, int))


def _edge(entry: object, nodes: dict[int, DdgNode], where: str) -> DdgEdge:
    ends = []
    for key in ("src", "dst"):
        number = _get(entry, key, int, where)
        if number not in nodes:
            raise InvalidProblemError(f"{where}: {key} {number} is no node's id; mend it")
        ends.append(number)
    latency, distance = (_get(entry, key, int, where) for key in ("latency", "distance"))
    return DdgEdge(ends[0], ends[1], latency, distance, where)


def _resident(nodes: Iterable[DdgNode], table: dict[str, Any]) -> dict[str, int]:
    """What buffers that were allocated before the loop take of each memory."""
    nodes = list(nodes)
    inside = {node.reference for node in nodes}
    pending = [reference for node in nodes for reference, _ in node.operands]
    seen: set[str] = set()
    total: dict[str, int] = {}
    while pending:
        reference = pending.pop()
        op = table.get(reference)
        if reference in seen or reference in inside or not isinstance(op, dict):
            continue
        seen.add(reference)
        if str(op.get("kind", "")).startswith("ttg.memdesc_"):
            pending += [r for r, _ in _operands(op)[:1]]
            continue
        for tile in _types(op, f"ops.{reference}"):
            for memory, amount in memory_bytes(tile).items():
                total[memory] = total.get(memory, 0) + amount
    return total


def _machine(data: object, graph: LoopGraph, resident: dict[str, int]) -> Machine:
    """The dump's units and memory budgets; warps and registers of the GPU it is for."""
    on_hopper = any("warp_group_dot" in op.kind for op in graph)
    base = hopper() if on_hopper else blackwell()
    config = data.get("config", {}) if isinstance(data, dict) else {}
    memories = dict(base.memories)
    if isinstance(config, dict):
        for memory, key, unit in (
            ("smem", "smem_budget_bytes", 1),
            ("tmem", "tmem_budget_bytes", TENSOR_MEMORY_COLUMN),
        ):
            if key in config and memory in memories:
                memories[memory] = _get(config, key, int, "config") // unit
    for memory, amount in resident.items():
        memories[memory] = memories.get(memory, 0) - amount
        if memories[memory] < 0:
            raise InvalidProblemError(
                f"buffers from before the loop take {amount} of {memory}, "
                f"{-memories[memory]} above the budget"
            )
    return replace(base, name="ddg", units=dict.fromkeys(graph.units, 1), memories=memories)


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
