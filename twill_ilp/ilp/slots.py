"""Assignment: every node gets one slot and one stage inside its window (docs/model.md)."""

from __future__ import annotations

import pulp

from twill_ilp.ilp.formulation import Formulation

__all__ = ["add_slots", "add_windows"]


def add_slots(f: Formulation) -> None:
    r"""One start each: :math:`start_v = II\,k_v + \sum_r r\,x_{v,r}`, :math:`\sum_r x_{v,r} = 1`.

    In the cumulative variables :math:`y_{v,r} = \sum_{z \le r} x_{v,z}` this is
    :math:`y_{v,r-1} \le y_{v,r}` and :math:`y_{v,II-1} = 1`; uniqueness and completion of Soi
    et al. 2026, Fig. 4.  Slots that the window excludes get no variable.
    """
    for v, (first, last) in enumerate(f.windows):
        label = f.label(v)
        k = f.lp.add_variable(f"stage_{label}", first // f.ii, last // f.ii, pulp.LpInteger)
        slots = sorted({t % f.ii for t in range(first, min(last, first + f.ii - 1) + 1)})
        reached: list[object] = [0] * slots[0]
        for i, slot in enumerate(slots[:-1]):
            y = f.lp.add_variable(f"reached_{label}_{slot}", 0, 1, pulp.LpInteger)
            if i:
                f.require(y - reached[-1] >= 0, f"monotone_{label}_{slot}")
            reached += [y] * (slots[i + 1] - slot)
        reached += [1] * (f.ii - len(reached))
        f.stage.append(k)
        f.reached.append(reached)
        later = [(y, -1) for y in reached if not isinstance(y, int)]
        base = sum(1 for y in reached if isinstance(y, int) and y == 0)
        f.start.append(_sum([(k, f.ii), *later], base + len(later)))


def add_windows(f: Formulation) -> None:
    """Starts stay in their windows: a stage at the rim of a window excludes the slots outside."""
    for v, (first, last) in enumerate(f.windows):
        k = f.stage[v]
        (k_first, r_first), (k_last, r_last) = divmod(first, f.ii), divmod(last, f.ii)
        if r_first > 0:
            f.require(k - f.by_slot(v, r_first - 1) >= k_first, f"window_first_{f.label(v)}")
        if r_last < f.ii - 1:
            f.require(k + 1 - f.by_slot(v, r_last) <= k_last, f"window_last_{f.label(v)}")


def _sum(terms: list[tuple[object, int]], constant: int) -> pulp.LpAffineExpression:
    """A sum in one pass; PuLP adds the coefficients of a variable that stands twice."""
    total: dict[object, int] = {}
    for variable, coefficient in terms:
        total[variable] = total.get(variable, 0) + coefficient
    return pulp.LpAffineExpression(list(total.items()), constant=constant)
