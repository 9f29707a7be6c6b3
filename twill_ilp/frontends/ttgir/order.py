"""Edges between accesses to one buffer, and the clean-up of edges."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from twill_ilp.frontends.ttgir.nodes import Access, Link, Node, Work

__all__ = ["buffer_links", "merge_links", "release_buffers", "without_implied"]


def buffer_links(accesses: Sequence[Access], lasting: bool) -> list[Link]:
    """The order that accesses to one buffer have to keep.

    A read follows the last write, and a write the last write and every read since.

    Args:
        accesses: in program order.
        lasting: every iteration uses the same buffer, so that the first accesses of the next
            iteration follow the last ones of this; otherwise each has a buffer of its own.
    """
    ordered = sorted(accesses, key=lambda access: access.node.order)
    links: list[Link] = []
    writer: Node | None = None
    readers: list[Node] = []
    for distance in range(2 if lasting else 1):
        for access in ordered:
            node = access.node
            before = [] if writer is None else [writer]
            if access.writes:
                before = readers or before if not access.reads else [*readers, *before]
            for source in before:
                # A buffer is held until its last read, even if other edges imply the order.
                held = access.reads and source is writer and bool(source.footprint)
                links.append(Link(source, node, distance, "memory", keep=held))
            if access.writes:
                writer, readers = node, []
                if distance:
                    return links
            else:
                readers.append(node)
    return links


def merge_links(links: Iterable[Link]) -> list[Link]:
    """One edge for each pair and distance; a value edge stands before a memory edge."""
    merged: dict[tuple[int, int, int], Link] = {}
    for link in links:
        key = (id(link.src), id(link.dst), link.distance)
        if link.src is link.dst and link.distance == 0:
            continue
        if key not in merged:
            merged[key] = link
        else:
            merged[key].keep |= link.keep
            if merged[key].role == "memory":
                merged[key].role = link.role
    return list(merged.values())


def without_implied(links: list[Link]) -> list[Link]:
    """Drop memory edges that follow from others.

    Every delay is that of the source, so a path from ``src`` to ``dst`` of at most the same
    total distance is at least as strict.  One search per memory edge: O(edges^2) at worst.
    """
    out: dict[Node, list[Link]] = defaultdict(list)
    for link in links:
        out[link.src].append(link)
    kept = []
    for link in links:
        if link.role == "memory" and not link.keep and _is_implied(link, out):
            out[link.src].remove(link)
        else:
            kept.append(link)
    return kept


def _is_implied(link: Link, out: dict[Node, list[Link]]) -> bool:
    best = {link.src: 0}
    pending = [link.src]
    while pending:
        node = pending.pop()
        for step in out[node]:
            distance = best[node] + step.distance
            if step is link or distance > link.distance:
                continue
            if step.dst is link.dst:
                return True
            if distance < best.get(step.dst, distance + 1):
                best[step.dst] = distance
                pending.append(step.dst)
    return False


def release_buffers(nodes: list[Node], links: list[Link]) -> list[Link]:
    """Let an arrive free a buffer that was read to registers.

    Without it the read's tile would count as live, and as handed over, until the next write.
    """
    arrivals: dict[Node, Node] = {}
    released: list[Link] = []
    for link in links:
        source = link.src
        if link.role != "memory" or not source.registers:
            released.append(link)
            continue
        if source not in arrivals:
            arrivals[source] = Node(
                f"{source.name}.free",
                "arrive",
                source.line,
                source.order + 0.01,
                Work((), "free"),
                source.warps,
            )
            nodes.append(arrivals[source])
            released.append(Link(source, arrivals[source]))
        released.append(Link(arrivals[source], link.dst, link.distance, "memory", link.keep))
    return released
