"""What the commands write to a terminal: reports, complaints, and one line of progress."""

from __future__ import annotations

import os
import shutil
import sys
from contextlib import suppress
from io import TextIOWrapper
from types import TracebackType

from twill_ilp.report import printable

__all__ = ["Progress", "complain", "flush", "say"]

LONGEST = 600
"""Characters of a complaint, beyond which nobody reads."""

ERASE = "\r\x1b[K"


def say(text: str) -> None:
    """Print to standard output; a reader who left early (``| head``) is no error.

    Characters that the terminal's encoding lacks are written as escapes.

    Raises:
        OSError: standard output cannot be written.
    """
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        print(text, flush=True)
    except OSError as e:
        _silence()
        if not isinstance(e, BrokenPipeError):
            raise


def complain(text: str) -> None:
    """One line on standard error, behind the program's name."""
    line = printable(text)
    line = line if len(line) <= LONGEST else f"{line[: LONGEST - 3]}..."
    with suppress(OSError):
        print(f"twill-ilp: {line}", file=sys.stderr, flush=True)


def flush() -> None:
    """Write out what argparse has printed."""
    try:
        if sys.stdout:
            sys.stdout.flush()
    except OSError:
        _silence()


def _silence() -> None:
    """Let Python's own last flush go nowhere."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


class Progress:
    """A line on standard error that every call overwrites; nothing unless it is a terminal."""

    def __init__(self) -> None:
        self._shown = bool(sys.stderr and sys.stderr.isatty())

    def __call__(self, text: str) -> None:
        width = shutil.get_terminal_size().columns - 1
        self._write(ERASE + printable(text)[:width])

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._write(ERASE)

    def _write(self, text: str) -> None:
        if self._shown:
            with suppress(OSError):
                sys.stderr.write(text)
                sys.stderr.flush()
