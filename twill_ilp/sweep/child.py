"""One solve, in a process that can be killed: the same on one machine and on a cluster.

:func:`solve_in_child` is what an executor runs.  Every thread that calls it has one worker
process of its own, which solves one point after the other, so that nobody pays for importing a
solver 1,000 times.  A worker that exceeds its wall or memory limit is killed from outside, and
the next point gets a new one.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from twill_ilp.errors import SolverError, TwillError
from twill_ilp.sweep.measure import unknown_row

__all__ = [
    "MEASURE",
    "Child",
    "SweepStoppedError",
    "allow_children",
    "end_children",
    "solve_in_child",
]

MEASURE = "twill_ilp.sweep.measure:measure_point"
"""What a worker runs: module and function."""

ATTEMPTS = 3
"""How often a point is tried whose process ends by itself; others may have killed it."""

START_ATTEMPTS = 5
"""How often a worker is started that ends at once; this is no point's fault."""

START_SECONDS = 120.0
"""Wall seconds for a worker to import a solver, on a busy machine."""

LOOK_SECONDS = 0.05
"""How often a worker's memory is looked at."""

RETIRE = 0.5
"""Share of the memory limit beyond which a worker is not given another point."""

PAGE = os.sysconf("SC_PAGE_SIZE")
MEGABYTE = 2**20

Row = dict[str, Any]


class SweepStoppedError(TwillError):
    """The sweep ends; this point was not solved."""


class _OverrunError(Exception):
    """A limit, and what exceeded it."""


class _EndedError(Exception):
    """The process ended by itself, and its last words."""


class Child:
    """A worker process, from outside.

    Raises:
        _EndedError: it ended instead of starting.
        SolverError: it takes too long.
    """

    def __init__(self, function: str) -> None:
        self.function = function
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  # closed by end()
        environment = os.environ | {
            "PYTHONPATH": os.pathsep.join(path or "." for path in sys.path),
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "twill_ilp.sweep.worker", function],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=environment,
            process_group=0,  # Ctrl-C is for the parent
        )
        self._heard = b""
        try:
            self._hear(time.monotonic() + START_SECONDS, None)
        except _OverrunError:
            self.end()
            raise SolverError(f"a worker process has not started in {START_SECONDS:g} s") from None
        except _EndedError:
            self.end()
            raise

    def ask(self, request: Row, wall: float, memory: int) -> Row:
        """The answer to one request, within ``wall`` seconds and ``memory`` bytes."""
        assert self._process.stdin
        line = json.dumps(request, allow_nan=False) + "\n"
        try:
            self._process.stdin.write(line.encode())
            self._process.stdin.flush()
        except OSError:
            raise _EndedError(self._last_words()) from None
        return self._hear(time.monotonic() + wall, memory)

    def end(self) -> None:
        """Kill the process and wait for it."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            assert stream
            with suppress(OSError):  # unsent bytes of a process that is gone
                stream.close()
        self._errors.close()

    def kill(self) -> None:
        """Kill the process; whoever waits for its answer is told so."""
        self._process.kill()

    def resident(self) -> int:
        """Bytes of memory in use; 0 where that cannot be seen."""
        try:
            statm = Path(f"/proc/{self._process.pid}/statm").read_text(encoding="ascii")
            return int(statm.split()[1]) * PAGE
        except (OSError, IndexError):
            return 0

    def _hear(self, deadline: float, memory: int | None) -> Row:
        assert self._process.stdout
        out = self._process.stdout.fileno()
        poll = select.poll()
        poll.register(out, select.POLLIN)
        while b"\n" not in self._heard:
            left = deadline - time.monotonic()
            if poll.poll(1000 * min(LOOK_SECONDS, max(0.0, left))):
                part = os.read(out, 1 << 16)
                if not part:
                    raise _EndedError(self._last_words())
                self._heard += part
            elif left <= 0:
                raise _OverrunError("wall limit")
            if memory is not None and self.resident() > memory:
                raise _OverrunError("memory limit")
        line, _, self._heard = self._heard.partition(b"\n")
        answer: Row = json.loads(line)
        return answer

    def _last_words(self) -> str:
        code = self._process.wait()
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        cause = f"signal {-code}" if code < 0 else f"exit code {code}"
        return f"{cause}; {lines[-1]}" if lines else cause


_own = threading.local()
_children: set[Child] = set()
_stopping = threading.Event()


def solve_in_child(request: Row, wall: float, memory_mb: float, function: str = MEASURE) -> Row:
    """Solve one point in this thread's worker process.

    Args:
        request: ``point``, ``folder`` and ``keep``, as for the function.
        wall: seconds after which the process is killed.
        memory_mb: megabytes of resident memory beyond which it is killed.
        function: what the worker runs.

    Returns:
        The row; ``unknown`` if a limit ended it, or if the process ended by itself three times.

    Raises:
        SolverError: no worker process starts.
        SweepStoppedError: :func:`end_children` was called.
    """
    began, words = time.monotonic(), ""
    memory = int(memory_mb * MEGABYTE)
    for _ in range(ATTEMPTS):
        child = _child(function)
        try:
            row = child.ask(request, wall, memory)
            if child.resident() > RETIRE * memory:
                _end_own()
            return row
        except _OverrunError as e:
            _end_own()
            limit = f"{wall:g} s" if str(e) == "wall limit" else f"{memory_mb:g} MB"
            evidence = f"ended from outside at {limit}"
            return unknown_row(str(e), evidence, time.monotonic() - began)
        except _EndedError as e:
            _end_own()
            words = str(e)
    if _stopping.is_set():
        raise SweepStoppedError("stopped")
    evidence = f"the process ended {ATTEMPTS} times: {words}"
    return unknown_row("crash", evidence, time.monotonic() - began)


def end_children() -> None:
    """Kill every worker of this process; points under way raise ``SweepStoppedError``."""
    _stopping.set()
    for child in list(_children):
        child.kill()


def allow_children() -> None:
    """Undo :func:`end_children`, once nobody waits for a worker any more; for the next sweep."""
    for child in list(_children):
        _children.discard(child)
        child.end()
    _stopping.clear()


def _child(function: str) -> Child:
    """This thread's worker; a new one if it has none, or one for something else."""
    child: Child | None = getattr(_own, "child", None)
    if child in _children and child is not None and child.function == function:
        return child
    if child in _children:
        _end_own()
    words = ""
    for _ in range(START_ATTEMPTS):
        if _stopping.is_set():
            raise SweepStoppedError("stopped")
        try:
            child = _own.child = Child(function)
        except _EndedError as e:
            words = str(e)
            continue
        _children.add(child)
        return child
    raise SolverError(f"a worker process does not start: {words}")


def _end_own() -> None:
    child: Child = _own.child
    _own.child = None
    _children.discard(child)
    child.end()


@atexit.register
def _at_exit() -> None:
    for child in list(_children):
        child.kill()
