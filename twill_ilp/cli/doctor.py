"""``twill-ilp doctor``: is everything here that the package needs, and does HiGHS answer right?"""

from __future__ import annotations

import argparse
import platform
import sys
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version

from twill_ilp._version import __version__
from twill_ilp.cli.terminal import say
from twill_ilp.errors import SolverError
from twill_ilp.report import Table

__all__ = ["LEAST_PYTHON", "OPTIONAL", "REQUIRED", "run"]

LEAST_PYTHON = (3, 11)

REQUIRED = {
    "highspy": (1, 15, 1),
    "matplotlib": (3, 8),
    "networkx": (3, 2),
    "numpy": (1, 26),
    "pandas": (2, 1),
    "pulp": (3, 3, 2),
    "tqdm": (4, 60),
}
"""Distributions and their least versions, as in pyproject.toml."""

OPTIONAL = {
    "dask": "for sweeps on a cluster; pip install 'twill-ilp[cluster]'",
    "jupyter": "to open the notebooks; pip install 'twill-ilp[notebooks]'",
    "pyarrow": "for sweeps' tables as Parquet; pip install 'twill-ilp[parquet]'",
}

Finding = tuple[str, str, str]
"""What was looked at, ``ok``, ``bad`` or ``missing``, and what was seen."""


def run(arguments: argparse.Namespace) -> int:
    """Report every finding; 0 if nothing is bad, else 1."""
    findings = [*_python(), *_required(), *_optional(), _self_test()]
    bad = [name for name, verdict, _ in findings if verdict == "bad"]
    say(f"twill-ilp {__version__} on {platform.system()} {platform.machine()}\n")
    say(Table(("", "", ""), tuple(findings), wraps=True).text())
    say(f"\nNot usable: mend {', '.join(bad)}." if bad else "\nAll is well.")
    return 1 if bad else 0


def _python() -> Iterator[Finding]:
    good = sys.version_info >= LEAST_PYTHON
    wanted = "" if good else f"; needs at least {_dotted(LEAST_PYTHON)}"
    yield "python", "ok" if good else "bad", platform.python_version() + wanted


def _required() -> Iterator[Finding]:
    for name, least in REQUIRED.items():
        try:
            import_module(name)
            found = version(name)
        except (ImportError, OSError, PackageNotFoundError) as e:
            yield name, "bad", f"cannot be imported ({e}); pip install '{name}>={_dotted(least)}'"
            continue
        if _numbers(found) < least:
            yield name, "bad", f"{found}; pip install '{name}>={_dotted(least)}'"
        else:
            yield name, "ok", found


def _optional() -> Iterator[Finding]:
    for name, purpose in OPTIONAL.items():
        try:
            yield name, "ok", version(name)
        except PackageNotFoundError:
            yield name, "missing", f"optional: only needed {purpose}"


def _self_test() -> Finding:
    """Whether HiGHS, as this package runs it, solves the model that it is known to get wrong."""
    try:
        from twill_ilp.selftest import WRONG_OPTIMAL_ANSWER
        from twill_ilp.solver import TESTED, highs_version, self_test

        by_default, guarded = self_test()
    except (ImportError, OSError, SolverError) as e:
        return "self-test", "bad", str(e)
    known = "" if highs_version() in TESTED else " This version of HiGHS is new to this package."
    if by_default == WRONG_OPTIMAL_ANSWER:
        return "self-test", "ok", f"HiGHS finds the optimum {by_default}, guarded or not.{known}"
    return (
        "self-test",
        "ok",
        f"HiGHS answers {by_default} by default and {guarded} as this package runs it; "
        f"{WRONG_OPTIMAL_ANSWER} is right. The Aggregator rule of its MIP presolve can cut "
        "optimal solutions off. This package switches the rule off (presolve_rule_off=4096), so "
        "its own results are not concerned; models that you give to HiGHS yourself are."
        f"{known}",
    )


def _numbers(text: str) -> tuple[int, ...]:
    """The leading numbers of a version: (3, 3, 2) of ``3.3.2rc1``."""
    numbers = []
    for part in text.split("."):
        digits = part[: next((i for i, c in enumerate(part) if not c.isdigit()), len(part))]
        if not digits:
            break
        numbers.append(int(digits))
    return tuple(numbers)


def _dotted(numbers: tuple[int, ...]) -> str:
    return ".".join(map(str, numbers))
