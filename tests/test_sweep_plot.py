"""Figures of sweeps: what is drawn is what the table says, and unknown is never infeasible."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from sweep_plants import row as plain_row

from twill_ilp.cli import main
from twill_ilp.errors import OptionError
from twill_ilp.plot import (
    plot_ecdf,
    plot_feasibility,
    plot_gap,
    plot_growth,
    plot_heatmap,
    plot_pareto,
    plot_performance,
    plot_tradeoff,
)
from twill_ilp.plot.growth import fit_growth
from twill_ilp.plot.pareto import front
from twill_ilp.sweep import complete
from twill_ilp.sweep.figures import KINDS, draw_figure
from twill_ilp.sweep.table import _frame

STATUSES = ("optimal", "feasible", "infeasible", "unknown")


@pytest.fixture(autouse=True)
def no_figure_left() -> Iterator[None]:
    yield
    plt.close("all")


def table(*rows: dict[str, Any]) -> pd.DataFrame:
    """Rows as a store has them, from parameters and results that are given together."""
    data = []
    for given in rows:
        parameters = {k: v for k, v in given.items() if k in complete({"kernel": "fig1"})}
        results = {k: v for k, v in given.items() if k not in parameters}
        point = complete({"kernel": "fmha-forward", **parameters})
        data.append(point | plain_row(**results))
    return _frame(data)


def verdicts() -> pd.DataFrame:
    """Every verdict once, by warp budget."""
    return table(
        {"warps": 8, "ii": 16, "status": "infeasible", "ii_bound": 17, "seconds_total": 1.0},
        {"warps": 9, "ii": 16, "status": "unknown", "ii_bound": 16, "seconds_total": 12.0},
        {"warps": 12, "ii": 16, "status": "feasible", "ii_found": 18, "ii_bound": 16,
         "seconds_total": 12.0},
        {"warps": 16, "ii": 16, "status": "optimal", "ii_found": 16, "ii_bound": 16,
         "seconds_total": 3.0},
    )  # fmt: skip


def cells(ax: Axes) -> dict[str, list[Rectangle]]:
    found: dict[str, list[Rectangle]] = {}
    for patch in ax.patches:
        if isinstance(patch, Rectangle):
            found.setdefault(str(patch.get_label()).lstrip("_"), []).append(patch)
    return found


def texts(ax: Axes) -> list[str]:
    return [text.get_text() for text in ax.texts]


def key(ax: Axes) -> list[str]:
    legend = ax.get_legend()
    return [text.get_text() for text in legend.get_texts()] if legend else []


def test_a_map_tells_unknown_from_infeasible() -> None:
    ax = plot_feasibility(verdicts(), "warps")
    drawn = cells(ax)
    assert {status: len(patches) for status, patches in drawn.items()} == dict.fromkeys(STATUSES, 1)
    assert drawn["infeasible"][0].get_hatch()
    assert not drawn["unknown"][0].get_hatch()
    assert drawn["unknown"][0].get_facecolor() != drawn["infeasible"][0].get_facecolor()
    assert drawn["optimal"][0].get_facecolor() == drawn["feasible"][0].get_facecolor()
    assert texts(ax) == ["?"]
    assert key(ax) == ["schedule found", "proven infeasible", "? unknown"]
    assert ax.get_xlabel() == "warp budget, warps"
    assert [label.get_text() for label in ax.get_xticklabels()] == ["8", "9", "12", "16"]


def test_a_map_refuses_two_rows_in_one_cell() -> None:
    twice = pd.concat([verdicts(), verdicts()], ignore_index=True)
    with pytest.raises(OptionError, match="two rows have warps 8 and ii 16; add panels or where"):
        plot_feasibility(twice, "warps")


def test_a_heatmap_marks_what_is_only_found() -> None:
    ax = plot_heatmap(verdicts(), "warps", "ii")
    assert texts(ax)[:3] == ["?", "$\\leq$18", "16"]
    assert key(ax) == ["proven infeasible", "? unknown"]
    times = plot_heatmap(verdicts(), "warps", "ii", "seconds_total")
    assert texts(times)[:4] == ["1", "12?", "12", "3"]
    assert key(times) == []


def test_a_tradeoff_tells_the_four_verdicts_apart() -> None:
    ax = plot_tradeoff(verdicts(), "warps")
    points = {line.get_marker(): line for line in ax.lines if line.get_linestyle() == "None"}
    assert list(points["x"].get_xdata()) == [8]
    assert list(points["$?$"].get_xdata()) == [9]
    filled = [(line.get_xdata()[0], line.get_markerfacecolor() == line.get_markeredgecolor())
              for line in ax.lines if line.get_marker() == "o"]  # fmt: skip
    assert sorted(filled) == [(12, False), (16, True)]
    assert key(ax) == ["proven", "found", "infeasible", "unknown"]
    (bar,) = ax.collections[0].get_segments()
    assert bar.tolist() == [[12, 16], [12, 18]], "from the bound up to what was found"
    assert ax.get_ylabel() == "II, cycles"


def test_a_line_has_a_gap_where_nothing_is_known() -> None:
    rows = [{"warps": w, "ii_found": 16} for w in (4, 8)] + [{"warps": w} for w in (5, 6)]
    rows[2]["status"] = rows[3]["status"] = "unknown"
    ax = plot_tradeoff(table(*rows), "warps")
    line = next(line for line in ax.lines if line.get_linestyle() == "-")
    assert [str(y) for y in line.get_ydata()] == ["16.0", "nan", "nan", "16.0"]


def test_marks_without_a_schedule_stand_above_all_values() -> None:
    ax = plot_tradeoff(verdicts(), "warps")
    rule = next(line for line in ax.lines if len(line.get_xdata()) == 2 and
                line.get_transform() == ax.transAxes)  # fmt: skip
    top = ax.transAxes.inverted().transform(ax.transData.transform((16, 18)))[1]
    assert top < rule.get_ydata()[0] < 0.87 <= 0.95


def test_an_axis_of_texts_and_a_level_of_its_own_certainty() -> None:
    frame = table(
        {"without": "", "ii_found": 16, "length": 40, "length_certainty": "proven",
         "length_bound": 40},
        {"without": "spills", "ii_found": 16, "length": 44, "length_certainty": "found",
         "length_bound": 40},
    )  # fmt: skip
    ax = plot_tradeoff(frame, "without", "length")
    assert [label.get_text() for label in ax.get_xticklabels()] == ["none", "spills"]
    assert key(ax) == ["proven", "found"]


def two_ways() -> pd.DataFrame:
    """Three problems: the first has a known optimum, the last one is open for both."""
    rows = []
    for seed, (proof, found) in enumerate([(10, 12), (10, 10), (10, 11)]):
        common = {"kernel": "random", "loop_seed": seed, "stage": "modulo", "ii_bound": proof}
        last = seed == 2
        rows += [
            {**common, "method": "ilp", "status": "unknown" if last else "optimal",
             "ii_found": None if last else proof, "seconds_total": 2.0 + seed},
            {**common, "method": "ims", "status": "optimal" if found == proof else "feasible",
             "ii_found": found, "ii_bound": proof - (seed == 0), "seconds_total": 1.0},
        ]  # fmt: skip
    return table(*rows)


def test_gaps_are_against_the_best_bound_of_the_same_problem() -> None:
    ax = plot_gap(two_ways(), by="method")
    gaps = {
        (line.get_markerfacecolor() == line.get_markeredgecolor(), round(float(y), 6))
        for line in ax.lines
        for y in line.get_ydata()
    }
    assert gaps == {(True, 0.0), (True, 20.0), (False, 10.0)}
    assert key(ax) == [
        "ilp (mean 0.0 %, 1 without schedule)", "ims (mean 10.0 %)", "gap at most that",
    ]  # fmt: skip


def test_what_is_open_is_not_decided() -> None:
    ax = plot_ecdf(two_ways(), "method")
    assert key(ax) == ["ilp (2 of 3 decided)", "ims (1 of 3 decided)"]
    assert [max(line.get_ydata()) for line in ax.lines] == pytest.approx([200 / 3, 100 / 3])


def test_a_level_that_is_only_found_is_not_decided() -> None:
    frame = two_ways()
    frame["length_certainty"] = pd.Categorical(["proven", "found", *["skipped"] * 4])
    assert key(plot_ecdf(frame, "method"))[1] == "ims (1 of 3 decided)"
    frame["length_certainty"] = pd.Categorical(["found", "found", *["skipped"] * 4])
    assert key(plot_ecdf(frame, "method"))[0] == "ilp (1 of 3 decided)"


def test_a_performance_profile_by_hand() -> None:
    """ilp decides problems 0 and 1 in 2 s and 3 s, ims only problem 1, in 1 s."""
    ax = plot_performance(two_ways(), "method")
    ilp, ims = ax.lines
    assert list(ilp.get_xdata())[1:3] == [1.0, 3.0]
    assert list(ims.get_xdata())[1:2] == [1.0]
    assert max(ilp.get_ydata()) == pytest.approx(200 / 3)
    assert max(ims.get_ydata()) == pytest.approx(100 / 3)


def test_fronts() -> None:
    assert front([(3, 1), (1, 3), (2, 2), (2, 3), (3, 1)]) == [(1, 3), (2, 2), (3, 1)]
    assert front([]) == []
    frame = table(
        *({"warps_used": w, "ii_found": i} for w, i in [(8, 20), (12, 16), (13, 18)]),
        {"status": "unknown"},
        {"status": "infeasible"},
    )
    ax = plot_pareto(frame, "warps_used")
    drawn = {tuple(map(float, xy)) for line in ax.lines for xy in line.get_xydata()}
    assert drawn == {(8, 20), (12, 16), (13, 18)}


@pytest.mark.parametrize(
    ("ys", "kind", "rate"),
    [([2 * n**3 for n in (2, 4, 8, 16)], "power", 3.0), ([5 * 1.5**n for n in (2, 4, 8, 16)],
     "exponential", 1.5)],
)  # fmt: skip
def test_a_fit_recovers_the_law(ys: list[float], kind: str, rate: float) -> None:
    law = fit_growth([2, 4, 8, 16], ys)
    assert law is not None
    assert (law.kind, round(law.rate, 6)) == (kind, rate)
    assert law(8) == pytest.approx(ys[2])
    assert fit_growth([1, 1, 2], [1, 1, 2]) is None


def test_growth_shows_open_points_and_does_not_fit_them() -> None:
    rows = [{"kernel": "random", "operations": n, "seconds_total": 0.01 * n**2} for n in (4, 8, 16)]
    late = {"kernel": "random", "operations": 32, "seconds_total": 12.0, "status": "unknown"}
    ax = plot_growth(table(*rows, late), "operations")
    assert key(ax) == [" ".join(["$\\propto n^{2.0}$"]), "open at a limit"]


def test_every_kind_of_figure_can_be_drawn_in_panels() -> None:
    frame = pd.concat([two_ways(), verdicts()], ignore_index=True)
    for kind, (needed, _) in KINDS.items():
        options = dict.fromkeys(needed, "warps") | {"y": "ii"} if "y" in needed else {"x": "warps"}
        options |= {"by": "method"} if "by" in needed else {}
        options = {k: v for k, v in options.items() if k in (*needed, *KINDS[kind][1])}
        if "value" in needed:
            options["value"] = "ii_found"
        figure = draw_figure(frame, {"kind": kind, **options, "where": {"kernel": "fmha-forward"},
                                     "panels": "machine"})  # fmt: skip
        figure.canvas.draw()
        assert figure.axes[0].get_title() == "blackwell"


def test_a_figure_of_nothing_is_an_error() -> None:
    with pytest.raises(OptionError, match="figure ecdf: no rows to draw"):
        draw_figure(
            verdicts(), {"kind": "ecdf", "by": "method", "where": {"kernel": "gemm"}}
        )
    with pytest.raises(OptionError, match="column tile: no row of this sweep has it"):
        plot_tradeoff(verdicts(), "tile")


def test_the_command_draws_the_figures_of_a_sweep(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, out = tmp_path / "s.toml", tmp_path / "out"
    path.write_text(
        '[[grid]]\nkernel = "fig1"\nwarps = [1, 2, 3]\n'
        '[[figure]]\nkind = "tradeoff"\nx = "warps"\n'
        '[[figure]]\nkind = "ecdf"\nname = "times"\nby = "method"\n',
        encoding="utf-8",
    )
    assert main(["plot", str(out)]) == 2
    assert "run 'twill-ilp sweep' first" in capsys.readouterr().err
    assert main(["sweep", str(path), "--out", str(out), "--jobs", "1"]) == 0
    assert main(["plot", str(out)]) == 0
    first = (out / "tradeoff.svg").read_bytes()
    assert b"<svg" in first
    assert (out / "times.svg").exists()
    assert main(["plot", str(out), "--figure", "tradeoff"]) == 0
    assert (out / "tradeoff.svg").read_bytes() == first, "equal rows, equal file"
    assert main(["plot", str(out), "--figure", "pie"]) == 2
    assert "has tradeoff, times" in capsys.readouterr().err
    assert main(["plot", str(out), "--format", "pdf", "--out", str(tmp_path)]) == 0
    assert (tmp_path / "times.pdf").read_bytes().startswith(b"%PDF")
