"""The simulated SM: its rates, what it says about stalls, and the rules that no run breaks."""

from __future__ import annotations

import math
import random
from collections import defaultdict
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest
from strategies import random_joint_problem

from twill_ilp import (
    InvalidScheduleError,
    OptionError,
    Problem,
    Schedule,
    SearchOptions,
    build_kernel,
    read_problem,
    solve,
    verify,
)
from twill_ilp.baselines import in_groups, one_group, unpipelined
from twill_ilp.bounds import rec_mii, res_mii, sufficient_ii
from twill_ilp.graph import Dependence, LoopGraph, Operation, Usage
from twill_ilp.heuristics import schedule_upwards
from twill_ilp.machine import Machine
from twill_ilp.result_file import read_result
from twill_ilp.rules import Readings, Rules
from twill_ilp.simulate import Jitter, Run, Stall, program_of, simulate

EXAMPLE = Path(__file__).parents[1] / "examples" / "problems" / "too-few-warps.json"
SAVED = Path(__file__).parent / "data" / "simulation"
LOGNORMAL = Jitter("lognormal", 4)


def joint(problem: Problem) -> Schedule:
    schedule = solve(problem, SearchOptions(levels=("ii",))).schedule
    assert schedule is not None
    return schedule


def saved(machine: str) -> Schedule:
    """Attention forward as the joint search once solved it (``--levels ii``)."""
    problem = build_kernel("fmha-forward", machine)
    schedule = read_result(SAVED / f"fmha-forward-{machine}.json", problem).schedule
    assert schedule is not None
    return schedule


@pytest.fixture(scope="module")
def attention() -> Schedule:
    return saved("hopper")


def random_run(loop: int, **how: object) -> Run | None:
    """A random loop in random groups, pipelined or one iteration after the other."""
    rng = random.Random(loop)
    problem = random_joint_problem(rng)
    last = sufficient_ii(problem.graph)
    pipelined = rng.random() < 0.7
    schedule = schedule_upwards(problem, "ims", last) if pipelined else unpipelined(problem)
    groups = {op.name: rng.randrange(3) for op in problem.graph}
    if schedule is None:
        return None
    try:
        return simulate(in_groups(schedule, groups), **how)  # type: ignore[arg-type]
    except InvalidScheduleError:
        return None


# ---------------------------------------------------------------------- an independent look


def broken(run: Run) -> list[str]:
    """What a run breaks, from its issue times alone."""
    schedule, rules = run.program.schedule, run.program.rules
    graph, group, issue = schedule.graph, schedule.group, run.issue
    found = []
    for name, times in issue.items():
        if len(times) != run.iterations:
            return [f"{name}: {len(times)} instances"]
    for unit, capacity in schedule.machine.units.items():
        change: defaultdict[int, int] = defaultdict(int)
        for op in graph:
            for row in op.usage:
                if row.unit == unit:
                    for begin in issue[op.name]:
                        change[begin + row.start] += row.amount
                        change[begin + row.end] -= row.amount
        held = 0
        for cycle in sorted(change):
            held += change[cycle]
            if held > capacity:
                found.append(f"{unit}: {held} in cycle {cycle}")
    waiting = set()
    for e in graph.dependences:
        source, crosses = graph.by_name[e.src], group[e.src] != group[e.dst]
        if e.blocking or (crosses and source.registers):
            waiting.add(e.dst)
        spill = source.spill if crosses and "spills" in rules else 0
        for i in range(e.distance, run.iterations):
            before = i - e.distance
            factor = run.factors[e.src][before] if e.src in run.factors else 1
            if issue[e.dst][i] < issue[e.src][before] + math.ceil(e.delay * factor) + spill:
                found.append(f"{e.src}[{before}] -> {e.dst}[{i}]")
    for g in set(group.values()):
        own = [op for op in graph if group[op.name] == g]
        order = sorted(
            (schedule.start[op.name] + i * schedule.ii, issue[op.name][i])
            for op in own
            for i in range(run.iterations)
        )
        for (planned, real), (later, then) in pairwise(order):
            if planned < later and real > then:
                found.append(f"group {g}: out of order at {then}")
        for op in own:
            for begin in issue[op.name] if op.name in waiting else ():
                for other in own:
                    if other.name == op.name or "concurrency" not in rules:
                        continue
                    held = other.issue if rules.readings.hold == "issue" else other.cycles
                    for start in issue[other.name]:
                        if start <= begin < start + held:
                            found.append(f"{op.name} waits in {begin} beside {other.name}")
    return found


def overwritten(run: Run) -> list[str]:
    """Buffers that are written before their last reader has issued."""
    schedule = run.program.schedule
    found = []
    for name, count in run.program.buffers.items():
        for e in schedule.graph.dependences:
            in_memory = any(schedule.graph.by_name[name].footprint.values())
            if e.src != name or not (in_memory or schedule.group[name] != schedule.group[e.dst]):
                continue
            for i in range(run.iterations - max(count, e.distance)):
                reader = run.issue[e.dst][i + e.distance]
                if (e.dst, i + e.distance) != (name, i + count) and (
                    run.issue[name][i + count] < reader
                ):
                    found.append(f"{name}[{i + count}] before {e.dst}[{i + e.distance}]")
    return found


def busy(run: Run, group: int) -> int:
    """Cycles, up to the last issue of the group, in which it has something in progress."""
    spans = sorted(
        (begin, begin + instruction.hold)
        for instruction in run.program.instructions
        if instruction.group == group
        for begin in run.issue[instruction.name]
    )
    last = max(begin for begin, _ in spans)
    covered = end = 0
    for begin, until in spans:
        begin, until = max(begin, end), min(until, last)
        covered += max(0, until - begin)
        end = max(end, until)
    return covered


@pytest.mark.parametrize("jitter", [Jitter(), LOGNORMAL], ids=str)
@pytest.mark.parametrize("seed", range(25))
def test_no_random_run_breaks_a_rule(seed: int, jitter: Jitter) -> None:
    run = random_run(seed, iterations=12, jitter=jitter, seed=seed)
    if run is None:
        pytest.skip("no order")
    assert not broken(run)
    assert not overwritten(run)


@pytest.mark.parametrize("readings", [Readings(hold="cycles"), Readings(liveness="completion")])
@pytest.mark.parametrize("seed", range(8))
def test_readings(seed: int, readings: Readings) -> None:
    run = random_run(seed, iterations=12, rules=Rules(readings=readings))
    if run is None:
        pytest.skip("no order")
    assert not broken(run)
    assert not overwritten(run)


def test_the_look_can_fail() -> None:
    run = simulate(joint(build_kernel("gemm", "hopper")), iterations=8)
    assert not broken(run)
    name = "C"
    early = {**run.issue, name: [t - 1 for t in run.issue[name]]}
    assert broken(replace(run, issue=early))
    late = {**run.issue, "A": [*run.issue["A"][:-1]]}
    assert any("7 instances" in text for text in broken(replace(run, issue=late)))


@pytest.mark.parametrize("seed", range(25))
def test_stalls_and_work_fill_the_time_of_every_group(seed: int) -> None:
    run = random_run(seed, iterations=10)
    if run is None:
        pytest.skip("no order")
    group = run.program.schedule.group
    for g in set(group.values()):
        idle = sum(
            wait.end - wait.begin
            for wait in run.waits
            if group[wait.operation] == g and wait.cause != "drain"
        )
        last = max(run.issue[name][-1] for name in group if group[name] == g)
        assert idle + busy(run, g) == last


@pytest.mark.parametrize("seed", range(25))
def test_no_run_beats_the_bounds(seed: int) -> None:
    run = random_run(seed, iterations=60)
    if run is None:
        pytest.skip("no order")
    graph, machine = run.program.schedule.graph, run.program.schedule.machine
    work = res_mii(graph, machine)
    assert run.cycles * work.capacity >= run.iterations * work.work
    cycle = rec_mii(graph)
    if cycle.distance:
        assert run.cycles >= (run.iterations // cycle.distance - 1) * cycle.delay


# ---------------------------------------------------------------------------------- rates


@pytest.mark.parametrize(
    ("kernel", "machine", "sub_tiles"),
    [
        ("gemm", "ampere", 1),
        ("gemm", "blackwell", 2),
        ("gemm-epilogue", "ampere", 2),
        ("layer-norm", "blackwell", 2),
        ("layer-norm", "ampere", 2),
        ("fmha-forward", "ampere", 1),
        ("fmha-backward", "ampere", 2),
    ],
)
def test_a_joint_schedule_runs_at_its_ii(kernel: str, machine: str, sub_tiles: int) -> None:
    schedule = joint(build_kernel(kernel, machine, sub_tiles=sub_tiles))
    run = simulate(schedule)
    assert run.cycles_per_iteration == schedule.ii
    assert not broken(simulate(schedule, iterations=20))


@pytest.mark.parametrize("machine", ["hopper", "blackwell"])
def test_attention_runs_at_its_ii(machine: str) -> None:
    schedule = saved(machine)
    run = simulate(schedule)
    assert run.cycles_per_iteration == schedule.ii
    assert run.utilization["TC"] == 1
    assert not run.program.excess
    assert not broken(simulate(schedule, iterations=20))


@pytest.mark.slow
@pytest.mark.parametrize("machine", ["ampere", "hopper", "blackwell"])
@pytest.mark.parametrize("sub_tiles", [1, 2])
@pytest.mark.parametrize(
    "kernel", ["gemm", "gemm-epilogue", "gated-mlp", "layer-norm", "fmha-forward", "fmha-backward"]
)
def test_every_proven_joint_schedule_runs_at_its_ii(
    kernel: str, machine: str, sub_tiles: int
) -> None:
    problem = build_kernel(kernel, machine, sub_tiles=sub_tiles)
    result = solve(problem, SearchOptions(levels=("ii",), time_limit=30))
    if result.schedule is None:
        pytest.skip("no schedule within the limit")
    run = simulate(result.schedule)
    assert not run.program.excess
    if result.status == "optimal":
        assert run.cycles_per_iteration == result.ii
    else:  # the II may be too large: the program finds out
        assert run.cycles_per_iteration <= result.ii


def test_a_program_finds_an_ii_that_is_too_large() -> None:
    slow = handmade(footprint={"smem": 10})
    slow = replace(slow, ii=6)
    run = simulate(slow)
    assert run.cycles_per_iteration == 4
    better = run.repeated()
    assert better is not None and better.ii == 4
    verify(slow.graph, slow.machine, better)


def test_one_group_per_unit_is_never_behind_its_schedule() -> None:
    """Then every order is fixed, so that times are maxima of sums."""
    apart, compared = {"TC": 0, "EXP": 1, "ALU": 2}, 0
    for seed in range(40):
        problem = random_joint_problem(random.Random(seed))
        plain = tuple(
            replace(op, usage=tuple(replace(row, start=0) for row in op.usage[:1]), spill=0)
            for op in problem.graph
        )
        graph = LoopGraph("plain", plain, problem.graph.dependences)
        simple = Problem(graph, replace(problem.machine, memories={}))
        modulo = solve(simple, SearchOptions(stage="modulo", levels=("ii",))).schedule
        if modulo is None:
            continue
        groups = {
            op.name: apart.get(op.usage[0].unit, 3) if op.usage else 4 + n
            for n, op in enumerate(graph)
        }
        rules = Rules().without("concurrency", "spills")
        try:
            run = simulate(in_groups(modulo, groups), rules=rules)
        except InvalidScheduleError:  # a knot of delays 0
            continue
        assert run.cycles_per_iteration <= modulo.ii
        compared += 1
    assert compared > 20


def test_a_larger_latency_delays_everything_where_units_have_one_group() -> None:
    schedule = joint(build_kernel("gemm", "hopper"))
    calm, late = simulate(schedule), simulate(schedule, jitter=Jitter("constant", 9))
    for name, times in calm.issue.items():
        assert all(a <= b for a, b in zip(times, late.issue[name], strict=True))
    assert late.cycles_per_iteration > calm.cycles_per_iteration


# ------------------------------------------------------------------------- blocking waits


def test_modulo_schedule_on_too_few_warps() -> None:
    """The example of docs/simulation.md: II 4 needs two groups; on one, waits cost two cycles."""
    problem = read_problem(EXAMPLE)
    result = solve(problem, SearchOptions(levels=("ii", "warps")))
    assert (result.ii, result.objective["warps"].bound) == (4, 2)
    assert result.schedule is not None
    assert simulate(result.schedule).cycles_per_iteration == 4
    modulo = solve(problem, SearchOptions(stage="modulo", levels=("ii",))).schedule
    assert modulo is not None and modulo.ii == 4
    run = simulate(in_groups(modulo, one_group(problem)))
    assert run.cycles_per_iteration > 4
    worst = run.worst
    assert worst is not None and worst.cause == "drain"
    blocking = {(e.dst, e.src) for e in problem.graph.dependences if e.blocking}
    assert (worst.operation, worst.source) in blocking
    assert f"{worst.operation} must wait for {worst.source} at a barrier" in str(worst)
    without = simulate(in_groups(modulo, one_group(problem)), rules=Rules().without("concurrency"))
    assert without.cycles_per_iteration == 4


@pytest.mark.parametrize(
    ("kernel", "machine"), [("fmha-forward", "blackwell"), ("layer-norm", "hopper")]
)
def test_kernels_on_one_group_are_slower_because_of_blocking_waits(
    kernel: str, machine: str
) -> None:
    problem = build_kernel(kernel, machine)
    modulo = solve(problem, SearchOptions(stage="modulo", levels=("ii",))).schedule
    assert modulo is not None
    run = simulate(in_groups(modulo, one_group(problem)))
    assert run.cycles_per_iteration > modulo.ii
    assert any(stall.cause in ("blocking", "drain") for stall in run.stalls)


def handmade(**op: object) -> Schedule:
    """A load on A feeds a product on B in another group, with room for everything."""
    graph = LoopGraph(
        "handmade",
        (
            Operation("load", usage=(Usage("A", 1),), cycles=3, issue=1, **op),  # type: ignore[arg-type]
            Operation("use", usage=(Usage("B", 4),)),
        ),
        (Dependence("load", "use", 3, blocking=True),),
    )
    machine = Machine("two", {"A": 1, "B": 1}, {"smem": 100})
    return Schedule(graph, machine, 4, {"load": 0, "use": 3}, {"load": 0, "use": 1})


def test_causes_by_hand() -> None:
    run = simulate(handmade(footprint={"smem": 10}), iterations=40)
    assert run.issue["use"][:3] == [3, 7, 11]
    assert run.stalls == (Stall(0, "load", "buffer", "use", Fraction(3)),)
    assert run.utilization == {"A": Fraction(1, 4), "B": 1}
    assert (run.idle, run.tightest, run.worst) == ({0: 3, 1: 0}, 1, None)
    assert run.waits[0].operation == "use" and run.waits[0].cause == "blocking"
    assert run.cycles == 3 + 40 * 4


def test_a_hand_over_takes_the_spill() -> None:
    run = simulate(handmade(registers=8, spill=2))
    assert run.issue["use"][0] == 5
    apart = simulate(handmade(registers=8, spill=2), rules=Rules().without("spills"))
    assert apart.issue["use"][0] == 3


# ------------------------------------------------------------------------ depth and jitter


def test_more_buffers_hide_jitter(attention: Schedule) -> None:
    rates = [
        simulate(attention, depth=depth, jitter=LOGNORMAL, iterations=400).cycles_per_iteration
        for depth in (2, 4, 8, 16)
    ]
    assert rates == sorted(rates, reverse=True)
    assert rates[0] > rates[-1] >= attention.ii


def test_depth_counts_buffers(attention: Schedule) -> None:
    for depth in (2, 3, 5):
        program = program_of(attention, Rules(), depth)
        assert {program.buffers[name] for name in program.loads} == {depth}
        slots = {name: attention.slot(name) for name in attention.start}
        assert {name: program.schedule.slot(name) for name in slots} == slots
    gemm = program_of(joint(build_kernel("gemm", "hopper")), Rules(), 9)
    assert {gemm.buffers[name] for name in gemm.loads} == {9}
    assert not program_of(attention, Rules(), 2).excess
    assert "smem: slot" in program_of(attention, Rules(), 5).excess


def test_depth_below_what_the_schedule_needs(attention: Schedule) -> None:
    load = handmade(variable_latency=True, footprint={"smem": 10})
    edges = (*load.graph.dependences, Dependence("load", "late", 3))
    graph = LoopGraph("two uses", (*load.graph.operations, Operation("late")), edges)
    two = replace(
        load,
        graph=graph,
        start={"load": 0, "use": 3, "late": 8},
        group={"load": 0, "use": 1, "late": 1},
    )
    words = r"load: needs 2 buffers, .* uses are 5 cycles apart at II=4; give a depth of 2 or more"
    with pytest.raises(OptionError, match=words):
        simulate(two, depth=1)
    assert simulate(two, depth=2).cycles_per_iteration == 4
    with pytest.raises(OptionError, match="depth is 0"):
        simulate(attention, depth=0)


def test_equal_seeds_give_equal_runs(attention: Schedule) -> None:
    one, two, other = (
        simulate(attention, jitter=LOGNORMAL, iterations=50, seed=seed) for seed in (1, 1, 2)
    )
    assert one.issue == two.issue and one.waits == two.waits
    assert one.issue != other.issue
    longer = simulate(attention, jitter=LOGNORMAL, iterations=60, seed=1)
    assert longer.factors["K"][:50] == one.factors["K"]


def test_distributions() -> None:
    assert Jitter.parse("constant:3").draw("K", 4, 0) == [3.0] * 4
    uniform = Jitter.parse("uniform:3").draw("K", 4000, 0)
    assert 1 <= min(uniform) < 1.1 and 2.9 < max(uniform) <= 3
    drawn = LOGNORMAL.draw("K", 20000, 0)
    assert min(drawn) == 1
    assert sum(x == 1 for x in drawn) / len(drawn) == pytest.approx(0.5, abs=0.02)
    assert sum(x > 4 for x in drawn) / len(drawn) == pytest.approx(0.1587, abs=0.01)
    assert str(LOGNORMAL) == "lognormal:4" and LOGNORMAL and not Jitter()


@pytest.mark.parametrize("text", ["", "normal:2", "lognormal", "lognormal:x", "uniform:0.5"])
def test_bad_distributions(text: str) -> None:
    with pytest.raises(OptionError, match="jitter"):
        Jitter.parse(text)


def test_bad_input() -> None:
    modulo = solve(build_kernel("fig1"), SearchOptions(stage="modulo")).schedule
    assert modulo is not None
    with pytest.raises(OptionError, match="no warp groups"):
        simulate(modulo)
    grouped = in_groups(modulo, {"S": 0, "P": 0, "O": 0})
    with pytest.raises(OptionError, match="iterations is 0"):
        simulate(grouped, iterations=0)
    graph = LoopGraph(
        "knot",
        (Operation("a", cycles=1), Operation("b", cycles=1)),
        (Dependence("a", "b", 0), Dependence("b", "a", 0)),
    )
    backwards = replace(grouped, start={"S": 0, "P": 5, "O": 1})
    with pytest.raises(
        InvalidScheduleError, match=r"P -> O: O comes 4 cycles before P, .* at II=2"
    ):
        simulate(backwards)
    knot = Schedule(graph, Machine("none", {}), 1, {"a": 0, "b": 0}, {"a": 0, "b": 0})
    with pytest.raises(InvalidScheduleError, match=r"wait for each other in one cycle at II=1"):
        simulate(knot)


@pytest.mark.parametrize("iterations", [1, 2, 3, 4, 7])
def test_few_iterations(attention: Schedule, iterations: int) -> None:
    run = simulate(attention, iterations=iterations)
    assert not broken(run)
    assert all(len(times) == iterations for times in run.issue.values())
    assert run.cycles >= attention.graph.by_name["O.0"].cycles
    if iterations == 1:
        assert run.cycles_per_iteration == run.cycles
