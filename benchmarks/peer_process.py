"""Peers as child processes: started, asked, limited in CPU seconds, and measured."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any

__all__ = ["PEERS", "Ended", "Peer", "Worker", "available", "default_python"]

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Peer:
    """One way to answer an instance.

    Attributes:
        worker: module in ``workers/``.
        module: what has to be importable for it.
        exported: asked with exported models, and else with the problem itself.
        what: for tables and figures.
    """

    worker: str
    module: str
    exported: bool
    what: str


PEERS = {
    "search": Peer("search", "highspy", False, "this package's search"),
    "highs": Peer("highs", "highspy", True, "HiGHS, exported model"),
    "cpsat": Peer("cpsat", "ortools", True, "CP-SAT, exported model"),
    "scip": Peer("scip", "pyscipopt", True, "SCIP, exported model"),
    "specialist": Peer("specialist", "ortools", False, "CP-SAT, model of its own"),
}


class Ended(Exception):
    """The worker ended without an answer: it reached a limit, or failed."""


class Worker:
    """One child process that answers questions, one line each (``workers/protocol.py``).

    Args:
        cpu_limit: CPU seconds after which the system ends it; wall seconds are limited to
            ``WALL`` times as many.
    """

    WALL = 4.0

    def __init__(self, peer: Peer, python: str, cpu_limit: float | None = None) -> None:
        environment = os.environ | {"PYTHONPATH": str(HERE.parent)}
        self._process = subprocess.Popen(
            [python, str(HERE / "workers" / f"{peer.worker}.py"), f"{cpu_limit or inf:g}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
            start_new_session=True,
        )
        self._name, self._limit, self._killed = peer.worker, cpu_limit, False
        self._timer: threading.Timer | None = None
        if cpu_limit is not None:
            self._timer = threading.Timer(self.WALL * cpu_limit + 30, self._kill)
            self._timer.daemon = True
            self._timer.start()
        try:
            hello = self._read()
        except Ended:
            raise RuntimeError(f"worker {peer.worker} did not start with {python}") from None
        self.version, self.startup = hello["version"], hello["startup"]

    def ask(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to one question.

        Raises:
            Ended: there is none, by the limit.
            RuntimeError: there is none, and there was no limit.
        """
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # the missing answer says it
            print(json.dumps(question), file=self._process.stdin, flush=True)
        return self._read()

    def close(self) -> float:
        """End the worker; returns its CPU seconds, user and system, those of children included.

        Raises:
            RuntimeError: it failed, other than by its limits.
        """
        assert self._process.stdin is not None and self._process.stdout is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        _, status, usage = os.wait4(self._process.pid, 0)
        self._process.returncode = os.waitstatus_to_exitcode(status)
        self._process.stdout.close()
        if self._timer:
            self._timer.cancel()
        seconds, code = usage.ru_utime + usage.ru_stime, self._process.returncode
        # What the kernel counted for the limit may be more than what it reports.
        at_limit = self._limit is not None and (
            seconds > 0.9 * self._limit or code == -signal.SIGXCPU
        )
        if code > 0 or (code < 0 and not self._killed and not at_limit):
            # Whoever else ended it, that is no answer of the peer.
            raise RuntimeError(f"worker {self._name} ended with exit code {code}")
        return seconds

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line and self._limit is None:
            raise RuntimeError(f"worker {self._name} ended, and nobody asked it to")
        if not line:
            raise Ended("it ended without an answer")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _kill(self) -> None:
        if self._process.returncode is None:
            self._killed = True
            os.killpg(self._process.pid, signal.SIGKILL)


def available(peer: Peer, python: str) -> bool:
    """Whether that Python has what the peer needs."""
    look = f"import importlib.util as u, sys; sys.exit(u.find_spec({peer.module!r}) is None)"
    return subprocess.run([python, "-c", look], check=False).returncode == 0


def default_python(peer: str) -> str:
    """The interpreter of a peer: ``TWILL_PEERS_<MODULE>`` in the environment, or this one."""
    return os.environ.get(f"TWILL_PEERS_{PEERS[peer].module.upper()}", sys.executable)
