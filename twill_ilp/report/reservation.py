"""The modulo reservation table: what every unit does in every slot of the steady state."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby, pairwise

from twill_ilp.report.table import Table, cut
from twill_ilp.schedule import Schedule

__all__ = ["legend", "reservation_table"]

SINGLE_SLOTS = 32
"""Up to this II every slot has its own row; above, equal neighbours share one."""

LONGEST_UNIT = 24  # characters of a column's header
IDLE = "."
WRAPPED = "~"
WRAPPED_SIGN = f"{WRAPPED} = begun in the pass before"


@dataclass(frozen=True)
class Piece:
    """A stretch of slots, ``first`` up to ``end``, in which ``amount`` of a unit is held."""

    first: int
    end: int
    text: str
    amount: int


Lane = list[Piece]
"""What one instance of a unit does, by first slot, without overlaps."""


def reservation_table(schedule: Schedule) -> Table:
    """Rows are slots, columns the units in use, one per busy instance where there are several.

    A cell ``S [1]`` says that S, of stage 1, holds the unit; a last row counts the busy slots.
    The number of rows does not grow with II, but with the number of operations.
    """
    headers: list[str] = []
    lanes: list[Lane] = []
    for unit, capacity in schedule.machine.units.items():
        instances = _instances(sorted(_pieces(schedule, unit), key=lambda piece: piece.first))
        several = capacity > 1 or len(instances) > 1
        name = cut(unit, LONGEST_UNIT)
        headers += (f"{name}#{n}" if several else name for n in range(1, len(instances) + 1))
        lanes += instances
    rows = [
        (_range(first, end), *(_text(lane, first) for lane in lanes))
        for first, end in _stretches(schedule.ii, lanes)
    ]
    busy = [sum(piece.end - piece.first for piece in lane) for lane in lanes]
    rows.append(("busy", *(f"{cycles} of {schedule.ii}" for cycles in busy)))
    return Table(("slot", *headers), tuple(rows), frozenset({0}))


def legend(schedule: Schedule) -> str:
    """The signs of the table, in one line."""
    pieces = (piece for unit in schedule.machine.units for piece in _pieces(schedule, unit))
    wrapped = any(piece.text.endswith(WRAPPED) for piece in pieces)
    signs = ["[k] = stage", f"{IDLE} = idle", *([WRAPPED_SIGN] if wrapped else [])]
    return ", ".join(signs)


def _pieces(schedule: Schedule, unit: str) -> Iterator[Piece]:
    """The reservation-table rows on ``unit``, cut at the multiples of II."""
    ii = schedule.ii
    for op in schedule.graph:
        stage = schedule.stage(op.name)
        for row in (row for row in op.usage if row.unit == unit):
            begin = schedule.start[op.name] + row.start
            end = begin + row.cycles
            while begin < end:
                turn = begin // ii
                stop = min(end, (turn + 1) * ii)
                mark = WRAPPED if turn > stage else ""
                text = f"{op.name} [{stage}]{mark}"
                yield Piece(begin - turn * ii, stop - turn * ii, text, row.amount)
                begin = stop


def _instances(pieces: list[Piece]) -> list[Lane]:
    """Lanes without overlaps: as many as are busy at once, if taken by first slot."""
    lanes: list[Lane] = []
    for piece in pieces:
        free = [lane for lane in lanes if lane[-1].end <= piece.first]
        for lane in free[: piece.amount]:
            lane.append(piece)
        lanes += ([piece] for _ in range(piece.amount - len(free)))
    return lanes


def _stretches(ii: int, lanes: list[Lane]) -> Iterator[tuple[int, int]]:
    """Stretches of slots in which no cell changes; all of one slot if II is small."""
    if ii <= SINGLE_SLOTS:
        yield from pairwise(range(ii + 1))
        return
    ends = {end for lane in lanes for piece in lane for end in (piece.first, piece.end)}
    edges = sorted({0, ii} | ends)
    alike = groupby(pairwise(edges), key=lambda edge: [_text(lane, edge[0]) for lane in lanes])
    for _, group in alike:
        stretches = list(group)
        yield stretches[0][0], stretches[-1][1]


def _text(lane: Lane, slot: int) -> str:
    return next((piece.text for piece in lane if piece.first <= slot < piece.end), IDLE)


def _range(first: int, end: int) -> str:
    return str(first) if end == first + 1 else f"{first}-{end - 1}"
