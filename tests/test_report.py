"""Reports: golden text, readable tables at any II, and words that keep proofs apart."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

import pytest
from strategies import FIGURE_1, random_problem, solve_modulo
from test_schedule import FEASIBLE, INFEASIBLE, RESULT, SCHEDULE, UNKNOWN

from twill_ilp.graph import LoopGraph, Operation, Usage
from twill_ilp.heuristics import schedule_upwards
from twill_ilp.kernels import build_kernel
from twill_ilp.machine import Machine
from twill_ilp.problem import Problem
from twill_ilp.report import headline, printable, proof_table, reservation_table, result_text
from twill_ilp.report.table import Table
from twill_ilp.schedule import Level, Rejection, Schedule

FIG1 = """\
fig1: II = 2 (optimal), L = 4 (proven), MII = 2 (ResMII 2, RecMII 1)

One iteration: L = 4 cycles, 2 stages
  operation  start  stage  slot  cycles  units
  S              0      0     0       1  TC
  P              2      1     0       1  EXP
  O              3      1     1       1  TC

Steady state: II = 2 cycles ([k] = stage, . = idle)
  slot  TC      EXP
     0  S [0]   P [1]
     1  O [1]   .
  busy  2 of 2  1 of 2

Proof
  II <= 1         impossible  bound: ResMII 2: TC is busy 2 unit-cycles per iteration at capacity 1
  II = 2, L <= 3  impossible  L 3: structured ILP infeasible after 0 nodes
  II = 2, L = 4   found       the schedule above, accepted by the verifier"""


def schedule_of(machine: Machine, ii: int, starts: dict[Operation, int]) -> Schedule:
    graph = LoopGraph("loop", tuple(starts))
    return Schedule(graph, machine, ii, {op.name: start for op, start in starts.items()})


def claims(result: object) -> list[tuple[str, ...]]:
    return [row[:2] for row in proof_table(result).rows]  # type: ignore[arg-type]


def test_golden_report_of_fig1() -> None:
    """The figure's answer is II 2 with S at 0, P at 2 and O at 3 (Soi et al. 2026, Fig. 1)."""
    result = replace(solve_modulo(build_kernel("fig1")), seconds={}, environment={})
    assert str(result) == FIG1


def test_cost_line() -> None:
    assert str(RESULT).endswith("0.50 s, building 0.25 s, solver 0.12 s, HiGHS 1.15.1, seed 0")


def test_headlines_tell_proven_from_found_and_unknown() -> None:
    mii = "MII = 2 (ResMII 2, RecMII 1)"
    name = "figure-1 on simplified"
    assert headline(RESULT) == f"{name}: II = 2 (optimal), L = 4 (proven), {mii}"
    assert headline(FEASIBLE) == f"{name}: II = 3 (found, >= 2 proven), L = 3 (found), {mii}"
    assert headline(INFEASIBLE) == f"{name}: no schedule up to II = 1 (proven), {mii}"
    assert headline(UNKNOWN) == (
        f"{name}: no schedule found up to II = 2 (unknown, >= 2 proven), {mii}"
    )
    skipped = replace(RESULT, objective=dict(RESULT.objective) | {"length": Level("skipped", 4)})
    assert "L = 4 (not minimised)" in headline(skipped)


def test_claims_about_smaller_ii_and_shorter_schedules() -> None:
    assert claims(RESULT) == [
        ("II <= 1", "impossible"),
        ("II = 2, L <= 3", "impossible"),
        ("II = 2, L = 4", "found"),
    ]
    assert claims(FEASIBLE) == [
        ("II <= 1", "impossible"),
        ("II = 2", "unknown"),
        ("II = 3, L < 3", "unknown"),
        ("II = 3, L = 3", "found"),
    ]
    assert claims(UNKNOWN) == [("II <= 1", "impossible"), ("II = 2", "unknown")]
    assert claims(INFEASIBLE) == [("II <= 1", "impossible")]


def test_claims_about_a_length_that_is_only_found() -> None:
    level = Level("found", 4, 3, "critical path 3")
    result = replace(RESULT, objective=dict(RESULT.objective) | {"length": level})
    assert claims(result)[1:] == [
        ("II = 2, L <= 2", "impossible"),
        ("II = 2, L = 3", "unknown"),
        ("II = 2, L = 4", "found"),
    ]
    assert "What is proven, and what is not" in str(result)
    assert "Proof" not in str(result)


def test_claims_share_a_line_only_with_the_same_reason() -> None:
    rejected = (
        Rejection(1, "bound", "busy"),
        Rejection(2, "modulo infeasible", "ILP"),
        Rejection(3, "unknown", "sms finds no schedule"),
        Rejection(4, "unknown", "sms finds no schedule", 2.0),
        Rejection(5, "modulo infeasible", "ILP"),
    )
    rows = proof_table(replace(UNKNOWN, rejected=rejected)).rows
    assert rows == (
        ("II <= 1", "impossible", "bound: busy"),
        ("II = 2", "impossible", "modulo infeasible: ILP"),
        ("II = 3..4", "unknown", "sms finds no schedule (2.0 s)"),
        ("II = 5", "impossible", "modulo infeasible: ILP"),
    )


def test_no_ii_below_one() -> None:
    assert claims(replace(RESULT, rejected=()))[0] == ("II < 1", "impossible")


def test_instances_amounts_and_wrapping() -> None:
    """A (2 cycles from 3) wraps to slot 0; B takes both ALUs; C waits for no unit."""
    schedule = schedule_of(
        Machine("m", {"TC": 1, "ALU": 2, "IDLE": 1}),
        4,
        {
            Operation("A", usage=(Usage("TC", 2),)): 3,
            Operation("B", usage=(Usage("ALU", 1, start=1, amount=2),)): 4,
            Operation("C", cycles=9): 0,
            Operation("D", usage=(Usage("ALU", 1),)): 2,
        },
    )
    table = reservation_table(schedule)
    assert table.header == ("slot", "TC", "ALU#1", "ALU#2")
    assert table.rows == (
        ("0", "A [0]~", ".", "."),
        ("1", ".", "B [1]", "B [1]"),
        ("2", ".", "D [0]", "."),
        ("3", "A [0]", ".", "."),
        ("busy", "2 of 4", "2 of 4", "1 of 4"),
    )
    assert "~ = begun in the pass before" in str(schedule)


def test_long_intervals_stay_readable() -> None:
    ii = 10**9
    schedule = schedule_of(
        Machine("m", {"TC": 1, "SFU": 1}),
        ii,
        {
            Operation("A", usage=(Usage("TC", 256),)): 0,
            Operation("B", usage=(Usage("TC", 1),)): 256,
            Operation("C", usage=(Usage("SFU", ii),)): 100,
        },
    )
    assert [row[0] for row in reservation_table(schedule).rows] == [
        "0-99",
        "100-255",
        "256",
        f"257-{ii - 1}",
        "busy",
    ]


def test_equal_neighbours_share_a_row() -> None:
    """The second row of A's reservation table only goes on with the first."""
    rows = (Usage("TC", 50), Usage("TC", 50, start=50))
    schedule = schedule_of(Machine("m", {"TC": 1}), 200, {Operation("A", usage=rows): 0})
    assert [row[0] for row in reservation_table(schedule).rows] == ["0-99", "100-199", "busy"]


def test_a_loop_without_units() -> None:
    schedule = schedule_of(Machine("m", {"TC": 1}), 1, {Operation("A", cycles=2): 0})
    assert "no unit is used" in str(schedule)


@pytest.mark.parametrize("seed", range(40))
def test_cells_are_the_usage_of_the_schedule(seed: int) -> None:
    """Counted slot by slot from the definition: what occupies a unit is what the table shows."""
    problem = random_problem(random.Random(seed))
    schedule = schedule_upwards(problem, "ims", 200)
    assert schedule
    expected: Counter[tuple[str, str, str]] = Counter()
    for op in problem.graph:
        for row in op.usage:
            for cycle in range(row.start, row.end):
                slot = (schedule.start[op.name] + cycle) % schedule.ii
                expected[str(slot), row.unit, op.name] += row.amount
    table = reservation_table(schedule)
    shown: Counter[tuple[str, str, str]] = Counter()
    for label, *cells in table.rows[:-1]:
        for column, cell in zip(table.header[1:], cells, strict=True):
            if cell != ".":
                shown[label, column.partition("#")[0], cell.partition(" [")[0]] += 1
    assert shown == expected


def test_wide_tables_break_into_blocks() -> None:
    rows = (("0", *("x" * 20 for _ in range(10))),)
    text = Table(("slot", *(f"unit{i}" for i in range(10))), rows).text()
    assert max(map(len, text.splitlines())) <= 100
    assert text.count("slot") == 3
    assert text.count("x" * 20) == 10


def test_long_names_are_cut_in_the_middle() -> None:
    text = Table(("a", "b"), (("", "begin" + "x" * 99 + "end"),)).text()
    assert "begin" in text and ".." in text and text.endswith("end")


def test_reports_fit_into_100_ascii_columns() -> None:
    problem = build_kernel("fmha-forward", quantum=1)
    schedule = schedule_upwards(problem, "ims", 10**5)
    assert schedule
    evidence = "a sentence that goes on and on, " * 20
    result = replace(
        FEASIBLE,
        problem=problem,
        schedule=schedule,
        rejected=(Rejection(schedule.ii - 1, "unknown", evidence),),
    )
    text = str(result)
    assert text.isascii()
    assert max(map(len, text.splitlines()[1:])) <= 100
    assert all(line == line.rstrip() for line in text.splitlines())
    assert max(map(len, result_text(result, 70).splitlines()[1:])) <= 100


def test_control_characters_are_escaped() -> None:
    assert printable("a\nb\x1b[31m\ud800") == "a\\nb\\x1b[31m\\ud800"
    result = replace(UNKNOWN, rejected=(Rejection(1, "unknown", "\x1b[2J\r"),))
    assert "\x1b" not in str(result) and "\\x1b[2J" in str(result)


def test_html_is_escaped() -> None:
    op = Operation("<b>&", usage=(Usage("<i>", 1),))
    problem = Problem(LoopGraph("<script>", (op,)), Machine("<u>", {"<i>": 1}))
    schedule = Schedule(problem.graph, problem.machine, 2, {"<b>&": 0})
    result = replace(
        RESULT,
        problem=problem,
        schedule=schedule,
        rejected=(Rejection(1, "bound", "1 < 2"),),
        environment={"highs": "<1>"},
    )
    html = result._repr_html_()
    for raw in ("<b>& [", "<i>", "<script>", "<u>", "1 < 2", "<1>"):
        assert raw not in html
    assert "&lt;b&gt;&amp; [0]" in html and "&lt;script&gt;" in html
    assert html.count("<table") == html.count("</table>") == 3
    assert "proven" in html


def test_schedules_have_html_too() -> None:
    assert "S [0]" in SCHEDULE._repr_html_()
    assert str(SCHEDULE).startswith("One iteration: L = 4 cycles, 2 stages")


def test_figure_1_machine_is_named_unless_it_is_the_loops() -> None:
    assert headline(RESULT).startswith("figure-1 on simplified: ")
    own = replace(FIGURE_1, machine=replace(FIGURE_1.machine, name="figure-1"))
    assert headline(replace(RESULT, problem=own)).startswith("figure-1: ")
