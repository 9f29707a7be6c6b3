"""The reader of TTIR and TTGIR, on kernels of our own."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from isomorphism import differences, without_operation
from mutations import mutant

from twill_ilp import InvalidIRError, OptionError, SearchOptions, build_kernel, solve, verify
from twill_ilp.frontends import RULES, Reading, ddg_reading, parse_ttgir, read_ttgir
from twill_ilp.graph import LoopGraph
from twill_ilp.machine import Machine, blackwell
from twill_ilp.rules import Rules

ROOT = Path(__file__).parent.parent
IR = ROOT / "tests" / "data" / "ir"
EXAMPLES = ROOT / "examples" / "triton"
SAMPLES = sorted([*IR.glob("*.tt*ir"), *EXAMPLES.glob("*.tt*ir")])


def read(name: str, **options: Any) -> Reading:
    return read_ttgir(IR / name, **options)


def kinds(graph: LoopGraph) -> Counter[str]:
    return Counter(op.kind for op in graph)


def carried(graph: LoopGraph) -> Counter[tuple[str, str]]:
    return Counter(
        (graph.by_name[e.src].kind, graph.by_name[e.dst].kind)
        for e in graph.dependences
        if e.distance
    )


def test_attention_has_all_its_parts() -> None:
    reading = read("attention.ttgir", strict=True)
    graph = reading.problem.graph
    found = kinds(graph)
    assert found["tt.descriptor_load"] == found["ttng.tc_gen5_mma"] == 2
    assert found["tt.reduce"] == found["math.exp2"] == found["ttng.tmem_load"] == 2
    assert found["ttng.tmem_store"] == found["ttng.tmem_alloc"] == 1
    assert carried(graph) == Counter(
        {
            ("arith.maxnumf", "arith.maxnumf"): 1,  # m
            ("arith.maxnumf", "arith.subf"): 1,  # m in alpha
            ("arith.addf", "arith.mulf"): 1,  # l
            ("arrive", "ttng.tc_gen5_mma"): 1,  # the buffer of S
            ("ttng.tc_gen5_mma", "ttng.tmem_load"): 1,  # O
        }
    )
    assert {reason for _, _, reason in reading.dropped} == {"view", "allocation"}
    assert not reading.warnings


def test_attention_has_what_the_joint_problem_needs() -> None:
    problem = read("attention.ttgir", quantum=1).problem
    ops = problem.graph.by_name
    load, product, s, p = ops["k"], ops["s_17"], ops["s_18"], ops["o_33"]
    assert (load.warps, load.issue, load.variable_latency) == (1, 1, True)
    assert (load.registers, load.footprint) == (0, {"smem": 64 * 128 * 2})
    assert (product.warps, product.issue, product.cycles) == (1, 1, 128 * 64 * 128 // 4096)
    assert (s.warps, s.registers, s.issue, s.spill) == (4, 128 * 64, 64, 2 * 128 * 64 * 4 // 128)
    assert p.footprint == {"tmem": 32}
    blocking = {(e.src, e.dst) for e in problem.graph.dependences if e.blocking}
    assert ("k", "s_17") in blocking and ("s_17", "s_18") in blocking
    assert ("o_33", "o_40") in blocking and ("s_18.free", "s_17") in blocking
    # Q, and the buffers of S and O, are allocated before the loop
    free = blackwell().memories
    assert problem.machine.memories == {
        "smem": free["smem"] - 128 * 128 * 2,
        "tmem": free["tmem"] - 64 - 128,
    }


def test_a_modulo_schedule_is_found_and_verified() -> None:
    problem = read("attention.ttgir").problem
    result = solve(problem, SearchOptions(stage="modulo"))
    assert (result.status, result.ii) == ("optimal", 20)
    assert result.schedule is not None
    verify(problem.graph, problem.machine, result.schedule)


def test_a_joint_schedule_is_found_and_verified() -> None:
    problem = read("two_phase.ttgir", loop=0).problem
    result = solve(problem)
    assert (result.status, result.ii) == ("optimal", 2)
    assert result.schedule is not None and result.schedule.group is not None
    verify(problem.graph, problem.machine, result.schedule, Rules())
    loads = [op.name for op in problem.graph if op.variable_latency]
    assert len(loads) == 2 and {result.schedule.group[name] for name in loads} == {0}


def test_backward_reads_five_products() -> None:
    graph = read("backward.ttgir", strict=True).problem.graph
    found = kinds(graph)
    assert (found["ttng.tc_gen5_mma"], found["math.exp2"], found["tt.load"]) == (5, 1, 2)
    assert found["tt.descriptor_reduce"] == found["ttg.local_alloc"] == 1
    assert carried(graph) == Counter(
        {("ttng.tc_gen5_mma", "ttng.tc_gen5_mma"): 2, ("arrive", "ttng.tc_gen5_mma"): 3}
    )


def test_layer_norm_reads_its_tile_from_shared_memory() -> None:
    graph = read("layer_norm.ttgir", strict=True).problem.graph
    assert kinds(graph)["tt.reduce"] == 2 and not carried(graph)
    loads = {e.dst for e in graph.dependences if e.src == "x_7"}
    assert loads == {"x_7.read"}
    assert graph.by_name["x_7"].registers == 0 and graph.by_name["x_7.read"].registers == 2048


def test_one_of_several_loops_must_be_chosen() -> None:
    with pytest.raises(InvalidIRError, match=r"two_phase\.ttgir:41: 2 loops fit.*0 \(line 41\)"):
        read("two_phase.ttgir")
    first, second = (read("two_phase.ttgir", loop=i).problem.graph for i in (0, 1))
    assert not differences(first, second)
    by_line = read("two_phase.ttgir", loop="line:55").problem.graph
    assert by_line == second
    with pytest.raises(InvalidIRError, match="no loop fits"):
        read("two_phase.ttgir", loop=2)


def test_the_loop_is_found_by_its_line_in_the_source() -> None:
    text = (IR / "two_phase.ttgir").read_text()
    lines = text.split("\n")
    end = next(i for i, line in enumerate(lines) if i > 54 and line.strip().startswith("} loc("))
    alias = lines[end].rpartition("(")[2].rstrip(")")
    lines.append(f'{alias} = loc("c"("kernel.py":7:5))')
    chosen = parse_ttgir("\n".join(lines), loop="line:7")
    assert chosen.subject.startswith("loop 1 ")


def test_innermost_loop_of_a_persistent_kernel() -> None:
    reading = read("persistent.ttgir")
    assert reading.subject.startswith("loop 1 ")
    assert kinds(reading.problem.graph)["ttng.tc_gen5_mma"] == 1
    with pytest.raises(InvalidIRError, match="another loop inside, in line 45"):
        read("persistent.ttgir", loop=0)


def test_a_branch_in_the_loop_is_refused_with_its_line() -> None:
    with pytest.raises(InvalidIRError, match=r"branch\.ttgir:24: scf\.if in the loop") as caught:
        read("branch.ttgir")
    assert caught.value.line == 24


LOOP = """\
#smem = #ttg.shared_memory
module attributes {{ttg.target = "cuda:90", "ttg.num-warps" = 8 : i32}} {{
  tt.func @f(%n: i32, %x: tensor<64x64xf32>, %b: !ttg.memdesc<2x64x64xf16, #s, #smem, mutable>) {{
    scf.for %i = %n to %n step %n iter_args(%c = %x) -> (tensor<64x64xf32>) : i32 {{
      {}
      scf.yield %y : tensor<64x64xf32>
    }}
    tt.return
  }}
}}
"""
ADD = "%y = arith.addf %c, %x : tensor<64x64xf32>"


def loop(*statements: str, **options: Any) -> Reading:
    return parse_ttgir(LOOP.format("\n      ".join(statements)), **options)


def test_a_minimal_loop() -> None:
    reading = loop(ADD)
    (op,) = reading.problem.graph.operations
    assert (op.name, op.kind, op.warps, op.registers) == ("y", "arith.addf", 8, 4096)
    assert reading.problem.machine.name == "hopper"
    assert [(e.src, e.dst, e.distance) for e in reading.problem.graph.dependences] == [
        ("y", "y", 1)
    ]


def test_a_buffer_is_held_until_its_last_read() -> None:
    """The second read follows from the first, but the buffer must live until then."""
    memory = "!ttg.memdesc<64x64xf32, #s, #smem, mutable>"
    graph = loop(
        f"%m = ttg.local_alloc : () -> {memory}",
        f"ttg.local_store %c, %m : tensor<64x64xf32> -> {memory}",
        f"%r = ttg.local_load %m : {memory} -> tensor<64x64xf32>",
        "%e = math.exp2 %r : tensor<64x64xf32>",
        f"%o = my.op %e, %m : tensor<64x64xf32>, {memory} -> tensor<64x64xf32>",
        "%y = arith.addf %o, %r : tensor<64x64xf32>",
    ).problem.graph
    store = next(op for op in graph if op.kind == "ttg.local_store")
    assert store.footprint == {"smem": 64 * 64 * 4}
    assert {e.dst for e in graph.dependences if e.src == store.name} == {"r", "o"}


def test_unknown_operations_cost_nothing_but_a_warning() -> None:
    unknown = "%z = tt.histogram %c : tensor<64x64xf32> -> tensor<64x64xf32>"
    reading = loop(unknown, "%y = arith.addf %z, %x : tensor<64x64xf32>")
    assert reading.problem.graph.by_name["z"].cycles == 0
    assert reading.warnings == [
        "line 5: tt.histogram is not known, so its cost is unknown and counted as 0"
    ]
    with pytest.raises(InvalidIRError, match=r"line 5: tt\.histogram is not known"):
        loop(unknown, "%y = arith.addf %z, %x : tensor<64x64xf32>", strict=True)


@pytest.mark.parametrize(
    ("statements", "line", "message"),
    [
        (["%y = arith.addf %q, %x : tensor<64x64xf32>"], 5, "%q is not defined"),
        ([ADD, ADD], 6, "%y is defined twice"),
        (["%z = arith.addf %c, %x : tensor<64x64xf32>"], 6, "%y is not defined"),
        (["hello world"], 6, "%y is not defined"),
        (["%%%"], 5, "is no operation"),
        (['%y = "x y"(%c) : (f32) -> f32'], 5, "is no operation's name"),
        (['%y = tt.load "abc'], 5, "a string does not end"),
        ([ADD, "}"], 11, "a brace closes what no brace opened"),
        ([ADD, "scf.if %n {"], 12, "is not closed"),
        ([ADD, "scf.if %n {", "}"], 6, "scf.if in the loop"),
        ([ADD, "scf.while : () -> () {", "}"], 4, "another loop inside, in line 6"),
        ([ADD, "ttng.warp_group_dot_wait %y {pendings = 1 : i32} : f32"], 6, "already pipelined"),
        (
            [ADD, "%s = ttg.memdesc_index %b[%i] : !ttg.memdesc<2x64x64xf16, #s, #smem, mutable>"
             " -> !ttg.memdesc<64x64xf16, #s, #smem, mutable>",
             "ttg.local_store %y, %s : tensor<64x64xf32> -> !ttg.memdesc<64x64xf16, #s, #smem>"],
            6,
            "chooses a buffer while the loop runs",
        ),
        (["%y = arith.addf %c, %x : tensor<999999999x64xf32>"], 5, "is no tile"),
        ([ADD, "%d = tt.dot %x, %n, %x : f32 * f32 -> tensor<64x64xf32>"], 6, "no two extents"),
    ],
)  # fmt: skip
def test_errors_name_line_and_reason(statements: list[str], line: int, message: str) -> None:
    with pytest.raises(InvalidIRError, match=message) as caught:
        loop(*statements)
    assert caught.value.line == line
    assert "\n" not in str(caught.value)


def test_partitions_of_warp_specialized_kernels_are_refused() -> None:
    text = """\
tt.func @f(%n: i32, %x: tensor<64x64xf32>) {
  ttg.warp_specialize(%n)
  default {
    ttg.warp_yield
  }
  partition0(%m: i32) num_warps(4) {
    scf.for %i = %m to %m step %m : i32 {
      %y = math.exp2 %x : tensor<64x64xf32>
    }
    ttg.warp_return
  } : (i32) -> ()
  tt.return
}
"""
    with pytest.raises(InvalidIRError, match=r"line 7: .* partition of the .* of line 2") as caught:
        parse_ttgir(text, machine="blackwell")
    assert caught.value.line == 7


def test_the_machine_must_be_known() -> None:
    text = (EXAMPLES / "gemm.ttir").read_text()
    with pytest.raises(InvalidIRError, match="no target in the text; give --machine"):
        parse_ttgir(text)
    with pytest.raises(InvalidIRError, match="target hip:gfx942 is not known"):
        parse_ttgir((IR / "attention.ttgir").read_text().replace("cuda:100", "hip:gfx942"))
    with pytest.raises(OptionError, match="no throughputs known"):
        parse_ttgir(text, machine=Machine("toy", {"TC": 1}))
    small = Machine("blackwell", {"TC": 1}, {"smem": 1000})
    with pytest.raises(InvalidIRError, match="tiles from before the loop take 32768 of smem"):
        read("attention.ttgir", machine=small)


def test_pipelined_hopper_text_is_read_before_the_pipeliner() -> None:
    graph = read_ttgir(EXAMPLES / "attention-hopper.ttgir", strict=True).problem.graph
    found = kinds(graph)
    assert found["ttng.warp_group_dot"] == found["ttng.async_tma_copy_global_to_local"] == 2
    assert carried(graph)[("ttng.warp_group_dot", "arith.mulf")] == 1
    assert "ttng.wait_barrier" not in found


def test_older_descriptors_and_narrow_types() -> None:
    """Eight-bit operands run at twice the rate; a scalar load is a load like others."""
    text = """\
#tmem = #ttng.tensor_memory_encoding<blockM = 128, blockN = 128, colStride = 1>
#smem = #ttg.shared_memory
module attributes {"ttg.num-warps" = 8 : i32, ttg.target = "cuda:100"} {
  tt.func public @scaled(%d: !tt.tensordesc<tensor<128x64xf8E4M3FN, #s>> loc("d"(#loc)), %p: !tt.ptr<f32>, %w: !ttg.memdesc<64x128xf8E4M3FN, #s, #smem>, %n: i32) attributes {noinline = false} {
    %cst = arith.constant dense<0.0> : tensor<128x128xf32, #l>
    %true = arith.constant true
    %false = arith.constant false
    %t, %tok = ttng.tmem_alloc : () -> (!ttg.memdesc<128x128xf32, #tmem, #ttng.tensor_memory, mutable>, !ttg.async.token)
    %r:2 = scf.for %i = %n to %n step %n iter_args(%acc = %cst, %u = %tok) -> (tensor<128x128xf32, #l>, !ttg.async.token)  : i32 {
      %x = tt.descriptor_load %d[%i, %i] : !tt.tensordesc<tensor<128x64xf8E4M3FN, #s>> -> tensor<128x64xf8E4M3FN, #b>
      %a = ttg.local_alloc %x : (tensor<128x64xf8E4M3FN, #b>) -> !ttg.memdesc<128x64xf8E4M3FN, #s, #smem>
      %m = ttng.tc_gen5_mma %a, %w, %t[%u], %false, %true {tt.self_latency = 0 : i32} : !ttg.memdesc<128x64xf8E4M3FN, #s, #smem>, !ttg.memdesc<64x128xf8E4M3FN, #s, #smem>, !ttg.memdesc<128x128xf32, #tmem, #ttng.tensor_memory, mutable>
      %q = tt.addptr %p, %i : !tt.ptr<f32>, i32
      %s = tt.load %q : !tt.ptr<f32>
      %f = tt.splat %s : f32 -> tensor<128x128xf32, #l>
      %v, %o = ttng.tmem_load %t[%m] : !ttg.memdesc<128x128xf32, #tmem, #ttng.tensor_memory, mutable> -> tensor<128x128xf32, #l>
      %g = arith.mulf %v, %f : tensor<128x128xf32, #l>
      %z = arith.addf %acc, %g : tensor<128x128xf32, #l>
      scf.yield %z, %o : tensor<128x128xf32, #l>, !ttg.async.token
    } {tt.warp_specialize}
    tt.return
  }
}
"""  # noqa: E501
    problem = parse_ttgir(text, strict=True, quantum=1).problem
    ops = problem.graph.by_name
    assert ops["m"].cycles == 128 * 128 * 64 // 8192
    assert ops["x"].footprint == {"smem": 128 * 64}
    assert ops["v"].warps == 8
    assert problem.machine.memories["tmem"] == 512 - 128
    assert problem.machine.memories["smem"] == blackwell().memories["smem"] - 64 * 128
    edges = {(e.src, e.dst, e.distance) for e in problem.graph.dependences}
    assert {("s", "g", 0), ("v.free", "m", 1), ("z", "z", 1)} <= edges


@pytest.mark.parametrize("machine", ["ampere", "hopper", "blackwell"])
def test_the_gemm_example_is_the_gemm_kernel(machine: str) -> None:
    kernel = build_kernel("gemm", machine, tile=(128, 128, 128))
    read_ = read_ttgir(EXAMPLES / "gemm.ttir", machine=machine).problem
    assert differences(kernel.graph, read_.graph) == []
    assert kernel.machine == read_.machine


def test_pointer_loads_on_ampere_are_the_gemm_kernel() -> None:
    kernel = build_kernel("gemm", "ampere", tile=(128, 128, 64))
    assert differences(kernel.graph, read("pointers.ttir", machine="ampere").problem.graph) == []


@pytest.mark.parametrize("machine", ["hopper", "blackwell"])
def test_the_attention_example_is_the_attention_kernel(machine: str) -> None:
    """Three differences: the kernel counts a product and a sum as one instruction, as the rule
    ``multiply-add`` does; scales the row maximum within ``m``; and subtracts within ``alpha``.
    """
    kernel = build_kernel("fmha-forward", machine, tile=(128, 128, 128), sub_tiles=1, quantum=64)
    read_ = read_ttgir(
        EXAMPLES / "attention.ttir", machine=machine, quantum=64, also=["multiply-add"]
    ).problem
    graph = read_.graph
    for vector in ("m_new_6", "alpha"):
        graph = without_operation(graph, vector)
    assert differences(kernel.graph, graph) == []
    assert kernel.machine == read_.machine


def test_a_dump_of_the_same_kernel_agrees() -> None:
    names = ["tt.descriptor_load", "ttg.local_alloc"] * 2 + ["ttng.tc_gen5_mma"]
    tile, memory = "tensor<128x64xf16, #b>", "!ttg.memdesc<128x64xf16, #s, #ttg.shared_memory>"
    types = [tile, memory, tile, memory, "!ttg.async.token"]
    units = [("TMA", 96, 556), ("NONE", 0, 0)] * 2 + [("TC", 256, 559)]
    nodes = [
        {"id": i, "op_kind": kind, "op_ref": f"op{i}", "pipeline": unit, "occupancy": busy,
         "latency": latency, "min_warps": 1}
        for i, (kind, (unit, busy, latency)) in enumerate(zip(names, units, strict=True))
    ]  # fmt: skip
    ends = [(0, 1, 556, 0), (2, 3, 556, 0), (1, 4, 0, 0), (3, 4, 0, 0), (4, 4, 256, 1)]
    edges = [dict(zip(("src", "dst", "latency", "distance"), e, strict=True)) for e in ends]
    ops = {f"op{i}": {"result_types": [t], "operands": []} for i, t in enumerate(types)}
    loops = [{"loop_id": 0, "ddg": {"nodes": nodes, "edges": edges}}]
    dump = ddg_reading({"schema_version": "ddg-0.1", "ops": ops, "loops": loops}).problem.graph
    text = read("two_phase.ttgir", loop=0).problem.graph
    assert kinds(dump) == kinds(text)
    assert carried(dump) == carried(text)
    assert sorted(e.blocking for e in dump.dependences) == sorted(
        e.blocking for e in text.dependences
    )
    assert [op.footprint for op in dump] == [op.footprint for op in text]


READABLE = [path for path in SAMPLES if path.stem not in ("branch", "two_phase")]


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_can_be_switched(rule: str) -> None:
    """Every sample is read either way, and for some the two problems differ."""
    differ = False
    for path in READABLE:
        for machine in ("ampere", "hopper", "blackwell") if path.suffix == ".ttir" else (None,):
            on = read_ttgir(path, machine=machine, also=[rule], quantum=8).problem
            off = read_ttgir(path, machine=machine, without=[rule], quantum=8).problem
            differ |= on != off
    assert differ


def test_an_unknown_rule_is_an_error() -> None:
    with pytest.raises(OptionError, match="rule magic: no such rule; choose from addresses"):
        loop(ADD, without=["magic"])


def check_mutants(seeds: range) -> None:
    """Whatever is damaged: read it, or refuse it in one line with a number, and soon."""
    texts = [path.read_text() for path in SAMPLES]
    for seed in seeds:
        text = mutant(texts[seed % len(texts)], seed)
        begin = time.perf_counter()
        try:
            parse_ttgir(
                text, machine=(None, "blackwell", "hopper")[seed % 3], loop=(None, 0)[seed % 2]
            )
        except InvalidIRError as e:
            assert e.line >= 1 and "\n" not in str(e), seed
        assert time.perf_counter() - begin < 2, seed


def test_damaged_text() -> None:
    check_mutants(range(400))


@pytest.mark.slow
def test_damaged_text_at_length() -> None:
    check_mutants(range(400, 5400))


HEAD = "module {\n  tt.func @f(%p: i32) {\n"
NONSENSE = {
    "quotes": '"\\"' * 333_333,
    "values": "%a, " * 250_000,
    "braces": "a {\n" * 250_000,
    "closed": HEAD + "scf.for %i = %p to %p step %p {\n}\n" * 25_000,
    "brackets": HEAD
    + "scf.for %i = %p to %p step %p {\n%a = foo.bar %p : "
    + "tensor<" * 140_000
    + "\n}\n}\n}",
    "results": HEAD + "%a:999999999 = foo.bar\n",
    "digits": HEAD + "scf.for %i = %p to %p step %p {\n%a = foo.bar %p : tensor<" + "9" * 10**6,
    "carried": HEAD
    + "scf.for %i = %p to %p step %p iter_args("
    + ", ".join(f"%q{i} = %p" for i in range(60_000))
    + ") -> () {\n}\n}\n}",
    "zeros": "\0" * 10**6,
}


@pytest.mark.parametrize("kind", NONSENSE)
def test_a_megabyte_of_nonsense(kind: str) -> None:
    begin = time.perf_counter()
    with pytest.raises(InvalidIRError):
        parse_ttgir(NONSENSE[kind], machine="blackwell", strict=True)
    assert time.perf_counter() - begin < 2


def test_files_are_named(tmp_path: Path) -> None:
    path = tmp_path / "no.ttgir"
    with pytest.raises(OptionError.__base__ or Exception, match=r"no\.ttgir: cannot be read"):
        read_ttgir(path)
    path.write_bytes(b"module {\n\xff")
    with pytest.raises(InvalidIRError, match=r"no\.ttgir:2: not UTF-8 text"):
        read_ttgir(path)
