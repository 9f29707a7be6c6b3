"""Write the IR of the example kernels, as the tests read it: ``python examples/triton/compile.py``.

Needs the extra ``triton``, and no GPU.
"""

import sys
from pathlib import Path

from twill_ilp.frontends.triton import compile_ir

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from kernels import attention, gemm  # noqa: E402

TILE = "tensordesc<fp16[128,128]>"
ARGUMENTS = {
    "gemm": (
        gemm,
        {"a_desc": TILE, "b_desc": TILE, "c_desc": TILE, "K": "i32"},
        {"BM": 128, "BN": 128, "BK": 128},
    ),
    "attention": (
        attention,
        {
            "q_desc": TILE,
            "k_desc": TILE,
            "v_desc": TILE,
            "o_desc": TILE,
            "scale": "fp32",
            "N": "i32",
        },
        {"BM": 128, "BN": 128, "D": 128},
    ),
}
"""Kernel, signature and constants of each example."""


def main() -> None:
    """Compile every example for Hopper and Blackwell."""
    for name, (kernel, signature, constants) in ARGUMENTS.items():
        for machine in ("hopper", "blackwell"):
            for stage in ("ttir", "ttgir"):
                text = compile_ir(kernel, signature, constants, machine=machine, stage=stage)
                # TTIR is the same for every machine.
                file = f"{name}.ttir" if stage == "ttir" else f"{name}-{machine}.ttgir"
                (HERE / file).write_text(text)


if __name__ == "__main__":
    main()
