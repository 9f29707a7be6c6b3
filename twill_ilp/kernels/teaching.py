"""Small loops with their own machines: one published figure and two for the classroom.

The classroom loops run on a VLIW machine whose units accept an operation every cycle
(``usage`` of one cycle) and deliver its result later (``cycles``); a dependence waits for the
result.
"""

from __future__ import annotations

from twill_ilp.graph import Dependence, LoopGraph, Operation, Usage
from twill_ilp.machine import Machine
from twill_ilp.problem import Problem

__all__ = ["dot_product", "fig1", "first_order_recurrence"]

LATENCY = {"MEM": 2, "MUL": 3, "ADD": 1}
"""Cycles until the result of a load, a multiplication or an addition exists."""


def fig1() -> Problem:
    """The simplified attention loop of Soi et al. 2026, Fig. 1: optimal II 2, then L 4.

    ::

        for k:
            S = GEMM(Q, K[k])         # unit TC
            P = EXP(S)                # unit EXP
            O = O + GEMM(P, V[k])     # unit TC

    ======  ====  ======      ======  =====  ========  =========================
    op      unit  cycles      edge    delay  distance  reason
    ======  ====  ======      ======  =====  ========  =========================
    S       TC    1           S -> P  1      0         P reads S
    P       EXP   1           P -> O  1      0         the GEMM reads P
    O       TC    1           O -> O  1      1         accumulates into itself
    ======  ====  ======      ======  =====  ========  =========================

    TC is used twice per iteration, so II >= 2.  At II = 2 the two GEMMs need different slots:
    O cannot start at 2, next to the S of the following iteration, but at 3.
    """
    return Problem(
        LoopGraph(
            "fig1",
            (
                Operation("S", "mma", usage=(Usage("TC", 1),)),
                Operation("P", "exp2", usage=(Usage("EXP", 1),)),
                Operation("O", "mma", usage=(Usage("TC", 1),)),
            ),
            (
                Dependence("S", "P", delay=1),
                Dependence("P", "O", delay=1),
                Dependence("O", "O", delay=1, distance=1),
            ),
        ),
        Machine("fig1", units={"TC": 1, "EXP": 1}),
    )


def dot_product() -> Problem:
    """A dot product: bound by the memory port (ResMII 2 > RecMII 1).

    ::

        for i: s = s + a[i] * b[i]

    ======  ====  =======      ================  =====  ========  ======================
    op      unit  latency      edge              delay  distance  reason
    ======  ====  =======      ================  =====  ========  ======================
    load_a  MEM   2            load_a -> mul     2      0         operand
    load_b  MEM   2            load_b -> mul     2      0         operand
    mul     MUL   3            mul -> add        3      0         operand
    add     ADD   1            add -> add        1      1         s of the last iteration
    ======  ====  =======      ================  =====  ========  ======================
    """
    return Problem(
        LoopGraph(
            "dot-product",
            (
                _vliw("load_a", "load", "MEM"),
                _vliw("load_b", "load", "MEM"),
                _vliw("mul", "mul", "MUL"),
                _vliw("add", "add", "ADD"),
            ),
            (
                Dependence("load_a", "mul", LATENCY["MEM"]),
                Dependence("load_b", "mul", LATENCY["MEM"]),
                Dependence("mul", "add", LATENCY["MUL"]),
                Dependence("add", "add", LATENCY["ADD"], distance=1),
            ),
        ),
        _vliw_machine(),
    )


def first_order_recurrence() -> Problem:
    """A first-order linear recurrence: bound by its cycle (RecMII 4 > ResMII 3).

    ::

        for i: x[i] = a[i] * x[i-1] + b[i]

    ======  ====  =======      ================  =====  ========  ======================
    op      unit  latency      edge              delay  distance  reason
    ======  ====  =======      ================  =====  ========  ======================
    load_a  MEM   2            load_a -> mul     2      0         operand
    load_b  MEM   2            load_b -> add     2      0         operand
    mul     MUL   3            mul -> add        3      0         operand
    add     ADD   1            add -> mul        1      1         x[i-1]
    store   MEM   2            add -> store      1      0         x[i]
    ======  ====  =======      ================  =====  ========  ======================

    The cycle mul -> add -> mul takes 3 + 1 cycles per iteration on however wide a machine.
    """
    return Problem(
        LoopGraph(
            "first-order-recurrence",
            (
                _vliw("load_a", "load", "MEM"),
                _vliw("load_b", "load", "MEM"),
                _vliw("mul", "mul", "MUL"),
                _vliw("add", "add", "ADD"),
                _vliw("store", "store", "MEM"),
            ),
            (
                Dependence("load_a", "mul", LATENCY["MEM"]),
                Dependence("load_b", "add", LATENCY["MEM"]),
                Dependence("mul", "add", LATENCY["MUL"]),
                Dependence("add", "mul", LATENCY["ADD"], distance=1),
                Dependence("add", "store", LATENCY["ADD"]),
            ),
        ),
        _vliw_machine(),
    )


def _vliw(name: str, kind: str, unit: str) -> Operation:
    return Operation(name, kind, usage=(Usage(unit, 1),), cycles=LATENCY[unit], issue=1)


def _vliw_machine() -> Machine:
    return Machine("vliw", units={"MEM": 1, "MUL": 1, "ADD": 1})
