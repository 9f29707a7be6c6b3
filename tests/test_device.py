"""Devices: presets as documented, files that override any figure, and refusals."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from twill_ilp.cli.machines import machines_table
from twill_ilp.costs import THROUGHPUTS
from twill_ilp.device import DEVICES, Device, device, read_device
from twill_ilp.errors import InvalidMachineError, InvalidProblemError
from twill_ilp.kernels import build_kernel
from twill_ilp.machine import PRESETS


def derived(folder: Path, text: str, name: str = "mine.toml") -> Device:
    (folder / name).write_text(text, encoding="utf-8")
    return read_device(folder / name)


def refusal(folder: Path, text: str) -> str:
    with pytest.raises(InvalidProblemError) as caught:
        derived(folder, text)
    message = str(caught.value)
    assert message.startswith(str(folder)) and "\n" not in message and "; " in message
    return message.removeprefix(f"{folder / 'mine.toml'}: ")


def test_presets_join_machine_and_rates() -> None:
    for name, preset in PRESETS.items():
        d = device(name.upper())
        assert d.machine == preset() and d.rates == THROUGHPUTS[d.name] and d.base == d.name


@pytest.mark.parametrize(
    ("name", "style"),
    [
        ("a100", (4, False, "registers", "LSU")),
        ("h100", (4, True, "registers", "TMA")),
        ("b200", (1, True, "tmem", "TMA")),
    ],
)
def test_who_issues_a_product_and_where_it_lives(name: str, style: tuple[object, ...]) -> None:
    d = device(name)
    assert (d.mma_warps, d.mma_asynchronous, d.accumulators, d.copies) == style


def test_unknown_preset() -> None:
    with pytest.raises(InvalidMachineError, match="machine z80: no such preset; choose from am"):
        device("z80")


def test_a_file_overrides_any_figure(tmp_path: Path) -> None:
    d = derived(
        tmp_path,
        """
        base = "B200"
        warps = 12
        registers_per_thread = 128
        measured = "b200-microbenchmarks"
        [rates]
        exponential = 32
        [memories]
        tmem = 256
        [units]
        TC = 2
        """,
    )
    assert d.name == "mine" == d.rates.name and d.base == "blackwell"
    assert (d.machine.warps, d.machine.registers_per_thread) == (12, 128)
    assert d.machine.units["TC"] == 2 and d.machine.units["SFU"] == 1
    assert d.machine.memories == {"smem": 227 * 1024, "tmem": 256}
    assert d.rates.exponential == 32 and d.rates.tensor_core == 4096
    assert d.rates.measured == device("blackwell-measured").rates.measured is not None


def test_an_empty_file_of_a_preset_changes_nothing_but_the_name(tmp_path: Path) -> None:
    d = derived(tmp_path, 'base = "hopper"\nname = "hopper"')
    assert d == device("hopper")
    with pytest.raises(InvalidProblemError, match="machine: name is"):
        derived(tmp_path, 'base = "hopper"\nname = ""')


def test_a_faster_unit_gives_another_problem(tmp_path: Path) -> None:
    d = derived(tmp_path, 'base = "blackwell"\nrates = {exponential = 32}')
    op = build_kernel("fmha-forward", d).graph.by_name["P.0"]
    assert op.cycles == build_kernel("fmha-forward").graph.by_name["P.0"].cycles // 2


def test_accumulators_may_move_to_registers(tmp_path: Path) -> None:
    text = 'base = "blackwell"\naccumulators = "registers"\nmma_warps = 4'
    graph = build_kernel("fmha-forward", derived(tmp_path, text)).graph
    assert "readS.0" not in graph.by_name and graph.by_name["S.0"].registers == 64 * 128


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("warps = 3", "machine: key 'base' is missing; add it"),
        ('base = "z80"', "machine z80: no such preset"),
        ('base = "b200"\n[rates]\nexponential = 0', "machine mine: rate exponential is 0; give"),
        ('base = "b200"\n[rates]\nfp32 = 1.5', "machine mine: rate fp32 is 1.5; give"),
        ('base = "b200"\n[rates]\nsfu = 1', "rates: unknown key 'sfu'; known: tensor_core"),
        ('base = "b200"\n[units]\nTC = 0', "machine: unit TC is 0; give"),
        ('base = "h100"\n[units]\nTMEM = 1', "units: unknown key 'TMEM'; known: TC"),
        ('base = "b200"\nmeasured = "x"', 'measured is "x"; choose from b200-microbenchmarks'),
        ('base = "b200"\nmma_warps = 0', "machine mine: mma_warps is 0; give"),
        ('base = "b200"\ncopies = "DMA"', 'copies is "DMA"; give "TMA" or "LSU"'),
        ('base = "h100"\naccumulators = "tmem"', "accumulators in tmem, which has no rate"),
        ("base =", "not TOML: "),
    ],
)
def test_refused(text: str, words: str, tmp_path: Path) -> None:
    assert words in refusal(tmp_path, text)


def test_unreadable_files(tmp_path: Path) -> None:
    with pytest.raises(InvalidProblemError, match=r"none.toml: cannot be read: .*; check the path"):
        read_device(tmp_path / "none.toml")
    (tmp_path / "latin.toml").write_bytes(b"\xff")
    with pytest.raises(InvalidProblemError, match="not UTF-8 text; give a TOML file"):
        read_device(tmp_path / "latin.toml")


def test_table_shows_every_device_and_figure() -> None:
    devices = [build() for build in DEVICES.values()]
    table = machines_table(devices)
    text = table.text(200)
    for word in ("rate exponential", "registers_per_sm", "mma_warps", "accumulators", "measured"):
        assert word in text
    assert all(d.name in text for d in devices)
    assert all(len(row) == 1 + len(devices) for row in table.rows)


def test_a_device_checks_itself() -> None:
    hopper = device("hopper")
    with pytest.raises(InvalidMachineError, match="accumulators in tmem"):
        replace(hopper, accumulators="tmem")
