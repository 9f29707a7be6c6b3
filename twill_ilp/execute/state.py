"""What a running program shares: slots of buffers with what is in them, and barriers."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations

from twill_ilp.errors import ExecutionError
from twill_ilp.execute.knowledge import Events, Knowledge
from twill_ilp.kernels.numerics import Array
from twill_ilp.pipeline import Program, Read, Task, Wait
from twill_ilp.pipeline.storage import overlap

__all__ = ["Phases", "Slot", "State", "shown"]

Instance = tuple[str, int]
"""An operation in an iteration."""


def shown(name: str, iteration: int) -> str:
    """An instance, as programs print it."""
    return f"{name}[{iteration}]"


@dataclass(slots=True)
class Slot:
    """One slot of a buffer: whose result is in it, and who is writing to it."""

    holds: int | None = None
    value: Array | None = None
    writer: Instance | None = None


@dataclass(slots=True)
class Phases:
    """One slot of a barrier: how many phases have ended, and what was known at the last end."""

    ended: int = 0
    known: Knowledge = field(default_factory=Knowledge)


class State:
    """Buffers, barriers and finished work of a run."""

    def __init__(self, program: Program, trip_count: int) -> None:
        self.program = program
        self.trip_count = trip_count
        self.events = Events(program.tasks, trip_count)
        self.finished: dict[Instance, Knowledge] = {}
        self._slots = {
            name: [Slot() for _ in range(b.count)] for name, b in program.buffers.items()
        }
        self._phases = {
            name: [Phases() for _ in range(b.slots)] for name, b in program.barriers.items()
        }
        self._readers: dict[str, list[tuple[str, int]]] = {name: [] for name in program.buffers}
        self._waiters: dict[str, list[tuple[str, int]]] = {name: [] for name in program.barriers}
        for task in program.tasks.values():
            for read in task.reads:
                self._readers[read.buffer].append((task.operation, read.distance))
            for wait in task.waits:
                self._waiters[wait.operation].append((task.operation, wait.distance))
        self._check_places()

    def _check_places(self) -> None:
        """Buffers overlap only where they take turns."""
        stored = [b for b in self.program.buffers.values() if b.address]
        for a, b in combinations(stored, 2):
            both = a.address.keys() & b.address.keys()
            turns = b.name in [share.buffer for share in a.shares]
            if not turns and any(overlap(a, b, memory) for memory in both):
                raise ExecutionError(f"buffers {a.name} and {b.name} overlap; move one of them")

    def exists(self, iteration: int) -> bool:
        """Whether the loop has it."""
        return 0 <= iteration < self.trip_count

    # -- before an instruction begins -----------------------------------------------------------

    def check_operands(self, task: Task, iteration: int, known: Knowledge) -> None:
        """Every operand is known to be complete, and where its warps can see it.

        Raises:
            ExecutionError: it is not.
        """
        for read in task.reads:
            self._check_visible(task, iteration, read)
            source = iteration - read.distance
            if source < 0:
                continue
            done = self.events.done(read.operation, source)
            here = f"{shown(task.operation, iteration)} of group {task.group}"
            if not known.events & done:
                raise ExecutionError(
                    f"{here} reads {shown(read.operation, source)}, but nothing says that it is "
                    "complete; a barrier or an order is missing"
                )
            if read.blocking and not known.told & done:
                raise ExecutionError(
                    f"{here} blocks for {shown(read.operation, source)}, but has waited at no "
                    "barrier since; one is missing"
                )

    def _check_visible(self, task: Task, iteration: int, read: Read) -> None:
        buffer = self.program.buffers[read.buffer]
        owner = self.program.tasks[buffer.operation].group
        if buffer.kind == "registers" and owner != task.group:
            raise ExecutionError(
                f"{shown(task.operation, iteration)} of group {task.group} reads "
                f"{buffer.operation} in the registers of group {owner}, which it cannot see; hand "
                "it over through shared memory"
            )

    def claim_slots(self, task: Task, iteration: int, known: Knowledge) -> None:
        """Begin to write the result: nobody may need what its slots hold any more.

        Raises:
            ExecutionError: somebody may.
        """
        for name in task.writes:
            buffer = self.program.buffers[name]
            self._check_overwritten(task, iteration, name, iteration - buffer.count, known)
            for share in buffer.shares:
                before = iteration - share.distance
                if share.distance < 0:  # runs ahead, and may have come to its end
                    before = min(before, self.trip_count - 1)
                self._check_overwritten(task, iteration, share.buffer, before, known)
                other = self._slot(share.buffer, before)
                other.holds, other.value = None, None
            slot, me = self._slot(name, iteration), (task.operation, iteration)
            if slot.writer is not None:
                raise ExecutionError(f"{shown(*me)} and {shown(*slot.writer)} write to {name} both")
            slot.writer = me

    def _check_overwritten(
        self, task: Task, iteration: int, name: str, before: int, known: Knowledge
    ) -> None:
        """Whoever writes or reads what is overwritten is known to be through."""
        me, writer = (task.operation, iteration), self.program.buffers[name].operation
        users = [(writer, before)]
        users += [(reader, before + n) for reader, n in self._readers[name]]
        for user, at in users:
            if not self.exists(at) or (user, at) == me:
                continue
            if not known.events & self.events.done(user, at):
                raise ExecutionError(
                    f"{shown(*me)} of group {task.group} overwrites {shown(writer, before)} in "
                    f"slot {before % self.program.buffers[name].count} of {name}, and nothing says "
                    f"that {shown(user, at)} is through with it; a barrier, an order or a slot is "
                    "missing"
                )

    # -- while it runs --------------------------------------------------------------------------

    def load(self, task: Task, iteration: int, read: Read) -> Array:
        """An operand of iteration >= 0.

        Raises:
            ExecutionError: the slot holds another result, or is being written.
        """
        source, slot = iteration - read.distance, self._slot(read.buffer, iteration - read.distance)
        me = (task.operation, iteration)
        if slot.value is None or slot.holds != source or slot.writer not in (None, me):
            held = "nothing" if slot.holds is None else shown(read.operation, slot.holds)
            busy = f", and {shown(*slot.writer)} is writing" if slot.writer else ""
            raise ExecutionError(
                f"{shown(*me)} of group {task.group} reads {shown(read.operation, source)} in slot "
                f"{source % self.program.buffers[read.buffer].count} of {read.buffer}, which holds "
                f"{held}{busy}"
            )
        return slot.value

    def store(self, task: Task, iteration: int, value: Array) -> None:
        """The result, into every buffer that it goes to."""
        for name in task.writes:
            slot = self._slot(name, iteration)
            slot.holds, slot.value, slot.writer = iteration, value, None

    def _slot(self, buffer: str, iteration: int) -> Slot:
        slots = self._slots[buffer]
        return slots[iteration % len(slots)]

    # -- barriers -------------------------------------------------------------------------------

    def arrive(self, task: Task, iteration: int, known: Knowledge) -> None:
        """The operation is complete; end the phase of its barrier, if it has one.

        Raises:
            ExecutionError: an earlier phase has not ended, or somebody may still wait for it.
        """
        name = task.operation
        if name not in self._phases:
            return
        slots = len(self._phases[name])
        phases = self._phases[name][iteration % slots]
        if phases.ended != iteration // slots:
            raise ExecutionError(
                f"{shown(name, iteration)} arrives for phase {iteration // slots} of its barrier "
                f"when {phases.ended} have ended; give the barrier more slots"
            )
        for waiter, distance in self._waiters[name]:
            at = iteration - slots + distance
            if self.exists(at) and not known.events & self.events.issue(waiter, at):
                raise ExecutionError(
                    f"{shown(name, iteration)} arrives at its barrier, and nothing says that "
                    f"{shown(waiter, at)} has seen the phase before; give the barrier more slots"
                )
        phases.ended += 1
        phases.known = known.copy()

    def passes(self, wait: Wait, iteration: int, known: Knowledge) -> bool:
        """Try a wait of an instruction in ``iteration``, by the parity of its phase.

        Raises:
            ExecutionError: the parity is that of another phase.
        """
        source = iteration - wait.distance
        if source >= self.trip_count:
            return True
        phases, phase = self._phase(wait.operation, source)
        if phases.ended % 2 == phase % 2:
            return False
        if phases.ended != phase + 1:
            raise ExecutionError(
                f"a wait for {shown(wait.operation, source)} takes the end of phase "
                f"{phases.ended - 1} for that of phase {phase}; give the barrier more slots"
            )
        known.hear(phases.known)
        return True

    def waiting(self, wait: Wait, iteration: int) -> str:
        """What a wait that does not pass is for."""
        source = iteration - wait.distance
        slots = self.program.barriers[wait.operation].slots
        return (
            f"{shown(wait.operation, source)} (barrier {wait.operation}, slot {source % slots}, "
            f"phase {source // slots})"
        )

    def _phase(self, barrier: str, iteration: int) -> tuple[Phases, int]:
        slots = self._phases[barrier]
        return slots[iteration % len(slots)], iteration // len(slots)
