"""Propagation: what one decision implies, until nothing changes any more."""

from __future__ import annotations

from twill_ilp.enumeration.frame import from_bit, up_to_bit
from twill_ilp.enumeration.groups import check_time, limit_traffic, open_group
from twill_ilp.enumeration.lives import fit_lives
from twill_ilp.enumeration.node import Node, is_single
from twill_ilp.enumeration.spills import propagate_link
from twill_ilp.enumeration.units import reserve_units
from twill_ilp.enumeration.waiting import exclude_all, find_waiting

__all__ = ["propagate"]


def propagate(node: Node) -> None:
    """Remove starts and groups that no schedule within the node has.

    Once every set has one element, they are a schedule.

    Raises:
        Conflict: there is no schedule.
    """
    moved, regrouped = node.moved, node.regrouped
    while moved or regrouped:
        while moved or regrouped:
            if moved:
                _move(node, moved.pop())
            else:
                _regroup(node, regrouped.pop())
        fit_lives(node)


def _move(node: Node, v: int) -> None:
    """The starts of a node are fewer than they were: dependences, units, waiting."""
    for link in node.case.spills.of_node[v]:
        propagate_link(node, link)
    _bound_others(node, v)
    starts, operations = node.starts[v], len(node.waits)
    if node.slot[v] < 0 and v < operations:
        slots = starts if is_single(starts) else node.case.frame.slots_of(starts)
        if is_single(slots):
            node.slot[v] = (slots.bit_length() - 1) % node.case.frame.ii
            reserve_units(node, v, node.slot[v])
            exclude_all(node, v)


def _bound_others(node: Node, v: int) -> None:
    """Longest paths from and to v."""
    first, last, mine_first, mine_last = node.first, node.last, node.first[v], node.last[v]
    for w, weight in node.paths.after[v]:
        if first[w] < mine_first + weight:
            node.keep_starts(w, from_bit(mine_first + weight))
    for w, weight in node.paths.before[v]:
        if last[w] > mine_last - weight:
            node.keep_starts(w, up_to_bit(mine_last - weight))


def _regroup(node: Node, c: int) -> None:
    """The groups of a class are fewer than they were: spills, waiting, and the group itself."""
    case, chosen = node.case, node.groups
    for link in case.spills.of_class[c]:
        propagate_link(node, link)
    changed = {case.groups.class_of[v] for v in find_waiting(node, c)}
    group = chosen[c]
    if is_single(group):
        changed.add(c)
        open_group(node, c)
        for d, other in enumerate(chosen):
            for x in case.groups.classes[d] if other == group else ():
                exclude_all(node, x)
    limit_traffic(node, c)
    for group in {chosen[d] for d in changed}:
        if is_single(group):
            check_time(node, group)
