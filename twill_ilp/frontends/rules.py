"""The rules by which the readers of compilers' graphs lower operations to a tile-level loop.

Each can be turned off, and some are off unless asked for; ``docs/frontends.md`` lists what each
does on which machine.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from twill_ilp.errors import OptionError

__all__ = ["DEFAULT_RULES", "RULES", "Rule", "chosen_rules"]


@dataclass(frozen=True, slots=True)
class Rule:
    """One step of lowering.

    Attributes:
        name: for ``--without-rule`` and ``--with-rule``.
        effect: what it does, in one sentence.
        default: whether it applies unless turned off.
    """

    name: str
    effect: str
    default: bool = True


_ALL = (
    Rule("addresses", "scalar operations, and index arithmetic that feeds only loads, are dropped"),
    Rule("views", "operations that only change a shape, and allocations, are dropped"),
    Rule("layouts", "layout conversions of register tiles are dropped"),
    Rule("synchronisation", "barriers, waits and fences are dropped; the schedule replaces them"),
    Rule("accumulators", "the result of tt.dot lives in tensor memory, where there is one"),
    Rule("operands", "dot operands computed in registers are stored where the tensor core reads"),
    Rule("staging", "a TMA load that registers use is followed by a read of shared memory"),
    Rule("copies", "tt.load of dot operands alone is an asynchronous copy to shared memory"),
    Rule("releases", "an arrive frees a buffer that was read to registers, not the read itself"),
    Rule("implied", "memory edges that other edges imply are dropped"),
    Rule("blocking", "edges from asynchronous units, and from registers to an MMA, block"),
    Rule("multiply-add", "a product that is only added or subtracted is one instruction", False),
)

RULES = {rule.name: rule for rule in _ALL}
"""Every rule by its name."""

DEFAULT_RULES = frozenset(rule.name for rule in _ALL if rule.default)


def chosen_rules(without: Iterable[str] = (), also: Iterable[str] = ()) -> frozenset[str]:
    """The default rules less ``without`` and with ``also``.

    Raises:
        OptionError: an unknown rule.
    """
    without, also = list(without), list(also)
    for name in (*without, *also):
        if name not in RULES:
            raise OptionError(f"rule {name}: no such rule; choose from {', '.join(RULES)}")
    return (DEFAULT_RULES - set(without)) | set(also)
