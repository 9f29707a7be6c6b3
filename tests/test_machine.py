"""Machines refuse, at construction, what cannot be meant; presets are the documented GPUs."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from typing import Any

import pytest

from twill_ilp.checks import LARGEST
from twill_ilp.errors import InvalidMachineError, InvalidProblemError
from twill_ilp.graph import LoopGraph, Operation, Usage
from twill_ilp.machine import PRESETS, Machine, ampere, blackwell, hopper, preset
from twill_ilp.problem import Problem

NOT_NATURAL = [-1, 1.0, float("nan"), True, "1", [], None, LARGEST + 1]


def refusal(**fields: Any) -> str:
    with pytest.raises(InvalidMachineError) as caught:
        Machine(**{"name": "m", "units": {"TC": 1}, **fields})
    message = str(caught.value)
    assert message and "\n" not in message and "; " in message
    return message


def test_defaults_mean_no_limit() -> None:
    machine = Machine("m", {"TC": 1})
    assert machine.memories == {}
    assert machine.warps is machine.registers_per_thread is machine.registers_per_sm is None
    assert Machine("m", {}).units == {}


@pytest.mark.parametrize("value", [*NOT_NATURAL, 0])
def test_units(value: Any) -> None:
    assert refusal(units={"TC": 1, "SFU": value}).startswith("machine: unit SFU is ")


@pytest.mark.parametrize("value", NOT_NATURAL)
def test_memories(value: Any) -> None:
    assert refusal(memories={"smem": value}).startswith("machine: memory smem is ")


def test_a_memory_may_be_empty() -> None:
    assert Machine("m", {}, memories={"tmem": 0}).memories == {"tmem": 0}


@pytest.mark.parametrize("value", [*(value for value in NOT_NATURAL if value is not None), 0])
@pytest.mark.parametrize("key", ["warps", "registers_per_thread", "registers_per_sm"])
def test_limits(key: str, value: Any) -> None:
    assert refusal(**{key: value}).startswith(f"machine: {key} is ")


@pytest.mark.parametrize("name", ["", " ", None, 3, "two\nlines"])
def test_names(name: Any) -> None:
    assert refusal(name=name).startswith("machine: name is ")
    assert refusal(units={name: 1}).startswith("machine: unit is ")
    assert refusal(memories={name: 1}).startswith("machine: memory is ")


def test_is_frozen_and_keeps_its_own_copy() -> None:
    units = {"TC": 1}
    machine = Machine("m", units)
    units["TC"] = 2
    assert machine.units == {"TC": 1}
    with pytest.raises(FrozenInstanceError):
        machine.name = "n"  # type: ignore[misc]


def test_equal_machines_hash_alike() -> None:
    assert hash(blackwell()) == hash(blackwell()) and blackwell() == blackwell()
    assert Machine("m", {"TC": 1}) != Machine("m", {"TC": 2})


def test_presets_have_the_documented_limits() -> None:
    """CUDA C++ Programming Guide, "Technical Specifications per Compute Capability"."""
    for machine, kilobytes in ((ampere(), 163), (hopper(), 227), (blackwell(), 227)):
        assert machine.memories["smem"] == kilobytes * 1024
        assert (machine.registers_per_thread, machine.registers_per_sm) == (255, 65536)
        assert set(machine.units.values()) == {1}
    assert blackwell().memories["tmem"] == 512
    assert "tmem" not in hopper().memories


@pytest.mark.parametrize("name", PRESETS)
def test_presets_by_name(name: str) -> None:
    assert preset(name.upper()) == PRESETS[name]()


@pytest.mark.parametrize(("alias", "name"), [("a100", "ampere"), ("h100", "hopper")])
def test_aliases(alias: str, name: str) -> None:
    assert preset(alias) == preset(name)


def test_unknown_preset() -> None:
    with pytest.raises(InvalidMachineError) as caught:
        preset("volta")
    assert str(caught.value) == (
        "machine volta: no such preset; choose from ampere, a100, hopper, h100, blackwell, b200, "
        "or give a file"
    )


def test_rows_of_one_operation_may_share_a_unit() -> None:
    """Amounts add up cycle by cycle, not over the whole table."""
    machine = Machine("m", {"TC": 2})
    rows = (Usage("TC", 4), Usage("TC", 2, start=1), Usage("TC", 1, start=3))
    Problem(LoopGraph("g", (Operation("A", usage=rows),)), machine)
    three = (*rows, Usage("TC", 1, start=2))
    with pytest.raises(InvalidProblemError, match="needs 3 of TC in its cycle 2, above"):
        Problem(LoopGraph("g", (Operation("A", usage=three),)), machine)


def test_footprints_need_no_memories() -> None:
    """A machine without memories limits none."""
    Problem(LoopGraph("g", (Operation("A", footprint={"smem": 1}),)), Machine("m", {}))
    with pytest.raises(InvalidProblemError, match="footprint in gmem, which machine blackwell"):
        Problem(LoopGraph("g", (Operation("A", footprint={"gmem": 1}),)), blackwell())
