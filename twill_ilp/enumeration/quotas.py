r"""Quotas: the registers that groups ask for fit into the SM's register file.

A group of w warps whose values take :math:`\ell_r` words of each warp in slot r asks for
:math:`32\,w\,\max(24,\ 8 \max_r \lceil \ell_r / 256 \rceil)` words.  Of the values one knows
the mandatory parts (:mod:`.lives`), so that this is a lower bound, and exact at a leaf.
"""

from __future__ import annotations

from collections.abc import Iterator

from twill_ilp.enumeration.conflict import Conflict, Literal
from twill_ilp.enumeration.lives import WINDOWS, Lives, Part, Store, mandatory, why_meets
from twill_ilp.enumeration.node import Node
from twill_ilp.enumeration.paths import Paths
from twill_ilp.enumeration.timetable import crowd
from twill_ilp.ilp.group_slots import GroupSlot
from twill_ilp.machine import Machine
from twill_ilp.rules import LEAST_QUOTA, QUOTA_STEP, Rules

__all__ = ["Quotas", "fit_quotas"]

STEP, LEAST = 32 * QUOTA_STEP, LEAST_QUOTA // QUOTA_STEP
"""Words of a warp in one step, and the least steps."""


class Quotas:
    """The register file, if quotas are a rule.

    Attributes:
        limit: words of the SM; ``None``: any number.
        lives: values in registers.
        warps: of every group slot.
    """

    def __init__(
        self, machine: Machine, rules: Rules, lives: Lives, slots: list[GroupSlot]
    ) -> None:
        self.limit = machine.registers_per_sm if "quotas" in rules else None
        self.lives = lives
        self.warps = [slot.warps for slot in slots]


def fit_quotas(node: Node) -> None:
    """What the opened groups ask for at least is there.

    Raises:
        Conflict: it is not.
    """
    quotas = node.case.quotas
    if quotas.limit is not None and sum(words for words, *_ in _asked(node)) > quotas.limit:
        raise Conflict((_too_many, node.paths))


def _asked(node: Node) -> Iterator[tuple[int, int, int, int]]:
    """Of every opened group: words that it asks for, the group, its steps, its fullest slot."""
    quotas, lives, count = node.case.quotas, node.case.quotas.lives, len(node.first)
    digit = (1 << lives.digit) - 1
    for g, warps in enumerate(quotas.warps):
        if node.opened >> g & 1:
            held = sum(
                value.amount * lives.part(*mandatory(node, value))
                for value in lives.registers[1]
                if node.sets[count + value.c] == 1 << g
            )
            load = [held >> lives.digit * r & digit for r in range(lives.ii)]
            steps = max(LEAST, -(-max(load) // STEP))
            yield warps * STEP * steps, 1 << g, steps, load.index(max(load))


def _too_many(node: Node, _: int, paths: Paths) -> Iterator[Literal]:
    """Why the opened groups ask for as much: a member, or what lives in the fullest slot."""
    registers, count = node.case.quotas.lives.registers, len(node.first)
    for _words, group, steps, r in _asked(node):
        if steps > LEAST:
            parts = {value.u: Part(*mandatory(node, value), WINDOWS) for value in registers[1]}
            store = Store(*registers, group, parts, paths)
            for value in crowd(node, store, r, (steps - 1) * STEP, None):
                yield count + value.c, ~group
                yield from why_meets(node, value, store, r)
        else:
            member = next(
                x for x in range(count, node.case.together.first) if node.sets[x] == group
            )
            yield member, ~group
