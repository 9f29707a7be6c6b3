"""Who runs what: the warp groups of a schedule, their registers, and the buffers they share."""

from __future__ import annotations

from twill_ilp.lifetimes import QUOTAS, WARP, buffers, register_quotas
from twill_ilp.report.table import Table, printable
from twill_ilp.rules import Readings
from twill_ilp.schedule import Schedule

__all__ = ["buffer_line", "group_line", "group_table"]


def group_table(schedule: Schedule, readings: Readings) -> Table:
    """One row per warp group: its warps, registers per thread, and operations by start.

    The registers are the smallest quota that holds the group's live values; ``> 248`` where
    none does.
    """
    quotas = register_quotas(schedule, readings)
    rows = [
        (
            str(group.id),
            str(group.warps),
            f"> {QUOTAS[-1]}" if (quota := quotas[group.id]) is None else str(quota),
            ", ".join(group.operations),
        )
        for group in schedule.groups
    ]
    header = ("group", "warps", "registers", "operations")
    return Table(header, tuple(rows), frozenset({0, 1, 2}), wraps=True)


def group_line(schedule: Schedule, readings: Readings) -> str:
    """The sums over the groups, and what the machine has, for example
    ``13 of 16 warps, 51200 of 65536 registers``; the column ``registers`` is per thread."""
    machine, quotas = schedule.machine, register_quotas(schedule, readings)
    warps = sum(group.warps for group in schedule.groups)
    needs = [(group.warps, quotas[group.id]) for group in schedule.groups]
    fitting = [width * WARP * quota for width, quota in needs if quota is not None]
    if len(fitting) < len(needs):
        words = f"no quota up to {QUOTAS[-1]} registers per thread holds the values of every group"
    else:
        words = (
            f"{_of(sum(fitting), machine.registers_per_sm)} registers (in the table: per thread)"
        )
    noun = "warp" if warps == 1 and machine.warps is None else "warps"
    return f"{_of(warps, machine.warps)} {noun}, {words}"


def buffer_line(schedule: Schedule, readings: Readings) -> str:
    """How many instances of every value live at once: ``K x2, V x3 in smem; S x1 in tmem``."""
    counts = buffers(schedule, readings)
    return printable(
        "; ".join(
            f"{', '.join(f'{name} x{n}' for name, n in values.items())} in {memory}"
            for memory, values in counts.items()
        )
    )


def _of(amount: int, limit: int | None) -> str:
    return f"{amount}" if limit is None else f"{amount} of {limit}"
