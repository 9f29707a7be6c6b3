"""Clocks of tile operations against figures computed by hand."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace

import pytest

from twill_ilp import costs
from twill_ilp.costs import AMPERE, BLACKWELL, HOPPER, THROUGHPUTS, throughputs
from twill_ilp.errors import OptionError
from twill_ilp.machine import PRESETS


@pytest.mark.parametrize(("t", "clocks"), [(AMPERE, 2048), (HOPPER, 1024), (BLACKWELL, 512)])
def test_gemm_of_128_cubed(t: costs.Throughputs, clocks: int) -> None:
    assert costs.mma(t, 128, 128, 128) == clocks


@pytest.mark.parametrize("t", THROUGHPUTS.values(), ids=lambda t: t.name)
def test_exponential_of_128_squared_takes_1024_clocks(t: costs.Throughputs) -> None:
    assert costs.exponential(t, 128, 128) == 1024


def test_attention_fills_both_units_on_blackwell() -> None:
    """FlashAttention-4, section 2.2: 4MND / 8192 = MN / 16 at D = 128."""
    m, n, d = 128, 128, 128
    both_products = costs.mma(BLACKWELL, m, n, d) + costs.mma(BLACKWELL, m, d, n)
    assert both_products == costs.exponential(BLACKWELL, m, n) == 1024


def test_tile_arithmetic() -> None:
    assert costs.elementwise(HOPPER, 128, 128) == 128
    assert costs.elementwise(HOPPER, 128) == 1
    assert costs.elementwise(AMPERE, 128, 128) == 256
    assert costs.row_reduction(BLACKWELL, 128, 64) == 64
    assert costs.convert(BLACKWELL, 128, 128) == 256


def test_data_movement() -> None:
    assert costs.tma_load(HOPPER, 128, 128) == 32768 // 128
    assert costs.cp_async(AMPERE, 128, 64) == 16384 // 128
    assert costs.tensor_memory_load(BLACKWELL, 128, 128) == 65536 // 512
    assert costs.tensor_memory_store(BLACKWELL, 128, 128, size=2) == 32768 // 512
    assert costs.hand_over(BLACKWELL, 128 * 128) == 2 * 65536 // 128
    assert costs.hand_over(BLACKWELL, 0) == 0


def test_tensor_memory_columns() -> None:
    assert costs.tensor_memory_columns(128, 128) == 128
    assert costs.tensor_memory_columns(64, 128) == 128
    assert costs.tensor_memory_columns(256, 128) == 256
    assert costs.tensor_memory_columns(128, 128, size=2) == 64


def test_clocks_are_whole_and_rounded_up() -> None:
    assert costs.mma(BLACKWELL, 16, 16, 17) == 2
    assert costs.exponential(BLACKWELL, 1) == 1
    assert costs.hand_over(BLACKWELL, 1) == 2


def test_other_figures_are_a_replacement_away() -> None:
    assert costs.row_reduction(replace(HOPPER, fp32=64), 128, 128) == 256
    with pytest.raises(FrozenInstanceError):
        HOPPER.fp32 = 64  # type: ignore[misc]


def test_every_preset_has_throughputs() -> None:
    assert {build().name for build in PRESETS.values()} == set(THROUGHPUTS)
    assert throughputs("hopper") is HOPPER


def test_no_tensor_memory_before_blackwell() -> None:
    with pytest.raises(OptionError, match="hopper has no tensor memory"):
        costs.tensor_memory_load(HOPPER, 128, 128)
    with pytest.raises(OptionError, match="ampere has no tensor memory"):
        costs.tensor_memory_store(AMPERE, 128, 128)


def test_unknown_machine() -> None:
    with pytest.raises(OptionError, match="machine tpu: no throughputs known; choose from ampere"):
        throughputs("tpu")
