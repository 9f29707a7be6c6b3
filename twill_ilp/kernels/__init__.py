"""Loops as data: published kernels and teaching examples, built from their tile shapes.

>>> build_kernel("fig1").graph
<LoopGraph fig1: 3 operations, 3 dependences, units TC, EXP>
>>> build_kernel("gemm", "hopper", tile=(128, 256, 64)).graph.by_name["C"].cycles
8
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from twill_ilp.device import Device, device
from twill_ilp.errors import InvalidMachineError, OptionError
from twill_ilp.kernels.fmha import fmha_forward
from twill_ilp.kernels.fmha_backward import fmha_backward
from twill_ilp.kernels.gemm import gemm, gemm_epilogue
from twill_ilp.kernels.layer_norm import layer_norm
from twill_ilp.kernels.linear_attention import linear_attention
from twill_ilp.kernels.mlp import gated_mlp
from twill_ilp.kernels.teaching import dot_product, fig1, first_order_recurrence
from twill_ilp.problem import Problem

__all__ = ["KERNELS", "Kernel", "build_kernel"]


@dataclass(frozen=True, slots=True)
class Kernel:
    """A loop that can be built.

    Attributes:
        name: what :func:`build_kernel` calls it.
        summary: one line.
        machines: presets that it supports, and what derives from them; empty: it has its own
            machine.
        default_machine: the preset used when none is asked for.
        build: makes the problem, from a device if there are ``machines``, and from options.
    """

    name: str
    summary: str
    machines: tuple[str, ...]
    default_machine: str | None
    build: Callable[..., Problem]

    @property
    def options(self) -> tuple[str, ...]:
        """Names of the options that ``build`` takes."""
        parameters = inspect.signature(self.build).parameters.values()
        return tuple(p.name for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY)


_ALL = (
    Kernel("fig1", "Fig. 1 of Soi et al. 2026: GEMM, EXP, GEMM", (), None, fig1),
    Kernel("dot-product", "s += a[i] * b[i] on a small VLIW machine", (), None, dot_product),
    Kernel(
        "first-order-recurrence",
        "x[i] = a[i] * x[i-1] + b[i] on a small VLIW machine",
        (),
        None,
        first_order_recurrence,
    ),
    *(
        Kernel(name, summary, ("ampere", "hopper", "blackwell"), "blackwell", build)
        for name, summary, build in (
            ("gemm", "main loop of a matrix product", gemm),
            ("gemm-epilogue", "persistent matrix product with bias and ReLU", gemm_epilogue),
            ("gated-mlp", "two matrix products and SiLU (SwiGLU)", gated_mlp),
            ("layer-norm", "layer normalization over tiles of rows", layer_norm),
            ("linear-attention", "chunked gated linear attention (GLA)", linear_attention),
            ("fmha-forward", "attention forward (FlashAttention)", fmha_forward),
            ("fmha-backward", "attention backward in one pass", fmha_backward),
        )
    ),
)

KERNELS: Mapping[str, Kernel] = {kernel.name: kernel for kernel in _ALL}
"""Every kernel by its name."""


def build_kernel(name: str, machine: str | Device | None = None, **options: Any) -> Problem:
    """Build the problem of a kernel.

    Args:
        name: one of :data:`KERNELS`.
        machine: a preset, such as ``"blackwell"`` or ``"b200"``, or a device of your own;
            ``None``: the kernel's default.
        options: such as ``tile=(128, 128, 128)``; see the kernel's ``build`` function.

    Raises:
        OptionError: an unknown kernel, machine or option, a machine that the kernel does not
            support, or an option's value out of range.
    """
    if name not in KERNELS:
        raise OptionError(f"kernel {name}: no such kernel; choose from {', '.join(KERNELS)}")
    kernel = KERNELS[name]
    for option in options:
        if option not in kernel.options:
            known = f"it has {', '.join(kernel.options)}" if kernel.options else "leave it out"
            raise OptionError(f"kernel {name}: no option {option}; {known}")
    if kernel.machines:
        return kernel.build(_device(kernel, machine), **options)
    if machine is not None:
        given = machine if isinstance(machine, str) else machine.name
        raise OptionError(f"kernel {name} has its own machine; leave out {given}")
    return kernel.build(**options)


def _device(kernel: Kernel, machine: str | Device | None) -> Device:
    """The device asked for, or the kernel's default, if the kernel supports it."""
    chosen: Device | None
    if isinstance(machine, Device):
        chosen, name = machine, machine.name
    else:
        name = kernel.default_machine or "" if machine is None else machine
        try:
            chosen = device(name)
        except InvalidMachineError:
            chosen = None
    if chosen is None or chosen.base not in kernel.machines:
        raise OptionError(
            f"machine {name}: kernel {kernel.name} does not run there; "
            f"choose from {', '.join(kernel.machines)}"
        )
    return chosen
