"""Sub-tiling: several smaller tiles in flight instead of one large tile.

An operation with ``splits=True`` has the sub-tiled dimension: each of ``n`` sub-tiles gets its
own piece ``S.0``, ``S.1``, ... of it, with a share of its work and of its storage.  All others,
such as the load of a tile that every sub-tile reads, stay one operation and are shared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from twill_ilp.errors import OptionError
from twill_ilp.graph import Dependence, LoopGraph, Operation

__all__ = ["replicate", "sub_tile"]

Share = Callable[[int, int], int]
"""How much of an amount belongs to sub-tile i."""


def sub_tile(graph: LoopGraph, n: int) -> LoopGraph:
    """Divide the operations that split among ``n`` sub-tiles; ``n`` = 1 changes nothing.

    Piece i of a split operation gets every n-th of its cycles, beginning with cycle i: so rows
    of one unit keep their order and never meet, and the pieces together do exactly the work of
    the whole.  Registers, footprints and the delays behind the operation are shared out alike;
    ``spill`` and an ``issue`` other than ``cycles`` are rounded up.  Latency shrinks in
    proportion, which is optimistic where it has a constant part.

    Raises:
        OptionError: ``n`` is not a whole number >= 1, or no operation splits.
    """
    return _divided(graph, n, lambda amount, i: (amount - i + n - 1) // n if amount > i else 0)


def replicate(graph: LoopGraph, n: int) -> LoopGraph:
    """As :func:`sub_tile`, of a graph whose costs are already those of one sub-tile.

    Raises:
        OptionError: as :func:`sub_tile`.
    """
    return _divided(graph, n, lambda amount, i: amount)


def _divided(graph: LoopGraph, n: int, share: Share) -> LoopGraph:
    if isinstance(n, bool) or not isinstance(n, int) or n < 1:
        raise OptionError(f"sub_tiles is {n!r}; give a whole number >= 1")
    if n == 1:
        return graph
    if not any(op.splits for op in graph):
        raise OptionError(
            f'graph {graph.name}: no operation splits; mark those that do with "splits": true'
        )
    shared = [op for op in graph if not op.splits]
    pieces = [_piece(op, i, share) for i in range(n) for op in graph if op.splits]
    edges = [piece for e in graph.dependences for piece in _edges(e, graph, n, share)]
    return LoopGraph(graph.name, (*shared, *pieces), tuple(edges))


def _piece(op: Operation, i: int, share: Share) -> Operation:
    """The operation's piece in sub-tile ``i``; it splits no further."""
    rows = (
        replace(row, start=share(row.start, i), cycles=share(row.end, i) - share(row.start, i))
        for row in op.usage
        if share(row.end, i) > share(row.start, i)
    )
    cycles = share(op.cycles, i)
    return replace(
        op,
        name=f"{op.name}.{i}",
        usage=tuple(rows),
        cycles=cycles,
        issue=cycles if op.issue == op.cycles else share(op.issue, 0),
        registers=share(op.registers, i),
        footprint={memory: share(amount, i) for memory, amount in op.footprint.items()},
        spill=share(op.spill, 0),
        splits=False,
    )


def _edges(e: Dependence, graph: LoopGraph, n: int, share: Share) -> Iterator[Dependence]:
    """Within every sub-tile; to or from all of them at a shared operation."""
    src, dst = graph.by_name[e.src].splits, graph.by_name[e.dst].splits
    for i in range(n) if src or dst else (0,):
        yield replace(
            e,
            src=f"{e.src}.{i}" if src else e.src,
            dst=f"{e.dst}.{i}" if dst else e.dst,
            delay=share(e.delay, i) if src else e.delay,
        )
