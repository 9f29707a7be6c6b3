"""The package's exceptions: one line each, naming the place, the amount and the mend."""

from __future__ import annotations

__all__ = [
    "DoesNotFitError",
    "ExecutionError",
    "InvalidGraphError",
    "InvalidIRError",
    "InvalidMachineError",
    "InvalidProblemError",
    "InvalidScheduleError",
    "OptionError",
    "SolverError",
    "TwillError",
]


class TwillError(Exception):
    """Anything this package refuses, in one line fit for a user's eyes."""


class InvalidProblemError(TwillError):
    """A problem file, or a graph together with a machine, that cannot be meant."""


class InvalidGraphError(InvalidProblemError):
    """A loop graph that breaks its own rules."""


class InvalidIRError(InvalidProblemError):
    """Text of a compiler's intermediate representation that is not read.

    Attributes:
        line: where in the text, counted from 1.
        reason: why, and what to do about it.
        source: the file, once it is known.
    """

    def __init__(self, line: int, reason: str, source: str = "") -> None:
        super().__init__(f"{source}:{line}: {reason}" if source else f"line {line}: {reason}")
        self.line = line
        self.reason = reason
        self.source = source


class InvalidMachineError(InvalidProblemError):
    """A machine that breaks its own rules."""


class InvalidScheduleError(TwillError):
    """A schedule that the verifier rejects."""


class ExecutionError(TwillError):
    """A program that reads, overwrites or waits for what it must not, where it was run."""


class OptionError(TwillError):
    """An option of a command or a function with a value it cannot have."""


class DoesNotFitError(OptionError):
    """A kernel whose tiles exceed a memory in every schedule: proven infeasible at every II."""


class SolverError(TwillError):
    """The MIP solver failed, answered wrongly, or reported a status that proves nothing."""
