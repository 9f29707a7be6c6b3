"""The models, family by family: the reduction, the windows, and the rows at integer points."""

from __future__ import annotations

import itertools
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence

import pulp
import pytest
from oracle import optimum, shortest
from strategies import random_problem

from twill_ilp.bounds import alap, asap, rec_mii
from twill_ilp.errors import InvalidScheduleError, OptionError
from twill_ilp.graph import Dependence, LoopGraph, Operation, Usage
from twill_ilp.ilp import (
    FORMULATIONS,
    Core,
    Formulation,
    Window,
    add_length_objective,
    build_model,
    reduce_loop,
    windows_any_length,
    windows_for_length,
)
from twill_ilp.ilp.reduction import UNREACHABLE
from twill_ilp.machine import Machine
from twill_ilp.outcome import SolveStatus
from twill_ilp.problem import Problem
from twill_ilp.schedule import Schedule
from twill_ilp.solver import run
from twill_ilp.verify import verify

TC = (Usage("TC", 1),)


def loop(names: str, *edges: Dependence, usage: tuple[Usage, ...] = TC) -> LoopGraph:
    """One operation per letter; capital letters use a unit."""
    operations = (Operation(name, usage=usage if name.isupper() else ()) for name in names)
    return LoopGraph("by-hand", tuple(operations), edges)


def relaxed(problem: Problem, rng: random.Random, most: int = 4) -> Problem:
    """The same loop on a machine with more of each unit."""
    units = {unit: rng.randint(n, most) for unit, n in problem.machine.units.items()}
    return Problem(problem.graph, Machine("relaxed", units))


def schedule_at(problem: Problem, core: Core, start: Sequence[int]) -> Schedule:
    return Schedule(problem.graph, problem.machine, core.ii, core.expand(start))


def accepted(problem: Problem, core: Core, start: Sequence[int]) -> bool:
    """Whether node starts are a schedule: rows between nodes by hand, units by the verifier."""
    for u, v in itertools.permutations(range(len(start)), 2):
        if start[v] - start[u] < core.between[u, v]:
            return False
    try:
        verify(problem.graph, problem.machine, schedule_at(problem, core, start))
    except InvalidScheduleError:
        return False
    return True


# The reduction ----------------------------------------------------------------------------------


def test_rigid_operations_merge_at_their_offsets() -> None:
    """A leads B by exactly 3: A -> B takes 3 and back 1, in one iteration of 4 cycles."""
    b = Operation("B", usage=(Usage("SFU", 2, start=1), Usage("TC", 1)))
    graph = LoopGraph(
        "rigid",
        (b, Operation("A", usage=TC)),
        (Dependence("A", "B", 3), Dependence("B", "A", 1, distance=1)),
    )
    (node,) = reduce_loop(graph, 4).nodes
    assert node.name == "A"
    assert node.members == ((1, 0), (0, 3))
    assert set(node.usage) == {Usage("TC", 1), Usage("SFU", 2, start=4), Usage("TC", 1, start=3)}
    assert reduce_loop(graph, 4).expand([7]) == {"A": 0, "B": 3}
    assert [n.members for n in reduce_loop(graph, 5).nodes] == [((0, 0),), ((1, 0),)]


def test_rigid_through_an_operation_without_units() -> None:
    graph = loop(
        "AxB", Dependence("A", "x", 2), Dependence("x", "B", 1), Dependence("B", "A", 2, distance=1)
    )
    core = reduce_loop(graph, 5)
    assert [n.members for n in core.nodes] == [((0, 0), (2, 3))]
    assert core.expand([0]) == {"A": 0, "x": 2, "B": 3}


def test_eliminated_operations_start_as_early_as_possible() -> None:
    graph = loop("AxyB", Dependence("A", "x", 2), Dependence("x", "B", 3), Dependence("x", "y", 4))
    core = reduce_loop(graph, 2)
    assert [node.name for node in core.nodes] == ["A", "B"]
    assert core.edges == ((0, 1, 5),)
    assert core.expand([0, 9]) == {"A": 0, "x": 2, "y": 6, "B": 9}


def test_an_eliminated_operation_may_be_the_first() -> None:
    """x needs 4 cycles before A, so node A at 0 puts x at -4, which becomes 0."""
    core = reduce_loop(loop("xA", Dependence("x", "A", 4)), 3)
    assert (core.head, core.tail, core.critical_path) == ((4,), (1,), 5)
    assert core.expand([0]) == {"x": 0, "A": 4}


def test_a_loop_without_units_has_no_nodes() -> None:
    core = reduce_loop(loop("xy", Dependence("x", "y", 3)), 1)
    assert (core.nodes, core.edges) == ((), ())
    assert core.expand([]) == {"x": 0, "y": 3}


def test_implied_edges_are_dropped() -> None:
    a, b, c = "ABC"
    path = (Dependence(a, b, 2), Dependence(b, c, 2))
    assert reduce_loop(loop("ABC", *path, Dependence(a, c, 4)), 2).edges == ((0, 1, 2), (1, 2, 2))
    core = reduce_loop(loop("ABC", *path, Dependence(a, c, 5)), 2)
    assert core.edges == ((0, 1, 2), (0, 2, 5), (1, 2, 2))


def test_below_rec_mii() -> None:
    graph = loop("AB", Dependence("A", "B", 3), Dependence("B", "A", 1, distance=1))
    with pytest.raises(OptionError, match="II=3 is below RecMII"):
        reduce_loop(graph, 3)


def closure(count: int, edges: Sequence[tuple[int, int, int]]) -> list[list[float]]:
    """Longest paths by Floyd and Warshall, in plain Python."""
    paths = [[0.0 if u == v else -1e18 for v in range(count)] for u in range(count)]
    for u, v, w in edges:
        paths[u][v] = max(paths[u][v], w)
    for via, u, v in itertools.product(range(count), repeat=3):
        paths[u][v] = max(paths[u][v], paths[u][via] + paths[via][v])
    return [[-1e18 if path < -1e17 else path for path in row] for row in paths]


def random_core(seed: int, **options: int) -> tuple[Problem, Core]:
    rng = random.Random(seed)
    problem = random_problem(rng, **options)
    return problem, reduce_loop(problem.graph, rec_mii(problem.graph).ii + rng.randint(0, 2))


def test_edges_are_the_transitive_reduction() -> None:
    """They imply every longest path, and not one of them is implied by the others."""
    dropped = 0
    for seed in range(100):
        _, core = random_core(seed, max_operations=8)
        count = len(core.nodes)
        wanted = [[-1e18 if w == UNREACHABLE else w for w in row] for row in core.between.tolist()]
        assert closure(count, core.edges) == wanted, seed
        for edge in core.edges:
            others = [other for other in core.edges if other != edge]
            assert closure(count, others) != wanted, (seed, edge)
        pairs = sum(w > -1e17 for row in wanted for w in row) - count
        dropped += pairs - len(core.edges)
    assert dropped > 50


def node_starts(core: Core, rng: random.Random) -> list[int]:
    """Random starts that satisfy every row between nodes, one node after the other."""
    at: dict[int, int] = {}
    for v in rng.sample(range(len(core.nodes)), len(core.nodes)):
        least = max((at[u] + int(core.between[u, v]) for u in at), default=UNREACHABLE)
        most = min((at[u] - int(core.between[v, u]) for u in at), default=-UNREACHABLE)
        if least < UNREACHABLE // 2:  # nothing that is placed bounds it from below
            least = min(most, 30) - rng.randint(0, 30)
        at[v] = rng.randint(least, min(most, least + rng.choice((0, 3, 20))))
    return [at[v] for v in range(len(core.nodes))]


def test_expansion_meets_every_dependence() -> None:
    """Also: it keeps the nodes' distances, and ends within the L that the nodes allow."""
    eliminated = merged = 0
    for seed in range(200):
        problem, core = random_core(seed, max_operations=8)
        graph = problem.graph
        starts = node_starts(core, random.Random(seed))
        placed = core.expand(starts)
        assert min(placed.values()) == 0
        for e in graph.dependences:
            assert placed[e.dst] + e.distance * core.ii - placed[e.src] >= e.delay, (seed, e)
        shifts = {
            placed[graph.operations[i].name] - offset - at
            for node, at in zip(core.nodes, starts, strict=True)
            for i, offset in node.members
        }
        assert len(shifts) <= 1, seed
        first = min((at - head for at, head in zip(starts, core.head, strict=True)), default=0)
        last = max((at + tail for at, tail in zip(starts, core.tail, strict=True)), default=0)
        length = schedule_at(problem, core, starts).length
        assert length == max(core.critical_path, last - first), seed
        members = [i for node in core.nodes for i, _ in node.members]
        assert sorted(members) == [i for i, op in enumerate(graph) if op.usage]
        eliminated += len(graph) - len(members)
        merged += len(members) - len(core.nodes)
    assert eliminated > 100 and merged > 10


# Windows ----------------------------------------------------------------------------------------


def a_schedule_within(problem: Problem, core: Core, windows: Sequence[Window]) -> bool:
    """Whether some schedule has its nodes in the windows: depth first over the starts."""
    held: dict[tuple[str, int], int] = defaultdict(int)
    placed: dict[int, int] = {}

    def fits(v: int, at: int, sign: int) -> bool:
        room = True
        for row in core.nodes[v].usage:
            for cycle in range(row.start, row.end):
                cell = row.unit, (at + cycle) % core.ii
                held[cell] += sign * row.amount
                room = room and held[cell] <= problem.machine.units[row.unit]
        return room

    def descend(v: int) -> bool:
        if v == len(windows):
            return True
        least = max([windows[v][0], *(at + int(core.between[u, v]) for u, at in placed.items())])
        most = min([windows[v][1], *(at - int(core.between[v, u]) for u, at in placed.items())])
        for at in range(least, most + 1):
            if fits(v, at, +1):
                placed[v] = at
                if descend(v + 1):
                    return True
                del placed[v]
            fits(v, at, -1)
        return False

    return descend(0)


@pytest.mark.parametrize("seeds", [range(0, 50), range(50, 100)], ids=str)
def test_windows_of_any_length_contain_a_schedule_if_there_is_one(seeds: range) -> None:
    possible = {True: 0, False: 0}
    for seed in seeds:
        problem = random_problem(random.Random(seed), 5)
        truth = optimum(problem)
        assert truth is not None
        for ii in range(max(rec_mii(problem.graph).ii, truth.ii - 1), truth.ii + 2):
            core = reduce_loop(problem.graph, ii)
            windows = windows_any_length(core)
            exists = shortest(problem, ii) is not None
            assert a_schedule_within(problem, core, windows) is exists, (seed, ii)
            assert not windows or (0, 0) in windows  # the pin
            possible[exists] += 1
    assert possible[True] > 90 and possible[False] > 5


def test_windows_for_a_length_are_the_earliest_and_latest_starts() -> None:
    """By the bounds module; and both ends are reached, by the ASAP and the ALAP starts."""
    for seed in range(100):
        problem, core = random_core(seed, max_operations=7)
        graph = problem.graph
        leaders = [graph.operations[node.members[0][0]].name for node in core.nodes]
        earliest = asap(graph, core.ii)
        path = max(earliest[op.name] + op.cycles for op in graph)
        assert core.critical_path == path
        assert windows_for_length(core, path - 1) is None
        for length in (path, path + 1, path + 7):
            latest = alap(graph, core.ii, length)
            windows = windows_for_length(core, length)
            assert windows == [(earliest[name], latest[name]) for name in leaders], seed


def test_windows_by_hand() -> None:
    graph = loop("AB", Dependence("A", "B", 3))
    assert windows_for_length(reduce_loop(graph, 2), 4) == [(0, 0), (3, 3)]
    assert windows_for_length(reduce_loop(graph, 2), 6) == [(0, 2), (3, 5)]
    assert windows_for_length(reduce_loop(graph, 2), 3) is None


# Rows at integer points -------------------------------------------------------------------------


def assignment(f: Formulation, start: Sequence[int]) -> dict[str, int] | None:
    """The values of a slot model's variables for these starts; ``None``: it has no such values."""
    values = {}
    for v, at in enumerate(start):
        stage, slot = divmod(at, f.ii)
        values[f.stage[v].name] = stage
        for r, reached in enumerate(f.reached[v]):
            wanted = int(slot <= r)
            if isinstance(reached, int):
                if reached != wanted:
                    return None
            elif values.setdefault(reached.name, wanted) != wanted:
                return None
    return values


def holds(f: Formulation, values: dict[str, int]) -> bool:
    """Whether the values satisfy all rows, and the bounds even of a stage that is in no row."""
    for v in {v.name: v for v in (*f.lp.variables(), *f.stage)}.values():
        if not v.lowBound <= values[v.name] <= v.upBound:
            return False
    for row in f.lp.constraints():
        residue = row.constant + sum(c * values[v.name] for v, c in row.items())
        if residue != 0 and residue * row.sense <= 0:
            return False
    return True


def solvable_at(f: Formulation, start: Sequence[int]) -> bool:
    """Whether a model of start variables has a solution with these starts, by HiGHS."""
    bounds = [(v.lowBound, v.upBound) for v in f.start]
    try:
        for variable, at in zip(f.start, start, strict=True):
            if not variable.lowBound <= at <= variable.upBound:
                return False
            variable.lowBound = variable.upBound = at
        return run(f.lp).status is SolveStatus.OPTIMAL
    finally:
        for variable, (low, high) in zip(f.start, bounds, strict=True):
            variable.lowBound, variable.upBound = low, high


def tiny(seed: int) -> tuple[Problem, Core, list[Window]]:
    """A small loop whose rows may be longer than II, and windows of up to 2 II cycles."""
    rng = random.Random(seed)
    problem = relaxed(random_problem(rng, 3, max_units=2, max_cycles=6, max_delay=3), rng)
    least = rec_mii(problem.graph).ii
    core = reduce_loop(problem.graph, max(least, min(5, least + rng.randint(0, 3))))
    lows = [rng.randint(-core.ii, core.ii) for _ in core.nodes]
    return problem, core, [(low, low + rng.randint(0, 2 * core.ii)) for low in lows]


def points(windows: Sequence[Window], rim: int) -> Iterator[tuple[int, ...]]:
    return itertools.product(*(range(low - rim, high + rim + 1) for low, high in windows))


@pytest.mark.parametrize("formulation", ["structured", "aggregated"])
def test_slot_models_hold_at_schedules_only(formulation: str) -> None:
    """Every start in and just outside random windows: the rows hold exactly at schedules."""
    counts = {True: 0, False: 0}
    for seed in range(60):
        problem, core, windows = tiny(seed)
        f = build_model(core, problem.machine, windows, FORMULATIONS[formulation])
        for start in points(windows, rim=1):
            inside = all(a <= t <= b for t, (a, b) in zip(start, windows, strict=True))
            truth = inside and accepted(problem, core, start)
            values = assignment(f, start)
            assert (values is not None and holds(f, values)) is truth, (seed, start)
            if truth and values is not None:
                assert f.read_starts(values) == list(start)
            counts[truth] += 1
    assert min(counts.values()) > 500, counts


def test_order_model_holds_at_schedules_only() -> None:
    """Its order variables are left to HiGHS, so only a sample of the starts is tried."""
    counts = {True: 0, False: 0}
    for seed in range(60):
        problem, core, windows = tiny(seed)
        f = build_model(core, problem.machine, windows, FORMULATIONS["order"])
        rng = random.Random(seed)
        sample = list(points(windows, rim=0))
        for start in rng.sample(sample, min(25, len(sample))):
            truth = accepted(problem, core, start)
            assert solvable_at(f, start) is truth, (seed, start)
            counts[truth] += 1
    assert min(counts.values()) > 150, counts


@pytest.mark.parametrize("formulation", FORMULATIONS)
@pytest.mark.parametrize(
    ("capacity", "amount", "possible"), [(5, 1, True), (4, 1, False), (9, 2, False), (10, 2, True)]
)
def test_rows_longer_than_ii(formulation: str, capacity: int, amount: int, possible: bool) -> None:
    """5 cycles at II 2 hold every slot twice and one a third time: two such rows need 5 each."""
    rows = (Usage("TC", 5, amount=amount),)
    problem = Problem(loop("AB", usage=rows), Machine("m", {"TC": capacity}))
    core = reduce_loop(problem.graph, 2)
    f = build_model(core, problem.machine, windows_any_length(core), FORMULATIONS[formulation])
    outcome = run(f.lp)
    assert outcome.solved is possible
    if possible:
        start = f.read_starts(outcome.values)
        assert accepted(problem, core, start)
        assert (start[0] - start[1]) % 2 == 1


# The relaxation ---------------------------------------------------------------------------------


def lp_bound(problem: Problem, core: Core, length: int, formulation: str) -> float | None:
    """Least length of the LP relaxation; ``None``: it is infeasible."""
    windows = windows_for_length(core, length)
    assert windows is not None
    families = (*FORMULATIONS[formulation], add_length_objective)
    f = build_model(core, problem.machine, windows, families)
    for variable in f.lp.variables():
        variable.cat = pulp.LpContinuous
    outcome = run(f.lp)
    return None if outcome.status is SolveStatus.INFEASIBLE else outcome.values["length"]


def test_structured_rows_are_at_least_as_strong_as_aggregated_ones() -> None:
    """Eichenberger and Davidson 1997; and no relaxation exceeds the optimum."""
    stronger = 0
    for seed in range(60):
        problem = random_problem(random.Random(seed), 6, max_cycles=2)
        truth = optimum(problem)
        assert truth is not None
        core = reduce_loop(problem.graph, truth.ii)
        weak = lp_bound(problem, core, truth.length, "aggregated")
        strong = lp_bound(problem, core, truth.length, "structured")
        assert weak is not None and strong is not None
        assert weak - 1e-6 <= strong <= truth.length + 1e-6, seed
        stronger += strong > weak + 1e-3
    assert stronger >= 3


def test_structured_relaxation_of_dependences_is_integral() -> None:
    """Without a unit to share, any vertex is a schedule."""
    edges = Dependence("A", "B", 3), Dependence("B", "C", 2), Dependence("C", "A", 1, 2)
    graph = loop("ABC", *edges)
    core = reduce_loop(graph, 4)
    rng = random.Random(1)
    for _ in range(20):
        f = build_model(core, Machine("m", {"TC": 3}), [(0, 9)] * 3, FORMULATIONS["structured"][:3])
        terms = [(v, rng.randint(-5, 5)) for v in f.lp.variables()]
        f.lp.setObjective(pulp.LpAffineExpression(terms))
        for variable in f.lp.variables():
            variable.cat = pulp.LpContinuous
        for name, value in run(f.lp).values.items():
            assert value == pytest.approx(round(value), abs=1e-6), name


# The length objective ---------------------------------------------------------------------------


@pytest.mark.parametrize("formulation", ["structured", "aggregated"])
def test_length_objective_reaches_the_oracle(formulation: str) -> None:
    for seed in range(40):
        problem = random_problem(random.Random(seed), 5)
        truth = optimum(problem)
        assert truth is not None
        core = reduce_loop(problem.graph, truth.ii)
        windows = windows_for_length(core, truth.length + truth.ii)
        assert windows is not None
        families = (*FORMULATIONS[formulation], add_length_objective)
        f = build_model(core, problem.machine, windows, families)
        outcome = run(f.lp)
        assert outcome.status is SolveStatus.OPTIMAL
        assert outcome.values["length"] == truth.length, seed
        assert schedule_at(problem, core, f.read_starts(outcome.values)).length == truth.length


# Names ------------------------------------------------------------------------------------------

NASTY = ("a-b", "a+b", "a_b", "a b", "ä", "é", "日本", "1", "1_2", "_", "[x]", "e", "nan", "a'b")


@pytest.mark.parametrize("formulation", FORMULATIONS)
def test_nasty_names_stay_apart(formulation: str) -> None:
    """PuLP would make one variable of a-b and a+b; here operations and units all stay apart."""
    units = ("T-C", "T+C", "T C", "日本")
    operations = tuple(
        Operation(name, usage=(Usage(units[i % len(units)], 1),)) for i, name in enumerate(NASTY)
    )
    edges = tuple(Dependence(u, v, 1) for u, v in itertools.pairwise(NASTY))
    problem = Problem(LoopGraph("nasty", operations, edges), Machine("m", dict.fromkeys(units, 1)))
    core = reduce_loop(problem.graph, 4)
    f = build_model(core, problem.machine, windows_any_length(core), FORMULATIONS[formulation])
    labels = [f.label(v) for v in range(len(NASTY))]
    assert len(set(labels)) == len(NASTY)
    assert all(label.isascii() and label.replace("_", "").isalnum() for label in labels)
    names = [v.name for v in f.lp.variables()]
    rows = [row.name for row in f.lp.constraints()]
    assert len(set(names)) == len(names) and len(set(rows)) == len(rows)
    outcome = run(f.lp, time_limit=20)
    assert outcome.solved
    assert accepted(problem, core, f.read_starts(outcome.values))
