r"""Together or apart: for every two classes of operations, whether they share a group.

Most of what is said of groups does not depend on which one it is: values crowd each other wherever
they are together, a value is handed over wherever sender and reader are apart.  With a variable of
its own for each pair a conflict teaches a row about all groups at once.

A pair is *apart* once its classes have no group in common, and *together* once both are in the same
one; and the other way round.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations

from twill_ilp.enumeration.conflict import Literal
from twill_ilp.enumeration.node import Node, is_single
from twill_ilp.ilp import Timeline

__all__ = ["APART", "TOGETHER", "Together", "are_apart", "are_together", "join", "part", "relate",
           "relate_all", "why_apart", "why_together"]  # fmt: skip

APART, TOGETHER = 1, 2
"""The two elements of a pair's set, as masks."""


class Together:
    """The pairs.

    Args:
        possible: the group slots that each class may go into.
        nodes: how many have starts; their variables and those of the classes come before.

    Attributes:
        first: number of the first pair's variable.
        pairs: the two classes of each.
        number: by two classes, in either order, the variable of their pair.
        possible: the set of every pair before anything is known.
    """

    def __init__(
        self, line: Timeline, class_of: Sequence[int], possible: Sequence[int], nodes: int
    ) -> None:
        graph = line.core.graph
        index = {op.name: v for v, op in enumerate(graph)}
        ends = [(class_of[index[e.src]], class_of[index[e.dst]]) for e in graph.dependences]
        self._tied = {(min(pair), max(pair)) for pair in ends}
        self.first = nodes + len(possible)
        self.pairs = list(combinations(range(len(possible)), 2))
        self.number = [[-1] * len(possible) for _ in possible]
        self.possible = []
        for x, (c, d) in enumerate(self.pairs, self.first):
            self.number[c][d] = self.number[d][c] = x
            a, b = possible[c], possible[d]
            both = TOGETHER if a == b and is_single(a) else APART | TOGETHER
            self.possible.append(both if a & b else APART)

    def tied(self, x: int) -> bool:
        """Whether one of a pair depends on the other."""
        return self.pairs[x - self.first] in self._tied

    def alike(
        self, twins: Iterable[tuple[int, int]], class_of: Sequence[int]
    ) -> Iterator[list[Literal]]:
        """Covering rows that let two classes share a group where those of their twins do, and only
        there.

        Args:
            twins: indices of operations, each with its twin.
            class_of: the class of every operation.
        """
        image = {v: w for pair in twins for v, w in (pair, pair[::-1])}
        twice = {(min(x, y), max(x, y)) for x, y in self._images(image, class_of) if x != y}
        for x, y in sorted(twice):
            yield [(x, APART), (y, TOGETHER)]
            yield [(x, TOGETHER), (y, APART)]

    def _images(
        self, image: Mapping[int, int], class_of: Sequence[int]
    ) -> Iterator[tuple[int, int]]:
        """Every pair with that of the twins."""
        for u, v in combinations(range(len(class_of)), 2):
            x = self.number[class_of[u]][class_of[v]]
            y = self.number[class_of[image.get(u, u)]][class_of[image.get(v, v)]]
            if x >= 0 and y >= 0:
                yield x, y


def are_apart(node: Node, c: int, d: int) -> bool:
    """Whether two classes are known to share no group."""
    return c != d and node.sets[node.case.together.number[c][d]] == APART


def are_together(node: Node, c: int, d: int) -> bool:
    """Whether two classes are known to share a group."""
    return c == d or node.sets[node.case.together.number[c][d]] == TOGETHER


def part(node: Node, c: int, d: int, *reason: object) -> None:
    """Two classes share no group, for a reason.

    Raises:
        Conflict: they do.
    """
    node.keep(node.case.together.number[c][d], APART, *reason)


def join(node: Node, c: int, d: int, *reason: object) -> None:
    """Two classes share a group, for a reason.

    Raises:
        Conflict: they do not.
    """
    node.keep(node.case.together.number[c][d], TOGETHER, *reason)


def relate_all(node: Node, c: int) -> None:
    """What the groups of a class say of its pairs, and the pairs of the others' groups."""
    for x in node.case.together.number[c]:
        if x >= 0:
            relate(node, x)


def relate(node: Node, x: int) -> None:
    """The same for one pair.

    Raises:
        Conflict: nothing is left.
    """
    together, count, sets = node.case.together, len(node.first), node.sets
    c, d = together.pairs[x - together.first]
    a, b = sets[count + c], sets[count + d]
    if sets[x] == APART | TOGETHER:
        if not a & b:
            node.keep(x, APART, _nothing_in_common, c, d)
        elif a == b and is_single(a):
            node.keep(x, TOGETHER, _in_the_same, c, d)
    elif sets[x] == TOGETHER:
        if a != b:
            node.keep(count + c, b, _likewise, x, d)
            node.keep(count + d, a, _likewise, x, c)
    else:
        if is_single(a) and a & b:
            node.keep(count + d, ~a, _elsewhere, x, c)
        if is_single(b) and a & b:
            node.keep(count + c, ~b, _elsewhere, x, d)


def why_apart(node: Node, c: int, d: int) -> Iterator[Literal]:
    """Why two classes share no group."""
    yield node.case.together.number[c][d], TOGETHER


def why_together(node: Node, c: int, d: int) -> Iterator[Literal]:
    """Why two classes share a group."""
    if c != d:
        yield node.case.together.number[c][d], APART


def _nothing_in_common(node: Node, _: int, c: int, d: int) -> Iterator[Literal]:
    """Why two classes are apart."""
    count, possible = len(node.first), node.case.groups.possible
    both = possible[c] & possible[d]
    yield count + c, both & ~node.sets[count + c]
    yield count + d, both & node.sets[count + c]


def _in_the_same(node: Node, _: int, c: int, d: int) -> Iterator[Literal]:
    """Why two classes are together."""
    count = len(node.first)
    yield count + c, ~node.sets[count + c]
    yield count + d, ~node.sets[count + d]


def _likewise(node: Node, removed: int, x: int, other: int) -> Iterator[Literal]:
    """Why a class is not in groups where another one, together with it, is not."""
    yield x, APART
    yield len(node.first) + other, removed


def _elsewhere(node: Node, removed: int, x: int, other: int) -> Iterator[Literal]:
    """Why a class is not in the known group of one that it is apart from."""
    yield x, TOGETHER
    yield len(node.first) + other, ~removed
