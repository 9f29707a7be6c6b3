"""Programs: order, slots, places, barriers, and the forms in which they are emitted."""

from __future__ import annotations

import ast
import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from joint_schedules import fmha, handmade
from programs import random_schedule, straight
from strategies import FIGURE_1, solve_modulo

from twill_ilp import SearchOptions, solve
from twill_ilp.cli import main
from twill_ilp.emit import program_python, program_text
from twill_ilp.errors import InvalidProblemError, InvalidScheduleError, OptionError
from twill_ilp.graph import Dependence, LoopGraph, Operation
from twill_ilp.lifetimes import Readings, lifetime
from twill_ilp.machine import Machine
from twill_ilp.pipeline import Program, build_program
from twill_ilp.pipeline.program_file import (
    program_from_dict,
    program_to_dict,
    read_program,
    write_program,
)
from twill_ilp.pipeline.storage import overlap
from twill_ilp.schedule import Schedule

SEEDS = range(25)
TRIPS = (1, 2, 3, 7, 16)


def chain(ii: int, start: dict[str, int], **group: int) -> Schedule:
    """A -> B, and B -> B an iteration later; results of A are one of 8 bytes."""
    ops = (Operation("A", "load", cycles=2, issue=1, footprint={"smem": 1}), Operation("B", "add"))
    edges = (Dependence("A", "B", 2, blocking=True), Dependence("B", "B", 0, 1))
    return Schedule(LoopGraph("chain", ops, edges), Machine("m", {}, {"smem": 8}), ii, start, group)


# -- order and sections -------------------------------------------------------------------------


def test_figure_1() -> None:
    """Soi et al. 2026, Fig. 1: S runs an iteration ahead; prologue and epilogue of one stage."""
    text = program_text(build_program(solve_modulo(FIGURE_1)))
    assert [line.strip() for line in text.splitlines()[2:]] == [
        "Group 0, 1 warp",
        "prologue",
        "S[0] = gemm()",
        "for i in 0 .. N-2:",
        "P[i] = exp(S[i])",
        "S[i+1] = gemm()",
        "O[i] = gemm(P[i], O[i-1])",
        "epilogue",
        "P[N-1] = exp(S[N-1])",
        "O[N-1] = gemm(P[N-1], O[N-2])",
    ]


@pytest.mark.parametrize("seed", SEEDS)
def test_every_iteration_runs_once_and_in_order(seed: int) -> None:
    """Also with fewer iterations than stages: by start and, in one cycle, sources first."""
    schedule = random_schedule(seed)
    program = build_program(schedule)
    for trips in (*TRIPS, *range(1, 2 * program.stages + 2)):
        run = {group.id: list(group.run(trips)) for group in program.groups}
        everything = [instance for instances in run.values() for instance in instances]
        wanted = [(op.name, i) for op in schedule.graph for i in range(trips)]
        assert sorted(everything) == sorted(wanted)
        for group in program.groups:
            assert run[group.id] == straight(group, trips)
            cycles = [schedule.start[name] + i * schedule.ii for name, i in run[group.id]]
            assert cycles == sorted(cycles)
            place = {instance: at for at, instance in enumerate(run[group.id])}
            for e in schedule.graph.dependences:
                for i in range(trips - e.distance):
                    source, reader = (e.src, i), (e.dst, i + e.distance)
                    if source in place and reader in place and source != reader:
                        assert place[source] < place[reader]


def test_groups_have_their_own_stages() -> None:
    program = build_program(handmade())
    assert [(group.id, group.stages) for group in program.groups] == [(0, 2), (1, 1)]
    assert program.stages == 2


# -- buffers ------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
def test_slots_hold_what_lives(seed: int) -> None:
    """At least what the model counts; more only where two instances meet in one cycle."""
    schedule = random_schedule(seed)
    program = build_program(schedule)
    for op in schedule.graph:
        own = [b for b in program.buffers.values() if b.operation == op.name]
        birth, death = lifetime(schedule, op.name)
        lives = -(-(death - birth) // schedule.ii)
        if own:
            most = max(b.count for b in own)
            assert max(1, lives) <= most <= max(1, lives) + 1
            if most > max(1, lives):
                assert (death - birth) % schedule.ii == 0
        for b in own:
            assert b.count <= b.smooth


def test_completion_needs_more() -> None:
    """B reads A for no time, but A itself is under way for two cycles of three in each of two."""
    schedule = chain(1, {"A": 0, "B": 2})
    assert build_program(schedule).buffers["A"].count == 2
    slow = Schedule(
        LoopGraph(
            "slow", (Operation("A", footprint={"smem": 1}), Operation("B", cycles=5)),
            (Dependence("A", "B", 0),),
        ),
        Machine("m", {}), 2, {"A": 0, "B": 1},
    )  # fmt: skip
    assert build_program(slow).buffers["A"].count == 1
    assert build_program(slow).buffers["A"].smooth == 3
    assert build_program(slow, liveness="completion").buffers["A"].count == 3
    result = solve(FIGURE_1)
    assert build_program(result).ii == 2
    birth, death = lifetime(slow, "A", Readings(liveness="completion"))
    assert -(-(death - birth) // 2) == 3


def test_a_row_statistic_needs_two_slots_because_old_and_new_meet() -> None:
    """m of this iteration is written in the cycle in which alpha reads the one before."""
    buffers = build_program(fmha()).buffers
    assert {buffers["m.0"].count, buffers["m.1"].count} == {2}


def in_turn(capacity: int) -> Schedule:
    """A and B, 4 bytes each, of which the first is read before the second is written."""
    ops = (
        Operation("A", footprint={"smem": 4}),
        Operation("X", registers=1),
        Operation("B", footprint={"smem": 4}),
        Operation("Y", registers=1),
    )
    edges = (Dependence("A", "X", 1), Dependence("X", "B", 1), Dependence("B", "Y", 1))
    start, group = {"A": 0, "X": 1, "B": 2, "Y": 3}, {"A": 0, "X": 1, "B": 0, "Y": 2}
    machine = Machine("m", {}, {"smem": capacity})
    return Schedule(LoopGraph("in-turn", ops, edges), machine, 4, start, group)


def test_what_does_not_fit_takes_turns() -> None:
    """B waits for A's reader, which hands it over anyway, and the next A for B's."""
    apart, shared = build_program(in_turn(8)), build_program(in_turn(4))
    assert [apart.memory(), shared.memory()] == [{"smem": 8}, {"smem": 4}]
    assert not apart.buffers["A"].shares and not apart.buffers["B"].shares
    assert [s.distance for s in shared.buffers["A"].shares] == [1]
    assert [s.distance for s in shared.buffers["B"].shares] == [0]
    assert [(w.operation, w.frees) for w in shared.tasks["A"].waits] == [("Y", ("B",))]
    assert "A and B take turns in one place" in program_text(shared)
    assert "in turn with A" in program_python(shared)
    assert "more than there is" in program_text(build_program(in_turn(3)))


def test_places_are_apart_or_taken_in_turns() -> None:
    """Blackwell's S, P and O of two sub-tiles are 640 columns of 512."""
    program = build_program(fmha())
    sizes = [b.size["tmem"] for b in program.buffers.values() if "tmem" in b.size]
    assert program.memory()["tmem"] < sum(sizes) == 640
    stored = [b for b in program.buffers.values() if "tmem" in b.address]
    meeting = {(a.name, b.name) for a in stored for b in stored if overlap(a, b, "tmem") and a != b}
    assert meeting == {(b.name, share.buffer) for b in stored for share in b.shares}
    assert meeting


def test_nothing_shares_without_need() -> None:
    program = build_program(chain(4, {"A": 0, "B": 2}))
    assert all(not b.shares for b in program.buffers.values())


# -- barriers -----------------------------------------------------------------------------------


def test_a_value_and_its_way_back() -> None:
    """Full and empty: B waits for A, and A for B of as many iterations ago as there are slots."""
    program = build_program(chain(4, {"A": 0, "B": 2}, A=0, B=1))
    assert [(w.operation, w.distance) for w in program.tasks["B"].waits] == [("A", 0)]
    assert [(w.operation, w.distance) for w in program.tasks["A"].waits] == [("B", 1)]
    assert program.tasks["A"].waits[0].frees == ("A",)
    assert {name: b.slots for name, b in program.barriers.items()} == {"A": 1, "B": 1}


def test_a_blocking_dependence_waits_within_a_group_too() -> None:
    program = build_program(chain(4, {"A": 0, "B": 2}))
    assert [w.operation for w in program.tasks["B"].waits] == ["A"]
    assert program.tasks["A"].waits == ()  # B is complete before A is issued again


def test_registers_are_handed_over() -> None:
    program = build_program(handmade())
    assert [read.buffer for read in program.tasks["O"].reads] == ["P@shared", "O"]
    assert program.buffers["P@shared"].kind == "hand-over"
    assert program.tasks["P"].writes == ("P", "P@shared")
    assert "copies: 16384 bytes of smem beside these" in program_text(program)


# -- forms --------------------------------------------------------------------------------------


class Trace:
    """What a pseudo-kernel calls, when its functions are run."""

    def __init__(self, program: Program, source: str) -> None:
        self.program = program
        self.events: list[tuple[Any, ...]] = []
        names = iter(program.barriers)
        self.space: dict[str, Any] = {
            "buffer": lambda *size, **facts: Slots(None),
            "registers": lambda **facts: Slots(None),
            "barrier": lambda slots, arrivals: Slots(next(names)),
            "wait": lambda slot, parity: self.events.append(("wait", *slot, parity)),
            "signal": lambda slot: self.events.append(("signal", *slot)),
        }
        called = {n.func.id for n in ast.walk(ast.parse(source))
                  if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}  # fmt: skip
        for kind in called - self.space.keys() - {"range"}:
            self.space[kind] = self._operation
        exec(source, self.space)

    def _operation(self, name: str, iteration: int, *operands: Any, done: Any = None) -> None:
        self.events.append(("run", name, iteration, done))

    def of(self, group: int, trips: int) -> list[tuple[Any, ...]]:
        self.events = []
        self.space[f"group_{group}"](trips)
        return self.events


class Slots:
    def __init__(self, name: str | None) -> None:
        self.name = name

    def __getitem__(self, slot: int) -> tuple[str | None, int]:
        return self.name, slot

    def __setitem__(self, slot: int, value: Any) -> None:
        assert slot >= 0


def expected(program: Program, group: int, trips: int) -> Iterator[tuple[Any, ...]]:
    """Waits for iterations that exist, operations and arrivals, from the program's tasks."""
    chosen = next(g for g in program.groups if g.id == group)
    for name, i in chosen.run(trips):
        task = program.tasks[name]
        for wait in task.waits:
            j, slots = i - wait.distance, program.barriers[wait.operation].slots
            if j < trips:
                yield "wait", wait.operation, j % slots, j // slots % 2, j < 0
        barrier = program.barriers.get(name)
        slot = (name, i % barrier.slots) if barrier else None
        yield "run", name, i, slot if task.asynchronous else None
        if slot and not task.asynchronous:
            yield "signal", *slot


@pytest.mark.parametrize("seed", SEEDS)
def test_the_pseudo_kernel_does_what_the_program_says(seed: int) -> None:
    program = build_program(random_schedule(seed))
    trace = Trace(program, program_python(program))
    for trips in (*TRIPS, program.stages, program.stages + 1):
        filled = Trace(program, program_python(program, trips))
        for group in program.groups:
            for events in (trace.of(group.id, trips), filled.of(group.id, trips)):
                events = list(events)
                for event in expected(program, group.id, trips):
                    if event[0] == "wait":
                        event, passes = event[:-1], event[-1]
                        if passes and events[:1] != [event]:
                            continue  # left out, since it would pass
                    assert events.pop(0) == event
                assert not events


@pytest.mark.parametrize("seed", SEEDS)
def test_program_files_round_trip(seed: int, tmp_path: Path) -> None:
    program = build_program(random_schedule(seed))
    assert program_from_dict(json.loads(json.dumps(program_to_dict(program)))) == program
    write_program(program, tmp_path / "p.json")
    assert read_program(tmp_path / "p.json") == program


def test_program_files_are_checked() -> None:
    good = program_to_dict(build_program(handmade()))
    for path, value, message in (
        (("schema",), "x", "schema is \"x\"; this version reads twill-ilp/program/1"),
        (("ii",), 0, "ii is 0"),
        (("stages",), 9, "stages is 9; the starts of its tasks make it 2"),
        (("tasks", 1, "reads", 0, "buffer"), "Z", "no buffer named \"Z\""),
        (("tasks", 1, "waits", 0, "operation"), "Z", "no barrier named \"Z\""),
        (("tasks", 0, "asynchronous"), 1, r"tasks\[0\]: asynchronous is 1"),
        (("tasks", 1, "operation"), "S", "two tasks named S"),
        (("buffers", 0, "kind"), "heap", "kind is \"heap\"; choose from registers"),
        (("buffers", 0, "count"), 0, "count is 0"),
        (("groups", 0, "steady", 0, "offset"), "1", "offset is \"1\"; give a whole number"),
    ):  # fmt: skip
        bad: Any = copy.deepcopy(good)
        place = bad
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value
        with pytest.raises(InvalidProblemError, match=message):
            program_from_dict(bad)


def test_text_says_who_waits_for_whom() -> None:
    program = build_program(fmha())
    text = program_text(program)
    assert "fmha-forward on blackwell: II 16" in text and "smem: " in text
    assert "iteration j in" in text and "j % 2" in text
    for group in program.groups:
        assert f"Group {group.id}, {group.warps} warp" in text
    one = program_text(program, 1)
    assert "for i in" not in one.split("Group 1")[1].split("Group 2")[0]
    assert "N" not in one.split("Group 0")[1].replace("Group", "")


# -- refused ------------------------------------------------------------------------------------


def test_refused() -> None:
    unknown = solve(FIGURE_1, SearchOptions(max_ii=1))
    with pytest.raises(OptionError, match="the result has no schedule"):
        build_program(unknown)
    with pytest.raises(OptionError, match="liveness is 'late'; choose from issue, completion"):
        build_program(handmade(), liveness="late")
    with pytest.raises(InvalidScheduleError, match="A -> B: starts 3 cycles before its source"):
        build_program(chain(4, {"A": 5, "B": 2}))
    circle = LoopGraph(
        "g", (Operation("A"), Operation("B")), (Dependence("A", "B", 0), Dependence("B", "A", 0))
    )
    with pytest.raises(OptionError, match="A, B wait for each other within one iteration"):
        build_program(Schedule(circle, Machine("m", {}), 1, {"A": 0, "B": 0}))
    for count in (0, True, 1.0):
        with pytest.raises(OptionError, match=r"trip count is .*; give a whole number >= 1"):
            program_text(build_program(handmade()), count)  # type: ignore[arg-type]


# -- the command --------------------------------------------------------------------------------


def test_emit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["emit", "fig1"]) == 0
    shown = capsys.readouterr().out
    assert "S[i+1] = mma()" in shown
    result, out = tmp_path / "result.json", tmp_path / "out"
    assert main(["solve", "fig1", "--json", str(result), "--quiet"]) == 0
    assert main(["emit", "fig1", "--result", str(result)]) == 0
    assert capsys.readouterr().out == shown
    assert main(["emit", "fig1", "--format", "json", "-o", str(out)]) == 0
    assert read_program(out).name == "fig1"
    assert main(["emit", "fig1", "--format", "py", "--trip-count", "3", "-o", str(out)]) == 0
    ast.parse(out.read_text())
    assert "def group_0(N=3)" in out.read_text()
    assert main(["emit", "fig1", "--max-ii", "1", "-o", str(tmp_path / "none")]) == 1
    assert "there is no program to emit" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--trip-count", "0"], "--trip-count 0: give a whole number >= 1"),
        (["--trip-count", "2", "--format", "json"], "a program file is for every trip count"),
        (["-o", "/nowhere/p.txt"], "folder /nowhere does not exist"),
        (["--format", "ptx"], "invalid choice: 'ptx'"),
        (["--result", "/nowhere.json"], "/nowhere.json: cannot be read"),
    ],
)
def test_emit_refuses(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["emit", "fig1", *arguments]) == 2
    assert message in capsys.readouterr().err
