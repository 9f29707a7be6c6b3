"""Integer linear programs for modulo scheduling: one file per constraint family.

A formulation is a tuple of families; an ablation is another tuple.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pulp

from twill_ilp.ilp.bonds import surely_spilled
from twill_ilp.ilp.capacity import add_capacity
from twill_ilp.ilp.concurrency import add_concurrency
from twill_ilp.ilp.dependences import add_aggregated_dependences, add_structured_dependences
from twill_ilp.ilp.formulation import (
    Family,
    Formulation,
    Window,
    windows_any_length,
    windows_for_length,
)
from twill_ilp.ilp.groups import (
    add_groups,
    add_warp_budget,
    break_symmetry,
)
from twill_ilp.ilp.half_turn import half_turn
from twill_ilp.ilp.joint import JointFamily, JointModel
from twill_ilp.ilp.length import add_length_objective
from twill_ilp.ilp.memory import add_memory
from twill_ilp.ilp.order import add_order_capacity, add_starts
from twill_ilp.ilp.packing import build_packing
from twill_ilp.ilp.quotas import add_quotas
from twill_ilp.ilp.reduction import Core, Node, reduce_loop
from twill_ilp.ilp.registers import add_registers
from twill_ilp.ilp.slots import add_slots, add_windows
from twill_ilp.ilp.spills import add_no_cross_warp, add_spills
from twill_ilp.ilp.tightened import tightened
from twill_ilp.ilp.timeline import Timeline, timeline, windows_pinned
from twill_ilp.ilp.traffic import traffic
from twill_ilp.machine import Machine
from twill_ilp.rules import Rules

__all__ = [
    "FORMULATIONS",
    "JOINT_FAMILIES",
    "Core",
    "Family",
    "Formulation",
    "JointFamily",
    "JointModel",
    "Node",
    "Timeline",
    "Window",
    "add_length_objective",
    "build_joint_model",
    "build_model",
    "build_packing",
    "half_turn",
    "joint_families",
    "limit_traffic",
    "reduce_loop",
    "surely_spilled",
    "tightened",
    "timeline",
    "windows_any_length",
    "windows_for_length",
    "windows_pinned",
]

FORMULATIONS: Mapping[str, tuple[Family, ...]] = {
    "structured": (add_slots, add_windows, add_structured_dependences, add_capacity),
    "aggregated": (add_slots, add_windows, add_aggregated_dependences, add_capacity),
    "order": (add_starts, add_aggregated_dependences, add_order_capacity),
}


def build_model(
    core: Core, machine: Machine, windows: Sequence[Window], families: Sequence[Family]
) -> Formulation:
    """Assemble the families into one model; without an objective it asks for any schedule."""
    lp = pulp.LpProblem(f"modulo_{core.ii}", pulp.LpMinimize)
    lp.setObjective(pulp.LpAffineExpression())
    formulation = Formulation(core, machine, windows, lp)
    for add_family in families:
        add_family(formulation)
    return formulation


JOINT_FAMILIES: Mapping[str, JointFamily] = {
    "units": add_capacity,
    "memory": add_memory,
    "warps": add_warp_budget,
    "registers": add_registers,
    "spills": add_spills,
    "concurrency": add_concurrency,
    "no-cross-warp": add_no_cross_warp,
    "quotas": add_quotas,
}
"""Families of the joint model by the names of :mod:`twill_ilp.rules`.

``variable-latency`` has no rows: it decides who may be in the designated group
(:func:`add_groups`) and which dependences have a delay (``effective_graph``).
"""


def joint_families(rules: Rules) -> tuple[JointFamily, ...]:
    """The joint model as a list: starts, groups, units, and the rules in force."""
    start: tuple[JointFamily, ...] = (add_slots, add_windows, add_structured_dependences)
    chosen = ("units", *rules.families)
    return (
        *start,
        add_groups,
        break_symmetry,
        *(add for name, add in JOINT_FAMILIES.items() if name in chosen),
    )


def limit_traffic(most: int) -> JointFamily:
    """A family: at most ``most`` register words cross groups per iteration."""

    def add_traffic_limit(f: JointModel) -> None:
        f.need(traffic(f).add(-most).scaled(-1), 0, "traffic")

    return add_traffic_limit


def build_joint_model(
    line: Timeline,
    machine: Machine,
    families: Sequence[JointFamily],
    partition: Mapping[str, int] | None = None,
    windows: Sequence[Window] | None = None,
) -> JointModel:
    """Assemble the joint model; it asks for any schedule.

    Args:
        line: the rows between starts, without a conflict.
        partition: the group of every operation, if that is given.
        windows: of all nodes, if the question is about schedules in these alone.
    """
    lp = pulp.LpProblem(f"joint_{line.core.ii}", pulp.LpMinimize)
    lp.setObjective(pulp.LpAffineExpression())
    windows = windows or windows_pinned(line)
    model = JointModel(
        line.core, machine, windows, lp, timeline=line, partition=dict(partition or {})
    )
    for add_family in families:
        add_family(model)
    return model
