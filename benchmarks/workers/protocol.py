"""How a worker process is spoken to: one JSON object per line, a question in and an answer out.

The first line that a worker writes tells its version and what its start cost.  Seconds are CPU
seconds of the worker and of its children.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from collections.abc import Callable
from math import inf
from typing import Any

__all__ = ["cpu_seconds", "serve"]

# Solvers write to standard output, some below Python: they get standard error instead.
_SAY = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)


def cpu_seconds() -> float:
    """User and system seconds of this process and of the children that ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def serve(version: str, answer: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Answer every question from standard input until it ends.

    Each answer gets ``work``, the seconds from question to answer.  The worker's first argument is
    after how many CPU seconds the system ends it.
    """
    limit = float(sys.argv[1]) if len(sys.argv) > 1 else inf
    if limit < inf:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_CPU, (max(1, round(limit)), round(limit) + 5))
    print(json.dumps({"version": version, "startup": cpu_seconds()}), file=_SAY, flush=True)
    for line in sys.stdin:
        began = cpu_seconds()
        result = answer(json.loads(line))
        print(json.dumps(result | {"work": cpu_seconds() - began}), file=_SAY, flush=True)
