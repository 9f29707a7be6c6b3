"""Reports: schedules and results as text for terminals and as HTML for notebooks.

The words *proven*, *found* and *unknown* stand for what they mean and for nothing else: what
nobody proved is never called optimal, minimal or impossible.
"""

from __future__ import annotations

from twill_ilp.report.headline import headline, subject
from twill_ilp.report.proof import proof_table
from twill_ilp.report.reservation import reservation_table
from twill_ilp.report.table import WIDTH, Table, printable
from twill_ilp.report.whole import (
    operation_table,
    result_html,
    result_text,
    schedule_html,
    schedule_text,
)

__all__ = [
    "WIDTH",
    "Table",
    "headline",
    "operation_table",
    "printable",
    "proof_table",
    "reservation_table",
    "result_html",
    "result_text",
    "schedule_html",
    "schedule_text",
    "subject",
]
