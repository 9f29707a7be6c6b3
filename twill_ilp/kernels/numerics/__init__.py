"""NumPy references of the kernels, and what every operation of theirs computes.

>>> from twill_ilp import build_kernel
>>> options = {"tile": (4, 8, 16), "sub_tiles": 2}
>>> semantics = kernel_semantics("fmha-forward", "blackwell", iterations=3, **options)
>>> result = execute(build_kernel("fmha-forward", "blackwell", **options).graph, semantics)
>>> bool(abs(result["O"] - semantics.reference()["O"]).max() < 1e-12)
True
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from twill_ilp.device import Device, device
from twill_ilp.errors import OptionError
from twill_ilp.kernels.numerics.attention import fmha_backward, fmha_forward
from twill_ilp.kernels.numerics.products import gated_mlp, gemm, gemm_epilogue
from twill_ilp.kernels.numerics.rows import layer_norm, linear_attention
from twill_ilp.kernels.numerics.semantics import Array, History, Operands, Semantics, execute
from twill_ilp.kernels.tiles import check_sub_tiles, check_tile

__all__ = ["Array", "History", "Operands", "Semantics", "execute", "kernel_semantics"]

_BUILD: Mapping[str, tuple[str, Callable[..., Semantics]]] = {
    "gemm": ("M, N, K", gemm),
    "gemm-epilogue": ("M, N, K", gemm_epilogue),
    "gated-mlp": ("M, N, K", gated_mlp),
    "layer-norm": ("M, N", layer_norm),
    "linear-attention": ("C, D, E", linear_attention),
    "fmha-forward": ("M, N, D", fmha_forward),
    "fmha-backward": ("M, N, D", fmha_backward),
}


def kernel_semantics(
    name: str,
    machine: str | Device,
    *,
    tile: Sequence[int],
    sub_tiles: int,
    iterations: int = 4,
    seed: int = 0,
) -> Semantics:
    """What the operations of a kernel compute, on random data.

    Args:
        name, machine, tile, sub_tiles: as given to :func:`~twill_ilp.kernels.build_kernel`.
        iterations: how many the loop runs.
        seed: of the data.

    Raises:
        OptionError: a kernel without semantics, or an option's value out of range.
    """
    if name not in _BUILD:
        raise OptionError(f"kernel {name}: no NumPy semantics; choose from {', '.join(_BUILD)}")
    if isinstance(iterations, bool) or not isinstance(iterations, int) or iterations < 1:
        raise OptionError(f"iterations is {iterations!r}; give a whole number >= 1")
    extents, build = _BUILD[name]
    check_sub_tiles(sub_tiles)
    chosen = machine if isinstance(machine, Device) else device(machine)
    return build(chosen, check_tile(tile, extents), sub_tiles, iterations, seed)
