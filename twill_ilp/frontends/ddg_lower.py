"""What a joint problem needs that a ``ddg-0.1`` dump only says between the lines.

Registers and footprints follow from result types; what is asynchronous, and so blocks whoever
needs its result, from the unit; the cost of a hand-over from the registers.  Operations that
only name an address or a view of a tile are dropped, and what they pass on is kept.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from twill_ilp.costs import BLACKWELL, hand_over
from twill_ilp.errors import InvalidProblemError
from twill_ilp.frontends.ttgir.instructions import ROLES
from twill_ilp.frontends.ttgir.types import TileType
from twill_ilp.frontends.ttgir.work import memory_bytes
from twill_ilp.graph import Dependence, Operation, Usage

__all__ = ["DdgEdge", "DdgNode", "LoweredDdg", "lower_ddg"]

NO_UNIT = "NONE"
"""The dumps' word for a node that occupies no unit."""
TENSOR_CORE, COPY_ENGINE = "TC", "TMA"
ASYNCHRONOUS = frozenset({TENSOR_CORE, COPY_ENGINE})
"""Units whose work is only issued by a warp."""


@dataclass(frozen=True, slots=True)
class DdgNode:
    """A node of a dump; cycles are clocks, ``operands`` are references to ``ops``."""

    number: int
    name: str
    kind: str
    unit: str
    occupancy: int
    latency: int
    warps: int
    reference: str
    types: tuple[TileType, ...]
    operands: tuple[tuple[str, int], ...]
    where: str

    @property
    def role(self) -> str:
        """As in :data:`twill_ilp.frontends.ttgir.instructions.ROLES`."""
        return ROLES.get(self.kind, "unknown")

    @property
    def is_load(self) -> bool:
        """Whether TMA brings its result to shared memory, whenever that may be."""
        return self.unit == COPY_ENGINE and self.role not in ("tma store", "tma copy out")

    @property
    def registers(self) -> int:
        """32-bit words of the result, if registers hold it."""
        tiles = [tile for tile in self.types if tile.space == "registers"]
        return 0 if self.is_load else sum(tile.words for tile in tiles)


@dataclass(frozen=True, slots=True)
class DdgEdge:
    """An edge of a dump: latency in clocks, distance in iterations."""

    src: int
    dst: int
    latency: int
    distance: int
    where: str


@dataclass
class LoweredDdg:
    """Operations and dependences, and number, kind and reason of what was dropped."""

    operations: list[Operation] = field(default_factory=list)
    dependences: list[Dependence] = field(default_factory=list)
    dropped: list[tuple[int, str, str]] = field(default_factory=list)


def lower_ddg(
    nodes: Mapping[int, DdgNode], edges: Sequence[DdgEdge], rules: frozenset[str]
) -> LoweredDdg:
    """Apply the rules.

    Raises:
        InvalidProblemError: a number that cannot be meant, by its place.
    """
    _check(nodes, edges)
    lowered = LoweredDdg()
    reasons = _reasons(nodes, edges, rules)
    lowered.dropped = [(n, nodes[n].kind, reason) for n, reason in reasons.items()]
    left = _without_nodes(edges, reasons)
    if "implied" in rules:
        left = [e for e in left if not (_is_order(nodes, e) and _is_implied(e, left))]
    lowered.operations = [_operation(node) for n, node in nodes.items() if n not in reasons]
    freed: set[int] = set()
    for e in left:
        src, dst = nodes[e.src], nodes[e.dst]
        if "releases" in rules and _is_order(nodes, e) and src.registers:
            free = f"{src.name}.free"
            if e.src not in freed:
                freed.add(e.src)
                lowered.operations.append(Operation(free, "arrive", warps=src.warps))
                lowered.dependences.append(Dependence(src.name, free, e.latency))
            lowered.dependences.append(
                Dependence(free, dst.name, 0, e.distance, "blocking" in rules)
            )
        else:
            blocks = "blocking" in rules and _blocks(src, dst)
            lowered.dependences.append(
                Dependence(src.name, dst.name, e.latency, e.distance, blocks)
            )
    return lowered


def _check(nodes: Mapping[int, DdgNode], edges: Sequence[DdgEdge]) -> None:
    """Refuse numbers that cannot be meant before they are added up."""
    for node in nodes.values():
        _operation(node)
    for e in edges:
        try:
            Dependence(nodes[e.src].name, nodes[e.dst].name, e.latency, e.distance)
        except InvalidProblemError as error:
            raise InvalidProblemError(f"{e.where}: {error}") from None


def _operation(node: DdgNode) -> Operation:
    asynchronous = node.unit in ASYNCHRONOUS
    try:
        return Operation(
            node.name,
            kind=node.kind,
            usage=()
            if node.unit == NO_UNIT or node.occupancy == 0
            else (Usage(node.unit, node.occupancy),),
            cycles=node.latency,
            issue=min(1 if asynchronous else node.occupancy, node.latency),
            warps=node.warps,
            registers=node.registers,
            footprint=_footprint(node),
            spill=hand_over(BLACKWELL, node.registers),
            variable_latency=node.is_load,
        )
    except InvalidProblemError as e:
        raise InvalidProblemError(f"{node.where}: {e}") from None


def _footprint(node: DdgNode) -> dict[str, int]:
    """Memory of the result: where TMA puts a load, or an allocation is."""
    if node.is_load:
        return {"smem": sum(t.bytes for t in node.types)} if node.types else {}
    if node.role != "allocate":
        return {}
    tiles = [memory_bytes(tile) for tile in node.types]
    return {memory: amount for tile in tiles for memory, amount in tile.items()}


def _reasons(
    nodes: Mapping[int, DdgNode], edges: Sequence[DdgEdge], rules: frozenset[str]
) -> dict[int, str]:
    """Why nodes are dropped, by their number."""
    sources: dict[int, list[int]] = defaultdict(list)
    readers: dict[int, list[int]] = defaultdict(list)
    for e in edges:
        sources[e.dst].append(e.src)
        readers[e.src].append(e.dst)
    reasons: dict[int, str] = {}
    for n, node in nodes.items():
        if node.role == "view" and "views" in rules:
            reasons[n] = "view"
        elif node.role == "layout" and not node.occupancy and "layouts" in rules:
            reasons[n] = "layout"
        elif node.role == "allocate" and "views" in rules:
            filled = [nodes[s] for s in sources[n]]
            if node.types and filled and all(s.is_load for s in filled):
                reasons[n] = "allocation"
    if "addresses" in rules:
        for n in _addresses(nodes, readers):
            reasons[n] = "address"
    return dict(sorted(reasons.items()))


def _addresses(nodes: Mapping[int, DdgNode], readers: Mapping[int, list[int]]) -> set[int]:
    """Index arithmetic of known type that, over any number of steps, feeds only loads."""
    candidates = {
        n for n, node in nodes.items() if node.types and node.role in ("index", "view", "constant")
    }
    loads = {n for n, node in nodes.items() if node.role in ("load", "tma load", "tma store")}
    data = [n for n in candidates if any(r not in candidates | loads for r in readers[n])]
    makers: dict[int, list[int]] = defaultdict(list)
    for n in candidates:
        for r in readers[n]:
            makers[r].append(n)
    while data:
        n = data.pop()
        if n in candidates:
            candidates.remove(n)
            data += makers[n]
    return {n for n in candidates if nodes[n].role != "view"}


def _without_nodes(edges: Sequence[DdgEdge], dropped: Mapping[int, str]) -> list[DdgEdge]:
    """Edges between the nodes that are left; a path through dropped ones becomes an edge."""
    left = _strictest(edges)
    for n in dropped:
        into = [e for e in left if e.dst == n and e.src != n]
        out = [e for e in left if e.src == n and e.dst != n]
        through = [
            DdgEdge(a.src, b.dst, a.latency + b.latency, a.distance + b.distance, b.where)
            for a in into
            for b in out
        ]
        left = _strictest([*(e for e in left if n not in (e.src, e.dst)), *through])
    return left


def _strictest(edges: Sequence[DdgEdge]) -> list[DdgEdge]:
    """The largest latency for each pair and distance."""
    best: dict[tuple[int, int, int], DdgEdge] = {}
    for e in edges:
        key = (e.src, e.dst, e.distance)
        if key not in best or best[key].latency < e.latency:
            best[key] = e
    return list(best.values())


def _is_order(nodes: Mapping[int, DdgNode], e: DdgEdge) -> bool:
    """Whether an edge only orders two accesses to a buffer and hands no value over."""
    src, dst = nodes[e.src], nodes[e.dst]
    if dst.role == "buffer dot" and src.registers:
        return True  # such an MMA reads no registers
    named = [n for reference, n in dst.operands if reference == src.reference]
    kinds = [src.types[n].space for n in named if 0 <= n < len(src.types)]
    return bool(kinds) and all(kind == "token" for kind in kinds)


def _is_implied(edge: DdgEdge, edges: Sequence[DdgEdge]) -> bool:
    """Whether another path within the iteration is at least as strict."""
    if edge.distance or edge.src == edge.dst:
        return False
    out: dict[int, list[DdgEdge]] = defaultdict(list)
    for e in edges:
        if e is not edge and e.distance == 0:
            out[e.src].append(e)
    pending = [e.dst for e in out[edge.src] if e.latency >= edge.latency]
    seen: set[int] = set()
    while pending:
        n = pending.pop()
        if n == edge.dst:
            return True
        if n not in seen:
            seen.add(n)
            pending += [e.dst for e in out[n]]
    return False


def _blocks(src: DdgNode, dst: DdgNode) -> bool:
    """Whether the warps of ``dst`` wait at a barrier for ``src``.

    They do for asynchronous work, but the tensor core runs what one warp issues in order; and
    whoever issues an MMA waits for the registers that were stored to its buffers.
    """
    if src.unit in ASYNCHRONOUS:
        return not src.unit == dst.unit == TENSOR_CORE
    return dst.unit == TENSOR_CORE and src.role in ("allocate", "write")
