"""Heuristic schedulers against an independent checker and exhaustive search."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Collection, Iterator

import pytest

from twill_ilp.bounds import rec_mii, res_mii
from twill_ilp.errors import InvalidScheduleError, OptionError
from twill_ilp.graph import Dependence, LoopGraph, Operation, Usage
from twill_ilp.heuristics import (
    conflict,
    ejection_schedule,
    heuristic_schedule,
    iterative_modulo_schedule,
    length_bound,
    schedule_upwards,
    shorten,
    swing_modulo_schedule,
)
from twill_ilp.heuristics.table import ReservationTable
from twill_ilp.machine import Machine
from twill_ilp.problem import Problem
from twill_ilp.schedule import Schedule


def check(problem: Problem, schedule: Schedule, ii: int) -> None:
    """Every rule of the model, cycle by cycle, written without the package's help."""
    start = schedule.start
    assert schedule.ii == ii
    assert set(start) == {op.name for op in problem.graph}
    assert min(start.values()) == 0
    for e in problem.graph.dependences:
        assert start[e.dst] + e.distance * ii - start[e.src] >= e.delay
    used: dict[tuple[str, int], int] = {}
    for op in problem.graph:
        for row in op.usage:
            for cycle in range(row.start, row.start + row.cycles):
                key = row.unit, (start[op.name] + cycle) % ii
                used[key] = used.get(key, 0) + row.amount
                assert used[key] <= problem.machine.units[row.unit]


def random_problem(seed: int, size: int, *, longest: int = 3, delay: int = 4) -> Problem:
    """A loop with rows at offsets, amounts up to 2, and dependences of distance 0 to 2."""
    rng = random.Random(seed)
    units = {"A": rng.choice((1, 2)), "B": rng.choice((1, 2))}
    operations = []
    for i in range(size):
        rows, offset = [], 0
        for _ in range(rng.choice((0, 1, 1, 1, 2))):
            unit, cycles = rng.choice("AB"), rng.randint(1, longest)
            rows.append(Usage(unit, cycles, offset, rng.randint(1, units[unit])))
            offset += cycles + rng.randint(0, 1)
        operations.append(Operation(f"v{i}", usage=tuple(rows), cycles=rng.randint(0, delay)))
    edges = []
    for _ in range(rng.randint(size - 1, 2 * size)):
        u, v = rng.randrange(size), rng.randrange(size)
        distance = rng.choice((0, 0, 1)) if u < v else rng.choice((1, 1, 2))
        edges.append(Dependence(f"v{u}", f"v{v}", rng.randint(0, delay), distance))
    return Problem(LoopGraph(f"random{seed}", tuple(operations), tuple(edges)), Machine("m", units))


def mii(problem: Problem) -> int:
    return max(res_mii(problem.graph, problem.machine).ii, rec_mii(problem.graph).ii)


def shortest(problem: Problem, ii: int) -> int | None:
    """The least length at ``ii`` over all assignments of slots; ``None`` if there is none."""
    lengths = (shortest_at(problem, ii, slots) for slots in all_slots(problem, ii))
    return min((length for length in lengths if length is not None), default=None)


def all_slots(problem: Problem, ii: int) -> Iterator[dict[str, int]]:
    operations = problem.graph.operations
    for slots in itertools.product(range(ii), repeat=len(operations)):
        used: dict[tuple[str, int], int] = {}
        for op, slot in zip(operations, slots, strict=True):
            for row in op.usage:
                for cycle in range(row.start, row.end):
                    key = row.unit, (slot + cycle) % ii
                    used[key] = used.get(key, 0) + row.amount
        if all(amount <= problem.machine.units[unit] for (unit, _), amount in used.items()):
            yield dict(zip((op.name for op in operations), slots, strict=True))


def shortest_at(problem: Problem, ii: int, slots: dict[str, int]) -> int | None:
    """Length of the earliest schedule from cycle 0 with these slots.

    ``all_slots`` yields every rotation, so some call has the best first start in slot 0.
    """
    start = dict(slots)
    for _ in range(len(start) + 1):
        before = dict(start)
        for e in problem.graph.dependences:
            late = start[e.src] + e.delay - e.distance * ii - start[e.dst]
            if late > 0:
                start[e.dst] += -(-late // ii) * ii
        if start == before:
            ends = (start[op.name] + op.cycles for op in problem.graph)
            return max(ends) - min(start.values())
    return None


def quick(problem: Problem, ii: int) -> Schedule | None:
    return heuristic_schedule(problem, ii, rounds=100)


Scheduler = Callable[[Problem, int], Schedule | None]
SCHEDULERS = pytest.mark.parametrize(
    "scheduler", [iterative_modulo_schedule, swing_modulo_schedule, quick]
)


@SCHEDULERS
def test_schedules_of_random_loops_are_valid(scheduler: Scheduler) -> None:
    found = 0
    for seed in range(40):
        problem = random_problem(seed, 3 + seed % 14)
        for ii in range(1, mii(problem) + 3):
            schedule = scheduler(problem, ii)
            if schedule is not None:
                check(problem, schedule, ii)
                found += 1
    assert found > 50


def test_small_loops_against_exhaustive_search() -> None:
    refuted = bounds_met = 0
    for seed in range(80):
        problem = random_problem(seed, 4, longest=2, delay=3)
        for ii in range(2, 6):
            best = shortest(problem, ii)
            if best is None:
                assert quick(problem, ii) is None
                refuted += conflict(problem, ii) is not None
                continue
            assert conflict(problem, ii) is None
            assert conflict(problem, ii, best) is None
            bound = length_bound(problem, ii)
            assert bound is not None and bound <= best
            bounds_met += bound == best
            schedule = quick(problem, ii)
            assert schedule is not None
            check(problem, schedule, ii)
            assert schedule.length == best
            assert ejection_schedule(problem, ii, best - 1, rounds=50) is None
    assert refuted > 50 and bounds_met > 50


def test_figure_1_of_the_paper() -> None:
    """Soi et al. 2026, Fig. 1: II = 2 and L = 4."""
    units = {"S": "TC", "P": "EXP", "O": "TC"}
    operations = tuple(Operation(name, usage=(Usage(unit, 1),)) for name, unit in units.items())
    edges = (Dependence("S", "P", 1), Dependence("P", "O", 1), Dependence("O", "O", 1, 1))
    problem = Problem(LoopGraph("fig1", operations, edges), Machine("m", {"TC": 1, "EXP": 1}))
    schedule = heuristic_schedule(problem, 2)
    assert schedule is not None
    check(problem, schedule, 2)
    assert schedule.length == length_bound(problem, 2) == 4


@SCHEDULERS
def test_rows_longer_than_the_interval(scheduler: Scheduler) -> None:
    graph = LoopGraph("wrap", (Operation("a", usage=(Usage("A", 5),)), Operation("b")))
    for capacity, least in ((1, 5), (2, 3), (3, 2), (5, 1)):
        problem = Problem(graph, Machine("m", {"A": capacity}))
        for ii in range(1, 7):
            schedule = scheduler(problem, ii)
            assert (schedule is not None) == (ii >= least)
            assert (conflict(problem, ii) is None) == (ii >= least)
            if schedule:
                check(problem, schedule, ii)


@SCHEDULERS
def test_loops_without_units(scheduler: Scheduler) -> None:
    operations = tuple(Operation(name, cycles=2) for name in "abc")
    edges = (Dependence("a", "b", 2), Dependence("b", "c", 0), Dependence("c", "a", 1, 1))
    problem = Problem(LoopGraph("free", operations, edges), Machine("m", {}))
    assert scheduler(problem, 2) is None
    schedule = scheduler(problem, 3)
    assert schedule is not None
    check(problem, schedule, 3)
    assert schedule.length == length_bound(problem, 3) == 4


def full_units(cycle: int) -> Problem:
    """Two units that are busy all the time at II = 7 times ``cycle``."""
    operations = tuple(
        Operation(f"{unit}{i}", usage=(Usage(unit, cycles * cycle),))
        for unit, lengths in (("TC", (2, 1, 4)), ("EXP", (3, 4)))
        for i, cycles in enumerate(lengths)
    )
    edges = (
        Dependence("TC0", "EXP0", 2 * cycle),
        Dependence("EXP0", "TC1", 3 * cycle),
        Dependence("TC1", "EXP1", cycle),
        Dependence("EXP1", "TC2", 4 * cycle),
        Dependence("TC2", "TC2", 4 * cycle, 1),
    )
    return Problem(LoopGraph("full", operations, edges), Machine("m", {"TC": 1, "EXP": 1}))


def test_raw_clocks() -> None:
    """With all times a multiple of 512 cycles, so is the least length."""
    best = shortest(full_units(1), 7)
    assert best is not None
    problem = full_units(512)
    schedule = heuristic_schedule(problem, 3584)
    assert schedule is not None
    check(problem, schedule, 3584)
    assert schedule.length == length_bound(problem, 3584) == 512 * best


def test_conflict_sees_a_unit_on_a_recurrence() -> None:
    """Two branches of a recurrence need the same unit: II = 4, though RecMII = 3."""
    operations = tuple(Operation(name, usage=(Usage("A", 1),)) for name in "abcd")
    edges = (
        *(Dependence("a", name, 1) for name in "bc"),
        *(Dependence(name, "d", 1) for name in "bc"),
        Dependence("d", "a", 1, 1),
    )
    problem = Problem(LoopGraph("diamond", operations, edges), Machine("m", {"A": 1}))
    wide = Problem(problem.graph, Machine("m", {"A": 2}))
    assert rec_mii(problem.graph).ii == 3
    assert conflict(wide, 3) is None and heuristic_schedule(wide, 3) is not None
    assert conflict(problem, 3) and conflict(problem, 4) is None
    assert heuristic_schedule(problem, 4) is not None


def test_shorten_stops_at_the_target_and_repeats_itself() -> None:
    for seed in range(6):
        problem = random_problem(seed, 20, longest=2)
        schedule = schedule_upwards(problem, "ims", 200)
        assert schedule is not None
        ii = schedule.ii
        best = shorten(problem, schedule, seed=3)
        check(problem, best, ii)
        assert best.length <= schedule.length
        assert best.start == shorten(problem, schedule, seed=3).start
        near = shorten(problem, schedule, target=schedule.length)
        assert near.length == schedule.length
        again = shorten(problem, best, rounds=0)
        assert again.length <= best.length


def test_shorten_refuses_an_invalid_schedule() -> None:
    problem = random_problem(1, 6)
    schedule = schedule_upwards(problem, "ims", 100)
    assert schedule is not None
    late = {name: 0 for name in schedule.start}
    with pytest.raises(InvalidScheduleError):
        shorten(problem, Schedule(problem.graph, problem.machine, schedule.ii, late))
    with pytest.raises(InvalidScheduleError, match="II=2"):
        cycle = LoopGraph("c", (Operation("a"),), (Dependence("a", "a", 3, 1),))
        shorten(Problem(cycle, problem.machine), Schedule(cycle, problem.machine, 2, {"a": 0}))


def test_schedule_upwards_takes_the_first_interval() -> None:
    for seed in range(20):
        problem = random_problem(seed, 10)
        schedule = schedule_upwards(problem, "ims", 200)
        assert schedule is not None
        for ii in range(mii(problem), schedule.ii):
            assert iterative_modulo_schedule(problem, ii) is None
        assert schedule_upwards(problem, "ims", mii(problem) - 1) is None
    with pytest.raises(OptionError, match="ims, sms"):
        schedule_upwards(problem, "other", 9)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "call",
    [
        lambda p: iterative_modulo_schedule(p, 0),
        lambda p: iterative_modulo_schedule(p, 5, budget_ratio=0),
        lambda p: swing_modulo_schedule(p, -1),
        lambda p: conflict(p, 0),
        lambda p: length_bound(p, 0),
        lambda p: ejection_schedule(p, 30, 99, rounds=-1),
    ],
)
def test_options_out_of_range(call: Callable[[Problem], object]) -> None:
    with pytest.raises(OptionError):
        call(random_problem(0, 5))


def test_reservation_table_against_plain_counters() -> None:
    rng = random.Random(7)
    for seed in range(40):
        problem = random_problem(seed, 12, longest=9)
        ii = rng.randint(5, 12)
        table = ReservationTable(problem, ii)
        if table.possible:
            exercise(problem, table, ii, rng)


def exercise(problem: Problem, table: ReservationTable, ii: int, rng: random.Random) -> None:
    """Place and remove at random, and compare every answer with counters per slot."""
    placed: dict[int, int] = {}

    def fits(v: int, start: int, without: Collection[int] = ()) -> bool:
        used: dict[tuple[str, int], int] = {}
        for u, t in [*((u, t) for u, t in placed.items() if u not in without), (v, start)]:
            for row in problem.graph.operations[u].usage:
                for cycle in range(row.start, row.end):
                    key = row.unit, (t + cycle) % ii
                    used[key] = used.get(key, 0) + row.amount
        return all(amount <= problem.machine.units[unit] for (unit, _), amount in used.items())

    for _ in range(60):
        v = rng.randrange(len(problem.graph))
        if v in placed:
            table.remove(v)
            del placed[v]
        low = rng.randint(-20, 20)
        high = low + rng.randint(-1, 2 * ii)
        free = [t for t in range(low, high + 1) if fits(v, t)]
        assert table.first(v, low, high) == (free[0] if free else None)
        assert table.last(v, low, high) == (free[-1] if free else None)
        blocked = {t % ii for first, end in table.blocked(v) for t in range(first, end)}
        assert blocked == {t for t in range(ii) if not fits(v, t)}
        gone = table.evictions(v, low, [1.0] * len(problem.graph))
        assert fits(v, low, gone) and (not gone) == fits(v, low)
        for u in gone:
            table.remove(u)
            del placed[u]
        table.place(v, low)
        placed[v] = low
