"""Write the API reference, HTML from the docstrings: ``python docs/api.py FOLDER``.

Needs pdoc (``pip install -e '.[docs]'``).  A public name that does not resolve is an error.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
import warnings
from pathlib import Path

import twill_ilp

OPTIONAL = ("twill_ilp.frontends.triton", "twill_ilp.sweep.cluster")
"""Modules of extras that need not be installed."""


def names() -> list[str]:
    """Every module of the package; names that are imported on first use are resolved."""
    found = ["twill_ilp"]
    for info in pkgutil.walk_packages(twill_ilp.__path__, "twill_ilp."):
        if not info.name.endswith("__main__"):
            found.append(info.name)
    for name in found:
        try:
            module = importlib.import_module(name)
        except ModuleNotFoundError:
            if name not in OPTIONAL:
                raise
            continue
        for public in getattr(module, "__all__", ()):
            setattr(module, public, getattr(module, public))
    return found


def main(folder: str) -> None:
    import pdoc  # an extra; doctests import this file without it
    import pdoc.render

    warnings.filterwarnings("ignore", "Error parsing type annotation")  # generic types of stubs
    warnings.filterwarnings("ignore", "The module specification")  # functions named as modules
    warnings.filterwarnings("error", ".*does not resolve")
    pdoc.render.configure(docformat="google", math=True, search=False)
    # Named one by one: of a package with __all__ pdoc would leave out the modules.
    modules = [name for name in names() if name in sys.modules]
    pdoc.pdoc(*modules, output_directory=Path(folder))
    print(f"{len(modules)} modules in {folder}")


if __name__ == "__main__":
    main(*sys.argv[1:])
