"""One order of all instructions that every dependence follows, and the slots that it asks for.

Instances (an operation in an iteration) are ordered by their cycle; within one cycle by *rank*:
the source of a dependence before its reader, and else older iterations first, because they read
what younger ones overwrite.  Every group's instructions, every barrier and every slot follow this
one order, so that no two of them can wait for each other.
"""

from __future__ import annotations

from collections.abc import Iterable
from heapq import heapify, heappop, heappush

from twill_ilp.errors import InvalidScheduleError, OptionError
from twill_ilp.schedule import Schedule

__all__ = ["Order"]


class Order:
    """The order of a schedule's instances.

    Raises:
        InvalidScheduleError: an operation starts before one that it depends on.
        OptionError: operations of one iteration depend on each other in a circle, in which
            nobody can be first.
    """

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule
        for e in schedule.graph.dependences:
            late = schedule.start[e.dst] + e.distance * schedule.ii - schedule.start[e.src]
            if late < 0:
                raise InvalidScheduleError(
                    f"{e.src} -> {e.dst}: starts {-late} cycles before its source at "
                    f"II={schedule.ii}; verify the schedule"
                )
        self.rank = _ranks(schedule)

    def key(self, name: str, iteration: int) -> tuple[int, int]:
        """Smaller: earlier."""
        return self.schedule.start[name] + iteration * self.schedule.ii, self.rank[name]

    def slots(self, name: str, readers: Iterable[tuple[str, int]]) -> int:
        """Instances of a result that exist at once, at least 1.

        The next one in the slot, of iteration ``count``, comes after every reader (given with its
        distance) of that of iteration 0; an operation that overwrites what it reads is that reader.
        """
        ii, start = self.schedule.ii, self.schedule.start
        count = 1
        for reader, distance in readers:
            count = max(count, (start[reader] - start[name]) // ii + distance)
            while self.key(reader, distance) > self.key(name, count):
                count += 1
        return count

    def smooth_slots(self, name: str, readers: Iterable[tuple[str, int]]) -> int:
        """As :meth:`slots`, but every reader is also complete before the slot is written again."""
        ii, start, by_name = self.schedule.ii, self.schedule.start, self.schedule.graph.by_name
        readers = list(readers)
        ends = [start[v] + by_name[v].cycles + n * ii for v, n in readers if v != name]
        last = max([start[name] + by_name[name].cycles, *ends])
        return max(self.slots(name, readers), -(-(last - start[name]) // ii))


def _ranks(schedule: Schedule) -> dict[str, int]:
    """A number per operation: a topological order of what starts in the same cycle."""
    graph, ii, start = schedule.graph, schedule.ii, schedule.start
    after: dict[str, list[str]] = {op.name: [] for op in graph}
    missing = dict.fromkeys(after, 0)
    for e in graph.dependences:
        if start[e.dst] + e.distance * ii == start[e.src] and (e.src != e.dst or e.distance == 0):
            after[e.src].append(e.dst)
            missing[e.dst] += 1
    place = {op.name: (-(start[op.name] // ii), i) for i, op in enumerate(graph)}
    ready = [(place[name], name) for name, count in missing.items() if count == 0]
    heapify(ready)
    rank: dict[str, int] = {}
    while ready:
        name = heappop(ready)[1]
        rank[name] = len(rank)
        for reader in after[name]:
            missing[reader] -= 1
            if missing[reader] == 0:
                heappush(ready, (place[reader], reader))
    if len(rank) < len(after):
        circle = ", ".join(sorted(name for name in after if name not in rank))
        raise OptionError(
            f"graph {graph.name}: {circle} wait for each other within one iteration, so that none "
            "can be first; give a carried dependence distance >= 1"
        )
    return rank
