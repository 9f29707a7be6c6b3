"""What the paper measured on GPUs: out of scope, with the reason."""

from __future__ import annotations

from collections.abc import Callable

from twill_ilp.reproduce.finding import Claim, Finding

__all__ = ["GPU_CLAIM"]


def check_gpu(progress: Callable[[str], None]) -> Finding:
    """Nothing is run here."""
    return Finding(
        "None. This package emits and simulates programs, and runs nothing on a GPU.",
        "out of scope",
        "Throughput needs an H100 and a B200, a code generator that reaches the machine, and the "
        "published kernels to compare with. Cycle counts here are documented throughputs, lower "
        "bounds for a busy unit, so that a throughput that follows from them is an upper bound and "
        "no measurement.",
    )


GPU_CLAIM = Claim(
    "Measured throughput",
    (),
    "The figures of TFLOP/s over sequence length: attention forward and backward on H100 and "
    "B200, against FlashAttention-3 and -4, cuDNN and compilers.",
    (),
    check_gpu,
)
