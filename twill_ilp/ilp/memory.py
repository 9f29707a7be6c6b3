"""Memory: the live values fit, in every slot of the steady state."""

from __future__ import annotations

from twill_ilp.ilp.affine import Affine
from twill_ilp.ilp.joint import JointModel

__all__ = ["add_memory"]


def add_memory(f: JointModel) -> None:
    r"""For every memory and slot r: :math:`\sum_u footprint_u\,live_{u,r} \le capacity`.

    (Soi et al. 2026, Fig. 5; here in the exact steady state, instances of several iterations
    included.)  Units: those of the memory (bytes; columns for tensor memory).
    """
    for number, (memory, capacity) in enumerate(f.machine.memories.items()):
        values = [
            (u, op.footprint[memory])
            for u, op in enumerate(f.operations)
            if op.footprint.get(memory)
        ]
        if sum(amount * f.most_live(u) for u, amount in values) <= capacity:
            continue
        for r in range(f.ii):
            row = Affine()
            for u, amount in values:
                row.add(f.live(u, r), -amount)
            f.need(row, -capacity, f"memory_{number}_{r}")
