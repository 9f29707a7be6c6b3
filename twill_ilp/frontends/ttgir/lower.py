"""From the statements of a loop body to tile operations and edges.

This module decides, statement by statement, what becomes an operation, what is dropped and
what is refused; :mod:`~twill_ilp.frontends.ttgir.dots` then adds what TTIR leaves out, and
:mod:`~twill_ilp.frontends.ttgir.order` the edges between accesses to one buffer.
"""

from __future__ import annotations

import re
from functools import cache

from twill_ilp.costs import Throughputs
from twill_ilp.errors import InvalidIRError
from twill_ilp.frontends.ttgir.body import Body, Dropped
from twill_ilp.frontends.ttgir.flow import Flow, data_values
from twill_ilp.frontends.ttgir.instructions import FOLDED_REGIONS
from twill_ilp.frontends.ttgir.make import keep
from twill_ilp.frontends.ttgir.nodes import Link, Node
from twill_ilp.frontends.ttgir.scope import Item, Scope
from twill_ilp.frontends.ttgir.text import split_types, uses

__all__ = ["lower_body"]

WARPGROUP = 4
"""Warps that own a tile, where the module does not say."""
PENDING = re.compile(r"(?:pendings|num)\s*=\s*([1-9])")


def lower_body(scope: Scope, t: Throughputs, rules: frozenset[str], strict: bool) -> Body:
    """Operations and value edges of the loop body.

    Raises:
        InvalidIRError: control flow or rotating buffers in the loop; or with ``strict`` an
            operation that is not known.
    """
    flow = Flow(scope.carried)
    body = Body(scope, flow, t, rules, scope.loop.warps or WARPGROUP, strict)
    data = data_values(scope.items, scope.carried)
    for i, item in enumerate(scope.items):
        if item.statement.regions and item.name not in FOLDED_REGIONS:
            raise InvalidIRError(
                item.line, f"{item.name} in the loop: only straight-line loops are read"
            )
        if item.name == "^":
            raise InvalidIRError(item.line, "a block label in the loop; give structured loops")
        reason = _reason_to_drop(body, item, data)
        if reason is None:
            keep(body, item, i)
        else:
            _drop(body, item, reason)
    if not body.nodes:
        raise InvalidIRError(scope.loop.statement.line, "the loop has no tile operations")
    _link(body)
    return body


def _reason_to_drop(body: Body, item: Item, data: set[str]) -> str | None:
    """Why the statement becomes no operation, or ``None`` if it becomes one."""
    results = item.statement.results
    scalar = bool(results) and all(kind.space == "scalar" for kind in item.types)
    if item.role == "constant":
        return "constant"
    if item.role == "sync" and "synchronisation" in body.rules:
        if pending := PENDING.search(item.statement.rest):
            raise InvalidIRError(
                item.line,
                f"{item.name} leaves {pending[1]} in flight, so the loop is already pipelined; "
                "give the text before that pass, or num_stages=1",
            )
        return "synchronisation"
    if item.role == "view" and "views" in body.rules:
        return "view"
    if item.role == "layout" and "layouts" in body.rules:
        return "layout"
    if item.role == "allocate" and _is_mere_allocation(body, item):
        return "allocation"
    index = item.role == "index" and not data.intersection(results)
    arithmetic = item.role in ("float", "special", "scaled special", "convert", "index")
    if "addresses" in body.rules and (index or (scalar and arithmetic)):
        return "address" if index else "scalar"
    return None


def _is_mere_allocation(body: Body, item: Item) -> bool:
    """Whether nothing is copied: no source, or one that TMA has brought to shared memory."""
    if not item.operands:
        return True
    sources = body.flow.sources(item.operands[0])
    return (
        bool(sources)
        and all(node.space == "smem" for node in sources)
        and (item.types[0].space == "smem")
    )


def _drop(body: Body, item: Item, reason: str) -> None:
    body.dropped.append(Dropped(item.line, item.name, reason))
    results = item.statement.results
    if item.role == "sync":
        body.flow.through.update((r, [o]) for r, o in zip(results, item.operands, strict=False))
    elif item.role != "constant":
        body.flow.through.update((r, item.operands) for r in results)


def _link(body: Body) -> None:
    """Edges along values; the operands of a dot carry their position."""
    sources = cache(body.flow.sources)  # complete now, so that it pays to remember them
    for item, node in _kept_items(body):
        roles = _operand_roles(item)
        for value in dict.fromkeys(item.operands):
            kind = body.scope.type_of(value)
            role = "memory" if kind.space == "token" else roles.get(value, "data")
            if kind.space in ("smem", "tmem") and kind.mutable:
                continue  # a buffer: its accesses are ordered, its name is no value
            for source, distance in sources(value).items():
                body.links.append(Link(source, node, distance, role))


def _kept_items(body: Body) -> list[tuple[Item, Node]]:
    by_order = {node.order: node for node in body.nodes}
    return [(item, by_order[i]) for i, item in enumerate(body.scope.items) if i in by_order]


def _operand_roles(item: Item) -> dict[str, str]:
    if item.role not in ("dot", "buffer dot"):
        return {}
    named = [uses(split_types(part)[0]) for part in item.parts[:3]]
    return {v[0]: role for v, role in zip(named, "abc", strict=False) if v}
