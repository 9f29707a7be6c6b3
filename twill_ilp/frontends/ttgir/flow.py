"""Which results reach an operand, through operations that are dropped and across iterations."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from twill_ilp.frontends.ttgir.nodes import Node
from twill_ilp.frontends.ttgir.scope import Item

__all__ = ["Flow", "data_values"]


class Flow:
    """Where values come from.

    A value is the result of an operation that is kept (``node_of``), or passes through from
    others (``through``), or is carried from the previous iteration (``carried``); anything else
    comes from before the loop.
    """

    def __init__(self, carried: dict[str, str]) -> None:
        self.carried = carried
        self.node_of: dict[str, Node] = {}
        self.through: dict[str, list[str]] = {}

    def sources(self, value: str) -> dict[Node, int]:
        """The operations whose results ``value`` holds, each with the least distance."""
        found: dict[Node, int] = {}
        best = {value: 0}
        pending = deque([value])
        while pending:
            current = pending.popleft()
            distance = best[current]
            if current in self.node_of:
                node = self.node_of[current]
                found[node] = min(distance, found.get(node, distance))
                continue
            onward = [(v, distance) for v in self.through.get(current, ())]
            if current in self.carried:
                onward.append((self.carried[current], distance + 1))
            for following, length in onward:
                if length < best.get(following, length + 1):
                    best[following] = length
                    # nearest first, as in a search over edges of length 0 and 1
                    (pending.append if length > distance else pending.appendleft)(following)
        return found


def data_values(items: Iterable[Item], carried: dict[str, str]) -> set[str]:
    """Values that end up in tiles, not only in addresses, masks and loop control."""
    items = list(items)
    makers = {v: item for item in items for v in item.statement.results}
    pending = [v for item in items for v in _data_operands(item)]
    data: set[str] = set()
    while pending:
        value = pending.pop()
        if value in data:
            continue
        data.add(value)
        if value in carried:
            pending.append(carried[value])
        elif value in makers and makers[value].role in ("index", "view", "layout"):
            pending += makers[value].operands
    return data


def _data_operands(item: Item) -> list[str]:
    """The operands of an operation that it computes with or stores."""
    if item.role in ("index", "view", "layout", "constant", "sync", "load", "tma load"):
        return []
    if item.role in ("store", "tma store") and len(item.operands) > 1:
        return [item.operands[1] if item.role == "store" else item.operands[-1]]
    return item.operands
