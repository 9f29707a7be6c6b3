"""Rows say what is proven, what is found and what is unknown, and nothing else."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from twill_ilp import build_kernel, solve
from twill_ilp.errors import DoesNotFitError, OptionError
from twill_ilp.options import SearchOptions
from twill_ilp.sweep import complete, measure_point, random_loop
from twill_ilp.sweep.build import build
from twill_ilp.sweep.keys import code_digest, point_digest, row_key
from twill_ilp.sweep.measure import RESULTS

HERE = Path(".")
MODULO = {"stage": "modulo", "kernel": "random"}


def row_of(**given: Any) -> dict[str, Any]:
    return measure_point(complete(given), HERE)


def test_a_row_is_the_result_of_the_search() -> None:
    result = solve(build_kernel("fig1"))
    row = row_of(kernel="fig1")
    assert list(row) == list(RESULTS)
    assert (row["status"], row["ii_found"], row["length"]) == ("optimal", 2, 4)
    assert (row["ii_bound"], row["ii_gap"], row["reason"]) == (2, 0.0, None)
    assert row["warps_used"] == result.objective["warps"].value
    assert row["traffic_certainty"] == "proven"
    assert row["rejected"] == "1: bound"
    assert row["seconds_total"] >= row["seconds_solve"]


def test_a_fixed_ii_is_judged_by_itself() -> None:
    """Every verdict below, at and above the least II agrees with the search for it."""
    rng = random.Random(5)
    for seed in rng.sample(range(1000), 12):
        problem = {"operations": 7, "loop_seed": seed, **MODULO}
        least = row_of(**problem)["ii_found"]
        for ii in (max(1, least - 1), least, least + 1):
            row = row_of(**problem, ii=ii)
            expected = "infeasible" if ii < least else "optimal" if ii == least else "feasible"
            # Above MII smaller II are not asked, so that the least one need not be proven least.
            allowed = {expected} | ({"feasible"} if expected == "optimal" else set())
            assert row["status"] in allowed
            assert row["ii_found"] == (None if ii < least else ii)
            assert row["ii_bound"] <= least
            if row["status"] == "feasible":
                assert row["reason"] == "smaller II not asked"


def test_an_infeasible_ii_beyond_the_bound_is_proven_by_itself() -> None:
    """MII is 8 and II 9 here; that 8 is impossible takes an ILP."""
    file = str(Path(__file__).parents[1] / "examples/problems/coupled-recurrence.json")
    rows = [row_of(file=file, stage="modulo", ii=ii) for ii in (7, 8, 9, 10)]
    assert [row["status"] for row in rows] == ["infeasible", "infeasible", "feasible", "feasible"]
    assert "ILP infeasible" in rows[1]["evidence"]
    assert [row["ii_bound"] for row in rows] == [8, 9, 8, 8]


def test_a_limit_makes_a_point_unknown_and_never_infeasible() -> None:
    given = {"kernel": "fmha-forward", "warps": 12, "levels": "ii", "time_limit": 0.05,
             "max_ii": 17}
    fixed = {name: value for name, value in given.items() if name != "max_ii"} | {"ii": 16}
    for row in (row_of(**given), row_of(**fixed)):
        assert (row["status"], row["reason"]) == ("unknown", "time limit")
        assert row["ii_found"] is None
        assert row["ii_bound"] == 16
        assert row["ii_gap"] is None
    assert row_of(**given)["rejected"] == "15: bound; 16..17: unknown"


def test_tiles_that_do_not_fit_are_infeasible() -> None:
    row = row_of(kernel="fmha-forward", tile="512x512x512")
    assert (row["status"], row["reason"]) == ("infeasible", "does not fit")
    assert "choose a smaller tile" in row["evidence"]
    with pytest.raises(DoesNotFitError):
        build_kernel("fmha-forward", tile=(512, 512, 512))


def test_heuristics_prove_nothing_beyond_the_bound() -> None:
    file = str(Path(__file__).parents[1] / "examples/problems/coupled-recurrence.json")
    row = row_of(file=file, stage="modulo", method="ims")
    assert (row["status"], row["reason"], row["ii_bound"]) == ("feasible", "heuristic", 8)
    assert row["ii_found"] >= 9
    assert row["ii_gap"] == (row["ii_found"] - 8) / 8


def test_a_parameter_reaches_the_problem() -> None:
    def built(**given: Any) -> Any:
        return build(complete({"kernel": "fmha-forward", **given}), HERE)

    plain = built()
    assert built(warps=9).problem.machine.warps == 9
    assert built(registers_per_thread=99).problem.machine.registers_per_thread == 99
    assert built(**{"unit.TC": 2}).problem.machine.units["TC"] == 2
    assert built(**{"memory.tmem": 500}).problem.machine.memories["tmem"] == 500
    assert built(**{"rate.exponential": 32}).mii_clocks == 2048 < plain.mii_clocks
    assert built(**{"rate.tensor_core": 2048}).work == 2 * plain.work
    assert built(quantum=64).clocks == 64
    assert plain.clocks == 128
    assert built(costs="raw").clocks == 1
    assert built(tile="64x128x128").problem != plain.problem
    assert {op.spill for op in built(spill=7).problem.graph} == {0, 7}
    rules = built(without="spills", also="quotas", groups=3).options.rules
    assert "spills" not in rules
    assert "quotas" in rules
    assert rules.max_groups == 3
    assert built(**{"reading.hold": "cycles"}).options.rules.readings.hold == "cycles"
    assert built(**{"solver.mip_max_nodes": 5}).options.solver == {"mip_max_nodes": 5}
    assert (built(ii=17).options.min_ii, built(ii=17).options.max_ii) == (17, 17)


def test_clocks_and_utilization() -> None:
    row = row_of(kernel="fmha-forward", stage="modulo", levels="ii")
    assert row["ii_clocks"] == 16 * 128
    assert row["tensor_core_utilization"] == 1.0
    raw = row_of(kernel="fmha-forward", stage="modulo", levels="ii", costs="raw")
    assert (raw["ii_clocks"], raw["ii_over_mii_clocks"]) == (2064, 1.0)
    coarse = row_of(kernel="fmha-forward", stage="modulo", levels="ii", costs="normalized", u=20)
    assert coarse["ii_clocks"] != 2064


def test_options_of_the_solver_reach_it() -> None:
    loop = {"operations": 10, "loop_seed": 7, **MODULO}
    with pytest.raises(OptionError, match="HiGHS has no option"):
        row_of(**loop, **{"solver.mip_max_node": 0})
    with pytest.raises(OptionError, match="HiGHS refuses 'sometimes' for option presolve"):
        row_of(**loop, **{"solver.presolve": "sometimes"})
    rows = [row_of(**loop, **{"solver.presolve": how}) for how in ("on", "off")]
    assert rows[0]["ii_found"] == rows[1]["ii_found"]
    assert rows[0]["lp_iterations"] != rows[1]["lp_iterations"]


def test_a_random_loop_is_named_by_its_seed() -> None:
    assert random_loop(9, 4) == random_loop(9, 4)
    assert random_loop(9, 4).graph != random_loop(9, 5).graph
    for size in (1, 2, 5, 40):
        assert len(random_loop(size, 1).graph) == size
        assert solve(random_loop(size, 1), SearchOptions(stage="modulo", levels=("ii",))).schedule


def test_a_key_changes_with_whatever_can_change_a_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from twill_ilp.sweep import keys

    (tmp_path / "a.toml").write_text('base = "blackwell"\n')
    point = complete({"kernel": "fmha-forward", "machine": "a.toml"})
    key = row_key(point, tmp_path)
    assert row_key(dict(reversed(point.items())), tmp_path) == key
    assert row_key(point | {"unit.TC": None}, tmp_path) == key, "not given"
    others = {row_key(point | {"seed": 1}, tmp_path), row_key(point | {"unit.TC": 1}, tmp_path)}
    monkeypatch.setattr(keys, "highs_version", lambda: "9.9.9")
    others.add(row_key(point, tmp_path))
    monkeypatch.undo()
    monkeypatch.setattr(keys, "code_digest", lambda: "other")
    others.add(row_key(point, tmp_path))
    monkeypatch.undo()
    (tmp_path / "a.toml").write_text('base = "blackwell"\nwarps = 12\n')
    keys._content.cache_clear()
    others.add(row_key(point, tmp_path))
    assert len(others | {key}) == 6
    assert point_digest(point) == point_digest(point | {"unit.TC": None})


def test_the_code_digest_covers_what_solves_and_no_figure() -> None:
    from twill_ilp.sweep.keys import ROOT, _sources

    names = {path.relative_to(ROOT).as_posix() for path in _sources()}
    for needed in ("solver.py", "ilp/slots.py", "kernels/fmha.py", "sweep/measure.py", "costs.py"):
        assert needed in names
    assert not any(name.startswith(("plot/", "report/", "cli/")) for name in names)
    assert not {"sweep/store.py", "sweep/spec.py", "sweep/runner.py"} & names
    assert len(code_digest()) == 20
