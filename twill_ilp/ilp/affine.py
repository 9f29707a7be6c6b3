"""Affine expressions that are cheap to add up: a dictionary of coefficients and a constant."""

from __future__ import annotations

from typing import Any

import pulp

__all__ = ["Affine", "Term"]

Term = Any
"""A number, a PuLP variable or an expression."""


class Affine:
    """``constant + sum(coefficient * variable)``, with whole coefficients.

    PuLP copies an expression at every ``+``; rows of the joint model add up dozens of small ones.
    """

    __slots__ = ("constant", "terms")

    def __init__(self, constant: int = 0) -> None:
        self.constant = constant
        self.terms: dict[Any, int] = {}

    def add(self, term: Term, factor: int = 1) -> Affine:
        """Add ``factor * term`` in place, and return the expression."""
        if isinstance(term, int):
            self.constant += factor * term
        elif isinstance(term, Affine):
            self.constant += factor * term.constant
            for variable, coefficient in term.terms.items():
                self.terms[variable] = self.terms.get(variable, 0) + factor * coefficient
        else:
            self.terms[term] = self.terms.get(term, 0) + factor
        return self

    def scaled(self, factor: int) -> Affine:
        """A copy, ``factor`` times as large."""
        return Affine().add(self, factor)

    def at_least(self, least: int) -> pulp.LpConstraint | bool:
        """The row ``self >= least``; a truth value if no variable is left in it."""
        terms = [(v, c) for v, c in self.terms.items() if c]
        if not terms:
            return self.constant >= least
        return pulp.LpAffineExpression(terms) >= least - self.constant
