"""What the paper measured on GPUs: out of scope; the simulated rate stands beside it."""

from __future__ import annotations

from collections.abc import Callable

from twill_ilp.baselines import baselines, broken_rules
from twill_ilp.kernels import build_kernel
from twill_ilp.options import SearchOptions
from twill_ilp.report import Table
from twill_ilp.reproduce.finding import Claim, Finding
from twill_ilp.schedule import Schedule
from twill_ilp.search import solve
from twill_ilp.simulate import simulate

__all__ = ["GPU_CLAIM"]

LOOPS = (
    ("fmha-forward", "hopper", 2),
    ("fmha-forward", "blackwell", 2),
    ("fmha-backward", "hopper", 1),
    ("fmha-backward", "blackwell", 1),
)
"""Kernel, machine and sub-tiles."""


def check_gpu(progress: Callable[[str], None]) -> Finding:
    """The rate that the discrete-event model of one SM reaches, with each program."""
    rows, kept = [], True
    for kernel, machine, sub_tiles in LOOPS:
        progress(f"simulating {kernel} on {machine}")
        problem = build_kernel(kernel, machine, sub_tiles=sub_tiles)
        joint = solve(problem, SearchOptions(levels=("ii",))).schedule
        assert joint is not None
        modulo = solve(problem, SearchOptions(stage="modulo", levels=("ii",))).schedule
        others = baselines(problem, modulo)
        chosen = ("program order, loads apart", "modulo, loads apart")
        for name in (*(name for name in chosen if name in others), "joint"):
            schedule = joint if name == "joint" else others[name]
            rows.append((f"{kernel}, {machine}", name, *_rate(schedule)))
        kept = kept and simulate(joint).cycles_per_iteration <= joint.ii
    header = ("loop", "program", "cycles per iteration", "tensor core busy", "rules that it breaks")
    return Finding(
        "None on a GPU. In the discrete-event model of one SM the joint schedules "
        f"{'keep' if kept else 'do not all keep'} their II under load.",
        "out of scope",
        "Throughput needs an H100 and a B200, a code generator that reaches the machine, and the "
        "published kernels to compare with. Cycle counts here are documented throughputs, lower "
        "bounds for a busy unit, so that the share of the tensor core's peak below is an upper "
        "bound and no measurement. A program that breaks `registers` would spill.",
        {"Simulated rates, 240 iterations": Table(header, tuple(rows), frozenset({2, 3}))},
    )


def _rate(schedule: Schedule) -> tuple[str, str, str]:
    """Cycles per iteration, utilization of the tensor core, and broken families."""
    run = simulate(schedule)
    broken = ", ".join(broken_rules(schedule)) or "none"
    return f"{float(run.cycles_per_iteration):.1f}", f"{float(run.utilization['TC']):.0%}", broken


GPU_CLAIM = Claim(
    "Measured throughput",
    (),
    "The figures of TFLOP/s over sequence length: attention forward and backward on H100 and "
    "B200, against FlashAttention-3 and -4, cuDNN and compilers.",
    ("twill-ilp simulate fmha-forward --baselines",),
    check_gpu,
)
