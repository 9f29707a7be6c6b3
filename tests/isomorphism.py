"""Are two loop graphs the same up to the names and kinds of their operations, and who can split?"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import networkx as nx

from twill_ilp.graph import Dependence, LoopGraph

__all__ = ["differences", "without_operation"]


def without_operation(graph: LoopGraph, name: str) -> LoopGraph:
    """The graph without an operation of 0 cycles; paths through it become edges."""
    assert graph.by_name[name].cycles == 0
    into = [e for e in graph.dependences if e.dst == name]
    out = [e for e in graph.dependences if e.src == name]
    left = [e for e in graph.dependences if name not in (e.src, e.dst)]
    left += [
        Dependence(a.src, b.dst, a.delay, a.distance + b.distance, a.blocking)
        for a in into
        for b in out
    ]
    operations = tuple(op for op in graph if op.name != name)
    return LoopGraph(graph.name, operations, tuple(dict.fromkeys(left)))


def differences(a: LoopGraph, b: LoopGraph) -> list[str]:
    """Nothing if the graphs are isomorphic with all costs; else what is told apart."""
    if nx.is_isomorphic(_plain(a), _plain(b), _same_operation, _same_edges):
        return []
    mine, yours = (sorted(_operation(op) for op in g) for g in (a, b))
    unlike = [text for text in mine if text not in yours]
    unlike += [text for text in yours if text not in mine]
    return unlike or ["the operations agree, the edges do not"]


def _operation(op: Any) -> str:
    fields = asdict(op)
    del fields["name"], fields["kind"], fields["splits"]
    return str(sorted(fields.items(), key=str))


def _plain(graph: LoopGraph) -> nx.MultiDiGraph[str]:
    plain: nx.MultiDiGraph[str] = nx.MultiDiGraph()
    for op in graph:
        plain.add_node(op.name, label=_operation(op))
    for e in graph.dependences:
        plain.add_edge(e.src, e.dst, label=(e.delay, e.distance, e.blocking))
    return plain


def _same_operation(a: dict[str, Any], b: dict[str, Any]) -> bool:
    return bool(a["label"] == b["label"])


def _same_edges(a: dict[int, Any], b: dict[int, Any]) -> bool:
    return sorted(e["label"] for e in a.values()) == sorted(e["label"] for e in b.values())
