"""Reports of schedules with warp groups: who runs what, and how sure each level is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from joint_schedules import fmha, handmade
from test_schedule import RESULT, SCHEDULE

from twill_ilp.graph import LoopGraph, Operation
from twill_ilp.lifetimes import live
from twill_ilp.machine import Machine
from twill_ilp.problem import Problem
from twill_ilp.report import headline, operation_table, proof_table, result_text, schedule_html
from twill_ilp.rules import Readings
from twill_ilp.schedule import Level, Result, Schedule

PROVEN: dict[str, Level] = {
    "ii": Level("proven", 2, 2, "ResMII"),
    "length": Level("proven", 4, 4, "L 3: infeasible"),
    "warps": Level("proven", 5, 5, "widths 1 and 4"),
    "traffic": Level("proven", 4096, 4096, "P is read by O"),
}


def joint(objective: Mapping[str, Level] = PROVEN) -> Result:
    schedule = handmade()
    problem = Problem(schedule.graph, schedule.machine)
    return replace(RESULT, problem=problem, schedule=schedule, objective=objective)


REPORT = """\
handmade on toy: II = 2 (optimal), L = 4 (proven), 5 warps in 2 groups (proven), \
traffic 4096 words (proven), MII = 2 (ResMII 2, RecMII 1)

One iteration: L = 4 cycles, 2 stages
  operation  group  start  stage  slot  cycles  units
  S              0      0      0     0       1  TC
  P              1      2      1     0       1  EXP
  O              0      3      1     1       1  TC

Warp groups: 5 of 16 warps, 4864 of 65536 registers (in the table: per thread)
  group  warps  registers  operations
      0      1         24  S, O
      1      4         32  P
Buffers: S x1, O x1 in tmem

Steady state: II = 2 cycles ([k] = stage, . = idle)
  slot  TC      EXP
     0  S [0]   P [1]
     1  O [1]   .
  busy  2 of 2  1 of 2

Proof
  II <= 1                                    impossible  bound: TC is busy 2 unit-cycles
  II = 2, L <= 3                             impossible  L 3: infeasible
  II = 2, L = 4, warps <= 4                  impossible  widths 1 and 4
  II = 2, L = 4, warps = 5, traffic <= 4095  impossible  P is read by O
  II = 2, L = 4, warps = 5, traffic = 4096   found       the schedule above, accepted by the
                                                         verifier"""


def test_golden_report() -> None:
    text = result_text(replace(joint(), seconds={}, environment={}))
    assert text.splitlines() == REPORT.splitlines()


@pytest.mark.parametrize(
    ("level", "words"),
    [
        (Level("proven", 5, 5), "(proven)"),
        (Level("found", 5, 2), "(found, >= 2 proven)"),
        (Level("found", 5), "(found)"),
        (Level("skipped", 5), "(not minimised)"),
        (Level("unknown", 5), "(unknown)"),
        (None, "(not minimised)"),
    ],
)
def test_headline_keeps_certainties_apart(level: Level | None, words: str) -> None:
    objective = {"ii": PROVEN["ii"]} | ({} if level is None else {"warps": level})
    assert f"5 warps in 2 groups {words}, traffic 4096 words (not" in headline(joint(objective))


def test_headline_and_proof_follow_the_order_of_the_objective() -> None:
    order = ("ii", "traffic", "length", "warps")
    result = joint({name: PROVEN[name] for name in order})
    positions = [headline(result).index(word) for word in ("II", "traffic", "L =", "5 warps")]
    assert positions == sorted(positions)
    assert [row[0] for row in proof_table(result).rows][1:] == [
        "II = 2, traffic <= 4095",
        "II = 2, traffic = 4096, L <= 3",
        "II = 2, traffic = 4096, L = 4, warps <= 4",
        "II = 2, traffic = 4096, L = 4, warps = 5",
    ]


def claims(**levels: Level) -> list[tuple[str, ...]]:
    objective = {"ii": PROVEN["ii"], "length": PROVEN["length"]} | levels
    return [row[:2] for row in proof_table(joint(objective)).rows][2:-1]


def test_claims_about_levels_that_are_only_found() -> None:
    gap = claims(warps=Level("found", 5, 3, "limit"), traffic=Level("found", 4096, 0, "limit"))
    assert gap == [
        ("II = 2, L = 4, warps <= 2", "impossible"),
        ("II = 2, L = 4, warps = 3..4", "unknown"),
        ("II = 2, L = 4, warps = 5, traffic = 0..4095", "unknown"),
    ]
    assert claims(warps=Level("found", 5, 4), traffic=Level("found", 4096)) == [
        ("II = 2, L = 4, warps <= 3", "impossible"),
        ("II = 2, L = 4, warps = 4", "unknown"),
        ("II = 2, L = 4, warps = 5, traffic < 4096", "unknown"),
    ]


def test_a_skipped_level_is_no_condition_of_the_next() -> None:
    """Traffic is minimised at any number of warps, so its claim must not name one."""
    assert claims(warps=Level("skipped", 5), traffic=PROVEN["traffic"]) == [
        ("II = 2, L = 4, warps < 5", "unknown"),
        ("II = 2, L = 4, traffic <= 4095", "impossible"),
    ]
    assert "What is proven, and what is not" in str(joint(PROVEN | {"warps": Level("skipped")}))


def test_nothing_is_claimed_below_nothing() -> None:
    schedule = replace(handmade(), group=dict.fromkeys("SPO", 0))
    objective = PROVEN | {"warps": Level("proven", 4, 4), "traffic": Level("proven", 0, 0, "none")}
    result = replace(joint(objective), schedule=schedule)
    assert proof_table(result).rows[-2][0] == "II = 2, L = 4, warps = 4, traffic < 0"
    assert "4 warps in 1 group (proven), traffic 0 words (proven)" in headline(result)


def test_modulo_results_say_nothing_of_groups() -> None:
    texts = (str(RESULT), RESULT._repr_html_(), repr(RESULT))
    assert not any(word in text for text in texts for word in ("group", "warps", "traffic"))
    assert "group" not in operation_table(SCHEDULE).header


def test_buffers_are_counted_and_follow_the_reading_of_the_result() -> None:
    result = joint()
    assert "S x1, O x1 in tmem" in str(result)
    ii3 = replace(handmade(), start={"S": 0, "P": 5, "O": 6})
    assert "S x3, O x1 in tmem" in str(ii3)
    completion = Readings(liveness="completion")
    told = replace(result, environment={"readings": str(completion)})
    expected = max(live(told.schedule, "S", completion))  # type: ignore[arg-type]
    assert expected == 2
    assert f"S x{expected}" in str(told) and f"S x{expected}" in told._repr_html_()


def test_registers_beyond_every_quota() -> None:
    schedule = handmade()
    ops = tuple(replace(op, registers=8 * op.registers) for op in schedule.graph)
    graph = LoopGraph("g", ops, schedule.graph.dependences)
    text = str(replace(schedule, graph=graph))
    assert "      1      4      > 248  P" in text
    assert "5 of 16 warps, no quota up to 248 registers" in text


def test_machines_without_limits() -> None:
    schedule = Schedule(LoopGraph("g", (Operation("A"),)), Machine("m", {}), 1, {"A": 0}, {"A": 0})
    assert "Warp groups: 1 warp, 768 registers" in str(schedule)
    assert "Buffers" not in str(schedule)


@pytest.mark.parametrize("width", [72, 100])
def test_joint_reports_fit_into_ascii_columns(width: int) -> None:
    schedule = fmha()
    levels = PROVEN | {"traffic": Level("found", 256, 0, "a sentence that goes on and on, " * 9)}
    result = replace(joint(levels), schedule=schedule)
    lines = [line for line in result_text(result, width).splitlines()[1:] if "Steady" not in line]
    assert max(map(len, lines)) <= width
    assert all(line.isascii() and line == line.rstrip() for line in lines)


def test_html_shows_groups_and_escapes_them() -> None:
    html = schedule_html(fmha())
    assert html.count("<table") == html.count("</table>") == 3
    assert "Warp groups: 14 of 16 warps" in html and "K x1, V x2 in smem" in html
    op = Operation("<b>", footprint={"<m>": 1}, registers=1)
    evil = Schedule(LoopGraph("g", (op,)), Machine("m", {}), 1, {"<b>": 0}, {"<b>": 0})
    assert "<b>" not in schedule_html(evil) and "<m>" not in schedule_html(evil)
