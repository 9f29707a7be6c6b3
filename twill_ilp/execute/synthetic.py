"""Semantics for any loop: every operation hashes its name, its iteration and its operands.

Two runs agree only if every operation got the same operands of the same iterations, so that any
wrong one shows in the result, and in all results after it.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b

import numpy as np

from twill_ilp.graph import LoopGraph
from twill_ilp.kernels.numerics import Array, History, Operands, Semantics, execute

__all__ = ["synthetic_semantics"]

DIGITS = 48
"""Bits of a hash: whole numbers that FP64 holds exactly."""


def synthetic_semantics(graph: LoopGraph, iterations: int) -> Semantics:
    """Hashes for the operations of ``graph``; ``reference()`` runs them one after another.

    Outputs are all results: per operation one number for every iteration.
    """
    bases = {op.name: _base(op.name) for op in graph}

    def compute(iteration: int, sub_tile: int, operands: Operands) -> Array:
        items = sorted(operands.values.items())
        text = "|".join(f"{name},{distance},{value[0]:.0f}" for (name, distance), value in items)
        return _hash(f"{operands.operation}|{iteration}|{text}")

    def outputs(history: History) -> Mapping[str, Array]:
        return {name: np.concatenate(results) for name, results in history.results.items()}

    semantics = Semantics(
        iterations,
        dict.fromkeys(bases.values(), compute),
        {base: _hash(f"before {base}") for base in bases.values()},
        outputs,
        lambda: execute(graph, semantics),
    )
    return semantics


def _hash(text: str) -> Array:
    digest = blake2b(text.encode(), digest_size=DIGITS // 8).digest()
    return np.array([float(int.from_bytes(digest, "big"))])


def _base(name: str) -> str:
    """The name without the number of a sub-tile, as semantics want it."""
    base, dot, number = name.rpartition(".")
    return base if dot and number.isdecimal() else name
