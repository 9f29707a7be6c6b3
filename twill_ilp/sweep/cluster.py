"""Sweeps on a cluster: Dask brings the points to its workers (extra ``cluster``).

Each thread of a Dask worker has a worker process of its own below it, exactly as on one machine,
so that limits hold there too.  Dask offers the executor interface of the standard library.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import ExitStack, contextmanager

from twill_ilp.errors import OptionError

__all__ = ["cluster_executor"]

PATIENCE = "20s"
"""How long a scheduler may take to answer."""


@contextmanager
def cluster_executor(scheduler: str | None = None, jobs: int | None = None) -> Iterator[Executor]:
    """An executor for :func:`twill_ilp.sweep.run_sweep`.

    Args:
        scheduler: address of a running scheduler, such as ``tcp://node1:8786``; ``None``: a
            cluster of worker processes on this machine.
        jobs: worker processes of that cluster; default: the CPUs.

    Raises:
        OptionError: Dask is not installed, or there is no scheduler at the address.
    """
    try:
        from distributed import Client, LocalCluster
    except ImportError:
        raise OptionError(
            "engine dask: distributed is not installed; pip install 'twill-ilp[cluster]'"
        ) from None
    from twill_ilp.sweep.child import allow_children, end_children

    with ExitStack() as stack:
        address = scheduler
        if scheduler is None:
            local = LocalCluster(n_workers=jobs, threads_per_worker=1, dashboard_address=None)
            address = stack.enter_context(local).scheduler_address
        try:
            client = stack.enter_context(Client(address, timeout=PATIENCE))
        except (OSError, TimeoutError) as e:
            reason = f"scheduler {address}: not reached ({e}); check the address"
            raise OptionError(reason) from None
        client.run(allow_children)
        try:
            yield client.get_executor(pure=False)
        finally:
            client.run(end_children)
