"""The figures of the joint problem show what they were given, legibly."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from itertools import combinations, pairwise

import matplotlib.pyplot as plt
import pytest
from joint_schedules import fmha, gemm, grouped, handmade
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.patches import PathPatch, Rectangle, StepPatch
from strategies import random_problem
from test_plot import bars, drawn, ink, rectangles, visible

from twill_ilp.errors import OptionError
from twill_ilp.graph import Dependence, LoopGraph, Operation, Usage
from twill_ilp.heuristics import schedule_upwards
from twill_ilp.kernels import build_kernel
from twill_ilp.lifetimes import register_profile
from twill_ilp.machine import Machine
from twill_ilp.plot import plot_graph, plot_occupancy, plot_registers, plot_warps
from twill_ilp.plot.layers import layers_of, layout
from twill_ilp.plot.palette import group_paint, pale, unit_paint
from twill_ilp.problem import Problem
from twill_ilp.rules import Readings
from twill_ilp.schedule import Schedule

pytestmark = pytest.mark.filterwarnings("error")

Plot = Callable[..., Axes]
PLOTS: tuple[Plot, ...] = (plot_graph, plot_warps, plot_occupancy, plot_registers)
GROUPED: tuple[Plot, ...] = (plot_warps, plot_registers)


@cache
def clocks() -> Schedule:
    """Attention in raw clocks, II = 2048."""
    schedule = schedule_upwards(build_kernel("fmha-forward", quantum=1), "ims", 10**4)
    assert schedule
    return grouped(schedule)


@cache
def fifty() -> Problem:
    """Fifty operations in two equal halves, with long, carried and blocking dependences."""
    rng = random.Random(7)
    operations, edges = [], []
    for half in "ab":
        names = [f"node_{half}{i}" for i in range(25)]
        units = [rng.choice(("TC", "SFU", "FP32", None)) for _ in names]
        operations += [
            Operation(v, usage=(Usage(u, 1),) if u else ())
            for v, u in zip(names, units, strict=True)
        ]
        edges += [
            Dependence(names[max(0, i - rng.randint(1, 4))], v, 1, blocking=i % 9 == 0)
            for i, v in enumerate(names)
            if i
        ]
        edges += [Dependence(names[i], names[i - 7], 1, 1) for i in (7, 15, 24)]
    edges += [Dependence("node_a0", "node_b24", 1)]
    machine = Machine("m", {"TC": 1, "SFU": 1, "FP32": 1})
    return Problem(LoopGraph("fifty", tuple(operations), tuple(edges)), machine)


SCHEDULES: dict[str, Callable[[], Schedule]] = {
    "fmha": fmha,
    "gemm": gemm,
    "handmade": handmade,
    "clocks": clocks,
}


@pytest.fixture(autouse=True)
def _without_a_screen() -> Iterator[None]:
    plt.switch_backend("Agg")
    yield
    plt.close("all")


def key(ax: Axes) -> list[str]:
    legend = ax.get_legend()
    return [text.get_text() for text in legend.get_texts()] if legend else []


def steps(ax: Axes) -> dict[str, StepPatch]:
    return {str(p.get_label())[1:]: p for p in ax.patches if isinstance(p, StepPatch)}


def amounts(ax: Axes, name: str) -> list[float]:
    """The heights of a lane's fill, in the lane's own scale."""
    data = steps(ax)[name].get_data()
    assert data.baseline is not None
    return [float(data.baseline - value) for value in data.values]


def markers(ax: Axes) -> Counter[object]:
    return Counter(line.get_marker() for line in ax.lines)


@pytest.mark.parametrize("plot", PLOTS)
@pytest.mark.parametrize("name", SCHEDULES)
def test_nothing_is_outside_a_figure_of_its_own(plot: Plot, name: str) -> None:
    ax = drawn(plot(SCHEDULES[name]()))
    figure = ax.get_figure(root=True)
    assert figure is not None
    assert 3.5 <= figure.get_figwidth() <= 7
    assert figure.get_figheight() <= 9.5
    tight = ax.get_tightbbox()
    assert tight is not None
    assert figure.bbox.x0 <= tight.x0 and tight.x1 <= figure.bbox.x1
    assert figure.bbox.y0 <= tight.y0 and tight.y1 <= figure.bbox.y1
    assert key(ax)


@pytest.mark.parametrize("plot", PLOTS)
@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("size", [None, (4, 3)])
def test_texts_do_not_overlap(plot: Plot, name: str, size: tuple[float, float] | None) -> None:
    given = None if size is None else plt.subplots(figsize=size, layout="constrained")[1]
    ax = drawn(plot(SCHEDULES[name](), ax=given), dpi=200)
    texts = [text for text in ax.texts if text.get_visible()]
    texts += [label for label in ax.get_yticklabels() if size is None]
    boxes = [text.get_window_extent() for text in texts]
    for one, other in combinations(boxes, 2):
        assert not ink(one).overlaps(ink(other))


@pytest.mark.parametrize("plot", PLOTS)
def test_given_axes_are_used_and_no_figure_is_opened(plot: Plot) -> None:
    _, (left, right) = plt.subplots(1, 2)
    before = plt.get_fignums()
    assert plot(handmade(), ax=right) is right
    assert plt.get_fignums() == before
    assert not left.patches
    assert right.patches


@pytest.mark.parametrize("plot", GROUPED)
def test_groups_are_needed(plot: Plot) -> None:
    with pytest.raises(OptionError, match="no warp groups"):
        plot(replace(handmade(), group={}))


# The dependence graph


def test_graph_shows_every_node_and_dependence() -> None:
    schedule = fmha()
    ax = drawn(plot_graph(schedule))
    assert {name for name, _, _ in bars(ax)} == set(schedule.graph.by_name)
    arrows = [p for p in ax.patches if isinstance(p, PathPatch)]
    shown = Counter(str(arrow.get_label())[1:] for arrow in arrows)
    assert shown == Counter(f"{e.src}->{e.dst}" for e in schedule.graph.dependences)
    assert len(ax.lines) == len(schedule.graph.dependences)  # their heads
    for arrow, e in zip(arrows, schedule.graph.dependences, strict=True):
        assert (arrow.get_linestyle() != "-") == (e.distance > 0)
        assert (arrow.get_linewidth() > 1) == e.blocking


def test_graph_is_coloured_by_group_and_labelled_with_units() -> None:
    ax = drawn(plot_graph(fmha()))
    colours = {
        str(box.get_label())[1:]: to_hex(box.get_facecolor()).upper() for box in rectangles(ax)
    }
    assert all(colours[name] == group_paint(g).fill for name, g in fmha().group.items())
    assert {"K\nTMA", "readS.0\nTMEM", "m.1"} <= set(visible(ax))
    assert sum(visible(ax).values()) == 34
    assert key(ax)[0] == "group 0 (1 warp)"
    assert key(ax)[-3:] == ["same iteration", "carried", "blocking"]


def test_graph_without_groups_is_coloured_by_unit() -> None:
    ax = drawn(plot_graph(fifty()))
    assert key(ax)[:4] == ["TC", "SFU", "FP32", "no unit"]
    colours = {
        str(box.get_label())[1:]: to_hex(box.get_facecolor()).upper() for box in rectangles(ax)
    }
    for op in fifty().graph:
        if op.usage:
            number = list(fifty().machine.units).index(op.usage[0].unit)
            assert colours[op.name] == unit_paint(number).fill
    alone = LoopGraph("g", (Operation("A"),))
    assert key(plot_graph(Problem(alone, Machine("m", {})))) == ["no unit"]


def test_fifty_operations_are_legible() -> None:
    ax = drawn(plot_graph(fifty()), dpi=200)
    assert {text.partition("\n")[0] for text in visible(ax)} == set(fifty().graph.by_name)
    boxes = [box.get_window_extent() for box in rectangles(ax)]
    assert not any(a.overlaps(b) for a, b in combinations(boxes, 2))
    for text in ax.texts:
        extent = ink(text.get_window_extent())
        assert sum(extent.overlaps(box) for box in boxes) == 1


def test_arrows_end_at_their_boxes_and_pass_beside_the_others() -> None:
    graph = fmha().graph
    ax = plot_graph(fmha())
    boxes = {str(box.get_label())[1:]: box.get_bbox() for box in rectangles(ax)}
    for arrow, e in zip(
        (p for p in ax.patches if isinstance(p, PathPatch)), graph.dependences, strict=True
    ):
        points = arrow.get_path().interpolated(1).to_polygons(closed_only=False)[0]
        for end, name in ((points[0], e.src), (points[-1], e.dst)):
            box = boxes[name]
            assert box.x0 <= end[0] <= box.x1 and box.y0 <= end[1] <= box.y1
        others = [box for name, box in boxes.items() if name not in (e.src, e.dst)]
        assert not any(box.contains(*point) for box in others for point in points)


@pytest.mark.parametrize("seed", range(40))
def test_layers_follow_the_dependences_and_places_do_not_overlap(seed: int) -> None:
    graph = random_problem(random.Random(seed), 20).graph
    layer = layers_of(graph)
    together = {(e.dst, e.src) for e in graph.dependences if e.distance == 0}
    for e in graph.dependences:
        if e.distance == 0 and (e.src, e.dst) not in together:
            assert layer[e.src] < layer[e.dst] or layer[e.src] == layer[e.dst]
        assert e.distance or layer[e.src] <= layer[e.dst]
    widths = {op.name: 10.0 + 7 * i for i, op in enumerate(graph)}
    places = layout(graph, widths)
    assert set(range(places.layers)) >= set(layer.values())
    for row in range(places.layers):
        inside = sorted((places.x[v], widths[v]) for v in widths if layer[v] == row)
        assert all(b - a >= (wa + wb) / 2 for (a, wa), (b, wb) in pairwise(inside))
        assert all(w / 2 - 1e-6 <= x <= places.width - w / 2 + 1e-6 for x, w in inside)
    assert layout(graph, widths) == places


def test_layers_of_a_chain_with_a_late_source() -> None:
    edges = [Dependence(*edge, 0) for edge in ("AB", "BC", "CB", "CD", "ED")]
    carried = Dependence("D", "A", 1, 1)
    graph = LoopGraph("g", tuple(map(Operation, "ABCDEF")), (*edges, carried))
    assert layers_of(graph) == {"A": 0, "B": 1, "C": 1, "D": 2, "E": 1, "F": 0}


# Warps


def test_warps_have_a_lane_per_group() -> None:
    ax = drawn(plot_warps(handmade()))
    assert bars(ax) == [("O", 1, 2), ("P", 0, 1), ("S", 0, 1)]
    labels = [text.get_text() for text in ax.get_yticklabels()]
    assert labels == ["group 0\n1 warp", "group 1\n4 warps"]
    assert visible(ax) == Counter(["S\nk=0", "P\nk=1", "O\nk=1"])
    assert "slot" in ax.get_xlabel() and ax.get_ylabel() == "warp group"


def test_waits_and_spills_are_marked() -> None:
    """P waits at a blocking edge and hands its value to O, which waits for it."""
    ax = plot_warps(handmade())
    assert markers(ax) == {"s": 1, ">": 1, "<": 1}
    assert key(ax)[-3:] == [
        "waits: blocking dependence",
        "waits: value of another group",
        "value for another group",
    ]
    one = replace(handmade(), group=dict.fromkeys("SPO", 0))
    assert markers(plot_warps(one)) == {"s": 1}


def test_glyphs_stand_inside_their_bars() -> None:
    ax = drawn(plot_warps(fmha()))
    wide = [bar.get_bbox() for bar in rectangles(ax)]
    for line in ax.lines:
        if line.get_marker() in ("s", ">"):
            x, y = float(line.get_xdata()[0]), float(line.get_ydata()[0])  # type: ignore[index, arg-type]
            assert any(b.x0 < x < b.x1 and b.y0 < y < b.y1 for b in wide)


@pytest.mark.parametrize("name", SCHEDULES)
def test_texts_keep_off_the_glyphs(name: str) -> None:
    ax = drawn(plot_warps(SCHEDULES[name]()), dpi=200)
    # The extents of markers reach about a point beyond their ink.
    glyphs = [
        ink(line.get_window_extent(), 4) for line in ax.lines if line.get_marker() in list("s<>D")
    ]
    assert glyphs
    for text in ax.texts:
        if text.get_visible():
            assert not ink(text.get_window_extent()).count_overlaps(glyphs), text.get_text()


def held(ax: Axes) -> Counter[str]:
    """Cycles in full colour, per colour."""
    count: Counter[str] = Counter()
    for patch in ax.patches:
        if isinstance(patch, Rectangle):
            count[to_hex(patch.get_facecolor()).upper()] += int(patch.get_width())
    return count


def test_asynchronous_work_is_pale_once_it_is_issued() -> None:
    """Four products of 4 cycles are issued in 1 each; all of the loads' and products' 20."""
    ax = plot_warps(fmha())
    assert held(ax)[group_paint(1).fill] == 4
    assert held(ax)[pale(group_paint(1)).fill] == 16
    assert "asynchronous" in key(ax)
    literal = plot_warps(fmha(), readings=Readings(hold="cycles"))
    assert held(literal)[group_paint(1).fill] == 16
    assert "asynchronous" not in key(literal)


def test_held_parts_wrap_with_their_operations() -> None:
    op = Operation("A", cycles=11, issue=6)
    graph = LoopGraph("g", (op,))
    schedule = Schedule(graph, Machine("m", {}), 4, {"A": 3}, {"A": 1})
    ax = plot_warps(schedule)
    assert bars(ax) == [("A", 0, 2), ("A", 0, 4), ("A", 0, 4), ("A", 3, 4)]
    assert held(ax)[group_paint(1).fill] == 6


def test_operations_that_overlap_have_rows_of_their_own() -> None:
    ax = plot_warps(fmha())
    for one, other in combinations(rectangles(ax), 2):
        assert not ink(one.get_bbox(), 0.01).overlaps(ink(other.get_bbox(), 0.01))


def test_operations_without_cycles_are_diamonds_that_share_a_name() -> None:
    ax = drawn(plot_warps(fmha()))
    assert markers(ax)["D"] == 6
    assert {"l.0", "freeS.0", "m.0, alpha.0"} <= set(visible(ax))
    only = Schedule(LoopGraph("g", (Operation("A"),)), Machine("m", {}), 3, {"A": 2}, {"A": 0})
    assert visible(drawn(plot_warps(only))) == Counter(["A"])


# Profiles


def test_occupancy_counts_amounts_against_capacities() -> None:
    graph = LoopGraph(
        "g",
        (
            Operation("A", usage=(Usage("ALU", 3, amount=2),)),
            Operation("B", usage=(Usage("ALU", 1), Usage("TC", 2))),
        ),
    )
    schedule = Schedule(graph, Machine("m", {"TC": 1, "ALU": 4, "X": 1}), 4, {"A": 3, "B": 1})
    ax = drawn(plot_occupancy(schedule))
    quarter = max(amounts(ax, "ALU")) / 3
    assert amounts(ax, "ALU") == pytest.approx([2 * quarter, 3 * quarter, 0, 2 * quarter])
    assert [a > 0 for a in amounts(ax, "TC")] == [False, True, True, False]
    assert [text.get_text() for text in ax.get_yticklabels()] == ["TC", "ALU ×4"]  # noqa: RUF001
    assert set(visible(ax)) == {"2 of 4 (50 %)", "7 of 16 (44 %)"}
    assert key(ax) == ["idle", "capacity"]


def test_too_much_is_hatched() -> None:
    schedule = handmade()
    crowded = replace(schedule, start={"S": 0, "P": 2, "O": 2})
    ax = plot_occupancy(crowded)
    assert set(steps(ax)) == {"TC", "TC too much", "EXP"}
    assert steps(ax)["TC too much"].get_hatch()
    assert "too much" in key(ax)
    assert "4 of 4" not in visible(ax)


def test_registers_are_those_of_the_profile() -> None:
    ax = drawn(plot_registers(fmha()))
    profile = register_profile(fmha())
    unit = max(amounts(ax, "group 2")) / max(profile[2])
    for g in (0, 1, 2):
        assert amounts(ax, f"group {g}") == pytest.approx([n * unit for n in profile[g]])
    assert "group 3 too much" in steps(ax)
    assert {"peak 195\nquota 200", "peak 323\nquota > 248"} <= set(visible(ax))
    assert "limit of 255 per thread" in key(ax)


def test_registers_follow_the_reading() -> None:
    schedule = replace(handmade(), start={"S": 0, "P": 2, "O": 4})
    issue = amounts(plot_registers(schedule), "group 1")
    completion = plot_registers(schedule, readings=Readings(liveness="completion"))
    assert min(issue) > 0
    assert amounts(completion, "group 1") == pytest.approx([2 * issue[0], issue[1]])


def test_registers_without_a_limit_have_no_line() -> None:
    schedule = replace(handmade(), machine=Machine("m", {"TC": 1, "EXP": 1}))
    assert key(plot_registers(schedule)) == ["free"]
    assert not plot_registers(schedule).collections


def test_loops_without_units_have_an_empty_occupancy() -> None:
    schedule = Schedule(LoopGraph("g", (Operation("A"),)), Machine("m", {}), 3, {"A": 0}, {"A": 0})
    assert not steps(drawn(plot_occupancy(schedule)))
