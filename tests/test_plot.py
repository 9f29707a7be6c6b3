"""The figures show the schedule that they were given, legibly."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import combinations

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.transforms import Bbox

from twill_ilp.errors import OptionError
from twill_ilp.graph import Dependence, LoopGraph, Operation, Usage
from twill_ilp.machine import Machine
from twill_ilp.plot import plot_iteration, plot_kernel, plot_overlap
from twill_ilp.plot.labels import shortened
from twill_ilp.plot.lanes import Span, pack, wrap
from twill_ilp.plot.palette import stage_paint, unit_paint
from twill_ilp.plot.ticks import round_step, stage_step
from twill_ilp.schedule import Schedule

pytestmark = pytest.mark.filterwarnings("error")

Plot = Callable[..., Axes]
PLOTS: tuple[Plot, ...] = (plot_iteration, plot_kernel, plot_overlap)

ATTENTION = {  # two sub-tiles of an attention-like loop: name -> (unit, cycles, start)
    "loadK": ("TMA", 3, 0),
    "loadV": ("TMA", 3, 3),
    "S0": ("TC", 4, 4),
    "S1": ("TC", 4, 8),
    "O0": ("TC", 4, 32),
    "O1": ("TC", 4, 44),
    "alpha0": ("SFU", 1, 12),
    "P0": ("SFU", 7, 13),
    "P1": ("SFU", 7, 20),
    "alpha1": ("SFU", 1, 27),
    "rowmax0": ("FP32", 1, 10),
    "m0": ("FP32", 1, 11),
    "scale0": ("FP32", 1, 12),
    "rowmax1": ("FP32", 1, 14),
    "m1": ("FP32", 1, 15),
    "scale1": ("FP32", 1, 16),
    "cvtP0": ("FP32", 1, 20),
    "rowsum0": ("FP32", 1, 21),
    "l0": ("FP32", 1, 22),
    "rescale0": ("FP32", 1, 24),
    "rowsum1": ("FP32", 1, 29),
    "l1": ("FP32", 1, 33),
    "rescale1": ("FP32", 1, 34),
    "cvtP1": ("FP32", 1, 35),
    "readS0": ("TMEM", 2, 8),
    "readS1": ("TMEM", 2, 12),
    "storeP0": ("TMEM", 1, 21),
    "readO0": ("TMEM", 2, 22),
    "writeO0": ("TMEM", 1, 26),
    "readO1": ("TMEM", 2, 32),
    "writeO1": ("TMEM", 1, 35),
    "storeP1": ("TMEM", 1, 36),
}
ATTENTION_EDGES = [
    *[e for t in "01" for e in (("loadK", f"S{t}"), ("loadV", f"O{t}"))],
    *[
        (f"{src}{t}", f"{dst}{t}")
        for t in "01"
        for src, dst in (
            *(("S", "readS"), ("readS", "rowmax"), ("rowmax", "m"), ("m", "alpha")),
            *(("m", "scale"), ("scale", "P"), ("P", "rowsum"), ("P", "cvtP"), ("rowsum", "l")),
            *(("cvtP", "storeP"), ("storeP", "O"), ("alpha", "rescale"), ("alpha", "l")),
            *(("readO", "rescale"), ("rescale", "writeO"), ("writeO", "O")),
        )
    ],
]


def fig1() -> Schedule:
    """The loop and schedule of Fig. 1e of Soi et al. 2026."""
    graph = LoopGraph(
        "fig1",
        (
            Operation("S", usage=(Usage("TC", 1),)),
            Operation("P", usage=(Usage("EXP", 1),)),
            Operation("O", usage=(Usage("TC", 1),)),
        ),
        (Dependence("S", "P", 1), Dependence("P", "O", 1), Dependence("O", "O", 1, 1)),
    )
    return Schedule(graph, Machine("toy", {"TC": 1, "EXP": 1}), 2, {"S": 0, "P": 2, "O": 3})


def attention(scale: int = 1) -> Schedule:
    """A valid schedule of 32 operations on 5 units, II = 16 and L = 48, times ``scale``."""
    operations = tuple(
        Operation(name, usage=(Usage(unit, cycles * scale),))
        for name, (unit, cycles, _) in ATTENTION.items()
    )
    edges = [Dependence(u, v, ATTENTION[u][1] * scale) for u, v in ATTENTION_EDGES]
    edges += [Dependence(f"O{t}", f"readO{t}", 4 * scale, 1) for t in "01"]
    machine = Machine("toy", dict.fromkeys(("TC", "SFU", "FP32", "TMA", "TMEM"), 1))
    start = {name: cycle * scale for name, (_, _, cycle) in ATTENTION.items()}
    return Schedule(LoopGraph("attention", operations, tuple(edges)), machine, 16 * scale, start)


def wide() -> Schedule:
    """Capacities above 1, amounts above 1, several rows per operation, one without a unit."""
    graph = LoopGraph(
        "wide",
        (
            Operation("A", usage=(Usage("TC", 1), Usage("EXP", 2, start=1))),
            Operation("B", usage=(Usage("EXP", 3),)),
            Operation("C", usage=(Usage("EXP", 2),)),
            Operation("D", usage=(Usage("ALU", 4, amount=4),)),
            Operation("E", usage=(Usage("ALU", 3, amount=8),)),
            Operation("wait", cycles=3),
            Operation("nop"),
        ),
    )
    start = {"A": 0, "B": 4, "C": 7, "D": 6, "E": 8, "wait": 2, "nop": 0}
    return Schedule(graph, Machine("wide", {"TC": 1, "EXP": 2, "ALU": 16}), 4, start)


SCHEDULES = {"fig1": fig1(), "attention": attention(), "raw": attention(128), "wide": wide()}


@pytest.fixture(autouse=True)
def _without_a_screen() -> Iterator[None]:
    plt.switch_backend("Agg")
    yield
    plt.close("all")


def bars(ax: Axes) -> list[tuple[str, float, float]]:
    """(operation, begin, end) of every bar, in cycles."""
    return sorted(
        (str(patch.get_label())[1:], patch.get_x(), patch.get_x() + patch.get_width())
        for patch in rectangles(ax)
    )


def rectangles(ax: Axes, background: bool = False) -> list[Rectangle]:
    """The rectangles of the bars, or those behind them."""
    patches = [patch for patch in ax.patches if isinstance(patch, Rectangle)]
    return [patch for patch in patches if (patch.get_label() == "_") == background]


def drawn(ax: Axes, dpi: float = 100) -> Axes:
    figure = ax.get_figure(root=True)
    assert figure is not None
    figure.set_dpi(dpi)
    figure.canvas.draw()
    return ax


def visible(ax: Axes) -> Counter[str]:
    return Counter(text.get_text() for text in ax.texts if text.get_visible())


def ink(text_box: Bbox, by: float = 1.0) -> Bbox:
    return text_box.padded(-by)


def test_the_made_up_attention_schedule_is_valid() -> None:
    schedule = attention()
    assert (schedule.length, len(schedule.graph)) == (48, 32)
    for e in schedule.graph.dependences:
        slack = schedule.start[e.dst] + e.distance * 16 - schedule.start[e.src] - e.delay
        assert slack >= 0, e
    busy = Counter(
        (unit, (start + c) % 16) for unit, n, start in ATTENTION.values() for c in range(n)
    )
    assert set(busy.values()) == {1}


def test_iteration_of_fig1() -> None:
    ax = drawn(plot_iteration(fig1()))
    assert bars(ax) == [("O", 3, 4), ("P", 2, 3), ("S", 0, 1)]
    assert visible(ax) == Counter(["S", "P", "O", "stage 0", "stage 1"])
    assert [text.get_text() for text in ax.get_yticklabels()] == ["TC", "EXP"]
    assert ax.get_xlabel() == "cycles"


def test_kernel_of_fig1_puts_the_second_stage_into_the_first_slots() -> None:
    ax = drawn(plot_kernel(fig1()))
    assert bars(ax) == [("O", 1, 2), ("P", 0, 1), ("S", 0, 1)]
    assert visible(ax) == Counter(["S\nk=0", "P\nk=1", "O\nk=1"])
    assert "II = 2" in ax.get_xlabel()


def test_overlap_of_fig1_is_the_papers_picture() -> None:
    ax = drawn(plot_overlap(fig1(), iterations=3))
    starts = {"S": (0, 2, 4), "P": (2, 4, 6), "O": (3, 5, 7)}
    assert bars(ax) == sorted((op, at, at + 1) for op, cycles in starts.items() for at in cycles)
    assert [text.get_text() for text in ax.get_yticklabels()] == ["i", "i+1", "i+2"]
    assert {"prologue", "epilogue"} < set(visible(ax))
    (steady,) = rectangles(ax, background=True)
    assert (steady.get_x(), steady.get_x() + steady.get_width()) == (2, 6)


def test_overlap_keeps_the_units_of_one_iteration_apart() -> None:
    ax = plot_overlap(attention(), iterations=1)
    assert len({bar.get_y() for bar in rectangles(ax)}) == 5
    assert len({bar.get_y() for bar in rectangles(plot_overlap(fig1(), iterations=1))}) == 1


def test_too_few_iterations_have_no_steady_state() -> None:
    ax = drawn(plot_overlap(attention(), iterations=2))
    assert not {"prologue", "epilogue"} & set(visible(ax))
    with pytest.raises(OptionError, match="iterations is 0; give at least 1"):
        plot_overlap(fig1(), iterations=0)


def test_a_bar_that_crosses_the_interval_is_cut_and_marked() -> None:
    ax = plot_kernel(attention())
    assert [bar for bar in bars(ax) if bar[0] == "P0"] == [("P0", 0, 4), ("P0", 13, 16)]
    assert len(bars(ax)) == 32 + 1
    assert sorted(np.ravel([line.get_xdata() for line in ax.lines])) == [0, 16]


def test_kernel_gives_instances_their_own_rows() -> None:
    ax = plot_kernel(wide())
    assert [text.get_text() for text in ax.get_yticklabels()] == ["TC", "EXP ×2", "ALU ×16"]  # noqa: RUF001
    assert {(op, end - begin) for op, begin, end in bars(ax) if op == "C"} == {("C", 1)}
    height = {bar.get_label(): bar.get_height() for bar in rectangles(ax)}
    assert height["_E"] == 2 * height["_D"]


def test_iteration_shows_waiting_but_not_what_takes_no_time() -> None:
    ax = plot_iteration(wide())
    assert [text.get_text() for text in ax.get_yticklabels()][-1] == "no unit"
    assert ("wait", 2, 5) in bars(ax)
    assert "nop" not in {op for op, _, _ in bars(ax)}


@pytest.mark.parametrize("plot", PLOTS)
def test_loops_without_units_are_drawn_empty(plot: Plot) -> None:
    graph = LoopGraph("empty", (Operation("nop"),))
    assert bars(drawn(plot(Schedule(graph, Machine("toy", {}), 3, {"nop": 0})))) == []


@pytest.mark.parametrize("plot", [plot_iteration, plot_kernel])
@pytest.mark.parametrize("name", SCHEDULES)
def test_every_bar_is_labelled(plot: Plot, name: str) -> None:
    ax = drawn(plot(SCHEDULES[name]))
    names = Counter(text.split("\n")[0] for text in visible(ax).elements())
    assert Counter(op for op, _, _ in bars(ax)) <= names


@pytest.mark.parametrize("plot", PLOTS)
@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("size", [None, (3.5, 2.5), (2.2, 1.6)])
def test_texts_overlap_neither_each_other_nor_foreign_bars(
    plot: Plot, name: str, size: tuple[float, float] | None
) -> None:
    given = None if size is None else plt.subplots(figsize=size, layout="constrained")[1]
    ax = drawn(plot(SCHEDULES[name], ax=given), dpi=200)
    boxes = [text.get_window_extent() for text in ax.texts if text.get_visible()]
    for one, other in combinations(boxes, 2):
        assert not ink(one).overlaps(ink(other))
    for box in boxes:
        assert ax.bbox.x0 <= box.x0 and box.x1 <= ax.bbox.x1
        touched = [bar for bar in rectangles(ax) if ink(box).overlaps(ink(bar.get_window_extent()))]
        assert len(touched) <= 1
        for bar in touched:
            extent = bar.get_window_extent()
            assert extent.x0 <= box.x0 and box.x1 <= extent.x1


@pytest.mark.parametrize("plot", PLOTS)
def test_nothing_is_outside_a_figure_of_its_own(plot: Plot) -> None:
    ax = drawn(plot(attention()))
    figure = ax.get_figure(root=True)
    assert figure is not None
    assert 3.5 <= figure.get_figwidth() <= 7
    tight = ax.get_tightbbox()
    assert tight is not None
    assert figure.bbox.x0 <= tight.x0 and tight.x1 <= figure.bbox.x1
    assert figure.bbox.y0 <= tight.y0 and tight.y1 <= figure.bbox.y1


@pytest.mark.parametrize("plot", PLOTS)
def test_given_axes_are_used_and_no_figure_is_opened(plot: Plot) -> None:
    _, (left, right) = plt.subplots(1, 2)
    before = plt.get_fignums()
    assert plot(fig1(), ax=right) is right
    assert plt.get_fignums() == before
    assert not left.patches
    assert right.patches


def test_labels_are_fitted_anew_only_when_the_size_changes() -> None:
    ax = drawn(plot_iteration(attention()))
    figure = ax.get_figure(root=True)
    assert figure is not None
    everything = visible(ax)
    figure.canvas.draw()
    assert not figure.stale  # otherwise a window would redraw itself for ever
    figure.set_size_inches(2, 1)
    assert visible(drawn(ax)).total() < everything.total()
    figure.set_size_inches(9, 4)
    assert visible(drawn(ax)) == everything


def test_names_are_not_read_as_formulas() -> None:
    operation = Operation("a$b$_c", usage=(Usage("T$C$", 1),))
    schedule = Schedule(LoopGraph("g", (operation,)), Machine("m", {"T$C$": 1}), 1, {"a$b$_c": 0})
    assert visible(drawn(plot_iteration(schedule)))["a$b$_c"] == 1


def test_importing_the_package_does_not_import_pyplot() -> None:
    code = "import sys, twill_ilp.plot; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_wrap_cuts_at_every_multiple() -> None:
    pieces = list(wrap(Span("v", 3, 8), 2))
    assert [(p.begin, p.end) for p in pieces] == [(1, 2), (0, 2), (0, 2)]
    assert [(p.wraps_in, p.wraps_out) for p in pieces] == [
        (False, True),
        (True, True),
        (True, False),
    ]
    assert [(p.begin, p.end) for p in wrap(Span("v", -1, 1), 4)] == [(3, 4), (0, 1)]


def test_pack_needs_no_more_rows_than_are_busy_at_once() -> None:
    # Three arcs of 2 on a circle of 3: any two meet, so uncut they would need 3 rows of 2.
    spans = [
        p for v, begin in (("a", 0), ("b", 1), ("c", 2)) for p in wrap(Span(v, begin, begin + 2), 3)
    ]
    assert pack("u", spans, capacity=2).rows == 2
    assert pack("u", spans, capacity=1).rows == 2


def test_pack_draws_adjacent_rows_as_one_bar() -> None:
    lane = pack(
        "u", [Span("a", 0, 4), Span("b", 0, 1), Span("c", 0, 4), Span("d", 1, 4, 2)], "u", 4
    )
    assert [(bar.row, bar.rows) for bar in lane.bars if bar.span.operation == "d"] == [
        (1, 1),
        (3, 1),
    ]
    assert [(bar.row, bar.rows) for bar in pack("u", [Span("a", 0, 1, 3)]).bars] == [(0, 3)]


def test_paints_are_distinct() -> None:
    for paint in (stage_paint, unit_paint):
        assert len({(p.fill, p.hatch) for p in map(paint, range(28))}) == 28
    assert not {stage_paint(i).fill for i in range(3)} & {unit_paint(i).fill for i in range(3)}


@pytest.mark.parametrize(
    ("cycles", "ii", "points", "step"),
    [(4, 2, 200, 1), (48, 16, 440, 2), (48, 16, 200, 4), (6144, 2048, 440, 512), (51, 17, 190, 17)],
)
def test_stage_boundaries_fall_on_ticks(cycles: int, ii: int, points: float, step: int) -> None:
    assert stage_step(cycles, ii, points) == step


def test_round_steps() -> None:
    assert [round_step(cycles, 440) for cycles in (2, 16, 50, 300, 2048)] == [1, 1, 2, 20, 200]
    assert round_step(10**6, 1) == 10**6


def test_shortened_names_keep_their_number() -> None:
    assert shortened("rescale12", 7) == "resc…12"
    assert shortened("rescale12", 9) == "rescale12"
