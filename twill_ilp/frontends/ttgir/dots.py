"""What TTIR leaves out around a matrix product: where its operands and its result live.

TTIR's ``tt.dot`` takes and gives tensors.  On the machine its loaded operands are in shared
memory, and its result is in registers up to Hopper and in tensor memory from Blackwell on, with
loads and stores around it.  Every buffer that is added here exists once.
"""

from __future__ import annotations

from collections import defaultdict

from twill_ilp.errors import InvalidIRError
from twill_ilp.frontends.ttgir import work
from twill_ilp.frontends.ttgir.body import Body
from twill_ilp.frontends.ttgir.nodes import Access, Link, Node
from twill_ilp.frontends.ttgir.scope import Item
from twill_ilp.frontends.ttgir.text import uses
from twill_ilp.frontends.ttgir.types import TileType

__all__ = ["place_dots"]


def place_dots(body: Body) -> None:
    """Apply the rules ``copies``, ``accumulators``, ``operands`` and ``staging``."""
    dots = {n.order: n for n in body.nodes if n.kind == "tt.dot"}
    placed = [(body.scope.items[int(order)], node) for order, node in dots.items()]
    if "copies" in body.rules:
        _copy_operands(body)
    if "operands" in body.rules:
        for item, node in placed:
            _store_operands(body, item, node)
    if "accumulators" in body.rules and body.t.tensor_memory is not None:
        _Accumulators(body, placed).place()
    if "staging" in body.rules:
        _stage_loads(body)
    for item, _ in placed:
        for part in item.parts[:2]:
            _reside_operand(body, uses(part))


def _copy_operands(body: Body) -> None:
    """A pointer load of dot operands alone goes to shared memory."""
    readers: dict[Node, set[str]] = defaultdict(set)
    for link in body.links:
        readers[link.src].add(link.role if link.dst.mma else "data")
    for node in body.nodes:
        if node.kind == "tt.load" and readers[node] and readers[node] <= {"a", "b"}:
            node.footprint = {"smem": node.registers * 4}
            node.space, node.registers, node.copied = "smem", 0, True


def _store_operands(body: Body, item: Item, dot: Node) -> None:
    """Operands in registers: A to tensor memory or, on Hopper, as it is; B to shared memory."""
    for position, role in enumerate("ab"):
        value = (uses(item.parts[position]) or [""])[0]
        links = [
            link
            for link in body.links
            if link.dst is dot and link.role == role and link.src.space == "registers"
        ]
        turned = value in body.scope.inside and body.scope.inside[value].name == "tt.trans"
        to_tensor_memory = role == "a" and not turned and body.t.tensor_memory is not None
        if not links or (role == "a" and not turned and body.t.tensor_memory is None):
            continue
        tile = body.scope.type_of(value)
        space = "tmem" if to_tensor_memory else "smem"
        stored = TileType(space, tile.shape, tile.element, tile.bits)
        node = _added(body, dot, role, stored, -0.4 + 0.1 * position, "store")
        node.footprint = work.memory_bytes(stored)
        for link in links:
            link.dst, link.role = node, "data"
        body.links.append(Link(node, dot, 0, role))
        _access(body, f"{dot.name}.{role}", node, dot)


def _added(body: Body, dot: Node, suffix: str, tile: TileType, offset: float, verb: str) -> Node:
    """A transfer next to a dot, by the warps that own the tile."""
    tensor_memory = tile.space == "tmem"
    copy = work.tensor_memory_work if tensor_memory else work.register_copy_work
    prefix = "ttng.tmem" if tensor_memory else "ttg.local"
    node = Node(
        f"{dot.name}.{suffix}",
        f"{prefix}_{verb}",
        dot.line,
        dot.order + offset,
        copy(tile, body.t),
        body.warps,
        space=tile.space,
    )
    body.nodes.append(node)
    return node


def _access(body: Body, buffer: str, writer: Node, reader: Node) -> None:
    body.outer.add(buffer)
    body.accesses[buffer] = [Access(writer, False, True), Access(reader, True, False)]


class _Accumulators:
    """Results of dots in tensor memory; a dot that adds onto another shares its buffer."""

    def __init__(self, body: Body, dots: list[tuple[Item, Node]]) -> None:
        self.body = body
        self.dots = dots
        self.buffers = {node: node.name for _, node in dots}

    def place(self) -> None:
        for item, dot in self.dots:
            tile = item.types[0]
            stored = TileType("tmem", tile.shape, tile.element, tile.bits, True)
            dot.space, dot.registers, dot.warps = "tmem", 0, 1
            dot.footprint = work.memory_bytes(stored)
        for _, dot in self.dots:
            self._share(dot)
        for item, dot in self.dots:
            self._write(item, dot)
        for item, dot in self.dots:
            self._read(item, dot)

    def _added_onto(self, dot: Node) -> list[Link]:
        """Edges from the operations whose result ``dot`` adds its product to."""
        return [link for link in self.body.links if link.dst is dot and link.role == "c"]

    def _share(self, dot: Node) -> None:
        for link in self._added_onto(dot):
            if link.src in self.buffers:
                old, new = self.buffers[dot], self.buffers[link.src]
                self.buffers = {n: new if b == old else b for n, b in self.buffers.items()}

    def _write(self, item: Item, dot: Node) -> None:
        """Store what is added to, unless a dot left it in the buffer."""
        links = self._added_onto(dot)
        computed = [link for link in links if link.src not in self.buffers]
        if computed:
            tile = item.types[0]
            stored = TileType("tmem", tile.shape, tile.element, tile.bits, True)
            node = _added(self.body, dot, "write", stored, -0.2, "store")
            for link in computed:
                link.dst, link.role = node, "data"
            self._note(dot, Access(node, False, True))
        for link in links:
            if link.src in self.buffers:
                link.role, link.keep = "memory", True
        self._note(dot, Access(dot, bool(links) or not _is_zero(self.body, item), True))

    def _read(self, item: Item, dot: Node) -> None:
        """Load the result for each distance at which registers use it."""
        readers: dict[int, list[Link]] = defaultdict(list)
        for link in self.body.links:
            if link.src is dot and link.role != "memory":
                readers[link.distance].append(link)
        for distance, links in readers.items():
            if distance > 1:
                raise InvalidIRError(
                    item.line, f"{dot.name} is read {distance} iterations later; at most 1 is read"
                )
            suffix = "read" if len(readers) == 1 else f"read{distance}"
            stored = TileType(
                "tmem", item.types[0].shape, item.types[0].element, item.types[0].bits
            )
            node = _added(self.body, dot, suffix, stored, 0.2, "load")
            node.space, node.registers = "registers", item.types[0].words
            if distance:
                first = min(link.dst.order for link in links)
                node.order = min(first, self._first_write(dot)) - 0.3
            for link in links:
                link.src, link.distance = node, 0
            self._note(dot, Access(node, True, False))
            if distance and self._is_rescaled(node, dot):
                # the buffer stays allocated between the read and the write
                self.body.links.append(Link(dot, dot, 1, "memory", keep=True))

    def _note(self, dot: Node, access: Access) -> None:
        buffer = self.buffers[dot]
        self.body.outer.add(buffer)
        self.body.accesses.setdefault(buffer, []).append(access)

    def _first_write(self, dot: Node) -> float:
        return min(
            access.node.order for access in self.body.accesses[self.buffers[dot]] if access.writes
        )

    def _is_rescaled(self, node: Node, dot: Node) -> bool:
        """Whether what was read is written back within the iteration."""
        return any(
            access.writes and access.node is not dot and access.node.order > node.order
            for access in self.body.accesses[self.buffers[dot]]
        )


def _is_zero(body: Body, item: Item) -> bool:
    """Whether a dot adds onto a constant 0."""
    value = (uses(item.parts[2]) or [""])[0] if len(item.parts) > 2 else ""
    statement = body.scope.outer.get(value) or body.scope.inside.get(value)
    if statement is None or statement.name != "arith.constant":
        return False
    text = statement.rest.partition("dense<")[2].partition(">")[0]
    return not text.strip("+-0.e")


def _stage_loads(body: Body) -> None:
    """Registers read from shared memory what TMA has brought there."""
    for node in [n for n in body.nodes if n.variable_latency or n.copied]:
        links = [
            link
            for link in body.links
            if link.src is node
            and not link.dst.mma
            and link.role != "memory"
            and link.dst.space != "smem"
        ]
        item = body.scope.items[int(node.order)]
        if not links or not item.types or item.types[0].space != "registers":
            continue
        tile = item.types[0]
        staged = TileType("smem", tile.shape, tile.element, tile.bits)
        read = _added(body, node, "read", staged, 0.2, "load")
        read.warps, read.space, read.registers = body.warps, "registers", tile.words
        read.vector = tile.vector
        for link in links:
            link.src = read
        body.links.append(Link(node, read))


def _reside_operand(body: Body, named: list[str]) -> None:
    """Count an operand from before the loop as a tile in shared memory."""
    value = named[0] if named else ""
    if value in body.scope.outer:
        tile = body.scope.type_of(value)
        if tile.space == "registers":
            body.reside(value, TileType("smem", tile.shape, tile.element, tile.bits))
