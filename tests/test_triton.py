"""Triton kernels, compiled without a GPU; skipped where Triton is not installed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from isomorphism import differences

from twill_ilp import OptionError
from twill_ilp.frontends import read_ttgir
from twill_ilp.frontends.triton import compile_ir, read_triton

EXAMPLES = Path(__file__).parent.parent / "examples" / "triton"


@pytest.fixture
def arguments(monkeypatch: pytest.MonkeyPatch) -> Any:
    """What the examples are compiled with."""
    pytest.importorskip("triton")
    # Triton 3.9 warns unless it is told.
    monkeypatch.setenv("TRITON_DEFAULT_FP_FUSION", "1")
    monkeypatch.syspath_prepend(str(EXAMPLES))
    for name in ("kernels", "compile"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    import compile  # type: ignore[import-not-found]

    return compile.ARGUMENTS


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("machine", ["hopper", "blackwell"])
@pytest.mark.parametrize("stage", ["ttir", "ttgir"])
@pytest.mark.parametrize("name", ["gemm", "attention"])
def test_the_committed_text_is_what_the_kernels_give(
    name: str, stage: Any, machine: str, arguments: Any
) -> None:
    kernel, signature, constants = arguments[name]
    file = f"{name}.ttir" if stage == "ttir" else f"{name}-{machine}.ttgir"
    fresh = read_triton(kernel, signature, constants, machine=machine, stage=stage)
    committed = read_ttgir(EXAMPLES / file, machine=machine)
    assert differences(fresh.problem.graph, committed.problem.graph) == []
    assert fresh.problem.name == name
    assert not fresh.warnings


@pytest.mark.filterwarnings("ignore")
def test_the_loop_is_named_by_its_line_in_the_kernel(arguments: Any) -> None:
    kernel, signature, constants = arguments["gemm"]
    lines = (EXAMPLES / "kernels.py").read_text().split("\n")
    line = next(i for i, text in enumerate(lines, start=1) if "for k in range" in text)
    read_triton(kernel, signature, constants, loop=f"line:{line}")


@pytest.mark.filterwarnings("ignore")
def test_what_triton_refuses_is_one_line(arguments: Any) -> None:
    kernel, signature, constants = arguments["gemm"]
    with pytest.raises(OptionError, match="Triton does not compile the kernel") as caught:
        compile_ir(kernel, {**signature, "a_desc": "fp32"}, constants)
    assert "\n" not in str(caught.value)


def test_a_missing_triton_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "triton", None)
    with pytest.raises(OptionError, match=r"pip install 'twill-ilp\[triton\]'"):
        compile_ir(None, {})
