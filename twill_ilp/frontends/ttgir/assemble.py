"""From lowered operations in clocks to a problem in model cycles."""

from __future__ import annotations

import math
from dataclasses import replace

from twill_ilp.costs import hand_over
from twill_ilp.errors import InvalidIRError
from twill_ilp.frontends.ttgir.body import Body
from twill_ilp.frontends.ttgir.nodes import Link, Node
from twill_ilp.frontends.ttgir.order import (
    buffer_links,
    merge_links,
    release_buffers,
    without_implied,
)
from twill_ilp.graph import Dependence, LoopGraph
from twill_ilp.machine import Machine
from twill_ilp.problem import Problem

__all__ = ["assemble", "fuse_products"]


def fuse_products(body: Body) -> None:
    """The rule ``multiply-add``: a product that one sum alone uses costs nothing of its own."""
    if "multiply-add" not in body.rules:
        return
    for node in [n for n in body.nodes if n.kind == "arith.mulf"]:
        readers = [link for link in body.links if link.src is node]
        if len(readers) != 1 or readers[0].distance or node.vector != readers[0].dst.vector:
            continue
        total = readers[0].dst
        if total.kind not in ("arith.addf", "arith.subf") or total.registers != node.registers:
            continue
        body.nodes.remove(node)
        body.links.remove(readers[0])
        for link in body.links:
            if link.dst is node:
                link.dst = total
        total.kind = "math.fma"


def assemble(body: Body, name: str, machine: Machine, quantum: int | None) -> Problem:
    """Order the accesses to buffers, choose the model cycle and build the problem.

    Args:
        quantum: clocks per model cycle; ``None``: the greatest common divisor of all costs but
            those of row vectors.

    Raises:
        InvalidIRError: what lives from before the loop does not fit into a memory.
    """
    links = list(body.links)
    for buffer, accesses in body.accesses.items():
        links += buffer_links(accesses, buffer in body.outer)
    links = merge_links(links)
    if "implied" in body.rules:
        links = without_implied(links)
    if "releases" in body.rules:
        links = merge_links(release_buffers(body.nodes, links))
    body.nodes.sort(key=lambda node: node.order)
    _rename_twins(body.nodes)
    body.links = links
    body.cycle = cycle = quantum or _common_cycle(body.nodes)
    operations = {
        node: node.operation(cycle, hand_over(body.t, node.registers), machine)
        for node in body.nodes
    }
    dependences = [
        Dependence(
            link.src.name,
            link.dst.name,
            operations[link.src].cycles,
            link.distance,
            "blocking" in body.rules and _blocks(link),
        )
        for link in links
    ]
    graph = LoopGraph(name, tuple(operations.values()), tuple(dependences))
    return Problem(graph, _remaining(body, machine))


def _blocks(link: Link) -> bool:
    """Whether the warps of ``dst`` wait at a barrier for ``src``.

    They do for asynchronous work, but the tensor core runs what one warp issues in order; and
    whoever issues an MMA waits for the accesses by registers to the buffers it uses.
    """
    if link.src.asynchronous or link.src.copied:
        return not (link.src.mma and link.dst.mma)
    buffered = link.role == "memory" or link.src.space in ("smem", "tmem")
    return link.dst.mma and link.dst.asynchronous and buffered


def _common_cycle(nodes: list[Node]) -> int:
    clocks = [c for node in nodes if not node.vector for _, c in node.work.clocks]
    return math.gcd(*clocks) or 1


def _rename_twins(nodes: list[Node]) -> None:
    """Give every operation a name of its own."""
    taken: set[str] = set()
    for node in nodes:
        name, n = node.name, 1
        while node.name in taken:
            n += 1
            node.name = f"{name}_{n}"
        taken.add(node.name)


def _remaining(body: Body, machine: Machine) -> Machine:
    left = dict(machine.memories)
    for memory, amount in body.resident.items():
        if memory in left:
            left[memory] -= amount
            if left[memory] < 0:
                raise InvalidIRError(
                    body.scope.loop.statement.line,
                    f"tiles from before the loop take {amount} of {memory}, above machine "
                    f"{machine.name}'s {machine.memories[memory]}; choose another --machine",
                )
    return replace(machine, memories=left)
