"""``twill-ilp reproduce``: the paper's claims, one by one, with a report."""

from __future__ import annotations

import argparse
from pathlib import Path

from twill_ilp.cli.terminal import Progress, say
from twill_ilp.errors import OptionError

__all__ = ["run"]


def run(arguments: argparse.Namespace) -> int:
    """Check all claims, or those about one figure; always 0: a difference is a result, too."""
    from twill_ilp.reproduce import claims_about, reproduce

    claims = claims_about(arguments.figure)
    folder = Path(arguments.out)
    if folder.exists() and not folder.is_dir():
        raise OptionError(f"--out {folder}: is no folder; give another name")
    with Progress() as progress:
        text = reproduce(folder, claims, progress=progress)
    say(f"{text}\nwritten to {folder / 'REPRODUCTION.md'}")
    return 0
