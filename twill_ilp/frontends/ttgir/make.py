"""The tile operation that a statement becomes: its cost, place, warps and buffers."""

from __future__ import annotations

from collections.abc import Callable

from twill_ilp.costs import Throughputs
from twill_ilp.errors import InvalidIRError
from twill_ilp.frontends.ttgir import work
from twill_ilp.frontends.ttgir.body import Body
from twill_ilp.frontends.ttgir.nodes import Access, Node, Work
from twill_ilp.frontends.ttgir.scope import Item
from twill_ilp.frontends.ttgir.text import uses
from twill_ilp.frontends.ttgir.types import TileType

__all__ = ["keep"]


def keep(body: Body, item: Item, order: int) -> None:
    """Add the operation of a statement.

    Raises:
        InvalidIRError: an operand that cannot be meant; or with ``body.strict`` an operation
            that is not known.
    """
    node = Node(_name(item), item.name, item.line, float(order), work.UNKNOWN, body.warps)
    tile = item.types[0] if item.types else operand_tile(body, item)
    node.vector = tile.vector
    if item.types and tile.space == "registers":
        node.space, node.registers = "registers", tile.words
    _MAKERS.get(item.role, _unknown)(body, item, node, tile)
    body.nodes.append(node)
    body.flow.node_of.update((result, node) for result in item.statement.results)


def _name(item: Item) -> str:
    """The first result without its sign, or the operation's last word and its line."""
    word = item.name.rpartition(".")[2]
    if not item.statement.results:
        return f"{word}_L{item.line}"
    name = item.statement.results[0][1:].partition("#")[0]
    return f"{word}_{name}" if name.isdigit() else name


def _name_after(item: Item, node: Node, buffer: str, verb: str) -> None:
    """Name an operation without results after the buffer that it writes."""
    if not item.statement.results:
        node.name = f"{buffer[1:]}.{verb}"


def operand_tile(body: Body, item: Item) -> TileType:
    """The largest tile among the operands."""
    tiles = [body.scope.type_of(v) for v in item.operands]
    return max(tiles, key=lambda tile: tile.size if tile.shape else 0, default=TileType("scalar"))


def _arithmetic(body: Body, item: Item, node: Node, tile: TileType) -> None:
    node.vector = tile.vector
    node.work = work.arithmetic_work(item.role, tile, body.t)


def _free(body: Body, item: Item, node: Node, tile: TileType) -> None:
    node.work, node.registers, node.space = Work(), 0, ""


def _layout(body: Body, item: Item, node: Node, tile: TileType) -> None:
    node.work = work.layout_work(tile, body.t)


def _reduce(body: Body, item: Item, node: Node, tile: TileType) -> None:
    source = operand_tile(body, item)
    node.work = work.reduction_work(source, body.t)
    node.vector = source.vector


def _dot(body: Body, item: Item, node: Node, tile: TileType) -> None:
    left, _ = _dot_operand(body, item, 0), _dot_operand(body, item, 1)
    node.mma, node.asynchronous, node.vector = True, body.t.name != "ampere", False
    node.work = work.dot_work(tile.rows, tile.columns, left.columns, left.bits, body.t)
    _read_buffers(body, item, node)


def _dot_operand(body: Body, item: Item, position: int) -> TileType:
    named = uses(item.parts[position]) if position < len(item.parts) else []
    tile = body.scope.type_of(named[0]) if named else TileType("scalar")
    if len(tile.shape) < 2:
        raise InvalidIRError(item.line, f"{item.name}: operand {position} has no two extents")
    return tile


def _buffer_dot(body: Body, item: Item, node: Node, tile: TileType) -> None:
    left, target = _dot_operand(body, item, 0), _dot_operand(body, item, 2)
    node.mma = node.asynchronous = True
    node.warps, node.space, node.registers = 1, "tmem", 0
    node.work = work.dot_work(target.rows, target.columns, left.columns, left.bits, body.t)
    adds = item.parts[3].strip() if len(item.parts) > 3 else ""
    fresh = adds in body.scope.outer and "constant false" in body.scope.outer[adds].raw
    accumulator = uses(item.parts[2])[0]
    _name_after(item, node, accumulator, "mma")
    body.access(accumulator, node, reads=not fresh, writes=True)
    _read_buffers(body, item, node, skip=accumulator)


def _tma_load(body: Body, item: Item, node: Node, tile: TileType) -> None:
    """To shared memory; before Hopper the warps copy by themselves (cp.async)."""
    if body.t.name == "ampere":
        node.work, node.copied, node.vector = work.register_copy_work(tile, body.t), True, False
    else:
        node.work = work.tma_work(tile, body.t)
        _issued_by_tma(node, variable=True)
    node.space, node.registers = "smem", 0
    node.footprint = {"smem": tile.bytes}


def _issued_by_tma(node: Node, variable: bool) -> None:
    node.asynchronous, node.variable_latency, node.vector = True, variable, False
    node.warps = 1 if variable else node.warps


def _tma_copy_in(body: Body, item: Item, node: Node, tile: TileType) -> None:
    """``desc[i, j] destination, barrier, predicate``: writes a buffer of shared memory."""
    target = _buffers(body, item)
    if not target:
        raise InvalidIRError(item.line, f"{item.name} names no buffer; mend the text")
    node.work = work.tma_work(body.scope.type_of(target[0]), body.t)
    _issued_by_tma(node, variable=True)
    _name_after(item, node, target[0], "load")
    node.space = "smem"
    body.access(target[0], node, reads=False, writes=True)


def _tma_store(body: Body, item: Item, node: Node, tile: TileType) -> None:
    node.work = work.tma_work(operand_tile(body, item), body.t)
    _issued_by_tma(node, variable=False)
    _read_buffers(body, item, node)


def _load(body: Body, item: Item, node: Node, tile: TileType) -> None:
    node.work = work.register_copy_work(tile, body.t)


def _store(body: Body, item: Item, node: Node, tile: TileType) -> None:
    value = item.operands[min(1, len(item.operands) - 1)] if item.operands else ""
    stored = body.scope.type_of(value) if value else tile
    node.work = work.register_copy_work(stored, body.t)
    node.vector = stored.vector


def _allocate(body: Body, item: Item, node: Node, tile: TileType) -> None:
    """An allocation that is filled from registers: written once, then only read."""
    node.work = _copy_work(tile, body.t)
    node.space, node.registers, node.footprint = tile.space, 0, work.memory_bytes(tile)
    if tile.mutable:
        buffer = item.statement.results[0]
        body.accesses.setdefault(buffer, []).append(Access(node, reads=False, writes=True))


def _write(body: Body, item: Item, node: Node, tile: TileType) -> None:
    target = _buffers(body, item)
    if not target:
        raise InvalidIRError(item.line, f"{item.name} names no buffer; mend the text")
    written = body.scope.type_of(target[0])
    _name_after(item, node, target[0], "store")
    node.work, node.space, node.registers = _copy_work(written, body.t), written.space, 0
    body.access(target[0], node, reads=False, writes=True)


def _read(body: Body, item: Item, node: Node, tile: TileType) -> None:
    source = _buffers(body, item)
    if source:
        node.work = _copy_work(body.scope.type_of(source[0]), body.t)
        node.vector = False
    _read_buffers(body, item, node)


def _copy_work(tile: TileType, t: Throughputs) -> Work:
    copy = work.tensor_memory_work if tile.space == "tmem" else work.register_copy_work
    return copy(tile, t)


def _unknown(body: Body, item: Item, node: Node, tile: TileType) -> None:
    """Of unknown cost, and as if it changed every buffer that it names."""
    text = f"{item.name} is not known, so its cost is unknown and counted as 0"
    if body.strict:
        raise InvalidIRError(item.line, f"{text}; leave out --strict to accept that")
    body.warnings.append(f"line {item.line}: {text}")
    for value in _buffers(body, item):
        body.access(value, node, reads=True, writes=True)


def _buffers(body: Body, item: Item) -> list[str]:
    """Operands that are memory descriptors of tiles, not of barriers."""
    kinds = ((v, body.scope.type_of(v)) for v in item.operands)
    return [v for v, kind in kinds if kind.space in ("smem", "tmem") and kind.element != "i64"]


def _read_buffers(body: Body, item: Item, node: Node, skip: str = "") -> None:
    for value in _buffers(body, item):
        if value != skip:
            body.access(value, node, reads=True, writes=False)


_MAKERS: dict[str, Callable[[Body, Item, Node, TileType], None]] = {
    "float": _arithmetic,
    "index": _arithmetic,
    "special": _arithmetic,
    "scaled special": _arithmetic,
    "convert": _arithmetic,
    "view": _free,
    "sync": _free,
    "layout": _layout,
    "reduce": _reduce,
    "dot": _dot,
    "buffer dot": _buffer_dot,
    "tma load": _tma_load,
    "tma copy in": _tma_copy_in,
    "tma store": _tma_store,
    "tma copy out": _tma_store,
    "load": _load,
    "store": _store,
    "allocate": _allocate,
    "write": _write,
    "read": _read,
}
