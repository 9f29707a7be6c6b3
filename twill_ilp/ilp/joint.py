r"""The joint model under construction: starts, warp groups, and what connects them.

Everything is written in the *potentials* of the slot model,

.. math:: \pi_{v,r} = k_v - y_{v,r} = \lfloor (start_v - r - 1) / II \rfloor,

which are linear in the stage k and the cumulative slot variables y, for every whole r
(:math:`\pi_{v,r+II} = \pi_{v,r} - 1`).  The instances, at slot r, of what begins at
:math:`start_u` and ends at :math:`start_v + o` are a difference of two of them,
:math:`\pi_{v,r-o} - \pi_{u,r}`, however often it wraps around the kernel.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pulp

from twill_ilp.graph import Operation
from twill_ilp.ilp.affine import Affine, Term
from twill_ilp.ilp.formulation import Formulation
from twill_ilp.ilp.group_slots import GroupSlot
from twill_ilp.ilp.timeline import Timeline
from twill_ilp.rules import Rules, held_cycles

__all__ = ["JointFamily", "JointModel", "is_constant"]


@dataclass
class JointModel(Formulation):
    """A :class:`Formulation` with one node per operation, and warp groups.

    Attributes:
        timeline: rows and lives that hold in every schedule.
        partition: a group for every operation (all of them, or none of them).
        slots: the groups that may be filled.
        member: ``member[v][g]``: operation v is in group g; a 0-1 variable or a constant.
        open: whether group g has a member; a 0-1 variable or 1.
        shares: live(u, r) split over the groups, by (u, r) and group; see registers.py.
        placements: start of every operation split over the groups; see placement.py.
    """

    timeline: Timeline = field(kw_only=True)
    partition: Mapping[str, int] = field(default_factory=dict, kw_only=True)
    slots: list[GroupSlot] = field(default_factory=list, kw_only=True)
    member: list[list[Any]] = field(default_factory=list, kw_only=True)
    open: list[Any] = field(default_factory=list, kw_only=True)
    placements: dict[int, dict[int, Any]] = field(default_factory=dict, kw_only=True)
    _same: dict[tuple[int, int], Any] = field(default_factory=dict, kw_only=True)
    shares: dict[tuple[int, int], dict[int, Any]] = field(default_factory=dict, kw_only=True)
    _live: dict[tuple[int, int], Affine] = field(default_factory=dict, kw_only=True)

    @property
    def rules(self) -> Rules:
        return self.timeline.rules

    @property
    def operations(self) -> tuple[Operation, ...]:
        return self.core.graph.operations

    def held(self, v: int) -> int:
        """Cycles for which operation v is in progress on its warps."""
        return held_cycles(self.operations[v], self.rules.readings)

    def edges(self) -> list[tuple[int, int, int, bool]]:
        """Dependences as (u, v, delay - distance * II, blocking)."""
        index = {op.name: i for i, op in enumerate(self.operations)}
        return [
            (index[e.src], index[e.dst], e.delay - e.distance * self.ii, e.blocking)
            for e in self.core.graph.dependences
        ]

    def binary(self, name: str) -> pulp.LpVariable:
        """A new 0-1 variable."""
        return self.lp.add_variable(name, 0, 1, pulp.LpInteger)

    def need(self, row: Affine, least: int, name: str) -> None:
        """Add the row ``row >= least``."""
        self.require(row.at_least(least), name)

    def potential(self, v: int, r: int) -> Affine:
        """The floor of (start(v) - r - 1) / II."""
        turns, slot = divmod(r, self.ii)
        return Affine(-turns).add(self.stage[v]).add(self.reached[v][slot], -1)

    def live(self, u: int, r: int) -> Affine:
        """Instances of u's value that live in slot r, ``0 <= r < II``.

        With several possible last uses it is their maximum; a continuous variable above all of
        them then stands for it, which suffices because the value only ever takes up room.
        """
        if (u, r) not in self._live:
            uses = self.timeline.uses(u)
            spans = [
                self.potential(v, r - offset).add(self.potential(u, r), -1) for v, offset in uses
            ]
            if len(spans) == 1:
                self._live[u, r] = spans[0]
            else:
                name = f"live_{self.label(u)}_{r}"
                most = self.most_live(u)
                live = Affine().add(self.lp.add_variable(name, 0, most, pulp.LpInteger))
                for i, span in enumerate(spans):
                    self.need(Affine().add(live).add(span, -1), 0, f"{name}_{i}")
                self._live[u, r] = live
        return self._live[u, r]

    def most_live(self, u: int) -> int:
        """Instances of u's value that can live in one slot, by its deadlines and the windows."""
        begin = self.windows[u][0]
        end = max(self.windows[v][1] + offset for v, offset in self.timeline.uses(u))
        most = max(0, -(-(end - begin) // self.ii))
        limit = self.timeline.most_live(u)
        return most if limit is None else min(most, limit)

    def same(self, u: int, v: int) -> Any:
        r"""1 if the operations are in one group, else 0; a variable t where that is open:
        :math:`a_{u,g} + a_{v,g} - 1 \le t \le 1 - |a_{u,g} - a_{v,g}|` for every group g."""
        u, v = sorted((self.timeline.leader[u], self.timeline.leader[v]))
        if (u, v) not in self._same:
            self._same[u, v] = self._related(u, v)
        return self._same[u, v]

    def _related(self, u: int, v: int) -> Any:
        pairs = list(zip(self.member[u], self.member[v], strict=True))
        if u == v or any(is_constant(a, 1) and is_constant(b, 1) for a, b in pairs):
            return 1
        if all(is_constant(a, 0) or is_constant(b, 0) for a, b in pairs):
            return 0
        same = self.binary(f"same_{self.label(u)}_{self.label(v)}")
        for g, (a, b) in enumerate(pairs):
            name = f"{same.name}_{g}"
            self.need(Affine().add(same).add(a, -1).add(b, -1), -1, f"both_{name}")
            self.need(Affine().add(same, -1).add(a, -1).add(b), -1, f"first_{name}")
            self.need(Affine().add(same, -1).add(a).add(b, -1), -1, f"second_{name}")
        return same

    def relax_starts(self) -> None:
        """Let starts and lives be fractions: what is then infeasible has no schedule, and what is
        not names groups that may have one."""
        shares = (share for parts in self.shares.values() for share in parts.values())
        lives = (term for live in self._live.values() for term in live.terms)
        for variable in (*self.stage, *(y for row in self.reached for y in row), *shares, *lives):
            if isinstance(variable, pulp.LpVariable):
                variable.cat = pulp.LpContinuous

    def read_groups(self, values: Mapping[str, float]) -> dict[str, int]:
        """Group of every operation in a solution: the designated one is 0, gaps are closed."""
        chosen = {}
        for op, member in zip(self.operations, self.member, strict=True):
            inside = [a if isinstance(a, int) else values[a.name] for a in member]
            chosen[op.name] = max(range(len(inside)), key=inside.__getitem__)
        used = sorted(set(chosen.values()))
        first = 0 if any(slot.designated for slot in self.slots) else min(used)
        number = {g: i for i, g in enumerate(sorted({first, *used}))}
        return {name: number[g] for name, g in chosen.items()}


def is_constant(term: Term, value: int) -> bool:
    """Whether the term is that number, and no variable."""
    return isinstance(term, int) and term == value


JointFamily = Callable[[JointModel], None]
"""A constraint family of the joint model."""
