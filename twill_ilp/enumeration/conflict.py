"""A contradiction: no schedule is left."""

from __future__ import annotations

__all__ = ["Conflict"]


class Conflict(Exception):
    """Nothing is left for a variable, ``culprit``: the start of a node; or, numbered after all of
    these, the group of a class."""

    def __init__(self, culprit: int) -> None:
        super().__init__(culprit)
        self.culprit = culprit
