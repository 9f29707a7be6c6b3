"""An independent check of schedules: data modules only, no solver and no model.

Every rule is read off the definition of a modulo schedule [1]_ and of the joint problem [2]_,
and not off the ILP, so that an error in a formulation or in a solver cannot hide here.  A rule
is a small function; the lists of rules are :data:`CHECKS` and :data:`JOINT_CHECKS`.

References
----------
.. [1] B. R. Rau, "Iterative modulo scheduling", International Journal of Parallel
   Programming 24(1), 1996, doi:10.1007/BF03356742.
.. [2] R. Soi et al., "Optimal Software Pipelining and Warp Specialization for Tensor Core
   GPUs", OSDI 2026, arXiv:2512.18134, Figs. 4 to 6.
"""

from __future__ import annotations

from twill_ilp.graph import LoopGraph
from twill_ilp.machine import Machine
from twill_ilp.rules import Rules
from twill_ilp.schedule import Schedule
from twill_ilp.verify.joint import (
    check_concurrency,
    check_delays,
    check_designated_group,
    check_group_count,
    check_groups,
    check_locality,
    check_memories,
    check_quotas,
    check_registers,
    check_warps,
)
from twill_ilp.verify.modulo import (
    Check,
    check_capacity,
    check_dependences,
    check_interval,
    check_operations,
    check_starts,
)

__all__ = [
    "CHECKS",
    "JOINT_CHECKS",
    "check_capacity",
    "check_concurrency",
    "check_delays",
    "check_dependences",
    "check_designated_group",
    "check_group_count",
    "check_groups",
    "check_interval",
    "check_locality",
    "check_memories",
    "check_operations",
    "check_quotas",
    "check_registers",
    "check_starts",
    "check_warps",
    "verify",
]

# In this order: a rule may rely on the rules before it.
CHECKS: tuple[Check, ...] = (
    check_interval,
    check_operations,
    check_starts,
    check_dependences,
    check_capacity,
)
"""The rules of a schedule without groups."""

JOINT_CHECKS: tuple[tuple[str, Check], ...] = (
    ("", check_interval),
    ("", check_operations),
    ("", check_starts),
    ("", check_groups),
    ("", check_group_count),
    ("warps", check_warps),
    ("variable-latency", check_designated_group),
    ("", check_delays),
    ("", check_capacity),
    ("memory", check_memories),
    ("registers", check_registers),
    ("concurrency", check_concurrency),
    ("no-cross-warp", check_locality),
    ("quotas", check_quotas),
)
"""The rules of a schedule with groups, each with its family; without one it always holds.

``spills`` and the delays of ``variable-latency`` are terms of :func:`check_delays`.
"""

DEFAULT = Rules()


def verify(graph: LoopGraph, machine: Machine, schedule: Schedule, rules: Rules = DEFAULT) -> None:
    """Accept a schedule of ``graph`` on ``machine``, or say what is wrong with it.

    A schedule without groups is judged as a modulo schedule, with the delays as the graph gives
    them, whatever the rules.  The reading ``window=paper`` compares with the shortest modulo
    schedule, which only a solver knows: it is not checked.

    Only ``ii``, ``start`` and ``group`` of the schedule are read: the graph and the machine that
    it carries are not trusted.  Takes ``O(U (V + R) + R log R)`` for the units and ``O(V (V + E))``
    for the other rules, with U units and R rows of reservation tables, however large the II and
    the cycle counts are.

    Raises:
        InvalidScheduleError: the first rule that the schedule breaks, with the operations, the
            unit, memory or group, the slot, the amount and the limit (cycles; units of a
            memory; 32-bit words; warps).
    """
    joint = tuple(check for family, check in JOINT_CHECKS if not family or family in rules)
    for check in joint if schedule.group else CHECKS:
        check(graph, machine, schedule, rules)
