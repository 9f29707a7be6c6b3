"""The joint problem at one II, laid out for propagation, one family after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from twill_ilp.enumeration.covering import covering_rows
from twill_ilp.enumeration.frame import Frame
from twill_ilp.enumeration.groups import Groups
from twill_ilp.enumeration.lives import Lives
from twill_ilp.enumeration.mirror import halve
from twill_ilp.enumeration.parts import part_of, part_windows
from twill_ilp.enumeration.paths import Paths
from twill_ilp.enumeration.quotas import Quotas
from twill_ilp.enumeration.spills import Spills
from twill_ilp.enumeration.symmetry import filling_order, successors
from twill_ilp.enumeration.together import Together
from twill_ilp.enumeration.traffic import Traffic
from twill_ilp.enumeration.units import Units
from twill_ilp.enumeration.waiting import Waiting
from twill_ilp.ilp import Timeline
from twill_ilp.machine import Machine

__all__ = ["Case"]


class Case:
    """A loop at one II, within limits.

    Args:
        line: rows between starts (with a length, if that is limited), without a conflict.
        machine: with no more warps than the limits allow.
        partition: the group of every operation, if that is given.
        traffic: most register words that cross groups per iteration, if that is limited.
        twins: operations, each with its twin, if a schedule is asked for in which two share a
            group where their twins do, and only there.
        pin: the operation that starts in cycle 0; ``None``: the one with the most work.
    """

    def __init__(
        self,
        line: Timeline,
        machine: Machine,
        partition: Mapping[str, int] | None = None,
        traffic: int | None = None,
        twins: Sequence[tuple[int, int]] = (),
        pin: int | None = None,
    ) -> None:
        self._question = line, machine, partition, traffic, twins
        core = line.core
        count = len(core.graph)
        rows: list[list[int]] = core.between.tolist()
        self.line = line
        self.part = part_of(rows)
        windows = part_windows(rows, self.part, core.nodes, core.ii, pin)
        self.frame = Frame(core.ii, windows)
        self.starts = [self.frame.window(*window) for window in windows]
        if pin is not None and not partition and not twins:
            halve(self.starts, core.graph, pin, self.frame)
        uses = [line.uses(u) for u in range(count)]
        self.paths = Paths.within(core.between, self.part, uses)
        self.groups = Groups(line, machine, partition)
        self.successors = [] if partition else successors(self.groups.slots)
        self.traffic = Traffic(line, self.groups.class_of, traffic)
        self.together = Together(line, self.groups.class_of, self.groups.possible, len(windows))
        self.spills = Spills(line, self.groups.class_of, self.part)
        self.units = Units(core.graph, machine, self.frame)
        self.waiting = Waiting(line, self.groups.class_of, self.frame)
        self.covering = covering_rows(core.graph, machine, self.frame, self.groups, self.waiting)
        self.covering += self.together.alike(twins, self.groups.class_of)
        self.lives = Lives(line, machine, self.frame, self.groups)
        self.filling = filling_order(len(line.bonds), self.lives, self.paths.shortest)
        self.quotas = Quotas(machine, line.rules, self.lives, self.groups.slots)

    def pinned(self, pin: int) -> Case:
        """The same question with another operation in cycle 0."""
        return Case(*self._question, pin)
