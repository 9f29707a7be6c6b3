"""Sets of starts as bit masks: bit b is cycle ``base + b``, and ``base`` is a multiple of II.

So slot r is the bits b with ``b mod II = r``, and a few operations on whole numbers do what would
be a loop over cycles.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["Frame", "first_bit", "from_bit", "up_to_bit"]


class Frame:
    """The cycles that occur in any set of starts.

    Args:
        ii: initiation interval, cycles.
        windows: first and last start of every node, cycles.
    """

    __slots__ = ("_periods", "_slots", "base", "ii", "width")

    def __init__(self, ii: int, windows: Sequence[tuple[int, int]]) -> None:
        self.ii = ii
        self.base = min(first for first, _ in windows) // ii * ii
        self.width = max(last for _, last in windows) - self.base + 1
        self._periods = sum(1 << turn * ii for turn in range(self.width // ii + 1))
        self._slots = (1 << ii) - 1

    def window(self, first: int, last: int) -> int:
        """The set of all starts from one to another, cycles."""
        return (1 << last - self.base + 1) - (1 << first - self.base)

    def rotated(self, slots: int, by: int) -> int:
        """A set of slots, moved on by a number of cycles."""
        by %= self.ii
        return (slots << by | slots >> self.ii - by) & self._slots

    def starts_in(self, slots: int) -> int:
        """All starts in a set of slots."""
        return slots * self._periods

    def slots_of(self, starts: int) -> int:
        """The slots of a set of starts."""
        turns = starts.bit_length() // self.ii + 1
        while turns > 1:
            turns = turns + 1 >> 1
            starts = starts >> turns * self.ii | starts & (1 << turns * self.ii) - 1
        return starts


def first_bit(mask: int) -> int:
    """The lowest bit of a mask that has one."""
    return (mask & -mask).bit_length() - 1


def from_bit(bit: int) -> int:
    """The mask of a bit and all above it."""
    return -1 << bit if bit > 0 else -1


def up_to_bit(bit: int) -> int:
    """The mask of a bit and all below it."""
    return (1 << bit + 1) - 1 if bit >= 0 else 0
