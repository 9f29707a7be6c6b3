"""Run a program on NumPy tiles, every warp group on its own.

Groups are coroutines that share nothing but buffers and barriers; asynchronous operations are
further ones, which end some time after they are issued.  Who goes on next is drawn from a seed,
with a preference for some over others that is drawn too, so that groups run far apart.

Every access is checked against what is *known* to have happened before it
(:mod:`~twill_ilp.execute.knowledge`), and every slot knows what is in it.  What a program lacks is
an error with the instruction in every interleaving, and not a wrong number in some of them.

>>> from twill_ilp import SearchOptions, build_kernel, solve
>>> from twill_ilp.kernels.numerics import kernel_semantics
>>> from twill_ilp.pipeline import build_program
>>> program = build_program(solve(build_kernel("gemm", "hopper"), SearchOptions(levels=("ii",))))
>>> loop = kernel_semantics("gemm", "hopper", tile=(4, 8, 6), sub_tiles=1, iterations=5)
>>> result = execute(program, loop)
>>> bool(abs(result["C"] - loop.reference()["C"]).max() < 1e-12)
True
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping

from twill_ilp.errors import ExecutionError, OptionError
from twill_ilp.execute.knowledge import Knowledge
from twill_ilp.execute.state import State, shown
from twill_ilp.execute.synthetic import synthetic_semantics
from twill_ilp.kernels.numerics import Array, History, Semantics
from twill_ilp.pipeline import Group, Program, Task

__all__ = ["execute", "synthetic_semantics"]

Coroutine = Iterator["str | None"]
"""Yields after every step: ``None``, or what it waits for."""

PREFERENCES = (0.01, 1.0, 1.0, 100.0)
"""How much more often some coroutines are drawn than others."""


def execute(
    program: Program,
    semantics: Semantics,
    trip_count: int | None = None,
    *,
    seed: int | None = None,
) -> Mapping[str, Array]:
    """Run ``trip_count`` iterations; returns the outputs of the loop.

    Args:
        semantics: of the loop that the program is of.
        trip_count: at most that of the semantics' data, which is the default.
        seed: of the interleaving; ``None``: the first group that can goes on.

    Raises:
        ExecutionError: an instruction reads what is not known to be there, reads registers of
            another group, overwrites what may still be read, or waits for ever; or a barrier has
            too few slots.  The message names the instruction.
        OptionError: a trip count out of range.
    """
    count = semantics.iterations if trip_count is None else trip_count
    program.check_trip_count(count)
    if count > semantics.iterations:
        raise OptionError(f"trip count is {count}; the data are of {semantics.iterations}")
    return _Run(program, semantics, count, seed).outputs()


class _Run:
    """One run, from the first step to the outputs."""

    def __init__(
        self, program: Program, semantics: Semantics, trip_count: int, seed: int | None
    ) -> None:
        self.program = program
        self.semantics = semantics
        self.state = State(program, trip_count)
        self.results: dict[str, dict[int, Array]] = {name: {} for name in program.tasks}
        self.random = None if seed is None else random.Random(seed)
        self.running: list[tuple[str, Coroutine, float]] = []
        for group in program.groups:
            self._add(f"group {group.id}", self._warps(group))

    def outputs(self) -> Mapping[str, Array]:
        """Interleave all coroutines to their ends."""
        blocked: dict[str, str] = {}
        while self.running:
            ready = [entry for entry in self.running if entry[0] not in blocked]
            if not ready:
                waits = "; ".join(f"{name} waits {why}" for name, why in blocked.items())
                raise ExecutionError(f"deadlock: {waits}")
            entry = self._drawn(ready)
            try:
                why = next(entry[1])
            except StopIteration:
                self.running.remove(entry)
                why = None
            if why is None:
                blocked.clear()
            else:
                blocked[entry[0]] = why
        count = self.state.trip_count
        return self.semantics.outputs(
            History({name: [r[i] for i in range(count)] for name, r in self.results.items()})
        )

    def _drawn(self, ready: list[tuple[str, Coroutine, float]]) -> tuple[str, Coroutine, float]:
        if self.random is None:
            return ready[0]
        return self.random.choices(ready, [weight for _, _, weight in ready])[0]

    def _add(self, name: str, coroutine: Coroutine) -> None:
        weight = 1.0 if self.random is None else self.random.choice(PREFERENCES)
        self.running.append((name, coroutine, weight))

    def _warps(self, group: Group) -> Coroutine:
        """The instructions of a group, one after the other."""
        known = Knowledge()
        for name, iteration in group.run(self.state.trip_count):
            task = self.program.tasks[name]
            for wait in task.waits:
                while not self.state.passes(wait, iteration, known):
                    yield f"at {shown(name, iteration)} for {self.state.waiting(wait, iteration)}"
                yield None
            known.events |= self.state.events.issue(name, iteration)
            work = self._work(task, iteration, known.copy())
            if task.asynchronous:
                self._add(f"{shown(name, iteration)} of group {group.id}", work)
            else:
                yield from work
                known.learn(self.state.finished[name, iteration])
            yield None

    def _work(self, task: Task, iteration: int, known: Knowledge) -> Coroutine:
        """One operation, from its issue to its completion."""
        for read in task.reads:
            source = (read.operation, iteration - read.distance)
            if read.blocking or not self._issued_before(task, source, known):
                continue
            while source not in self.state.finished:  # the machine keeps this order
                yield f"for its operand {shown(*source)}"
            known.learn(self.state.finished[source])
        self.state.check_operands(task, iteration, known)
        self.state.claim_slots(task, iteration, known)
        yield None
        values = self._operands(task, iteration)
        result = self.semantics.run(task.operation, iteration, values)
        self.state.store(task, iteration, result)
        self.results[task.operation][iteration] = result
        known.events |= self.state.events.done(task.operation, iteration)
        self.state.finished[task.operation, iteration] = known
        self.state.arrive(task, iteration, known)

    def _operands(self, task: Task, iteration: int) -> dict[tuple[str, int], Array]:
        """As late as possible: at the end, when an early overwriter has had its chance."""
        values = {}
        for read in task.reads:
            if iteration >= read.distance:
                value: Array | None = self.state.load(task, iteration, read)
            else:
                value = self.semantics.before(read.operation)
            if value is not None:
                values[read.operation, read.distance] = value
        return values

    def _issued_before(self, task: Task, source: tuple[str, int], known: Knowledge) -> bool:
        """Whether its group has issued the source of an operand before it."""
        local = self.program.tasks[source[0]].group == task.group
        return local and source[1] >= 0 and bool(known.events & self.state.events.issue(*source))
