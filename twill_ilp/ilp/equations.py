"""A model printed as equations, in the letters of docs/model.md."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from twill_ilp.ilp.formulation import Formulation

__all__ = ["equations"]

RELATION = {-1: "<=", 0: "=", 1: ">="}


def equations(model: Formulation, *, most: int = 40) -> str:
    """Rows and variables of a model, family by family.

    ``t[v]`` is the start of node v, ``k[v]`` its stage, ``y[v,r]`` says "the slot of v is at most
    r", and in the joint model ``a[v,g]`` says "v is in group g"; others keep their names.

    Args:
        model: what :func:`~twill_ilp.ilp.build_model` or ``build_joint_model`` made.
        most: rows per family that are printed; of the rest only the number is.

    Returns:
        The text; every row moves its constant to the right-hand side.
    """
    letters = _letters(model)
    lines = []
    if model.lp.objective:
        lines.append(f"minimise  {_sum(model.lp.objective.items(), letters)}")
    families: dict[str, list[str]] = {}
    for row in model.lp.constraints():
        if any(row.values()):  # a row without variables only has to be true
            families.setdefault(row.name.split("_")[0], []).append(_row(row, letters))
    for family, rows in families.items():
        lines += ["", family, *(f"  {text}" for text in rows[:most])]
        if len(rows) > most:
            lines.append(f"  ... and {len(rows) - most} more")
    lines += ["", "variables", *(f"  {text}" for text in _domains(model.lp.variables(), letters))]
    return "\n".join(lines).strip("\n")


def _letters(model: Formulation) -> dict[str, str]:
    """Name of a variable in the model to its name in print; a formulation may lack some kinds."""
    letters = {"length": "L"}
    for v, node in enumerate(model.core.nodes):
        for letter, variables in (("t", model.start), ("k", model.stage)):
            letters |= {_name(x): f"{letter}[{node.name}]" for x in variables[v : v + 1]}
        for letter, table in (("y", model.reached), ("a", getattr(model, "member", []))):
            rows = table[v : v + 1]
            letters |= {
                _name(x): f"{letter}[{node.name},{i}]" for r in rows for i, x in enumerate(r)
            }
    return letters


def _name(term: Any) -> str:
    """Name of a variable; of a constant a name that no variable has."""
    return getattr(term, "name", "") or ""


def _row(row: Any, letters: Mapping[str, str]) -> str:
    return f"{_sum(row.items(), letters)} {RELATION[row.sense]} {-round(row.constant)}"


def _sum(terms: Iterable[tuple[Any, float]], letters: Mapping[str, str]) -> str:
    """The sum with its positive terms first."""
    ordered = sorted(((v, c) for v, c in terms if c), key=lambda term: term[1] < 0)
    text = ""
    for variable, coefficient in ordered:
        size = "" if abs(coefficient) == 1 else f"{abs(round(coefficient))} "
        sign = ("- " if coefficient < 0 else "+ ") if text else "-" * (coefficient < 0)
        text += f"{' ' if text else ''}{sign}{size}{letters.get(variable.name, variable.name)}"
    return text or "0"


def _domains(variables: Iterable[Any], letters: Mapping[str, str]) -> list[str]:
    """Variables of the same bounds on one line."""
    found: dict[str, list[str]] = {}
    for v in variables:
        low, high = v.lowBound, v.upBound
        kind = "whole" if v.cat == "Integer" else "real"
        text = f"= {round(low)}" if low == high else f"{kind}, {round(low)} to {round(high)}"
        found.setdefault(text, []).append(letters.get(v.name, v.name))
    return [f"{', '.join(names)}  {text}" for text, names in found.items()]
