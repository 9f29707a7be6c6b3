"""``twill-ilp plot``: the figures of a sweep, drawn from its stored rows."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from twill_ilp.cli.terminal import say
from twill_ilp.errors import OptionError
from twill_ilp.files import check_writable, writing
from twill_ilp.sweep.spec import read_sweep

__all__ = ["run"]

DOTS = 200
"""Dots per inch of a .png."""


def run(arguments: argparse.Namespace) -> int:
    """Draw all figures of the sweep file, or one of them."""
    from twill_ilp.sweep.table import SPEC, folder_of, load

    source = Path(arguments.source)
    folder = folder_of(source)
    spec = source if source.suffix == ".toml" else folder / SPEC
    figures = _chosen(read_sweep(spec).figures, arguments.figure, spec)
    frame = load(folder)
    out = Path(arguments.out) if arguments.out else folder
    targets = [out / f"{_name(figure)}.{arguments.format}" for figure in figures]
    for target in targets:
        check_writable(target)
    for figure, target in zip(figures, targets, strict=True):
        _save(frame, figure, target)
        say(str(target))
    return 0


def _chosen(
    figures: tuple[Mapping[str, Any], ...], name: str | None, spec: Path
) -> tuple[Mapping[str, Any], ...]:
    names = [_name(figure) for figure in figures]
    if not figures:
        raise OptionError(f"{spec}: no figures; add a [[figure]]")
    if name is None:
        return figures
    if name not in names:
        raise OptionError(f"--figure {name}: {spec} has {', '.join(names)}")
    return (figures[names.index(name)],)


def _name(figure: Mapping[str, Any]) -> str:
    from twill_ilp.sweep.figures import file_name

    return file_name(figure)


def _save(frame: Any, figure: Mapping[str, Any], target: Path) -> None:
    import matplotlib
    from matplotlib import pyplot

    from twill_ilp.sweep.figures import draw_figure

    # Equal rows give an equal file, so that a rerun changes nothing in a repository.
    settings: Any = {"svg.hashsalt": "twill-ilp", "svg.fonttype": "path"}
    metadata = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(target.suffix[1:], {})
    with matplotlib.rc_context(settings):
        drawn = draw_figure(frame, figure)
        try:
            with writing(target) as temporary:
                drawn.savefig(temporary, dpi=DOTS, metadata=metadata)
        finally:
            pyplot.close(drawn)
