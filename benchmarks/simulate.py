"""Simulated issues per second of CPU time, on the joint schedule of attention forward.

python benchmarks/simulate.py [--issues N] [--machine NAME]
"""

from __future__ import annotations

import argparse
import sys
import time

from twill_ilp import SearchOptions, build_kernel, solve
from twill_ilp.simulate import Jitter, simulate


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--issues", type=int, default=1_000_000)
    parser.add_argument("--machine", default="blackwell")
    arguments = parser.parse_args()
    schedule = solve(
        build_kernel("fmha-forward", arguments.machine), SearchOptions(levels=("ii",))
    ).schedule
    assert schedule is not None
    iterations = -(-arguments.issues // len(schedule.graph))
    for text in ("constant:1", "lognormal:4"):
        began = time.process_time()
        done = simulate(schedule, iterations=iterations, jitter=Jitter.parse(text))
        seconds = time.process_time() - began
        issues = iterations * len(schedule.graph)
        print(
            f"{text}: {issues} issues in {seconds:.1f} CPU seconds, {issues / seconds:.0f} per "
            f"second; {float(done.cycles_per_iteration):.4g} cycles per iteration"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
