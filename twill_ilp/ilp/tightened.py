r"""Longer paths between starts, from what memories, registers, units and waiting leave.

Three deductions feed each other: deadlines (:mod:`.deadlines`) need shortest lives, which residues
(:mod:`.residues`) make longer; both need to know who shares a group, and longer paths leave less
time for spills, which makes bonds (:mod:`.bonds`).  A schedule obeys all of them, so the search
asks its questions of the tightened timeline; exported models have the plain one, and so can catch
a fault here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from twill_ilp.graph import LoopGraph
from twill_ilp.ilp.bonds import bonded, split_bond, too_wide_apart
from twill_ilp.ilp.deadlines import add_deadlines, stores
from twill_ilp.ilp.residues import Residues, add_residues
from twill_ilp.ilp.timeline import Timeline, assembled, windows_pinned
from twill_ilp.machine import Machine

__all__ = ["tightened"]

MOST_ROUNDS = 20
"""Rounds of deadlines, residues and bonds; fewer rows are as true."""

Bonds = tuple[tuple[int, ...], ...]


def tightened(
    line: Timeline,
    machine: Machine,
    partition: Mapping[str, int] | None = None,
    traffic: int | None = None,
) -> Timeline:
    """The timeline with longer paths and more bonds, or with a conflict.

    Args:
        machine, partition, traffic: those of the timeline.
    """
    if line.conflict:
        return line
    graph, rules, ii = line.core.graph, line.rules, line.core.ii
    paths = line.core.between.copy()
    bonds, conflict = _lengthen_all(line, machine, paths, partition, traffic)
    conflict = conflict or split_bond(graph, rules, bonds, partition)
    result = assembled(graph, rules, ii, paths, bonds, conflict)
    return result if conflict else replace(result, conflict=_too_far(result))


def _too_far(line: Timeline) -> str:
    """An operation that would start further away than any schedule needs, in words; or ``""``.

    Where nothing is left of the slots of one without a deadline, residues move it on for ever;
    :func:`~.timeline.windows_pinned` proves how far is enough.
    """
    for node, (first, last) in zip(line.core.nodes, windows_pinned(line), strict=True):
        if first > last:
            return f"no slot is left in which {node.name} and others do not exclude each other"
    return ""


def _lengthen_all(
    line: Timeline,
    machine: Machine,
    paths: NDArray[np.int64],
    partition: Mapping[str, int] | None,
    traffic: int | None,
) -> tuple[Bonds, str]:
    """Make the paths longer until nothing changes; the bonds, and why there is no schedule."""
    graph, rules, ii, bonds = line.core.graph, line.rules, line.core.ii, line.bonds
    residues = Residues(graph, machine, rules, ii)
    wide = list(too_wide_apart(graph, machine, rules))
    for _ in range(MOST_ROUNDS):
        before = paths.copy()
        mates = bonds if partition is None else _groups(graph, partition)
        shared = list(stores(graph, machine, rules, mates))
        if reason := add_deadlines(paths, graph, ii, rules, shared):
            return bonds, reason
        found = bonded(graph, ii, rules, paths, traffic, wide)
        if found == bonds and (paths == before).all():
            if reason := add_residues(paths, graph, residues, rules, mates):
                return bonds, reason
            if (paths == before).all():
                break
        bonds = found
    return bonds, ""


def _groups(graph: LoopGraph, partition: Mapping[str, int]) -> Sequence[Sequence[int]]:
    """The operations of every group."""
    groups: dict[int, list[int]] = {}
    for v, op in enumerate(graph):
        groups.setdefault(partition[op.name], []).append(v)
    return list(groups.values())
