"""Which waits a program needs, and no others.

A *wait* (src, dst, distance n) makes iteration j + n of dst wait until iteration j of src is
complete, where both exist.  Needed are, before they are thinned out:

- *values*: for a dependence that blocks or comes from another group, n its distance;
- *slots*: a reader of a buffer, before its slot is written again.  The reader in iteration j reads
  what is overwritten ``count - distance`` iterations later;
- slots that nobody reads: the writer itself, ``count`` iterations later;
- *shared places*: whoever reads or writes a buffer, before one that shares its place is written.

A wait is left out if *happens before* holds without it.  The rules for that:

- a group issues its instructions in order, and an instruction that is not asynchronous is complete
  before the next is issued;
- an asynchronous one is complete some time after its issue;
- a dependence that does not block, within a group, is kept by the machine;
- waits that stay.

The test is made in the window of iterations from src's to dst's alone: at the shortest trip count
that has both, no others exist.  So it holds for every trip count, and what stays cannot be left out
at that one.  A blocking dependence needs a wait on the way even within a group, where not all of
a group's warps do the same.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from twill_ilp.pipeline.order import Order
from twill_ilp.pipeline.program import Barrier, Buffer, Task, Wait

__all__ = ["barriers_of", "needed_waits"]

Edge = tuple[str, str, int]
"""Source, destination, distance in iterations."""

Node = tuple[str, str, int]
"""``issue``, ``begin`` or ``done`` of an operation in an iteration."""


@dataclass
class _Need:
    """Why a wait is needed."""

    values: list[str] = field(default_factory=list)
    frees: list[str] = field(default_factory=list)
    blocking: bool = False


def needed_waits(
    tasks: Mapping[str, Task], buffers: Mapping[str, Buffer], order: Order
) -> dict[str, tuple[Wait, ...]]:
    """The waits of every operation, none of them implied by the others.

    Args:
        tasks: without waits.
    """
    needs = _needs(tasks, buffers)
    windows = _Windows(tasks, order)

    def holds(edge: Edge, waits: Iterable[Edge], event: str = "begin") -> bool:
        src, dst, distance = edge
        return windows.orders(("done", src), (event, dst), distance, waits, needs[edge].blocking)

    # Waits for slots and for the farther past go first: values are what a reader looks for.
    ordered = sorted(needs, key=lambda e: (bool(needs[e].values), -e[2], e[0], e[1]))
    kept = [edge for edge in ordered if not holds(edge, ())]
    # A wait orders even the issue of who waits.  What may lean on that must not lose it, so that
    # here the others have to order the issue too.
    for edge in tuple(kept):
        others = [other for other in kept if other != edge]
        if holds(edge, others, "issue"):
            kept = others
    # Some then order a beginning that is ordered anyway; all of the needs decide on these.
    for edge in tuple(kept):
        others = [other for other in kept if other != edge]
        if holds(edge, others) and all(holds(need, others) for need in needs):
            kept = others
    waits: dict[str, list[Wait]] = {name: [] for name in tasks}
    for edge in kept:
        src, dst, distance = edge
        waits[dst].append(Wait(src, distance, tuple(needs[edge].values), tuple(needs[edge].frees)))
    return {name: tuple(listed) for name, listed in waits.items()}


def barriers_of(
    tasks: Mapping[str, Task], order: Order, warps: Mapping[str, int]
) -> dict[str, Barrier]:
    """The barriers of all waits, each with as few slots as are safe.

    A slot's phase must not end while somebody may still wait for the end of the one before: with a
    parity of one bit nobody could tell.  So whoever waits for iteration j must be issued before
    iteration j + slots is complete.  This holds for j < 0 too, whose wait passes since nothing has
    arrived at the slot yet.  And nobody's first wait at a slot may be for its second phase.

    Args:
        tasks: with waits.
        warps: that arrive, per operation.
    """
    windows = _Windows(tasks, order)
    waits = [(w.operation, t.operation, w.distance) for t in tasks.values() for w in t.waits]
    barriers = {}
    for name in tasks:
        here = [(waiting, n) for source, waiting, n in waits if source == name]
        if not here:
            continue
        slots = max(1, *(n if n >= 0 else 1 - n for _, n in here))
        while not all(
            windows.orders(("issue", waiting), ("done", name), slots - n, waits)
            for waiting, n in here
        ):
            slots += 1
        barriers[name] = Barrier(name, slots, warps[name])
    return barriers


def _needs(tasks: Mapping[str, Task], buffers: Mapping[str, Buffer]) -> dict[Edge, _Need]:
    needs: dict[Edge, _Need] = {}
    for task in tasks.values():
        for read in task.reads:
            if read.blocking or tasks[read.operation].group != task.group:
                need = needs.setdefault((read.operation, task.operation, read.distance), _Need())
                need.values.append(read.operation)
                need.blocking |= read.blocking
    for task in tasks.values():
        for name, distance in [
            *((read.buffer, read.distance) for read in task.reads),
            *((name, 0) for name in task.writes),
        ]:
            for writer, later in _overwriters(buffers, name):
                edge = (task.operation, writer, later - distance)
                if edge != (task.operation, task.operation, 0):  # overwrites what it reads
                    _free(needs, edge, name)
    return needs


def _overwriters(buffers: Mapping[str, Buffer], name: str) -> Iterator[tuple[str, int]]:
    """What overwrites a result, of how many iterations later.

    Where it is of an earlier iteration, the loop may end before the result that it should
    overwrite: then it overwrites one before that, so that every distance up to 0 counts.
    """
    yield buffers[name].operation, buffers[name].count
    for buffer in buffers.values():
        for share in buffer.shares:
            if share.buffer == name:
                for distance in range(share.distance, max(share.distance, 0) + 1):
                    yield buffer.operation, distance


def _free(needs: dict[Edge, _Need], edge: Edge, buffer: str) -> None:
    need = needs.setdefault(edge, _Need())
    if buffer not in need.frees:
        need.frees.append(buffer)


class _Windows:
    """*Happens before* in windows of iterations, made when they are asked for."""

    def __init__(self, tasks: Mapping[str, Task], order: Order) -> None:
        self.tasks = tasks
        self.order = order
        self.made: dict[int, _Window] = {}

    def orders(
        self,
        first: tuple[str, str],
        last: tuple[str, str],
        distance: int,
        waits: Iterable[Edge],
        blocking: bool = False,
    ) -> bool:
        """Whether ``first`` of iteration 0 comes before ``last`` of iteration ``distance``.

        Args:
            first, last: ``issue``, ``begin`` or ``done``, and an operation.
            waits: those that count.
            blocking: over at least one wait.
        """
        extent = abs(distance) + 1
        if extent not in self.made:
            self.made[extent] = _Window(self.tasks, self.order, extent)
        i = max(0, -distance)
        return self.made[extent].leads((*first, i), (*last, i + distance), waits, blocking)


class _Window:
    """*Happens before* in ``extent`` iterations, by rules that need no barrier."""

    def __init__(self, tasks: Mapping[str, Task], order: Order, extent: int) -> None:
        self.extent = extent
        self.next: dict[Node, list[Node]] = {}
        groups: dict[int, list[tuple[str, int]]] = {}
        for task in tasks.values():
            groups.setdefault(task.group, []).extend((task.operation, i) for i in range(extent))
        for instances in groups.values():
            instances.sort(key=lambda instance: order.key(*instance))
            self._in_order(tasks, instances)
        for task in tasks.values():
            for read in task.reads:
                if not read.blocking and tasks[read.operation].group == task.group:
                    for i in range(extent - read.distance):
                        done, begin = ("done", read.operation, i), i + read.distance
                        self.next[done].append(("begin", task.operation, begin))

    def _in_order(self, tasks: Mapping[str, Task], instances: list[tuple[str, int]]) -> None:
        held: list[Node] = []
        for name, i in instances:
            issue, begin, done = (("issue", name, i), ("begin", name, i), ("done", name, i))
            for node in held:
                self.next[node].append(issue)
            self.next |= {issue: [begin], begin: [done], done: []}
            held = [issue] if tasks[name].asynchronous else [issue, done]

    def leads(self, first: Node, last: Node, waits: Iterable[Edge], blocking: bool) -> bool:
        """Whether a path of rules and waits leads from one to the other."""
        across: dict[str, list[tuple[str, int]]] = {}
        for source, waiting, n in waits:
            across.setdefault(source, []).append((waiting, n))
        seen, queue = {(first, False)}, deque([(first, False)])
        while queue:
            node, crossed = queue.popleft()
            if node == last and crossed >= blocking:
                return True
            reached = [(after, crossed) for after in self.next[node]]
            if node[0] == "done":
                reached += [
                    (("issue", waiting, node[2] + n), True)
                    for waiting, n in across.get(node[1], ())
                    if 0 <= node[2] + n < self.extent
                ]
            for state in reached:
                if state not in seen:
                    seen.add(state)
                    queue.append(state)
        return False
