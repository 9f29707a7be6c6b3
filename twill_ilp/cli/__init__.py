"""The command line, ``twill-ilp``.

Exit codes: 0 proven optimal (or nothing to prove), 1 proven infeasible (or a failed check of
``doctor``), 2 bad input, 3 unknown or only feasible, 130 interrupted.  Whatever goes wrong is
one line on standard error; what cannot be meant is an ``OptionError`` before anything is solved.
Importing this package loads no solver and no plotting library.
"""

from __future__ import annotations

from collections.abc import Sequence

from twill_ilp.cli.parser import build_parser
from twill_ilp.cli.terminal import complain, flush
from twill_ilp.errors import InvalidScheduleError, SolverError, TwillError

__all__ = ["main"]

BAD_INPUT, UNDECIDED, INTERRUPTED = 2, 3, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    Args:
        argv: the arguments; by default those of the process.
    """
    try:
        return _run(argv)
    except KeyboardInterrupt:
        complain("interrupted")
        return INTERRUPTED
    except MemoryError:
        complain("out of memory; give the problem in coarser cycles")
        return UNDECIDED
    except (SolverError, InvalidScheduleError) as e:
        complain(str(e))
        return UNDECIDED
    except TwillError as e:
        complain(str(e))
        return BAD_INPUT
    except OSError as e:
        complain(f"{e.filename or 'output'}: {e.strerror or e}; nothing was written there")
        return BAD_INPUT


def _run(argv: Sequence[str] | None) -> int:
    try:
        arguments = build_parser().parse_args(argv)
    except SystemExit as e:  # --help and --version
        flush()
        return int(e.code or 0)
    code: int = arguments.run(arguments)
    return code
