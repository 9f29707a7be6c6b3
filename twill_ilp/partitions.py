"""Natural partitions into warp groups: candidates where no joint ILP is built (raw clocks).

Operations that pass large values to each other in registers belong together; what issues
asynchronous work and holds no registers needs only a narrow group.  Bonded operations
(:mod:`.ilp.bonds`) stay together.  The modulo schedule is tried with each of them; a candidate
proves nothing: that is a schedule, or it is dropped.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice, pairwise

from twill_ilp.graph import LoopGraph, Operation
from twill_ilp.machine import Machine
from twill_ilp.rules import Rules, designates
from twill_ilp.schedule import Schedule

__all__ = ["Partition", "candidates", "numbered", "traffic_of", "warps_of"]

Partition = Mapping[str, int]
"""The group of every operation."""

MOST_BLOCKS = 6
"""Blocks that are combined in every way; a level with more is passed over."""

COMBINATIONS = 300
"""Combinations of one level that are looked at (six blocks have 203)."""


def candidates(
    graph: LoopGraph,
    machine: Machine,
    rules: Rules,
    bonds: Sequence[Sequence[str]] = (),
    most: int = 20,
) -> list[Partition]:
    """Partitions that respect variable latency, the warp budget and the number of groups.

    First those with a narrow group of their own for what holds no registers, then those with this
    group joined to another, then any; of each kind at most ``most``, the least traffic first.  Of
    partitions that a permutation of sub-tiles makes equal there is one.

    Args:
        bonds: sets of operations that share a group in every schedule.
    """
    free = [op for op in graph if not designates(op, rules)]
    fixed = {op.name: 0 for op in graph if designates(op, rules)}
    result: list[Partition] = []
    shapes = _shapes(graph)
    seen = set()
    for kind in _kinds(graph, free, bonds):
        found = []
        for groups in kind:
            numbered = enumerate(groups, 1 if fixed else 0)
            partition = fixed | {name: g for g, part in numbered for name in part}
            alike = _shape(graph, partition, shapes)
            if alike not in seen and _fits(graph, machine, rules, partition):
                seen.add(alike)
                found.append(partition)
        result += sorted(found, key=lambda found: _cost(graph, found))[:most]
    return result


def warps_of(graph: LoopGraph, partition: Mapping[str, int]) -> int:
    """Sum over the groups of the width of their widest operation."""
    width: dict[int, int] = defaultdict(int)
    for op in graph:
        width[partition[op.name]] = max(width[partition[op.name]], op.warps)
    return sum(width.values())


def traffic_of(graph: LoopGraph, partition: Mapping[str, int]) -> int:
    """Register words that cross groups per iteration: a value once per group that receives it."""
    crossing = {
        (e.src, partition[e.dst]) for e in graph.dependences if partition[e.src] != partition[e.dst]
    }
    return sum(graph.by_name[src].registers for src, _ in crossing)


def numbered(schedule: Schedule, rules: Rules) -> Schedule:
    """The same schedule with the designated group as 0 and the others by their first start."""
    designated = {schedule.group[op.name] for op in schedule.graph if designates(op, rules)}
    order = sorted(schedule.graph, key=lambda op: (schedule.start[op.name], op.name))
    groups = dict.fromkeys([*designated, *(schedule.group[op.name] for op in order)])
    number = {g: i for i, g in enumerate(groups)}
    return replace(schedule, group={name: number[g] for name, g in schedule.group.items()})


def _kinds(
    graph: LoopGraph, free: list[Operation], bonds: Sequence[Sequence[str]]
) -> Iterator[Iterator[list[list[str]]]]:
    """Ways to form groups: with the narrow operations apart, in one of the groups, anywhere."""
    narrow = _narrow(free, bonds)
    if narrow:
        wide = [op for op in free if op.name not in narrow]
        yield ([*groups, narrow] for groups in _groupings(graph, wide, bonds))
        yield (
            [*groups[:i], [*groups[i], *narrow], *groups[i + 1 :]]
            for groups in _groupings(graph, wide, bonds)
            for i in range(len(groups))
        )
    yield _groupings(graph, free, bonds)


def _groupings(
    graph: LoopGraph, operations: list[Operation], bonds: Sequence[Sequence[str]]
) -> Iterator[list[list[str]]]:
    """Blocks of every level, put into groups in every way."""
    for blocks in _levels(graph, operations, bonds):
        yield from islice(_combinations(blocks), COMBINATIONS)


def _narrow(free: list[Operation], bonds: Sequence[Sequence[str]]) -> list[str]:
    """Operations that hold no registers and need few warps, and with all that is bonded to them."""
    widest = max((op.warps for op in free), default=1)
    heavy = {op.name for op in free if op.warps == widest or op.registers}
    for members in bonds:
        if not heavy.isdisjoint(members):
            heavy.update(members)
    return [op.name for op in free if op.name not in heavy]


def _levels(
    graph: LoopGraph, operations: list[Operation], bonds: Sequence[Sequence[str]]
) -> Iterator[list[list[str]]]:
    """Blocks of operations joined by register values above a size, from fine to coarse."""
    names = [op.name for op in operations]
    edges = [
        (graph.by_name[e.src].registers, e.src, e.dst)
        for e in graph.dependences
        if e.src in names and e.dst in names and e.src != e.dst
    ]
    tied = [pair for members in bonds for pair in pairwise(members) if pair[0] in names]
    sizes = sorted({size for size, _, _ in edges}, reverse=True)
    for size in [*sizes, -1]:
        heavy = [(u, v) for words, u, v in edges if words > size]
        blocks = _absorbed(graph, names, [*heavy, *tied], edges)
        if len(blocks) <= MOST_BLOCKS:
            yield blocks


def _absorbed(
    graph: LoopGraph,
    names: list[str],
    heavy: Iterable[tuple[str, str]],
    edges: list[tuple[int, str, str]],
) -> list[list[str]]:
    """Connected blocks; one without work on a unit joins the neighbour it exchanges most with."""
    import networkx as nx

    links: nx.Graph[str] = nx.Graph()
    links.add_nodes_from(names)
    links.add_edges_from(heavy)
    block = {name: min(part) for part in nx.connected_components(links) for name in part}
    for light in [name for name in names if not graph.by_name[name].usage]:
        mates = [name for name in names if block[name] == block[light]]
        if any(graph.by_name[name].usage for name in mates):
            continue
        words: dict[str, int] = defaultdict(int)
        for size, u, v in edges:
            if (u in mates) != (v in mates):
                words[block[v if u in mates else u]] += size + 1
        if words:
            best = max(sorted(words), key=words.__getitem__)
            block |= dict.fromkeys(mates, best)
    parts: dict[str, list[str]] = defaultdict(list)
    for name in names:
        parts[block[name]].append(name)
    return list(parts.values())


def _combinations(blocks: list[list[str]]) -> Iterator[list[list[str]]]:
    """Every way to put the blocks into groups."""
    if not blocks:
        yield []
        return
    first, *rest = blocks
    for groups in _combinations(rest):
        yield [first, *groups]
        for i, group in enumerate(groups):
            yield [*groups[:i], [*first, *group], *groups[i + 1 :]]


def _fits(graph: LoopGraph, machine: Machine, rules: Rules, partition: Mapping[str, int]) -> bool:
    if rules.max_groups is not None and len(set(partition.values())) > rules.max_groups:
        return False
    if "no-cross-warp" in rules and traffic_of(graph, partition):
        return False
    budget = machine.warps if "warps" in rules else None
    return budget is None or warps_of(graph, partition) <= budget


def _shapes(graph: LoopGraph) -> dict[str, int]:
    """A number for every operation, the same for operations that sub-tiling makes alike."""
    known: dict[object, int] = {}
    return {
        op.name: known.setdefault(
            (op.kind, op.cycles, op.issue, op.warps, op.registers, op.usage), len(known)
        )
        for op in graph
    }


def _shape(graph: LoopGraph, partition: Partition, shapes: Mapping[str, int]) -> object:
    """What partitions that differ by a permutation of sub-tiles have in common."""
    groups: dict[int, list[int]] = defaultdict(list)
    for name, g in partition.items():
        groups[g].append(shapes[name])
    members = sorted(tuple(sorted(group)) for group in groups.values())
    return tuple(members), traffic_of(graph, partition)


def _cost(graph: LoopGraph, partition: Mapping[str, int]) -> tuple[int, int]:
    """Register words between groups, then warps."""
    return traffic_of(graph, partition), warps_of(graph, partition)
