"""Integer linear programs for modulo scheduling: one file per constraint family.

A formulation is a tuple of families; an ablation is another tuple.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pulp

from twill_ilp.ilp.capacity import add_capacity
from twill_ilp.ilp.dependences import add_aggregated_dependences, add_structured_dependences
from twill_ilp.ilp.formulation import (
    Family,
    Formulation,
    Window,
    windows_any_length,
    windows_for_length,
)
from twill_ilp.ilp.length import add_length_objective
from twill_ilp.ilp.order import add_order_capacity, add_starts
from twill_ilp.ilp.reduction import Core, Node, reduce_loop
from twill_ilp.ilp.slots import add_slots, add_windows
from twill_ilp.machine import Machine

__all__ = [
    "FORMULATIONS",
    "Core",
    "Family",
    "Formulation",
    "Node",
    "Window",
    "add_length_objective",
    "build_model",
    "reduce_loop",
    "windows_any_length",
    "windows_for_length",
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
