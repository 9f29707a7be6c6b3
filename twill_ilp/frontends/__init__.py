"""Readers of other programs' dependence graphs."""

from twill_ilp.frontends.ddg_json import read_ddg

__all__ = ["read_ddg"]
