"""The joint problem as a CP model: slots and groups as literals, cliques between them.

Starts are a stage and a slot.  Units are at-most-one constraints over slot literals; dependences
are precedences between integers, those with a spill enforced by "not in one group"; in every group
and slot one operation waits, or others are in progress; large values are optional intervals
that do not overlap within a group, beside the sums over live values.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from loop import Loop
from ortools.sat.python import cp_model

__all__ = ["build_joint"]

Literal = Any


def build_joint(loop: Loop) -> tuple[cp_model.CpModel, Any]:
    """The model, and how to read starts and groups from its solution."""
    joint = _Joint(loop)
    joint.add_units()
    joint.add_dependences()
    joint.add_memory()
    joint.add_registers()
    joint.add_concurrency()

    def read(solver: cp_model.CpSolver) -> dict[str, Any]:
        start = [solver.value(t) for t in joint.start]
        group = [next(g for g, a in enumerate(row) if solver.boolean_value(a))
                 for row in joint.member]  # fmt: skip
        return {"start": loop.named([t - min(start) for t in start]), "group": loop.named(group)}

    return joint.model, read


class _Joint:
    """The model under construction: variables by operation, and rows family by family."""

    def __init__(self, loop: Loop) -> None:
        self.loop, self.ii, self.model = loop, loop.ii, cp_model.CpModel()
        self.never = self.model.new_constant(0)
        self.always = self.model.new_constant(1)
        self._same: dict[tuple[int, int], Literal] = {}
        self._live: dict[tuple[int, int], Any] = {}
        self._shares: dict[tuple[int, int], dict[int, Any]] = {}
        self._placed: dict[tuple[int, int], list[Literal]] = {}
        self._span: dict[int, tuple[Any, Any, Any]] = {}
        self._add_starts()
        self._add_groups()

    def _add_starts(self) -> None:
        """One operation begins at cycle 0, as a schedule can be turned: the busiest one."""
        model, ii, loop = self.model, self.ii, self.loop
        pin = max(
            range(len(loop.ops)),
            key=lambda v: max((row["cycles"] for row in loop.ops[v]["usage"]), default=0),
        )
        self.at: list[list[Literal]] = []
        self.by: list[list[Any]] = []
        self.stage: list[Any] = []
        self.start: list[Any] = []
        for v in range(len(loop.ops)):
            if v == pin:
                self.at.append([self.always, *[self.never] * (ii - 1)])
                self.by.append([1] * ii)
                self.stage.append(0)
                self.start.append(model.new_constant(0))
                continue
            x = [model.new_bool_var(f"x{v}_{r}") for r in range(ii)]
            model.add_exactly_one(x)
            first = int(max(loop.apart[pin, v], -loop.reach))
            last = int(min(-loop.apart[v, pin], loop.reach))
            k = model.new_int_var(first // ii, last // ii, f"k{v}")
            start = model.new_int_var(first, last, f"t{v}")
            model.add(start == ii * k + sum(r * x[r] for r in range(1, ii)))
            by = [x[0], *(model.new_bool_var(f"by{v}_{r}") for r in range(1, ii))]
            for r in range(1, ii):
                model.add(by[r] == by[r - 1] + x[r])
            self.at.append(x)
            self.by.append(by)
            self.stage.append(k)
            self.start.append(start)

    def _add_groups(self) -> None:
        """Literals "v is in g".  A group has a fixed width and may stay empty; groups of one
        width are opened in the order of the operations with the largest values."""
        model, ops = self.model, self.loop.ops
        self.width = self.loop.group_widths()
        designated = any(self.loop.designated(v) for v in range(len(ops)))
        opened = [self.always if designated and g == 0 else model.new_bool_var(f"open{g}")
                  for g in range(len(self.width))]  # fmt: skip
        self.member: list[list[Literal]] = []
        for v in range(len(ops)):
            fits = [
                g
                for g, wide in enumerate(self.width)
                if (designated and g == 0) == self.loop.designated(v) and self.loop.warps(v) <= wide
            ]
            row = [self.never] * len(self.width)
            for g in fits:
                row[g] = model.new_bool_var(f"a{v}_{g}")
                model.add_implication(row[g], opened[g])
            model.add_exactly_one(row)
            self.member.append(row)
        budget = self.loop.machine.get("warps")
        if budget is not None and "warps" in self.loop.families:
            model.add(sum(w * is_open for w, is_open in zip(self.width, opened, strict=True))
                      <= budget)  # fmt: skip
        if self.loop.max_groups is not None:
            model.add(sum(opened) <= self.loop.max_groups)
        order = sorted(range(len(ops)), key=lambda v: -ops[v]["registers"])
        for g in range(1 + designated, len(self.width)):
            if self.width[g] == self.width[g - 1]:
                for i, v in enumerate(order):
                    earlier = [self.member[u][g - 1] for u in order[:i]]
                    model.add_bool_or([*earlier, self.member[v][g].negated()])

    def same(self, u: int, v: int) -> Literal:
        """The literal "u and v are in one group"."""
        u, v = min(u, v), max(u, v)
        if u == v:
            return self.always
        if (u, v) not in self._same:
            same = self._same[u, v] = self.model.new_bool_var(f"same{u}_{v}")
            for a, b in zip(self.member[u], self.member[v], strict=True):
                self.model.add_bool_or([a.negated(), b.negated(), same])
                self.model.add_bool_or([same.negated(), a.negated(), b])
                self.model.add_bool_or([same.negated(), b.negated(), a])
        return self._same[u, v]

    def add_units(self) -> None:
        for unit, capacity in self.loop.machine["units"].items():
            held: list[dict[tuple[int, int], int]] = [defaultdict(int) for _ in range(self.ii)]
            for v, op in enumerate(self.loop.ops):
                for row in op["usage"] if unit in {r["unit"] for r in op["usage"]} else ():
                    for c in range(row["start"], row["start"] + row["cycles"]):
                        for r in range(self.ii) if row["unit"] == unit else ():
                            held[r][v, (r - c) % self.ii] += row["amount"]
            for terms in held:
                if all(amount == capacity for amount in terms.values()):
                    self.model.add_at_most_one([self.at[v][z] for v, z in terms])
                else:
                    self.model.add(
                        sum(amount * self.at[v][z] for (v, z), amount in terms.items()) <= capacity
                    )

    def add_dependences(self) -> None:
        for e in self.loop.edges:
            if e.src == e.dst:
                continue
            apart = self.start[e.dst] - self.start[e.src]
            self.model.add(apart >= e.weight)
            for r in range(self.ii):
                self.model.add(self.reached(e.dst, r + e.weight) >= self.reached(e.src, r))
            if e.spill:
                same = self.same(e.src, e.dst)
                later = e.weight + e.spill
                self.model.add(apart >= later).only_enforce_if(same.negated())
                for r in range(self.ii):
                    self.model.add(self.reached(e.dst, r + later) - self.reached(e.src, r)
                                   + -(-e.spill // self.ii) * same >= 0)  # fmt: skip
            if "no-cross-warp" in self.loop.families and self.loop.ops[e.src]["registers"]:
                self.model.add(self.same(e.src, e.dst) == 1)
        for u, most in enumerate(self.loop.limit):
            for v, offset in self.loop.uses(u) if most is not None else ():
                self.model.add(self.start[v] + offset - self.start[u] <= most * self.ii)

    def reached(self, v: int, r: int) -> Any:
        """``floor((start_v - r - 1) / II)``, linear in stage and slot literals."""
        turns, slot = divmod(r, self.ii)
        return self.stage[v] - turns - self.by[v][slot]

    def live(self, u: int, r: int) -> Any:
        """Instances of u's value that live in slot r."""
        if (u, r) not in self._live:
            spans = [self.reached(v, r - offset) - self.reached(u, r)
                     for v, offset in self.loop.uses(u)]  # fmt: skip
            if len(spans) > 1:
                live = self.model.new_int_var(0, self.most_live(u), f"live{u}_{r}")
                for span in spans:
                    self.model.add(live >= span)
                spans = [live]
            self._live[u, r] = spans[0]
        return self._live[u, r]

    def most_live(self, u: int) -> int:
        most = self.loop.limit[u]
        return 2 * (self.loop.reach // self.ii + 2) if most is None else most

    def add_memory(self) -> None:
        memories = self.loop.machine.get("memories", {})
        for memory, capacity in memories.items() if "memory" in self.loop.families else ():
            users = [(u, op["footprint"][memory]) for u, op in enumerate(self.loop.ops)
                     if op["footprint"].get(memory)]  # fmt: skip
            for r in range(self.ii) if users else ():
                self.model.add(sum(amount * self.live(u, r) for u, amount in users) <= capacity)

    def add_registers(self) -> None:
        loop, limit = self.loop, self.loop.words_limit
        for g in range(len(self.width)) if limit is not None else ():
            inside = [u for u, op in enumerate(loop.ops)
                      if op["registers"] and self.member[u][g] is not self.never]  # fmt: skip
            life = {u: loop.shortest_life(u) for u in inside}
            for r in range(self.ii):
                self.model.add(sum(loop.words(u) * self._live_in(u, g, r) for u in inside) <= limit)
            self.model.add(sum(loop.words(u) * life[u] * self.member[u][g] for u in inside)
                           <= limit * self.ii)  # fmt: skip
            # A life of no cycles takes no room, but would not fit into another interval.
            large = [u for u in inside if 2 * loop.words(u) > limit and life[u] > 0]
            self.model.add_no_overlap([part for u in large for part in self._life(u, g)])

    def _live_in(self, u: int, g: int, r: int) -> Any:
        """Instances of u's value in slot r if u is in g, else 0: shares of live(u, r)."""
        if (u, r) not in self._shares:
            most = self.most_live(u)
            row = {h: self.model.new_int_var(0, most, f"live{u}_{r}_in{h}")
                   for h, a in enumerate(self.member[u]) if a is not self.never}  # fmt: skip
            for h, share in row.items():
                self.model.add(share <= most * self.member[u][h])
            self.model.add(sum(row.values()) >= self.live(u, r))
            self._shares[u, r] = row
        return self._shares[u, r][g]

    def _life(self, u: int, g: int) -> list[Any]:
        """The life of a value that fits once only, twice: at its slot and one II later."""
        if u not in self._span:
            life = self.model.new_int_var(0, self.ii, f"life{u}")
            slot = self.model.new_int_var(0, self.ii - 1, f"s{u}")
            end = self.model.new_int_var(0, 2 * self.ii, f"end{u}")
            self.model.add(slot == self.start[u] - self.ii * self.stage[u])
            self.model.add(end == slot + life)
            for v, offset in self.loop.uses(u):
                self.model.add(life >= self.start[v] + offset - self.start[u])
            self._span[u] = slot, life, end
        slot, life, end = self._span[u]
        return [
            self.model.new_optional_interval_var(slot + copy, life, end + copy,
                                                 self.member[u][g], f"life{u}_{g}_{copy}")
            for copy in (0, self.ii)
        ]  # fmt: skip

    def add_concurrency(self) -> None:
        """Per group and slot: of an operation in progress and all those that wait, at most one.

        Operations that wait and are held exclude each other, so that this is one clique.
        """
        if "concurrency" not in self.loop.families:
            return
        waits = [self._waits(v) for v in range(len(self.loop.ops))]
        for g in range(len(self.width)):
            inside = [v for v, row in enumerate(self.member) if row[g] is not self.never]
            for r in range(self.ii):
                waiting = {v: self._waiting_in(v, g, r, waits[v]) for v in inside
                           if waits[v] is not self.never}  # fmt: skip
                held = [v for v in waiting if self.loop.hold(v)]
                for o in inside:
                    if not self.loop.hold(o):
                        continue
                    busy = self._in_progress(o, g, r)
                    self.model.add_at_most_one([*busy, *(waiting[v] for v in held if v != o)])
                    for v in waiting:
                        if v not in held:
                            self.model.add_at_most_one([*busy, waiting[v]])

    def starts_in(self, v: int, g: int, r: int) -> Literal:
        """The literal "v is in g and has slot r"."""
        if (v, g) not in self._placed:
            row = [self.model.new_bool_var(f"y{v}_{g}_{z}") for z in range(self.ii)]
            self.model.add(sum(row) == self.member[v][g])
            for literal, at in zip(row, self.at[v], strict=True):
                self.model.add_implication(literal, at)
            self._placed[v, g] = row
        return self._placed[v, g][r]

    def _in_progress(self, o: int, g: int, r: int) -> list[Literal]:
        """Literals of which one holds if o is in progress in group g at slot r."""
        hold = self.loop.hold(o)
        if hold >= self.ii:
            return [self.member[o][g]]
        return [self.starts_in(o, g, (r - c) % self.ii) for c in range(hold)]

    def _waiting_in(self, v: int, g: int, r: int, waits: Literal) -> Literal:
        start = self.starts_in(v, g, r)
        if waits is self.always:
            return start
        literal = self.model.new_bool_var(f"wait{v}_{g}_{r}")
        self.model.add_bool_or([start.negated(), waits.negated(), literal])
        return literal

    def _waits(self, v: int) -> Literal:
        into = [e for e in self.loop.edges if e.dst == v]
        senders = {e.src for e in into if e.src != v and self.loop.ops[e.src]["registers"]}
        if any(e.blocking for e in into) or not senders:
            return self.always if any(e.blocking for e in into) else self.never
        waits = self.model.new_bool_var(f"waits{v}")
        for u in senders:
            self.model.add_bool_or([self.same(u, v), waits])
        return waits
