"""Measured clocks of tile operations, as named tables.

Throughputs say how long a unit is busy; only measurements say how long a result takes.  A table
here goes into :attr:`twill_ilp.costs.Throughputs.measured` and replaces or completes the
documented figures of the operations that it lists.

A figure belongs to one reference tile.  Of another tile the occupancy is taken in proportion to
the work, and what the latency has beyond it is taken as constant.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["MEASURED", "Figure", "Measured"]


@dataclass(frozen=True, slots=True)
class Figure:
    """Clocks of one operation on a reference tile.

    Attributes:
        work: bytes or multiply-accumulates of the reference tile.
        occupancy, latency: its clocks.
        documented_rate: the occupancy is the documented one, not measured; another rate of the
            unit changes it.
        source: what was measured.
    """

    work: int
    occupancy: int
    latency: int
    source: str
    documented_rate: bool = False


@dataclass(frozen=True, slots=True)
class Measured:
    """A table of measured figures.

    Attributes:
        figures: by the name of the function in :mod:`twill_ilp.costs`; ``mma_short``: a product
            of fewer than 128 steps.
        hand_over: clocks to hand a value to another warp through shared memory, and
        hand_over_per_kilobyte: so many more for each KB.
        handshake: clocks from an arrival at a barrier to the end of the wait.
        source: where the figures come from.
    """

    name: str
    figures: Mapping[str, Figure] = field(hash=False)
    hand_over: int
    hand_over_per_kilobyte: int
    handshake: int
    source: str


_TILE = 128 * 128 * 4  # bytes

_B200 = Measured(
    "b200-microbenchmarks",
    figures={
        "tensor_memory_load": Figure(_TILE, 256, 532, "tcgen05.ld of 128 x 128 FP32"),
        "tensor_memory_store": Figure(_TILE, 48, 96, "tcgen05.st of 128 x 128 FP32"),
        "mma": Figure(128**3, 512, 900, "tcgen05.mma to completion, K = 128", True),
        "mma_short": Figure(128**2 * 64, 256, 559, "tcgen05.mma to completion, K = 64", True),
        "tma": Figure(16 * 1024, 96, 556, "TMA load of 16 KB"),
    },
    hand_over=61,
    hand_over_per_kilobyte=16,
    handshake=92,
    source="B200 microbenchmarks behind the cost model of a public compiler's modulo scheduler",
)

MEASURED: Mapping[str, Measured] = {table.name: table for table in (_B200,)}
"""Tables by name.

``b200-microbenchmarks``, in clocks:

=============================  ==========  ==============
operation                      occupancy   latency
=============================  ==========  ==============
tensor memory load, 64 KB      256         532
tensor memory store, 64 KB     48          96
MMA, K >= 128 (128x128x128)    documented  900
MMA, K = 64 (128x128x64)       documented  559
TMA copy, 16 KB                96          556
hand-over to another warp                  61 + 16 per KB
barrier handshake, one way                 92
=============================  ==========  ==============
"""
