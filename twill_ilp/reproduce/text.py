"""The reproduction report as Markdown."""

from __future__ import annotations

import re
from collections.abc import Sequence

from twill_ilp.report import Table
from twill_ilp.reproduce.finding import Claim, Finding

__all__ = ["HEADER", "report_text", "section_text", "without_times"]

HEADER = """\
# Reproduction of Soi et al. 2026

What "Optimal Software Pipelining and Warp Specialization for Tensor Core GPUs"
([arXiv 2512.18134](https://arxiv.org/abs/2512.18134)) reports and what this package finds, claim by
claim. Everything here was computed by the command

```
twill-ilp reproduce
```

Of the results only levels that are proven, and schedules that the verifier accepts, are reported;
apart from the times, another run gives the same text. Cycles are those of the kernels
(docs/kernels.md): documented throughputs, no measurement.
"""

_TIME = re.compile(r"\b\d+(\.\d+)? s\b")


def report_text(done: Sequence[tuple[Claim, Finding, float]]) -> str:
    """The whole report: contents, then a section per claim.

    Args:
        done: claims with their findings and wall seconds, in order.
    """
    rows = tuple(
        (
            f"[{claim.name}](#{anchor(f'{number}. {claim.name}')})",
            ", ".join(f"Fig. {n}" for n in claim.figures) or "-",
            finding.verdict,
            _seconds(seconds),
        )
        for number, (claim, finding, seconds) in enumerate(done, 1)
    )
    contents = markdown(Table(("claim", "paper", "ours", "time"), rows))
    sections = [
        section_text(number, claim, finding, seconds)
        for number, (claim, finding, seconds) in enumerate(done, 1)
    ]
    return "\n".join([HEADER, contents, "", *sections]).rstrip() + "\n"


def section_text(number: int, claim: Claim, finding: Finding, seconds: float) -> str:
    """The section of one claim: its number in the report, and the wall seconds that it took."""
    lines = [f"## {number}. {claim.name}", "", f"**Claim.** {claim.text}", ""]
    lines += [f"**Our result.** {finding.result}", ""]
    lines += [f"**{finding.verdict.capitalize()}.** {finding.why}", ""]
    for title, table in finding.tables.items():
        lines += [f"{title}:", "", markdown(table), ""]
    for name in finding.figures:
        lines += [f"![{name.replace('-', ' ')}](figures/{name}.png)", ""]
    if claim.commands:
        lines += [f"Time {_seconds(seconds)}. Commands:", "", "```", *claim.commands, "```", ""]
    return "\n".join(lines)


def without_times(text: str) -> str:
    """The report with every time, a number before ``s``, masked: what two runs have in common."""
    return _TIME.sub("# s", text)


def markdown(table: Table) -> str:
    """A table in Markdown."""
    rule = tuple("--:" if i in table.numbers else "---" for i in range(len(table.header)))
    lines = (table.header, rule, *table.rows)
    return "\n".join(f"| {' | '.join(_cell(text) for text in line)} |" for line in lines)


def anchor(heading: str) -> str:
    """The name that a Markdown viewer gives a heading."""
    return re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-")


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f} s"
