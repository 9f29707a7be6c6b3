"""Readers of compilers' intermediate representations and dependence graphs."""

from twill_ilp.frontends.ddg_json import ddg_reading, read_ddg
from twill_ilp.frontends.reading import Reading
from twill_ilp.frontends.rules import DEFAULT_RULES, RULES
from twill_ilp.frontends.ttgir import is_ir, parse_ttgir, read_ttgir

__all__ = [
    "DEFAULT_RULES",
    "RULES",
    "Reading",
    "ddg_reading",
    "is_ir",
    "parse_ttgir",
    "read_ddg",
    "read_ttgir",
]
