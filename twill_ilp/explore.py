"""Playing with a figure in a notebook: menus where ipywidgets is installed, else one picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.util import find_spec

__all__ = ["explore"]


def explore(draw: Callable[..., object], **choices: Sequence[object]) -> None:
    """Draw again whenever another choice is made.

    Without a notebook or without ipywidgets, the picture of the first choices is drawn once; call
    ``draw`` yourself for the others.

    Args:
        draw: takes a keyword argument for every menu.
        choices: per menu its values; the first one is chosen at the beginning.

    >>> explore(lambda ii: print(f"II = {ii}"), ii=[2, 3])
    II = 2
    """
    if _in_notebook() and find_spec("ipywidgets"):
        widgets = import_module("ipywidgets")
        menus = {name: widgets.Dropdown(options=list(values)) for name, values in choices.items()}
        widgets.interact(draw, **menus)
    else:
        draw(**{name: values[0] for name, values in choices.items()})


def _in_notebook() -> bool:
    if not find_spec("IPython"):
        return False
    shell = import_module("IPython").get_ipython()
    return hasattr(shell, "kernel")
