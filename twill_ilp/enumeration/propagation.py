"""Propagation: what one decision implies, until nothing changes any more."""

from __future__ import annotations

from itertools import product

from twill_ilp.enumeration.energy import fit_energy
from twill_ilp.enumeration.groups import check_time, open_group
from twill_ilp.enumeration.learned import Learned
from twill_ilp.enumeration.lives import Store, sure_part
from twill_ilp.enumeration.node import Node, is_single
from twill_ilp.enumeration.quotas import fit_quotas
from twill_ilp.enumeration.spills import bound_others, propagate_link
from twill_ilp.enumeration.symmetry import fill_in_order
from twill_ilp.enumeration.timetable import fit_slots
from twill_ilp.enumeration.together import APART, TOGETHER, relate, relate_all
from twill_ilp.enumeration.traffic import limit_traffic
from twill_ilp.enumeration.units import reserve_units
from twill_ilp.enumeration.waiting import exclude, exclude_all, find_waiting

__all__ = ["propagate"]


def propagate(node: Node, learned: Learned) -> None:
    """Remove starts and groups that no schedule within the node has.

    Once every set has one element, they are a schedule.

    Raises:
        Conflict: there is no schedule.
    """
    moved, count = node.moved, len(node.first)
    while moved:
        changed = set()
        while moved:
            x = moved.pop()
            changed.add(x)
            if x < count:
                _move(node, x)
            elif x < node.case.together.first:
                _regroup(node, x - count)
            else:
                _pair_up(node, x)
        for x in changed:
            learned.propagate(node, x)
        if not moved:
            _fit_lives(node)
            fit_quotas(node)


def _move(node: Node, v: int) -> None:
    """The starts of a node are fewer than they were: dependences, units, waiting."""
    for link in node.case.spills.of_node[v]:
        propagate_link(node, link)
    bound_others(node, v)
    starts, operations = node.sets[v], len(node.waits)
    if v < operations and node.slot[v] < 0:
        slots = starts if is_single(starts) else node.case.frame.slots_of(starts)
        if is_single(slots):
            node.slot[v] = (slots.bit_length() - 1) % node.case.frame.ii
            reserve_units(node, v, node.slot[v])
            exclude_all(node, v)


def _pair_up(node: Node, x: int) -> None:
    """Two classes are together, or apart: their groups, spills, waiting."""
    case = node.case
    relate(node, x)
    c, d = case.together.pairs[x - case.together.first]
    if node.sets[x] == TOGETHER:
        for v, w in product(case.groups.classes[c], case.groups.classes[d]):
            exclude(node, v, w)
            exclude(node, w, v)
    elif node.sets[x] == APART:
        for link in case.spills.of_class[c]:
            if d in (link.c, link.d):
                propagate_link(node, link)
        waiting = [*find_waiting(node, c), *find_waiting(node, d)]
        for group in {node.sets[len(node.first) + case.groups.class_of[v]] for v in waiting}:
            if is_single(group):
                check_time(node, group)


def _regroup(node: Node, c: int) -> None:
    """The groups of a class are fewer than they were: pairs, and the group itself."""
    relate_all(node, c)
    known = is_single(node.sets[len(node.first) + c])
    if known:
        open_group(node, c)
    limit_traffic(node)
    fill_in_order(node)
    if known:
        check_time(node, node.sets[len(node.first) + c])


def _fit_lives(node: Node) -> None:
    """Every memory, and the registers of every group with a member."""
    lives, paths = node.case.lives, node.paths
    parts = {value.u: sure_part(node, value) for value in lives.distinct}
    stores = [Store(*memory, 0, parts, paths) for memory in lives.memories]
    opened = node.opened if lives.registers[1] else 0
    while opened:
        group = opened & -opened
        opened ^= group
        stores.append(Store(*lives.registers, group, parts, paths))
        for shares in lives.shares:
            fit_energy(node, Store(*shares, group, parts, paths))
    for store in stores:
        fit_energy(node, store)
        fit_slots(node, store)
