"""A process that solves one point at a time: ``python -m twill_ilp.sweep.worker FUNCTION``.

Requests come as lines of JSON on standard input and answers leave on standard output, one per
request.  When standard input closes, because the parent ended in whatever way, the process ends
at once, also in the middle of a solve.
"""

from __future__ import annotations

import faulthandler
import json
import os
import queue
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

__all__ = ["main"]

Row = dict[str, Any]


def main() -> None:
    """Answer requests until standard input closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what Ctrl-C means
    faulthandler.enable()
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever a solver prints is no answer
    requests: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    function, facts = _function(sys.argv[1]), _facts()
    threading.Thread(target=_listen, args=(requests,), daemon=True).start()
    _say(channel, {"ready": os.getpid()})
    while True:
        request = json.loads(requests.get())
        _reset_peak()
        row = _answer(function, request)
        _say(channel, row | facts | {"peak_mb": _peak_mb()})


def _listen(requests: queue.SimpleQueue[bytes]) -> None:
    for line in sys.stdin.buffer:
        requests.put(line)
    os._exit(0)


def _function(name: str) -> Callable[..., Row]:
    module, _, attribute = name.partition(":")
    function: Callable[..., Row] = getattr(import_module(module), attribute)
    return function


def _answer(function: Callable[..., Row], request: Row) -> Row:
    """The row; whatever goes wrong costs this point only."""
    from twill_ilp.sweep.measure import unknown_row

    try:
        return function(request["point"], Path(request["folder"]), request["keep"])
    except MemoryError:
        return unknown_row("memory limit", "out of memory")
    except Exception as e:
        at = traceback.extract_tb(e.__traceback__)[-1]
        place = f"{Path(at.filename).name}:{at.lineno}"
        return unknown_row("error", f"{type(e).__name__}: {e} ({place})"[:500])


def _facts() -> Row:
    """What is the same for every row of this process."""
    from twill_ilp.solver import highs_version
    from twill_ilp.sweep.keys import code_digest

    return {
        "code": code_digest(),
        "highs": highs_version(),
        "pulp": version("pulp"),
        "python": ".".join(map(str, sys.version_info[:3])),
        "cpu": _cpu(),
        "threads": 1,
    }


def _say(channel: Any, message: Row) -> None:
    channel.write(json.dumps(message, allow_nan=False) + "\n")
    channel.flush()


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if "model name" in line)
    except (OSError, StopIteration):
        return os.uname().machine


def _reset_peak() -> None:
    """Let Linux count the peak of resident memory anew."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def _peak_mb() -> float | None:
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        return round(next(int(line.split()[1]) for line in lines if "VmHWM" in line) / 1024, 1)
    except (OSError, StopIteration):
        return None


if __name__ == "__main__":
    main()
