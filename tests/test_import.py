"""``import twill_ilp`` stays light."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("highspy", "IPython", "jupyter", "matplotlib.pyplot", "pandas", "pulp")

SCRIPT = f"""
import sys, time
began = time.process_time()
import twill_ilp
print(time.process_time() - began)
print([name for name in {HEAVY!r} if name in sys.modules])
"""


def test_import_is_fast_and_loads_no_solver() -> None:
    runs = [
        subprocess.run(
            [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True
        ).stdout.split("\n")
        for _ in range(3)
    ]
    assert all(lines[1] == "[]" for lines in runs)
    assert min(float(lines[0]) for lines in runs) < 0.5


def test_every_public_name_exists() -> None:
    import twill_ilp

    assert all(hasattr(twill_ilp, name) for name in twill_ilp.__all__)
