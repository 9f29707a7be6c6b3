r"""Residues: distances between starts that units and waiting rule out, modulo II.

Two operations that are too much for a unit keep apart on it in every slot, and so do two of one
group of which one waits: :math:`(start_v - start_u) \bmod II \notin F_{uv}`.  On a unit they also
leave two gaps, between which the others have to be shared out.  So where v starts at least w cycles
after u, it starts at least as much later as the next residue that is left:

.. math:: start_v - start_u \ge \min\{x \ge w : x \bmod II \notin F_{uv}\}.

Where a dependence may be between groups, which takes :math:`w + spill_u`, the lesser of both holds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from twill_ilp.graph import LoopGraph, Usage
from twill_ilp.ilp.deadlines import MOST_SWEEPS, lengthen
from twill_ilp.ilp.reduction import UNREACHABLE
from twill_ilp.machine import Machine
from twill_ilp.rules import Rules, held_cycles

__all__ = ["Residues", "add_residues", "kept_apart"]


class Residues:
    """Which distances are ruled out between whom.

    Attributes:
        ii: initiation interval, cycles.
        units: by (u, v), a bit for every residue that units rule out.
        waiting: the same for waiting, if u and v share a group.
    """

    def __init__(self, graph: LoopGraph, machine: Machine, rules: Rules, ii: int) -> None:
        self.ii = ii
        self.units = kept_apart(graph, machine, ii)
        self.waiting: dict[tuple[int, int], int] = {}
        waits = {e.dst for e in graph.dependences if e.blocking and "concurrency" in rules}
        held = [min(ii, held_cycles(op, rules.readings)) for op in graph]
        for v, op in enumerate(graph):
            for u in range(len(graph)) if op.name in waits else ():
                if u != v and held[u]:
                    for pair, first in (((u, v), 0), ((v, u), 1 - held[u])):
                        self.waiting[pair] = self.waiting.get(pair, 0) | _run(ii, first, held[u])

    def next(self, u: int, v: int, least: int, together: bool) -> int | None:
        """The least distance from u to v that is not ruled out, from ``least`` on; ``None``: none.

        Args:
            together: whether u and v share a group.
        """
        closed = self.units.get((u, v), 0)
        if together:
            closed |= self.waiting.get((u, v), 0)
        left = ~closed & (1 << self.ii) - 1
        if not left:
            return None
        from_here = (left | left << self.ii) >> least % self.ii
        return least + (from_here & -from_here).bit_length() - 1


def kept_apart(graph: LoopGraph, machine: Machine, ii: int) -> dict[tuple[int, int], int]:
    """By (u, v), a bit for every ``(start(v) - start(u)) % ii`` for which a unit is too scarce."""
    found: dict[tuple[int, int], int] = {}
    for unit, capacity in machine.units.items():
        rows = [(v, r) for v, op in enumerate(graph) for r in op.usage if r.unit == unit]
        for i, (u, a) in enumerate(rows):
            for k, (v, b) in enumerate(rows):
                if u != v and a.amount + b.amount > capacity:
                    others = [row for n, (_, row) in enumerate(rows) if n not in (i, k)]
                    closed = ~_left_apart(a, b, others, capacity, ii) & (1 << ii) - 1
                    mask = _rotated(closed, a.start - b.start, ii)
                    found[u, v] = found.get((u, v), 0) | mask
    return found


def _left_apart(a: Usage, b: Usage, others: Sequence[Usage], capacity: int, ii: int) -> int:
    r"""A bit for every distance, modulo II, between two rows that exclude each other.

    With b behind a by d cycles, there are :math:`d - cycles_a` cycles between them, and
    :math:`II - d - cycles_b` before the next a.  Each of the others that exclude a, b and one
    another is in one of these gaps.  So some of them take s cycles in all with
    :math:`s \le d - cycles_a \le s + idle`, where idle is what all of them leave of II.
    """
    least = capacity - min(a.amount, b.amount)
    rest = [row.cycles for row in others if row.amount > max(least, capacity // 2)]
    idle = ii - a.cycles - b.cycles - sum(rest)
    if idle < 0:
        return 0
    taken = 1  # bit s: some of them take s cycles
    for cycles in rest:
        taken |= taken << cycles
    width = 1
    while width <= idle:
        step = min(width, idle + 1 - width)
        taken |= taken << step
        width += step
    return taken << a.cycles


def _run(ii: int, first: int, length: int) -> int:
    """So many residues from that one on."""
    return _rotated((1 << min(length, ii)) - 1, first, ii)


def _rotated(residues: int, by: int, ii: int) -> int:
    """A set of residues, each of them so many more."""
    moved = residues << by % ii
    return (moved | moved >> ii) & (1 << ii) - 1


def add_residues(
    paths: NDArray[np.int64],
    graph: LoopGraph,
    residues: Residues,
    rules: Rules,
    mates: Sequence[Sequence[int]],
) -> str:
    """Make longest paths longer by the rows above; returns why there is no schedule, or ``""``.

    Where no slot is left for an operation without a deadline, this could go on for ever.

    Args:
        paths: between starts, cycles; is changed.
        mates: operations that are known to share a group.
    """
    group = {v: i for i, members in enumerate(mates) for v in members}
    for _ in range(MOST_SWEEPS):
        longer = False
        for u, v, least in _rows(paths, graph, residues, rules, group):
            names = graph.operations[u].name, graph.operations[v].name
            if least is None:
                return f"{names[0]} and {names[1]} exclude each other in every slot"
            if least > paths[u, v]:
                longer = True
                if paths[v, u] + least > 0:
                    return (
                        f"from {names[0]} to {names[1]} it takes {least} cycles at least, as "
                        f"nearer they exclude each other, and {-paths[v, u]} at most"
                    )
                lengthen(paths, u, v, least)
        if not longer:
            break
    return ""


def _rows(
    paths: NDArray[np.int64],
    graph: LoopGraph,
    residues: Residues,
    rules: Rules,
    group: dict[int, int],
) -> Iterator[tuple[int, int, int | None]]:
    """From u to v at least so many cycles, ``None``: nothing is possible."""
    for u, v in {**residues.units, **residues.waiting}:
        together = group[u] == group[v]
        if paths[u, v] > UNREACHABLE and (together or (u, v) in residues.units):
            yield u, v, residues.next(u, v, int(paths[u, v]), together)
    index = {op.name: i for i, op in enumerate(graph)}
    for e in graph.dependences if "spills" in rules else ():
        u, v = index[e.src], index[e.dst]
        if u != v and group[u] != group[v]:
            apart = e.delay - e.distance * residues.ii + graph.operations[u].spill
            within = residues.next(u, v, int(paths[u, v]), True)
            yield u, v, apart if within is None else min(within, apart)
