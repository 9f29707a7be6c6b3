"""Reproduction of Soi et al. 2026, claim by claim, with a report in Markdown.

Each claim is a function of its own: :data:`CLAIMS` lists them.  Everything the report says is
proven or verified, so that two runs differ in times only.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from twill_ilp.errors import OptionError
from twill_ilp.files import write_text, writing
from twill_ilp.reproduce.backward import BACKWARD_CLAIM, saved_schedule
from twill_ilp.reproduce.effort import NORMALIZATION_CLAIM, TIMES_CLAIM
from twill_ilp.reproduce.finding import Claim, Drawing, Finding
from twill_ilp.reproduce.forward import (
    ABLATIONS_CLAIM,
    BLACKWELL_CLAIM,
    HOPPER_CLAIM,
    REGISTERS_CLAIM,
)
from twill_ilp.reproduce.outside import GPU_CLAIM
from twill_ilp.reproduce.teaching import FAMILIES_CLAIM, FIG1_CLAIM
from twill_ilp.reproduce.text import report_text, without_times

__all__ = [
    "CLAIMS",
    "Claim",
    "Finding",
    "claims_about",
    "reproduce",
    "saved_schedule",
    "without_times",
]

CLAIMS: tuple[Claim, ...] = (
    FIG1_CLAIM,
    FAMILIES_CLAIM,
    HOPPER_CLAIM,
    BLACKWELL_CLAIM,
    ABLATIONS_CLAIM,
    REGISTERS_CLAIM,
    BACKWARD_CLAIM,
    TIMES_CLAIM,
    NORMALIZATION_CLAIM,
    GPU_CLAIM,
)
"""Every claim in the order of the report."""

DOTS = 200
"""Dots per inch of a figure."""


def claims_about(figure: int | None) -> tuple[Claim, ...]:
    """The claims about one of the paper's figures, by its number, or with ``None`` all claims.

    Raises:
        OptionError: no claim is about that figure.
    """
    if figure is None:
        return CLAIMS
    chosen = tuple(claim for claim in CLAIMS if figure in claim.figures)
    if not chosen:
        known = ", ".join(str(n) for n in sorted({n for claim in CLAIMS for n in claim.figures}))
        raise OptionError(
            f"figure {figure} is not reproduced; choose from {known}, or leave it out"
        )
    return chosen


def reproduce(
    folder: str | Path,
    claims: Sequence[Claim] = CLAIMS,
    *,
    progress: Callable[[str], None] = lambda _: None,
) -> str:
    """Check the claims; write ``REPRODUCTION.md`` and ``figures/*.png``.

    All claims take about four minutes on one core.

    Args:
        folder: where to write; it is made if it does not exist.
        claims: some of :data:`CLAIMS`, in the order of the report.
        progress: called with one line whenever something else begins.

    Returns:
        The report.

    Raises:
        OSError: the folder or a file cannot be written.
        SolverError: HiGHS failed.
    """
    target = Path(folder)
    (target / "figures").mkdir(parents=True, exist_ok=True)
    done = []
    for claim in claims:
        progress(claim.name)
        began = time.perf_counter()
        finding = claim.check(progress)
        for name, draw in finding.figures.items():
            _save(draw, target / "figures" / f"{name}.png")
        done.append((claim, finding, time.perf_counter() - began))
    text = report_text(done)
    write_text(target / "REPRODUCTION.md", text)
    return text


def _save(draw: Drawing, path: Path) -> None:
    from matplotlib import pyplot

    figure = draw().get_figure(root=True)
    assert figure is not None
    try:
        with writing(path) as temporary:
            figure.savefig(temporary, dpi=DOTS)
    finally:
        pyplot.close(figure)
