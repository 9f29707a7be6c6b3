"""Clocks of tile operations against figures computed by hand."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from typing import Any

import pytest

from twill_ilp import costs
from twill_ilp.costs import AMPERE, BLACKWELL, HOPPER, THROUGHPUTS
from twill_ilp.errors import InvalidMachineError, OptionError
from twill_ilp.machine import PRESETS
from twill_ilp.measured import MEASURED


@pytest.mark.parametrize(("t", "clocks"), [(AMPERE, 2048), (HOPPER, 1024), (BLACKWELL, 512)])
def test_gemm_of_128_cubed(t: costs.Throughputs, clocks: int) -> None:
    assert costs.mma(t, 128, 128, 128) == costs.Cost(clocks, clocks)


@pytest.mark.parametrize("t", THROUGHPUTS.values(), ids=lambda t: t.name)
def test_exponential_of_128_squared_takes_1024_clocks(t: costs.Throughputs) -> None:
    assert costs.exponential(t, 128, 128) == costs.Cost(1024, 1024)


def test_attention_fills_both_units_on_blackwell() -> None:
    """FlashAttention-4, section 2.2: 4MND / 8192 = MN / 16 at D = 128."""
    m, n, d = 128, 128, 128
    products = (costs.mma(BLACKWELL, m, n, d), costs.mma(BLACKWELL, m, d, n))
    assert sum(c.occupancy for c in products) == 4 * m * n * d // 8192 == 1024
    assert costs.exponential(BLACKWELL, m, n).occupancy == m * n // 16 == 1024


def test_tile_arithmetic() -> None:
    assert costs.elementwise(HOPPER, 128, 128).occupancy == 128
    assert costs.elementwise(HOPPER, 128).occupancy == 1
    assert costs.elementwise(AMPERE, 128, 128).occupancy == 256
    assert costs.row_reduction(BLACKWELL, 128, 64).occupancy == 64
    assert costs.convert(BLACKWELL, 128, 128).occupancy == 256


def test_data_movement() -> None:
    assert costs.tma(HOPPER, 128, 128).occupancy == 32768 // 128
    assert costs.cp_async(AMPERE, 128, 64).occupancy == 16384 // 128
    assert costs.tensor_memory_load(BLACKWELL, 128, 128).occupancy == 65536 // 512
    assert costs.tensor_memory_store(BLACKWELL, 128, 128, "fp16").occupancy == 32768 // 512
    assert costs.hand_over(BLACKWELL, 128 * 128) == 2 * 65536 // 128
    assert costs.hand_over(BLACKWELL, 0) == 0


def test_tensor_memory_columns() -> None:
    assert costs.tensor_memory_columns(128, 128) == 128
    assert costs.tensor_memory_columns(64, 128) == 128
    assert costs.tensor_memory_columns(256, 128) == 256
    assert costs.tensor_memory_columns(128, 128, "fp16") == 64


def test_clocks_are_whole_and_rounded_up() -> None:
    assert costs.mma(BLACKWELL, 16, 16, 17).occupancy == 2
    assert costs.exponential(BLACKWELL, 1).occupancy == 1
    assert costs.hand_over(BLACKWELL, 1) == 2


def test_other_figures_are_a_replacement_away() -> None:
    assert costs.row_reduction(replace(HOPPER, fp32=64), 128, 128).occupancy == 256
    with pytest.raises(FrozenInstanceError):
        HOPPER.fp32 = 64  # type: ignore[misc]


def test_every_preset_has_throughputs() -> None:
    assert {build().name for build in PRESETS.values()} == set(THROUGHPUTS)


def test_no_tensor_memory_before_blackwell() -> None:
    with pytest.raises(OptionError, match="hopper has no tensor memory"):
        costs.tensor_memory_load(HOPPER, 128, 128)
    with pytest.raises(OptionError, match="ampere has no tensor memory"):
        costs.tensor_memory_store(AMPERE, 128, 128)


def test_types_of_operands() -> None:
    """Half the rate for TF32, twice the rate for FP8 [a100], [h100], [b200]."""
    for t in THROUGHPUTS.values():
        plain = costs.mma(t, 128, 128, 128).occupancy
        assert costs.mma(t, 128, 128, 128, "bf16").occupancy == plain
        assert costs.mma(t, 128, 128, 128, "tf32").occupancy == 2 * plain
    assert costs.mma(BLACKWELL, 128, 128, 128, "fp8").occupancy == 256
    assert costs.tma(BLACKWELL, 128, 128, "fp8").occupancy == 128


@pytest.mark.parametrize(
    ("dtype", "words"),
    [("int3", "dtype int3: unknown; choose from fp32"), ("fp32", "tensor core lacks it")],
)
def test_types_refused(dtype: str, words: str) -> None:
    with pytest.raises(OptionError, match=words):
        costs.mma(HOPPER, 64, 64, 64, dtype)
    with pytest.raises(OptionError, match="dtype fp8: ampere's tensor core lacks it"):
        costs.mma(AMPERE, 64, 64, 64, "fp8")


@pytest.mark.parametrize("extent", [0, -128])
def test_extents_refused(extent: int) -> None:
    with pytest.raises(OptionError, match=f"tile extent is {extent}; give a whole number >= 1"):
        costs.mma(HOPPER, 64, extent, 64)
    with pytest.raises(OptionError, match=f"tile extent is {extent}"):
        costs.exponential(HOPPER, extent)


@pytest.mark.parametrize("value", [0, -1, 1.5, "16"])
def test_rates_refused(value: Any) -> None:
    with pytest.raises(InvalidMachineError, match="machine hopper: rate exponential is"):
        replace(HOPPER, exponential=value)


def test_measured_figures_of_the_reference_tiles() -> None:
    """(occupancy, latency) as microbenchmarks found them."""
    t = replace(BLACKWELL, measured=MEASURED["b200-microbenchmarks"])
    assert costs.tensor_memory_load(t, 128, 128) == costs.Cost(256, 532)
    assert costs.tensor_memory_store(t, 128, 128) == costs.Cost(48, 96)
    assert costs.mma(t, 128, 128, 128) == costs.Cost(512, 900)
    assert costs.mma(t, 128, 128, 64) == costs.Cost(256, 559)
    assert costs.tma(t, 64, 128) == costs.Cost(96, 556)
    assert costs.hand_over(t, 256) == 61 + 16
    assert costs.hand_over(t, 0) == 0
    assert costs.barrier(t).latency == 92
    assert costs.exponential(t, 128, 128) == costs.exponential(BLACKWELL, 128, 128)


def test_measured_figures_of_other_tiles() -> None:
    """Occupancy in proportion to the work; what latency has beyond it is constant."""
    t = replace(BLACKWELL, measured=MEASURED["b200-microbenchmarks"])
    assert costs.tensor_memory_load(t, 128, 64) == costs.Cost(128, 128 + 276)
    assert costs.mma(t, 128, 256, 128) == costs.Cost(1024, 1024 + 388)
    faster = replace(t, tensor_core=8192)  # a product keeps the documented rate
    assert costs.mma(faster, 128, 128, 128) == costs.Cost(256, 256 + 388)
