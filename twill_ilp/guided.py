"""Partitions that the joint ILP with fractional starts names, one after the other.

Whole groups and fractional starts are a relaxation: what it refutes has no schedule, and where it
does not, its groups are a partition worth asking.  A partition without a schedule is excluded by a
row; once the relaxation refutes all that are left, and they are all refuted, so is the question.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from twill_ilp.descent import Verdict
from twill_ilp.inquiry import Inquiry
from twill_ilp.limits import Limits

__all__ = ["guided", "of_one_partition"]

FIRST_SECONDS, MOST_SECONDS = 1.0, 10.0
"""Wall seconds for the relaxation, at first, and after it was open again and again."""

PARTITION_SECONDS = 1.0
"""Wall seconds for the model of a partition, when it is named."""


def guided(inquiry: Inquiry, limits: Limits, named: list[Mapping[str, int]]) -> Iterator[Verdict]:
    """Verdicts on the question, the last one proven: a schedule, or that there is none.

    Args:
        named: filled with the partitions.
    """
    patience = FIRST_SECONDS
    undecided: list[Mapping[str, int]] = []
    while True:
        inquiry.session.progress(f"II {inquiry.ii}: joint ILP with fractional starts")
        verdict, partition = inquiry.relaxed(limits, named, patience)
        if partition is None and verdict.proven:
            break
        if partition is None:
            patience = min(2 * patience, MOST_SECONDS)
            yield verdict
            continue
        named.append(partition)
        inquiry.refuted.append((partition, limits))
        of_it = inquiry.by_either(limits, partition, PARTITION_SECONDS)
        if not of_it.proven:
            undecided.append(partition)
        yield of_one_partition(of_it)
        if of_it.schedule:
            return
    while undecided:  # with ever more patience
        patience *= 2
        for partition in list(undecided):
            of_it = inquiry.by_either(limits, partition, patience)
            if of_it.proven:
                undecided.remove(partition)
            yield of_one_partition(of_it)
            if of_it.schedule:
                return
    yield verdict


def of_one_partition(verdict: Verdict) -> Verdict:
    """A verdict on one of many partitions, as one on the II: only "yes" counts."""
    if verdict.schedule:
        return verdict
    return Verdict(None, False, "no schedule in the partitions tried; the joint ILP is undecided")
