"""Kernels: totals per unit computed by hand, faithful edges, and refused options."""

from __future__ import annotations

import doctest
import json
from collections import Counter
from typing import Any

import pytest

import twill_ilp.kernels
from twill_ilp.errors import OptionError
from twill_ilp.graph import Dependence
from twill_ilp.kernels import KERNELS, build_kernel
from twill_ilp.machine import blackwell, hopper
from twill_ilp.options import SearchOptions
from twill_ilp.problem import Problem
from twill_ilp.search import solve
from twill_ilp.verify import verify

OWN_MACHINE = ["fig1", "dot-product", "first-order-recurrence"]
ON_GPUS = [
    "gemm",
    "gemm-epilogue",
    "gated-mlp",
    "layer-norm",
    "linear-attention",
    "fmha-forward",
    "fmha-backward",
]
GPUS = ("ampere", "hopper", "blackwell")
PLACES = [
    (name, machine, sub_tiles) for name in ON_GPUS for machine in GPUS for sub_tiles in (1, 2)
]
CASES: list[tuple[str, str | None, dict[str, Any]]] = [
    *((name, None, {}) for name in OWN_MACHINE),
    *(
        (name, machine, {"sub_tiles": sub_tiles, "quantum": quantum})
        for name in ON_GPUS
        for machine in GPUS
        for sub_tiles in (1, 2)
        for quantum in (None, 1, 100)
    ),
]


def busy(problem: Problem) -> Counter[str]:
    """Cycles for which each unit works in one iteration."""
    total: Counter[str] = Counter()
    for op in problem.graph:
        for row in op.usage:
            total[row.unit] += row.cycles * row.amount
    return total


def edge(problem: Problem, src: str, dst: str, distance: int = 0) -> Dependence:
    (found,) = (
        e for e in problem.graph.dependences if (e.src, e.dst, e.distance) == (src, dst, distance)
    )
    return found


@pytest.mark.parametrize(("name", "machine", "options"), CASES)
def test_builds_and_survives_json(name: str, machine: str | None, options: dict[str, Any]) -> None:
    problem = build_kernel(name, machine, **options)
    assert problem.name == name
    text = json.dumps(problem.to_dict())
    assert Problem.from_dict(json.loads(text)) == problem
    assert json.dumps(build_kernel(name, machine, **options).to_dict()) == text


@pytest.mark.parametrize(("name", "machine", "options"), CASES)
def test_no_iteration_overtakes_itself(
    name: str, machine: str | None, options: dict[str, Any]
) -> None:
    """Every operation takes part in the loop, and every dependence waits for its source."""
    graph = build_kernel(name, machine, **options).graph
    ends = {end for e in graph.dependences for end in (e.src, e.dst)}
    assert ends == set(graph.by_name)
    for e in graph.dependences:
        assert e.delay == graph.by_name[e.src].cycles


def test_registry() -> None:
    assert list(KERNELS) == [*OWN_MACHINE, *ON_GPUS]
    assert KERNELS["gemm"].options == ("tile", "sub_tiles", "quantum", "dtype")
    assert all(KERNELS[name].machines == GPUS for name in ON_GPUS)
    assert KERNELS["fmha-forward"].options == ("tile", "sub_tiles", "quantum")
    assert all(KERNELS[name].options == () for name in OWN_MACHINE)
    for kernel in KERNELS.values():
        assert (kernel.default_machine is None) == (kernel.machines == ())
    assert build_kernel("gemm", "B200") == build_kernel("gemm")


def test_examples_in_docstrings() -> None:
    assert doctest.testmod(twill_ilp.kernels).failed == 0


def test_fig1_is_the_papers() -> None:
    problem = build_kernel("fig1")
    assert busy(problem) == {"TC": 2, "EXP": 1}
    assert {(e.src, e.dst, e.delay, e.distance) for e in problem.graph.dependences} == {
        ("S", "P", 1, 0),
        ("P", "O", 1, 0),
        ("O", "O", 1, 1),
    }


def test_teaching_loops_have_the_bounds_they_teach() -> None:
    assert busy(build_kernel("dot-product"))["MEM"] == 2
    assert edge(build_kernel("dot-product"), "add", "add", 1).delay == 1
    recurrence = build_kernel("first-order-recurrence")
    assert busy(recurrence)["MEM"] == 3
    assert edge(recurrence, "mul", "add").delay + edge(recurrence, "add", "mul", 1).delay == 4


@pytest.mark.parametrize(
    ("machine", "expected"),
    [
        ("ampere", {"LSU": 1 + 1, "TC": 8}),  # 256 + 256 and 2048 clocks
        ("hopper", {"TMA": 1 + 1, "TC": 4}),  # 256 + 256 and 1024
        ("blackwell", {"TMA": 1 + 1, "TC": 2}),  # 256 + 256 and 512
    ],
)
def test_gemm_totals(machine: str, expected: dict[str, int]) -> None:
    assert busy(build_kernel("gemm", machine)) == expected


def test_gemm_per_machine() -> None:
    on = {m: build_kernel("gemm", m).graph.by_name for m in KERNELS["gemm"].machines}
    assert [on[m]["C"].warps for m in on] == [4, 4, 1]
    assert [on[m]["C"].issue for m in on] == [8, 1, 1]
    assert [on[m]["C"].registers for m in on] == [128 * 128, 128 * 128, 0]
    assert on["blackwell"]["C"].footprint == {"tmem": 128}
    assert [on[m]["A"].variable_latency for m in on] == [False, True, True]
    assert all(on[m]["A"].footprint == {"smem": 32768} for m in on)


def test_gemm_accumulator_is_carried_without_blocking() -> None:
    problem = build_kernel("gemm", "blackwell")
    carried = edge(problem, "C", "C", 1)
    assert (carried.delay, carried.blocking) == (2, False)
    assert edge(problem, "A", "C").blocking and edge(problem, "B", "C").blocking


def test_gemm_quantum_is_exact_unless_asked() -> None:
    raw = {"TMA": 128 + 256, "TC": 1024}
    problem = build_kernel("gemm", "hopper", tile=(128, 256, 64))
    assert busy(problem) == {unit: clocks // 128 for unit, clocks in raw.items()}
    assert busy(build_kernel("gemm", "hopper", tile=[128, 256, 64], quantum=1)) == raw
    assert busy(build_kernel("gemm", "hopper", tile=(128, 256, 64), quantum=1000)) == {
        "TMA": 1 + 1,
        "TC": 2,
    }


def test_fmha_blackwell_totals() -> None:
    """At 128 clocks per cycle both units are full at II 16."""
    assert busy(build_kernel("fmha-forward", "blackwell")) == {
        "TC": 2 * (4 + 4),
        "SFU": 2 * 8,
        "FP32": 2 * (1 + 1 + 1 + 2 + 1),  # rowmax, scale, rowsum, convert, rescaleO
        "TMEM": 2 * (1 + 1 + 1 + 1),  # readS, storeP (half a cycle), readO, writeO
        "TMA": 2 + 2,
    }


@pytest.mark.parametrize("tile", [None, (128, 128, 128)])
def test_fmha_hopper_totals(tile: tuple[int, int, int] | None) -> None:
    """The default of 64 rows at 64 clocks per cycle looks like 128 rows at 128 clocks."""
    total = busy(build_kernel("fmha-forward", "hopper", tile=tile))
    assert (total["TC"], total["SFU"]) == (2 * (8 + 8), 2 * 8)
    assert total["FP32"] == 2 * (1 + 1 + 1 + 2 + 1)


def test_fmha_raw_clocks_count_row_vectors() -> None:
    total = busy(build_kernel("fmha-forward", "blackwell", sub_tiles=1, quantum=1))
    assert total == {
        "TC": 512 + 512,
        "SFU": 1024 + 8,  # P, alpha
        "FP32": 128 + 128 + 128 + 256 + 128 + 3,  # and m, alpha, l
        "TMEM": 128 + 64 + 128 + 128,
        "TMA": 256 + 256,
    }
    alpha = build_kernel("fmha-forward", quantum=1).graph.by_name["alpha.0"]
    assert [(row.unit, row.start, row.cycles) for row in alpha.usage] == [
        ("FP32", 0, 1),
        ("SFU", 1, 8),
    ]


def test_fmha_row_vectors_are_free_at_the_default_quantum() -> None:
    graph = build_kernel("fmha-forward").graph
    for name in ("m.0", "alpha.0", "l.1", "freeS.1"):
        op = graph.by_name[name]
        assert (op.usage, op.cycles, op.issue) == ((), 0, 0)


@pytest.mark.parametrize(("machine", "per_sub_tile"), [("hopper", 11), ("blackwell", 16)])
@pytest.mark.parametrize("sub_tiles", [1, 2])
def test_fmha_operations(machine: str, per_sub_tile: int, sub_tiles: int) -> None:
    graph = build_kernel("fmha-forward", machine, sub_tiles=sub_tiles).graph
    assert len(graph) == 2 + sub_tiles * per_sub_tile
    assert [op.name for op in graph if op.variable_latency] == ["K", "V"]
    assert not any(e.dst in ("K", "V") for e in graph.dependences)  # streaming


def test_fmha_blackwell_attributes() -> None:
    ops = build_kernel("fmha-forward", "blackwell").graph.by_name
    assert [ops[o].warps for o in ("K", "S.0", "O.1", "readS.0", "P.0")] == [1, 1, 1, 4, 4]
    assert [ops[o].issue for o in ("K", "S.0", "O.1", "readS.0", "P.0")] == [1, 1, 1, 1, 8]
    assert [ops[o].footprint.get("tmem") for o in ("S.0", "storeP.0", "O.0")] == [128, 64, 128]
    assert ops["V"].footprint == {"smem": 32768}
    registers = {o: ops[o].registers for o in ("S.0", "P.0", "convert.0", "m.0", "storeP.0")}
    assert registers == {"S.0": 0, "P.0": 16384, "convert.0": 8192, "m.0": 128, "storeP.0": 0}
    # written to and read from shared memory: 2 x 64 KB, 2 x 32 KB and 2 x 512 bytes at 128 B
    assert [ops[o].spill for o in ("P.0", "convert.0", "m.0", "storeP.0")] == [8, 4, 1, 0]


def test_fmha_hopper_keeps_accumulators_in_registers() -> None:
    ops = build_kernel("fmha-forward", "hopper").graph.by_name
    for name in ("S.0", "O.0"):
        assert (ops[name].warps, ops[name].issue, ops[name].registers) == (4, 1, 64 * 128)
        assert ops[name].footprint == {}


def test_fmha_carried_edges() -> None:
    def carried(machine: str) -> set[tuple[str, str, bool]]:
        edges = build_kernel("fmha-forward", machine, sub_tiles=1).graph.dependences
        assert all(e.distance in (0, 1) for e in edges)
        return {(e.src, e.dst, e.blocking) for e in edges if e.distance == 1}

    state = {("m", "m", False), ("m", "alpha", False), ("l", "l", False)}
    assert carried("hopper") == state | {("O", "rescaleO", True)}
    assert carried("blackwell") == state | {
        ("freeS", "S", True),
        ("O", "readO", True),
        ("O", "storeP", True),
        ("O", "O", False),
    }


@pytest.mark.parametrize(("name", "machine", "sub_tiles"), PLACES)
def test_readers_of_asynchronous_results_block(name: str, machine: str, sub_tiles: int) -> None:
    """Only the tensor core needs no wait for itself: it works in order."""
    graph = build_kernel(name, machine, sub_tiles=sub_tiles).graph
    for e in graph.dependences:
        src, dst = graph.by_name[e.src], graph.by_name[e.dst]
        if src.kind == dst.kind == "mma":
            assert not e.blocking, e
        elif src.kind in ("tma", "cp.async") or (src.kind == "mma" and machine != "ampere"):
            assert e.blocking, e


@pytest.mark.parametrize(("name", "machine", "sub_tiles"), PLACES)
def test_has_a_modulo_schedule(name: str, machine: str, sub_tiles: int) -> None:
    problem = build_kernel(name, machine, sub_tiles=sub_tiles)
    result = solve(problem, SearchOptions(stage="modulo", levels=("ii",)))
    assert result.status == "optimal" and result.schedule is not None
    verify(problem.graph, problem.machine, result.schedule)
    assert result.ii == max(result.mii.values())


@pytest.mark.parametrize(("name", "machine", "sub_tiles"), PLACES)
def test_operations_follow_the_machine(name: str, machine: str, sub_tiles: int) -> None:
    problem = build_kernel(name, machine, sub_tiles=sub_tiles)
    graph = problem.graph
    waiting = {e.dst for e in graph.dependences}
    for op in graph:
        assert -(-op.registers // op.warps) <= 32 * 255, op.name  # fits a warp
        assert op.splits == (sub_tiles == 1 and op.splits)
        if op.kind == "mma":
            assert (op.warps, op.issue == 1) == {
                "ampere": (4, False),
                "hopper": (4, True),
                "blackwell": (1, True),
            }[machine]
            assert (op.registers == 0) == (machine == "blackwell")
            assert op.footprint.keys() == ({"tmem"} if machine == "blackwell" else set())
        assert op.variable_latency == (op.kind == "tma")
        if op.kind in ("tma", "cp.async"):
            assert op.name not in waiting and op.footprint["smem"] > 0
            assert (op.kind == "tma") == (machine != "ampere")
        assert ("tmem" in op.kind) <= (machine == "blackwell")
        assert (op.spill > 0) == (op.registers > 0)


@pytest.mark.parametrize("name", ON_GPUS)
def test_measured_latencies_are_longer_than_the_units_are_busy(name: str) -> None:
    graph = build_kernel(name, "blackwell-measured").graph
    for op in graph:
        busy_until = max((row.end for row in op.usage), default=0)
        assert op.cycles > busy_until if op.kind in ("mma", "tma", "arrive") else True
        assert op.cycles >= busy_until
    for e in graph.dependences:
        src = graph.by_name[e.src]
        chained = src.kind == graph.by_name[e.dst].kind == "mma"
        assert e.delay == (src.usage[0].end if chained else src.cycles)


@pytest.mark.parametrize(
    ("name", "machine", "sub_tiles", "expected"),
    [
        # C 512; bias, relu 128 each, to 16 bit 256; readC 128; A, B, D 256 each; D staged 256
        (
            "gemm-epilogue",
            "blackwell",
            1,
            {"TC": 512, "FP32": 512, "TMEM": 128, "TMA": 768, "LSU": 256},
        ),
        # no staging, D from registers; on Ampere FP32 works at half the rate, conversions do not
        ("gemm-epilogue", "ampere", 1, {"TC": 2048, "FP32": 2 * 256 + 256, "LSU": 768}),
        # G, U; exp2, reciprocal; scale, plus, silu, H and to 16 bit; Wg, Wu, H
        (
            "gated-mlp",
            "blackwell",
            1,
            {"TC": 1024, "SFU": 2048, "FP32": 4 * 128 + 256, "TMEM": 256, "TMA": 768, "LSU": 256},
        ),
        # five products; P; 3 passes, 2 conversions; S, dP, dQ read, P stored; Q, dO, stats, dQ
        (
            "fmha-backward",
            "blackwell",
            1,
            {
                "TC": 5 * 512,
                "SFU": 1024,
                "FP32": 3 * 128 + 2 * 256,
                "TMEM": 3 * 128 + 64,
                "TMA": 2 * 256 + 8 + 512,
                "LSU": 256 + 512,
            },
        ),
        # two halves do the same work, and both share Q, dO and stats
        (
            "fmha-backward",
            "blackwell",
            2,
            {
                "TC": 5 * 512,
                "SFU": 1024,
                "FP32": 3 * 128 + 2 * 256,
                "TMEM": 3 * 128 + 64,
                "TMA": 2 * 256 + 8 + 512,
                "LSU": 256 + 512,
            },
        ),
        # 64 queries, 2 x 64 keys; dQ once
        (
            "fmha-backward",
            "hopper",
            2,
            {
                "TC": 5 * 512,
                "SFU": 512,
                "FP32": 3 * 64 + 2 * 128,
                "TMA": 2 * 128 + 4 + 256,
                "LSU": 128 + 256,
            },
        ),
        # 8 x 1024: widen, to 16 bit 128 each; 5 passes of 64; mean and rstd 1 each
        (
            "layer-norm",
            "hopper",
            1,
            {"FP32": 2 * 128 + 5 * 64 + 2, "SFU": 1, "LSU": 256, "TMA": 256},
        ),
        # A 64x64x128, intra 64x64x64, O and H 64x64x128 on 4096
        (
            "linear-attention",
            "blackwell",
            1,
            {
                "TC": 128 + 64 + 128 + 128,
                "SFU": 2 * 512 + 8,
                "FP32": 2 * (64 + 128) + (128 + 128) + 32 + 64 + 128 + 64 + 64,
                "TMEM": 32 + 16 + 64 + 64 + 32,
                "TMA": 2 * 128 + 256 + 64 + 64,
                "LSU": 2 * 128 + 256 + 3 * 128 + 128 + 64,
            },
        ),
    ],
)
def test_totals_in_clocks(
    name: str, machine: str, sub_tiles: int, expected: dict[str, int]
) -> None:
    assert busy(build_kernel(name, machine, sub_tiles=sub_tiles, quantum=1)) == expected


def carried(problem: Problem) -> set[tuple[str, str, int, bool]]:
    return {(e.src, e.dst, e.distance, e.blocking) for e in problem.graph.dependences if e.distance}


def test_backward_on_blackwell() -> None:
    problem = build_kernel("fmha-backward", "blackwell")
    ops = problem.graph.by_name
    assert carried(problem) == {
        ("dV", "dV", 1, False),
        ("dK", "dK", 1, False),
        ("freeS", "S", 1, True),
        ("freedP", "dP", 1, True),
        ("freedQ", "dQ", 1, True),
        ("dV", "storeP", 1, True),
    }
    columns = {name: op.footprint["tmem"] for name, op in ops.items() if "tmem" in op.footprint}
    assert columns == {"S": 128, "dP": 128, "dQ": 128, "dV": 128, "dK": 128, "storeP": 64}
    assert ops["stagedQ"].footprint == {"smem": 128 * 64 * 4}
    assert problem.machine.memories["smem"] == 227 * 1024 - 2 * 32768  # K and V
    assert [ops[name].warps for name in ("reducedQ", "stagedQ", "stats")] == [1, 4, 1]


def test_backward_sub_tiles_are_what_keeps_its_accumulators() -> None:
    """Queries with tensor memory, so that dV and dK are one product each; else keys, and dQ is."""
    for machine, shared in (("blackwell", {"dV", "dK"}), ("hopper", {"dQ"}), ("ampere", {"dQ"})):
        graph = build_kernel("fmha-backward", machine, sub_tiles=2).graph
        products = {op.name for op in graph if op.kind == "mma" and "." not in op.name}
        assert products == shared
    sources = {e.src for e in graph.dependences if e.dst == "dQ"}
    assert sources == {"stagedS.0", "stagedS.1"}


def test_backward_on_ampere_adds_from_registers() -> None:
    ops = build_kernel("fmha-backward", "ampere").graph.by_name
    assert (ops["reducedQ"].kind, ops["reducedQ"].warps) == ("global_reduce", 4)
    assert "stagedQ" not in ops


def test_epilogue_has_two_accumulators() -> None:
    assert carried(build_kernel("gemm-epilogue", "blackwell")) == {("freeC", "C", 2, True)}
    assert carried(build_kernel("gemm-epilogue", "hopper")) == set()


def test_rows_carry_nothing() -> None:
    assert carried(build_kernel("layer-norm", "blackwell")) == set()
    assert carried(build_kernel("gated-mlp", "blackwell")) == {
        ("freeG", "G", 1, True),
        ("freeU", "U", 1, True),
    }


def test_linear_attention_carries_its_state() -> None:
    assert carried(build_kernel("linear-attention", "hopper")) == {
        ("H", "convertH", 1, True),
        ("H", "rescaleH", 1, True),
    }
    assert carried(build_kernel("linear-attention", "blackwell")) == {
        ("H", "readH", 1, True),
        ("H", "H", 1, False),
        ("freeA", "A", 1, True),
        ("freeO", "intra", 1, True),
        ("intra", "storeA", 1, True),
    }


def test_fmha_leaves_the_loop_what_queries_do_not_take() -> None:
    """Q stays in shared memory: two sub-tiles of 128 x 128, or 64 x 128, 16-bit elements."""
    left = build_kernel("fmha-forward", "blackwell").machine.memories
    assert left == {"smem": blackwell().memories["smem"] - 65536, "tmem": 512}
    left = build_kernel("fmha-forward", "hopper").machine.memories
    assert left == {"smem": hopper().memories["smem"] - 32768}


@pytest.mark.parametrize(
    ("name", "machine", "options", "message"),
    [
        ("gem", None, {}, "kernel gem: no such kernel; choose from fig1, dot-product"),
        ("gemm", "tpu", {}, "machine tpu: .*; choose from ampere, hopper, blackwell"),
        ("gemm", "", {}, "choose from ampere"),
        ("fig1", "hopper", {}, "kernel fig1 has its own machine; leave out hopper"),
        ("fig1", None, {"quantum": 1}, "kernel fig1: no option quantum; leave it out"),
        ("gemm", None, {"split": 2}, "no option split; it has tile, sub_tiles, quantum"),
        ("gemm", None, {"dtype": "int3"}, "dtype int3: unknown; choose from fp32"),
        ("gemm", "a100", {"dtype": "fp8"}, "dtype fp8: ampere's tensor core lacks it"),
        ("layer-norm", None, {"tile": (8, 8, 8)}, "give two whole numbers M, N"),
        ("gemm", None, {"tile": (128, 0, 64)}, r"tile is \(128, 0, 64\); give three whole"),
        ("gemm", None, {"tile": (128, 128)}, "give three whole numbers M, N, K"),
        ("gemm", None, {"tile": (128, 128, 64.0)}, "give three whole numbers"),
        ("gemm", None, {"tile": (True, 128, 64)}, "give three whole numbers"),
        ("gemm", None, {"tile": 128}, "tile is 128; give three whole numbers"),
        ("gemm", None, {"tile": "128,128,64"}, "give three whole numbers"),
        ("gemm", None, {"tile": (10**9, 1, 1)}, "from 1 to 4096"),
        ("fmha-forward", None, {"tile": (-128, 128, 128)}, "three whole numbers M, N, D"),
        ("fmha-forward", None, {"sub_tiles": 0}, "sub_tiles is 0; give 1 or 2"),
        ("fmha-forward", None, {"sub_tiles": 3}, "sub_tiles is 3; give 1 or 2"),
        ("fmha-forward", None, {"sub_tiles": True}, "give 1 or 2"),
        ("fmha-forward", None, {"sub_tiles": 1.0}, "give 1 or 2"),
        ("fmha-forward", None, {"quantum": 0}, "quantum is 0; give clocks per model cycle"),
        ("fmha-forward", None, {"quantum": 0.5}, "quantum is 0.5; give clocks"),
        # A is 512 x 512 16-bit elements
        ("gemm", "ampere", {"tile": (512, 64, 512)}, "needs 524288 of smem for A, above .* 166912"),
        # two accumulators of 256 columns, and one S of 128
        ("fmha-forward", None, {"tile": (128, 128, 256)}, "needs 640 of tmem for O.0, O.1, S.0"),
        # Q is 2 x 64 KB, K another 128 KB
        (
            "fmha-forward",
            "hopper",
            {"tile": (64, 128, 512)},
            "needs 262144 of smem for tiles loaded before the loop, K, above .* 232448",
        ),
    ],
)
def test_refused(name: str, machine: str | None, options: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message) as caught:
        build_kernel(name, machine, **options)
    assert "\n" not in str(caught.value)


def test_only_what_cannot_fit_is_refused() -> None:
    """Two accumulators of 128 columns leave tensor memory for one S of 256 at a time."""
    assert build_kernel("fmha-forward", "blackwell", tile=(128, 256, 128))
    with pytest.raises(OptionError, match="needs 768 of tmem"):
        build_kernel("fmha-forward", "blackwell", tile=(128, 512, 128))
