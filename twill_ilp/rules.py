"""The rules of the joint problem: which constraint families hold, and how they are read.

The modulo problem has two rules, dependences and units.  The joint problem adds the families
of Soi et al. 2026, Figs. 5 and 6.  An ablation is another tuple of families; where the paper
leaves a question open, a *reading* answers it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Literal, get_args, get_type_hints

from twill_ilp.errors import OptionError
from twill_ilp.graph import Dependence, LoopGraph, Operation

__all__ = [
    "EXTRA_FAMILIES",
    "FAMILIES",
    "LARGEST_QUOTA",
    "LEAST_QUOTA",
    "QUOTA_STEP",
    "Readings",
    "Rules",
    "designates",
    "effective_graph",
    "held_cycles",
    "streaming",
]

FAMILIES = ("memory", "warps", "variable-latency", "registers", "spills", "concurrency")
"""Families of the joint problem, all in force by default.

- ``memory``: footprints of the live values fit into every memory, in every slot.
- ``warps``: an operation's group is at least as wide as the operation, and the widths of all
  groups sum to at most the warp budget.  (Without it widths do not matter.)
- ``variable-latency``: an operation is in the designated group exactly if its latency varies;
  streaming operations delay nobody.
- ``registers``: per group and slot, the words per warp of its live values fit into a warp.
- ``spills``: a dependence between groups takes ``spill(src)`` cycles longer.
- ``concurrency``: while an operation waits, no other of its group is in progress.
"""

EXTRA_FAMILIES = ("no-cross-warp", "quotas")
"""Families that are not in force unless asked for.

- ``no-cross-warp``: a value in registers is read by its own group only.
- ``quotas``: every group gets a quota of registers per thread, a multiple of 8 from 24 to 248,
  at least what its values need; widths x 32 x quotas sum to at most the SM's registers.
"""

QUOTA_STEP, LEAST_QUOTA, LARGEST_QUOTA = 8, 24, 248
"""Registers per thread that a group of warps can ask for (PTX ISA, ``setmaxnreg``)."""


@dataclass(frozen=True, slots=True)
class Readings:
    """Answers to what the paper leaves open; the default is the first choice.

    Attributes:
        hold: for how many cycles an operation counts as in progress on its warp:
            ``issue`` (``Operation.issue``) or ``cycles`` (``Operation.cycles``; the literal
            reading, also for asynchronous work).
        liveness: when a value is dead: at the ``issue`` of its last use (the paper), or at that
            use's ``completion`` (what hardware buffers need).
        window: which lengths count: ``free`` (any), or ``paper`` (``ceil(L / II)`` at most that
            of the shortest modulo schedule).

    Raises:
        OptionError: an unknown choice.
    """

    hold: Literal["issue", "cycles"] = "issue"
    liveness: Literal["issue", "completion"] = "issue"
    window: Literal["free", "paper"] = "free"

    def __post_init__(self) -> None:
        for name, choices in self.choices().items():
            value = getattr(self, name)
            if value not in choices:
                raise OptionError(f"reading {name} is {value!r}; choose from {', '.join(choices)}")

    @classmethod
    def choices(cls) -> dict[str, tuple[str, ...]]:
        """Every reading with its choices, the default first."""
        return {name: get_args(hint) for name, hint in get_type_hints(cls).items()}

    @classmethod
    def parse(cls, texts: Sequence[str]) -> Readings:
        """Readings from texts such as ``liveness=completion``.

        Raises:
            OptionError: not ``name=choice``, or an unknown name or choice.
        """
        chosen = {}
        for text in texts:
            name, equals, value = text.partition("=")
            if not equals or name not in cls.choices():
                known = ", ".join(f"{k}={'|'.join(v)}" for k, v in cls.choices().items())
                raise OptionError(f"reading {text!r}: no such reading; give one of {known}")
            chosen[name] = value
        return cls(**chosen)  # type: ignore[arg-type]  # checked at construction

    def __str__(self) -> str:
        return ", ".join(f"{f.name}={getattr(self, f.name)}" for f in fields(self))


@dataclass(frozen=True)
class Rules:
    """The families in force, how they are read, and limits on the assignment.

    Attributes:
        families: from :data:`FAMILIES` and :data:`EXTRA_FAMILIES`.
        readings: see :class:`Readings`.
        max_groups: largest number of groups, the designated one included; ``None``: any.

    Raises:
        OptionError: an unknown family, or no group at all.
    """

    families: tuple[str, ...] = FAMILIES
    readings: Readings = field(default_factory=Readings)
    max_groups: int | None = None

    def __post_init__(self) -> None:
        known = (*FAMILIES, *EXTRA_FAMILIES)
        for family in self.families:
            if family not in known:
                raise OptionError(f"family {family!r}: no such one; choose from {', '.join(known)}")
        # One order, so that equal sets of families compare and print alike.
        ordered = tuple(family for family in known if family in self.families)
        object.__setattr__(self, "families", ordered)
        if self.max_groups is not None and self.max_groups < 1:
            raise OptionError(f"groups is {self.max_groups}; give a whole number >= 1")

    def without(self, *families: str) -> Rules:
        """The same rules without some families: an ablation.

        Raises:
            OptionError: an unknown family.
        """
        Rules(families)
        return replace(self, families=tuple(f for f in self.families if f not in families))

    def also(self, *families: str) -> Rules:
        """The same rules with further families."""
        return replace(self, families=(*self.families, *families))

    def __contains__(self, family: str) -> bool:
        return family in self.families


def streaming(graph: LoopGraph) -> frozenset[str]:
    """Operations of variable latency that wait for nobody (Soi et al. 2026, section 5.3)."""
    waiting = {e.dst for e in graph.dependences}
    return frozenset(op.name for op in graph if op.variable_latency and op.name not in waiting)


def effective_graph(graph: LoopGraph, rules: Rules) -> LoopGraph:
    """The graph with the delays that the rules leave: streaming operations delay nobody.

    They can run as many iterations ahead as it takes; their units are still occupied.
    """
    free = streaming(graph) if "variable-latency" in rules else frozenset()
    if not free:
        return graph
    edges = tuple(
        Dependence(e.src, e.dst, 0, e.distance, e.blocking) if e.src in free else e
        for e in graph.dependences
    )
    return LoopGraph(graph.name, graph.operations, edges)


def designates(op: Operation, rules: Rules) -> bool:
    """Whether the operation has to be in the designated group."""
    return op.variable_latency and "variable-latency" in rules


def held_cycles(op: Operation, readings: Readings) -> int:
    """Cycles for which an operation is in progress on its warps."""
    return op.issue if readings.hold == "issue" else op.cycles
