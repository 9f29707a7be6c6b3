"""``twill-ilp kernels``: the built-in loops."""

from __future__ import annotations

import argparse

from twill_ilp.cli.terminal import say
from twill_ilp.kernels import KERNELS
from twill_ilp.report import Table

__all__ = ["run"]


def run(arguments: argparse.Namespace) -> int:
    """List every kernel with its machines (the default one starred) and its options."""
    rows = tuple(
        (
            kernel.name,
            ", ".join(
                f"{name}*" if name == kernel.default_machine else name for name in kernel.machines
            )
            or "its own",
            " ".join(f"--{option.replace('_', '-')}" for option in kernel.options) or "-",
            kernel.summary,
        )
        for kernel in KERNELS.values()
    )
    say(Table(("kernel", "--machine (* default)", "options", "summary"), rows, wraps=True).text())
    return 0
