"""Triton kernels: compiled to IR on the CPU, and read (extra ``triton``).

No GPU and no PyTorch are needed: ``triton.compile`` takes the target from its caller.  Compiling
runs the kernel's own Python file, as every import does, and Triton's compiler; the text that
comes out is only read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal, TypedDict, Unpack

from twill_ilp.errors import OptionError
from twill_ilp.frontends.reading import Reading
from twill_ilp.frontends.ttgir import parse_ttgir
from twill_ilp.machine import preset

__all__ = ["TritonOptions", "compile_ir", "read_triton"]

CAPABILITIES = {"ampere": 80, "hopper": 90, "blackwell": 100}
THREADS_PER_WARP = 32
LOCATION = re.compile(r'loc\("(?:[^"\\]|\\.)*":\d+:\d+\)')


class TritonOptions(TypedDict, total=False):
    """:class:`~twill_ilp.frontends.ttgir.ReadOptions` without the machine."""

    loop: str | int | None
    quantum: int | None
    without: Iterable[str]
    also: Iterable[str]
    strict: bool


def compile_ir(
    kernel: Any,
    signature: Mapping[str, str],
    constants: Mapping[str, Any] | None = None,
    *,
    machine: str = "blackwell",
    stage: Literal["ttir", "ttgir"] = "ttir",
    num_warps: int = 4,
    locations: bool = False,
) -> str:
    """The IR of a ``@triton.jit`` function, without a GPU.

    Args:
        kernel: the function.
        signature: the type of every argument that is no constant, in Triton's words: ``*fp16``,
            ``i32``, ``fp32``, ``tensordesc<fp16[128,64]>``.
        constants: the value of every ``tl.constexpr`` argument.
        machine: ``ampere``, ``hopper`` or ``blackwell``.
        stage: ``ttir``, or ``ttgir``: before the pipeliner, because ``num_stages`` is 1.
        num_warps: of the compiled kernel.
        locations: keep the names and places of source files.

    Raises:
        OptionError: Triton is not installed, there is no such machine, or Triton refuses.
    """
    capability = CAPABILITIES.get(preset(machine).name)
    if capability is None:
        raise OptionError(f"machine {machine}: choose from {', '.join(CAPABILITIES)}")
    text = _compiled(kernel, signature, constants or {}, capability, num_warps)[stage]
    return text if locations else LOCATION.sub("loc(unknown)", text)


def _compiled(
    kernel: Any,
    signature: Mapping[str, str],
    constants: Mapping[str, Any],
    capability: int,
    num_warps: int,
) -> Mapping[Any, str]:
    """The text of every stage."""
    try:
        from triton import compile as compile_kernel
        from triton.backends.compiler import GPUTarget
        from triton.compiler import ASTSource
    except ImportError:
        raise OptionError(
            "Triton is not installed; pip install 'twill-ilp[triton]' (Linux only)"
        ) from None
    types = {**signature, **dict.fromkeys(constants, "constexpr")}
    target = GPUTarget("cuda", capability, THREADS_PER_WARP)
    try:
        source = ASTSource(fn=kernel, signature=types, constexprs=dict(constants))
        options = {"num_warps": num_warps, "num_stages": 1}
        compiled = compile_kernel(source, target=target, options=options)
        return {stage: str(compiled.asm[stage]) for stage in ("ttir", "ttgir")}
    except Exception as e:  # the compiler raises whatever its passes do
        reason = str(e).strip().splitlines() or [type(e).__name__]
        raise OptionError(f"Triton does not compile the kernel: {reason[-1]}") from e


def read_triton(
    kernel: Any,
    signature: Mapping[str, str],
    constants: Mapping[str, Any] | None = None,
    *,
    machine: str = "blackwell",
    stage: Literal["ttir", "ttgir"] = "ttir",
    num_warps: int = 4,
    **options: Unpack[TritonOptions],
) -> Reading:
    """One loop of a ``@triton.jit`` function, as a graph of the function's name.

    Args:
        kernel, signature, constants, machine, stage, num_warps: see :func:`compile_ir`.
        options: see :class:`twill_ilp.frontends.ttgir.ReadOptions`; ``line:N`` is a line of the
            kernel's file.

    Raises:
        OptionError: as :func:`compile_ir`.
        InvalidIRError: the IR is not read; with the line.
    """
    text = compile_ir(
        kernel,
        signature,
        constants,
        machine=machine,
        stage=stage,
        num_warps=num_warps,
        locations=True,
    )
    name = str(getattr(kernel, "__name__", "triton"))
    return parse_ttgir(text, name, machine=machine, **options)
