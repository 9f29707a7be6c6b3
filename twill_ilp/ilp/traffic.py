"""Traffic: register words that cross warp groups per iteration."""

from __future__ import annotations

from collections import defaultdict

from twill_ilp.ilp.affine import Affine
from twill_ilp.ilp.joint import JointModel, is_constant

__all__ = ["traffic"]


def traffic(f: JointModel) -> Affine:
    r"""Words that cross groups per iteration: each value once for every other group that reads it.

    :math:`\sum_u registers_u \sum_h c_{u,h}`, where
    :math:`c_{u,h} \ge a_{v,h} - a_{u,h}` for every reader v of u.
    """
    readers: dict[int, set[int]] = defaultdict(set)
    for u, v, _, _ in f.edges():
        if f.operations[u].registers and u != v:
            readers[u].add(v)
    total = Affine()
    for u, readers_of_u in readers.items():
        for h in range(len(f.slots)):
            gaps = [
                Affine().add(f.member[v][h]).add(f.member[u][h], -1)
                for v in sorted(readers_of_u)
                if not is_constant(f.member[v][h], 0)
            ]
            gaps = [gap for gap in gaps if gap.terms or gap.constant > 0]
            if not gaps or is_constant(f.member[u][h], 1):
                continue
            crosses = f.binary(f"crosses_{f.label(u)}_{h}")
            for i, gap in enumerate(gaps):
                f.need(Affine().add(crosses).add(gap, -1), 0, f"{crosses.name}_{i}")
            total.add(crosses, f.operations[u].registers)
    return total
