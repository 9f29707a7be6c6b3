r"""A schedule under load: a discrete-event model of one SM that runs the warps' programs.

A schedule says when everything *should* start.  Here nothing has a clock: every warp group has
its instructions in the order of ``start + iteration * II``, and issues each as soon as it can.
What the schedule promises, a rate of one iteration every II cycles, has to come out by itself.

An instance (operation v of iteration i) issues in the first cycle t in which all of this holds:

- **In order.**  Every earlier instruction of its group has issued, at t or before.
- **Operands.**  For every dependence (u, v, d, distance): u of iteration ``i - distance`` issued
  at least d cycles ago, ``spill(u)`` cycles more if u is in another group.  If the latency of u
  varies, d is multiplied by a factor drawn for that instance (:class:`Jitter`).
- **Units.**  Its reservation rows fit beside everything that holds a unit already.  Whoever asks
  first gets it; of two that ask in the same cycle, the one that the schedule has first.
- **Buffers.**  A value in memory, and a register value that another group reads, has as many
  buffers as the schedule keeps instances alive, n = ceil(lifetime / II).  So the readers of
  iteration ``i - n`` must be through: issued, or complete with ``liveness=completion``.
- **Blocking waits.**  v *waits* if a blocking dependence enters it, or a register value of another
  group.  A warp that waits at a barrier cannot issue, so the instructions of other operations that
  it has in progress (``issue`` or, with ``hold=cycles``, ``cycles`` long) must be done, and what
  follows v issues after t, unless it holds its warps for no time at all.

An issued operation holds its units as its reservation table says, and its warps for ``issue``
cycles; asynchronous work (``issue < cycles``) goes on without them.

**Relation to the model.**  The last rule is the concurrency family of :mod:`twill_ilp.rules`, for
events instead of slots: at the issue of an operation that waits, no other of its group is in
progress.  All rules point backwards in the order of the schedule, so no run deadlocks, and the
schedule itself, every instance at ``start + i * II``, obeys all of them.  Where every unit serves
one group, everything happens in a fixed order, times are maxima of sums of other times, and so the
run is never behind the schedule: at most II cycles per iteration, and no latency that grows makes
anything earlier.  Where groups share a unit, the order on it may change, and neither is sure
(Graham 1969 [1]_); what is observed is in ``docs/simulation.md``.

**Loads run ahead.**  The model gives streaming loads a latency of 0, because they can run as many
iterations ahead as it takes.  Here they have their real latency, and :func:`program_of` moves each
of them earlier by whole iterations, which changes no slot: by default until the latency without
jitter is hidden, as far as the memories hold the buffers, or until it has ``depth`` buffers.

**What is not modelled.**  Values do not share space: every value has its buffers, and the registers
of a group are its compiler's affair.  Prologue and epilogue are what the order of instructions
makes of the first and last iterations.

References
----------
.. [1] R. L. Graham, "Bounds on multiprocessing timing anomalies", SIAM Journal on Applied
   Mathematics 17(2), 1969, doi:10.1137/0117039.
"""

from __future__ import annotations

from twill_ilp.errors import OptionError
from twill_ilp.rules import Rules
from twill_ilp.schedule import Schedule
from twill_ilp.simulate.engine import execute
from twill_ilp.simulate.jitter import DISTRIBUTIONS, NO_JITTER, Jitter
from twill_ilp.simulate.program import Instruction, Need, Program, program_of
from twill_ilp.simulate.run import Run, Stall

__all__ = [
    "DISTRIBUTIONS",
    "NO_JITTER",
    "Instruction",
    "Jitter",
    "Need",
    "Program",
    "Run",
    "Stall",
    "program_of",
    "simulate",
]

DEFAULT = Rules()


def simulate(
    schedule: Schedule,
    *,
    iterations: int = 240,
    rules: Rules = DEFAULT,
    depth: int | None = None,
    jitter: Jitter = NO_JITTER,
    seed: int = 0,
) -> Run:
    """Run the loop of a schedule with warp groups.

    Takes ``O(log G)`` and the dependences of one operation per issue, with G groups.

    Args:
        schedule: starts and groups; its starts only give the order, so that it may break any rule
            except that nothing comes before what it waits for.
        iterations: trip count.
        rules: of its families ``spills`` and ``concurrency`` matter, and the readings ``hold``
            and ``liveness``.
        depth: buffers of every streaming load; default: as many as hide its latency and fit.
        jitter: distribution of the latencies that vary.
        seed: of the draws; the draw of an operation's instance depends on nothing else, so that
            runs with other depths or schedules meet the same latencies.

    Raises:
        OptionError: no groups, fewer than one iteration, or a depth that the schedule cannot use.
        InvalidScheduleError: an operation that comes before what it waits for.
    """
    if iterations < 1:
        raise OptionError(f"iterations is {iterations}; give at least 1")
    program = program_of(schedule, rules, depth)
    varying = [op.name for op in schedule.graph if op.variable_latency]
    factors = {name: jitter.draw(name, iterations, seed) for name in varying} if jitter else {}
    issue, waits = execute(program, iterations, factors)
    return Run(program, iterations, issue, factors, waits)
