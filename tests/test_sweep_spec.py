"""Sweep files: what they mean, and what is wrong with them, by line."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twill_ilp.sweep import InvalidSweepError, check_points, complete, read_sweep
from twill_ilp.sweep.lines import places
from twill_ilp.sweep.parameters import PARAMETERS

EXPERIMENTS = sorted((Path(__file__).parents[1] / "experiments").glob("*.toml"))


def sweep_file(folder: Path, text: str) -> Path:
    path = folder / "sweep.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_grid_is_every_combination_in_order(tmp_path: Path) -> None:
    sweep = read_sweep(
        sweep_file(
            tmp_path,
            """
            [fixed]
            kernel = "random"
            [[grid]]
            operations = [5, 7]
            loop_seed = { from = 1, to = 5, step = 2 }
            """,
        )
    )
    assert [(p["operations"], p["loop_seed"]) for p in sweep.points] == [
        (5, 1), (5, 3), (5, 5), (7, 1), (7, 3), (7, 5),
    ]  # fmt: skip
    assert sweep.axes == ("operations", "loop_seed")
    assert all(set(PARAMETERS) <= set(point) for point in sweep.points), "every default explicit"


def test_blocks_follow_each_other_and_a_point_counts_once(tmp_path: Path) -> None:
    sweep = read_sweep(
        sweep_file(
            tmp_path,
            """
            [fixed]
            kernel = "fmha-forward"
            [[zip]]
            tile = ["64x128x128", "128x128x128"]
            sub_tiles = [2, 1]
            machine = "hopper"
            [[point]]
            warps = 12
            [[grid]]
            warps = [12, 16]
            unit.TC = 1
            [[point]]
            warps = 12
            """,
        )
    )
    seen = [(p["machine"], p["tile"], p["sub_tiles"], p["warps"], p.get("unit.TC"))
            for p in sweep.points]  # fmt: skip
    assert seen == [
        ("hopper", "64x128x128", 2, None, None),
        ("hopper", "128x128x128", 1, None, None),
        ("blackwell", None, None, 12, None),
        ("blackwell", None, None, 12, 1),
        ("blackwell", None, None, 16, 1),
    ]


MISTAKES = [
    ('[fixed]\nkernel = "fig1"', 1, "no points"),
    ("", 1, "no points"),
    ("x = [", 1, "not TOML"),
    ("titel = 'x'", 1, "titel: no such key"),
    ('[[grid]]\nkernel = "fig1"\n[grid.unit]\nTC = []', 4, "unit.TC: an empty axis"),
    ('[[grid]]\nkernel = "fig1"\nwarps = []', 3, "warps: an empty axis"),
    ('[[grid]]\nkernel = "fig1"\nwarps = { from = 3, to = 2 }', 3, "warps: an empty axis"),
    ('[[grid]]\nkernel = "fig1"\nwarps = [8, 8]', 3, "stands twice"),
    ('[[grid]]\nkernel = "fig1"\n\nwrap = [8]', 4, "wrap: no such parameter"),
    ('[[grid]]\nkernel = "fig2"', 2, "kernel: \"fig2\"; choose from"),
    ('[[grid]]\nkernel = "fig1"\nwarps = 0', 3, "warps: 0; give a whole number >= 1"),
    ('[[grid]]\nkernel = "fig1"\nwarps = true', 3, "warps: true; give a whole number"),
    ('[[grid]]\nkernel = "fig1"\nwarps = 1.5', 3, "warps: 1.5; give a whole number"),
    ('[[grid]]\nkernel = "fig1"\nwithout = "spils"', 3, 'without: "spils"; choose from'),
    ('[[grid]]\nkernel = "fig1"\nlevels = "length"', 3, "begin with ii"),
    ('[[grid]]\nkernel = "fig1"\nreading.hold = "issues"', 3, "reading.hold"),
    ('[[grid]]\nkernel = "fig1"\nreading.hald = "issue"', 3, "reading.hald: no such parameter"),
    ('[[grid]]\nkernel = "fig1"\nrate.exponentail = 3', 3, "rate.exponentail: no such rate"),
    ('[[grid]]\nkernel = "fig1"\nrate.exponential = 3', 3, "kernel fig1 has no rates"),
    ('[fixed]\nkernel = "fig1"\n# [[grid]]\n[[grid]]\nunit.TCC = [1]', 5, "machine fig1 has"),
    ('[fixed]\nunit.TCC = 1\n[[grid]]\nkernel = ["fig1"]', 2, "unit.TCC: machine"),
    ('[[grid]]\nkernel = "fmha-forward"\nmemory.tmm = [1]', 3, "memory.tmm: machine blackwell"),
    ('[[grid]]\nkernel = "fmha-forward"\nmachine = "b300"', 3, "machine: b300: no such one"),
    ('[[grid]]\nkernel = "fmha-forward"\ntile = "64x64"', 1, "tile is (64, 64)"),
    ('[[grid]]\nkernel = "fmha-forward"\ntile = "64,64"', 3, "give extents such as"),
    ('[[grid]]\nkernel = "fmha-forward"\nsolver.mip_rel_gp = 0.5', 1, "no option 'mip_rel_gp'"),
    ('[[grid]]\nkernel = "fmha-forward"\nsolver.threads = 2', 1, "set by this package"),
    ('[[grid]]\nfile = "missing.json"', 1, "missing.json: cannot be read"),
    ('[[grid]]\nwarps = [1, 2]', 1, "give a kernel or a file"),
    ('[[grid]]\nkernel = "fig1"\nmethod = "ims"', 3, "knows no warp groups"),
    ('[[grid]]\nkernel = "fig1"\nu = 3', 3, "only for costs"),
    ('[[grid]]\nkernel = "fig1"\noperations = 3', 3, "only for kernel"),
    ('[[grid]]\nkernel = "fig1"\ntime_limit = 700', 3, "beyond wall_seconds"),
    ('[[grid]]\nkernel = "fig1"\ntime_limit = 0', 3, "time_limit: 0; give a number >= 0.001"),
    ('[[zip]]\nkernel = "fig1"\nwarps = [1, 2]\ngroups = [1, 2, 3]', 1, "unequal length"),
    ('[[point]]\nkernel = "fig1"\nwarps = [1, 2]', 3, "a [[point]] has no axes"),
    ('[fixed]\nwarps = [1, 2]\n[[grid]]\nkernel = "fig1"', 2, "move to a grid"),
    ('[grid]\nkernel = "fig1"', 1, "write [[grid]]"),
    ('[[grid]]\nkernel = "fig1"\n[[figure]]\nkind = "pie"', 4, "no such figure"),
    ('[[grid]]\nkernel = "fig1"\n[[figure]]\nkind = "heatmap"', 3, "x is missing"),
    ('[[grid]]\nkernel = "fig1"\n[[figure]]\nkind = "ecdf"\nby = "metod"', 5, "no such column"),
    (
        '[[grid]]\nkernel = "fig1"\n' + '[[figure]]\nkind = "ecdf"\nby = "method"\n' * 2,
        7,
        "two figures named ecdf",
    ),
]


@pytest.mark.parametrize(("text", "line", "message"), MISTAKES)
def test_a_mistake_is_named_with_its_line(
    tmp_path: Path, text: str, line: int, message: str
) -> None:
    path = sweep_file(tmp_path, text)
    with pytest.raises(InvalidSweepError) as caught:
        check_points(read_sweep(path))
    said = str(caught.value)
    assert message in said
    assert "\n" not in said
    if message != "not TOML":
        assert said.startswith(f"{path}:{line}: ")
    assert list(tmp_path.iterdir()) == [path], "nothing else is written"


def test_equal_meaning_is_an_equal_point() -> None:
    plain = complete({"kernel": "fmha-forward", "without": "spills,memory", "time_limit": 3})
    spelled = complete(
        {
            "kernel": "fmha-forward",
            "machine": "blackwell",
            "without": "memory, spills",
            "time_limit": 3.0,
            "stage": "joint",
        }
    )
    assert plain == spelled


def test_tiles_that_do_not_fit_are_a_finding_and_no_mistake(tmp_path: Path) -> None:
    path = sweep_file(
        tmp_path, '[[grid]]\nkernel = "fmha-forward"\ntile = ["512x128x128", "128x128x128"]'
    )
    check_points(read_sweep(path))


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda path: path.stem)
def test_every_experiment_is_valid(path: Path) -> None:
    sweep = read_sweep(path)
    check_points(sweep)
    assert sweep.title.endswith("?"), "an experiment answers a question"
    assert sweep.figures
    worst = sum(float(str(point["wall_seconds"])) for point in sweep.points) / 2
    assert worst < 20 * 60, "seconds on two cores, whatever happens"


def test_there_are_ten_experiments() -> None:
    assert len(EXPERIMENTS) >= 10


KEYS = st.sampled_from(["a", "b-c", '"d e"', "unit.TC", "unit . SFU", "'f'"])
VALUES = st.sampled_from(
    ["1", '"x = 1"', "'#'", "[1,\n 2]", '["[[grid]]",\n  "k = 1",\n]', '"""\nz = 3\n[y]\n"""',
     "'''\nq = 1'''", "{ m = 1 } # n = 2", r'"\"]"', "[[1], [\n2]]"]
)  # fmt: skip


@given(st.lists(st.tuples(st.booleans(), KEYS, VALUES), max_size=12))
def test_the_line_found_is_where_the_key_stands(items: list[tuple[bool, str, str]]) -> None:
    """TOML texts are put together from parts whose lines are known."""
    text, expected, number, used = "", {}, -1, set()
    for new_table, key, value in items:
        if new_table or number < 0:
            number, used = number + 1, set()
            expected["grid", number, ""] = text.count("\n") + 2
            text += "# a comment [with] x = 3\n[[grid]]\n"
        plain = ".".join(part.strip("\"' ") for part in key.split("."))
        if plain in used:
            continue
        used.add(plain)
        expected["grid", number, plain] = text.count("\n") + 1
        text += f"{key} = {value}\n"
    tomllib.loads(text)
    assert places(text) == expected
