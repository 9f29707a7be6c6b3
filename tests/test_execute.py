"""Programs on numbers: kernels against their loops, random loops against hashes, planted faults."""

from __future__ import annotations

import random
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from joint_schedules import fmha, handmade
from programs import FAULTS, random_schedule, with_tasks
from strategies import random_joint_problem, solve_modulo

from twill_ilp import SearchOptions, build_kernel, solve
from twill_ilp.errors import ExecutionError, OptionError
from twill_ilp.execute import execute, synthetic_semantics
from twill_ilp.execute.state import State
from twill_ilp.kernels import KERNELS
from twill_ilp.kernels.numerics import Array, Semantics, kernel_semantics
from twill_ilp.pipeline import Program, build_program
from twill_ilp.result_file import read_result
from twill_ilp.schedule import Result, Schedule

GPUS = ("ampere", "hopper", "blackwell")
NAMES = [name for name, kernel in KERNELS.items() if kernel.machines]
CASES = [(name, gpu, sub_tiles) for name in NAMES for gpu in GPUS for sub_tiles in (1, 2)]
TRIPS = (1, 2, 3, 7, 16)
QUICK = [
    ("fmha-forward", "ampere", 2),
    ("fmha-forward", "hopper", 1),
    ("fmha-backward", "ampere", 2),
    ("gemm", "blackwell", 2),
    ("gemm-epilogue", "blackwell", 1),
    ("gated-mlp", "ampere", 2),
    ("layer-norm", "hopper", 1),
]
"""Cases whose joint search takes about a second."""


@cache
def solved(name: str, gpu: str, sub_tiles: int, stage: str) -> Result:
    options = SearchOptions(stage=stage, levels=("ii",), time_limit=30)
    return solve(build_kernel(name, gpu, sub_tiles=sub_tiles), options)


def equals_the_loop(program: Program, name: str, gpu: str, sub_tiles: int) -> None:
    """For all trip counts, each in two interleavings."""
    tile = (4, 16) if name == "layer-norm" else (4, 8, 6)
    for trips in TRIPS:
        loop = kernel_semantics(name, gpu, tile=tile, sub_tiles=sub_tiles, iterations=trips)
        reference = loop.reference()
        for seed in (None, trips):
            result = execute(program, loop, trips, seed=seed)
            assert result.keys() == reference.keys()
            for key, expected in reference.items():
                np.testing.assert_allclose(result[key], expected, rtol=1e-5, atol=1e-12)


@pytest.mark.parametrize(("name", "gpu", "sub_tiles"), CASES)
def test_modulo_schedules_of_kernels(name: str, gpu: str, sub_tiles: int) -> None:
    program = build_program(solved(name, gpu, sub_tiles, "modulo"))
    assert len(program.groups) == 1
    equals_the_loop(program, name, gpu, sub_tiles)


def split(schedule: Schedule) -> Schedule:
    """Loads, products, and each sub-tile's rest apart, whether the joint rules allow it or not."""

    def group(name: str, kind: str) -> int:
        number = name.rpartition(".")[2]
        rest = 2 + int(number) if number.isdecimal() else 2
        return {"tma": 0, "cp.async": 0, "mma": 1}.get(kind, rest)

    return replace(schedule, group={op.name: group(op.name, op.kind) for op in schedule.graph})


@pytest.mark.parametrize(("name", "gpu", "sub_tiles"), CASES)
def test_split_schedules_of_kernels(name: str, gpu: str, sub_tiles: int) -> None:
    schedule = solved(name, gpu, sub_tiles, "modulo").schedule
    assert schedule
    program = build_program(split(schedule))
    assert len(program.groups) >= 2
    equals_the_loop(program, name, gpu, sub_tiles)


@pytest.mark.parametrize(("name", "gpu", "sub_tiles"), QUICK)
def test_joint_schedules_of_kernels(name: str, gpu: str, sub_tiles: int) -> None:
    equals_the_loop(build_program(solved(name, gpu, sub_tiles, "joint")), name, gpu, sub_tiles)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "gpu", "sub_tiles"), CASES)
def test_joint_schedules_of_all_kernels(
    name: str, gpu: str, sub_tiles: int, tmp_path: Path
) -> None:
    """And their planted faults.  In a process of its own: some searches overrun their limit."""
    path = tmp_path / "result.json"
    command = [sys.executable, "-m", "twill_ilp", "solve", name, "--machine", gpu, "--levels", "ii"]
    command += ["--sub-tiles", str(sub_tiles), "--time-limit", "20", "--json", str(path), "--quiet"]
    try:
        subprocess.run(command, timeout=60, check=False)
    except subprocess.TimeoutExpired:
        pytest.skip("the search gives no answer within a minute")
    result = read_result(path, build_kernel(name, gpu, sub_tiles=sub_tiles))
    if result.schedule is None:
        pytest.skip("the search finds no schedule in 20 s")
    for liveness in ("issue", "completion"):
        equals_the_loop(build_program(result, liveness=liveness), name, gpu, sub_tiles)
    for kind in FAULTS:
        caught(build_program(result), result.schedule, kind)


def test_a_published_partition() -> None:
    equals_the_loop(build_program(fmha()), "fmha-forward", "blackwell", 2)
    equals_the_loop(build_program(fmha(), liveness="completion"), "fmha-forward", "blackwell", 2)


# -- random loops -------------------------------------------------------------------------------


def equals_the_hashes(schedule: Schedule, program: Program, seed: int) -> None:
    for trips in TRIPS:
        loop = synthetic_semantics(schedule.graph, trips)
        reference = loop.reference()
        for interleaving in (None, seed):
            result = execute(program, loop, trips, seed=interleaving)
            for key, expected in reference.items():
                assert (result[key] == expected).all(), (key, trips, interleaving)


@pytest.mark.parametrize("seeds", [*(range(at, at + 20) for at in range(0, 200, 20)), [2384]])
def test_random_schedules(seeds: Sequence[int]) -> None:
    """Any starts and groups, which no rule but the dependences limits.

    In 2384, one that shares a place runs ahead by two iterations, of which a short loop has none.
    """
    for seed in seeds:
        schedule = random_schedule(seed)
        equals_the_hashes(schedule, build_program(schedule), seed)


def found(first: int, loops: int, stage: str) -> int:
    """Check so many schedules that searches find, from a seed on; how many have several groups."""
    several, seed = 0, first
    while loops:
        seed += 1
        problem = random_joint_problem(random.Random(seed), 6)
        try:
            synthetic_semantics(problem.graph, 1).reference()
        except OptionError:  # operations of one iteration wait for each other in a circle
            continue
        options = SearchOptions(levels=("ii",), max_ii=12, time_limit=5)
        result = solve(problem, options) if stage == "joint" else solve_modulo(problem)
        if result.schedule is not None:
            program = build_program(result)
            equals_the_hashes(result.schedule, program, seed)
            several += len(program.groups) > 1
            loops -= 1
    return several


def test_what_the_searches_find_for_random_loops() -> None:
    assert found(0, 6, "joint") >= 1
    assert found(0, 8, "modulo") == 0


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, 10_000, 1000))
def test_what_the_searches_find_for_random_loops_slow(first: int) -> None:
    assert found(first, 20, "joint") >= 5
    assert found(first, 20, "modulo") == 0


def test_wrong_operands_show() -> None:
    """The hashes: another iteration's operand changes the result and all that follow."""
    schedule = random_schedule(3)
    loop = synthetic_semantics(schedule.graph, 4)
    reference = loop.reference()
    values = {op.name: reference[op.name][:1] for op in schedule.graph}
    name = next(e.dst for e in schedule.graph.dependences if e.distance == 0)
    operands = {(e.src, e.distance): values[e.src] for e in schedule.graph.dependences
                if e.dst == name and e.distance == 0}  # fmt: skip
    right = loop.run(name, 0, operands)
    for key, value in operands.items():
        assert loop.run(name, 0, {**operands, key: value + 1}) != right
    assert loop.run(name, 1, operands) != right


# -- planted faults -----------------------------------------------------------------------------


def caught(program: Program, schedule: Schedule, kind: str) -> int:
    """Every fault of a kind is an error, whatever the interleaving; returns how many there are."""
    count = 0
    for what, faulty, trips in FAULTS[kind](program):
        found = False
        for trip in trips:
            loop = synthetic_semantics(schedule.graph, trip)
            errors = []
            for seed in (None, 1, 2):
                try:
                    execute(faulty, loop, trip, seed=seed)
                except ExecutionError as e:
                    errors.append(str(e))
            assert len(errors) in (0, 3), f"{what}: depends on the interleaving"
            assert all(re.search(r"\[-?\d+\]", error) for error in errors), errors
            found = found or bool(errors)
            if found:
                break
        assert found, f"{what} is not caught with {trips} iterations"
        count += 1
    return count


@pytest.mark.parametrize("kind", FAULTS)
def test_planted_faults_are_caught(kind: str) -> None:
    schedules = [random_schedule(seed) for seed in range(60)]
    assert sum(caught(build_program(schedule), schedule, kind) for schedule in schedules) > 10


@pytest.mark.parametrize("kind", FAULTS)
def test_planted_faults_in_attention_are_caught(kind: str) -> None:
    assert caught(build_program(fmha()), fmha(), kind) >= 2


@pytest.mark.slow
@pytest.mark.parametrize("kind", FAULTS)
def test_planted_faults_are_caught_slow(kind: str) -> None:
    for seed in range(60, 600):
        schedule = random_schedule(seed)
        caught(build_program(schedule), schedule, kind)


def test_planted_faults_do_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    """With nothing checked but what slots hold, many a missing wait makes a wrong run."""
    monkeypatch.setattr(State, "check_operands", lambda *arguments: None)
    monkeypatch.setattr(State, "_check_overwritten", lambda *arguments: None)
    harmful = total = 0
    for seed in range(25):
        schedule = random_schedule(seed)
        equals_the_hashes(schedule, build_program(schedule), seed)
        for _, faulty, trips in FAULTS["wait"](build_program(schedule)):
            loop = synthetic_semantics(schedule.graph, trips[0])
            reference, total = loop.reference(), total + 1
            harmful += any(goes_wrong(faulty, loop, reference, at) for at in range(12))
    assert total > 50 and harmful > total / 2, (harmful, total)


def goes_wrong(program: Program, loop: Semantics, reference: Mapping[str, Array], at: int) -> bool:
    try:
        result = execute(program, loop, seed=at)
    except ExecutionError:
        return True
    return any((result[key] != expected).any() for key, expected in reference.items())


def run(program: Program, trips: int = 4) -> None:
    execute(program, synthetic_semantics(handmade().graph, trips))


def test_the_error_names_the_instruction() -> None:
    program = build_program(handmade())
    tasks = program.tasks
    with pytest.raises(ExecutionError, match=r"P\[0\] of group 1 reads S\[0\], but nothing says"):
        run(with_tasks(program, replace(tasks["P"], waits=())))
    reads = tuple(replace(read, buffer=read.operation) for read in tasks["O"].reads)
    with pytest.raises(ExecutionError, match=r"O\[0\] of group 0 reads P in the registers of gr"):
        run(with_tasks(program, replace(tasks["O"], reads=reads)))
    with pytest.raises(ExecutionError, match=r"S\[1\] of group 0 overwrites S\[0\] in slot 0 of S"):
        run(with_tasks(program, replace(tasks["S"], waits=())))


def test_a_deadlock_names_who_waits_for_what() -> None:
    """P waits for O, which waits for P."""
    program = build_program(handmade())
    task, wait = program.tasks["P"], program.tasks["S"].waits[0]
    barriers = {**program.barriers, "O": replace(program.barriers["P"], operation="O")}
    circle = with_tasks(
        program, replace(task, waits=(*task.waits, replace(wait, operation="O", distance=0)))
    )
    with pytest.raises(
        ExecutionError,
        match=r"deadlock: group 0 waits at S\[1\] for P\[0\] \(barrier P, slot 0, phase 0\); "
        r"group 1 waits at P\[0\] for O\[0\]",
    ):
        run(replace(circle, barriers=barriers))


def test_too_few_slots_of_a_barrier_are_noticed() -> None:
    """Phases of parity one: the second must not end before the first has been seen."""
    misses = 0
    for seed in range(60):
        schedule = random_schedule(seed)
        program = build_program(schedule)
        for name, barrier in program.barriers.items():
            if barrier.slots > 1:
                less = {**program.barriers, name: replace(barrier, slots=barrier.slots - 1)}
                loop = synthetic_semantics(schedule.graph, 16)
                try:
                    execute(replace(program, barriers=less), loop)
                except ExecutionError:
                    misses += 1
    assert misses > 10


def test_overlapping_buffers_are_refused() -> None:
    program = build_program(handmade())
    moved = replace(program.buffers["O"], address={"tmem": 4})
    with pytest.raises(ExecutionError, match="buffers S and O overlap"):
        run(replace(program, buffers={**program.buffers, "O": moved}))


def test_refused() -> None:
    program, loop = build_program(handmade()), synthetic_semantics(handmade().graph, 4)
    assert execute(program, loop, 2)["O"].shape == (2,)
    for count, message in ((0, "trip count is 0"), (5, "trip count is 5; the data are of 4")):
        with pytest.raises(OptionError, match=message):
            execute(program, loop, count)
