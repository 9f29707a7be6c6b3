"""Sweeps on this machine: as many worker processes as jobs, each with one HiGHS thread.

The executor is the standard library's thread pool.  Its threads only wait; each of them owns the
worker process that solves (:mod:`twill_ilp.sweep.child`).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from twill_ilp.errors import OptionError
from twill_ilp.sweep.child import allow_children, end_children

__all__ = ["process_executor"]


@contextmanager
def process_executor(jobs: int | None = None) -> Iterator[ThreadPoolExecutor]:
    """An executor for :func:`twill_ilp.sweep.run_sweep`; its processes end with the block.

    Args:
        jobs: points solved at a time; default: the CPUs that this process may use.

    Raises:
        OptionError: no job at all.
    """
    if jobs is not None and jobs < 1:
        raise OptionError(f"jobs is {jobs}; give a whole number >= 1")
    allow_children()
    executor = ThreadPoolExecutor(jobs or len(os.sched_getaffinity(0)), "twill-ilp sweep")
    try:
        yield executor
    finally:
        end_children()
        executor.shutdown(wait=True, cancel_futures=True)
        allow_children()
