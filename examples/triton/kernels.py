"""Triton kernels of this package's examples: a matrix product and attention forward.

They use tensor descriptors, so that loads are TMA loads from Hopper on.  The front end
``twill_ilp.frontends.triton``
compiles them without a GPU; ``python examples/triton/compile.py`` writes the IR next to this file.
"""

import triton
import triton.language as tl


@triton.jit
def gemm(a_desc, b_desc, c_desc, K, BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr):
    """One BM x BN tile of C = A @ B."""
    row = tl.program_id(0) * BM
    column = tl.program_id(1) * BN
    c = tl.zeros((BM, BN), dtype=tl.float32)
    for k in range(0, K, BK):
        a = a_desc.load([row, k])
        b = b_desc.load([k, column])
        c = tl.dot(a, b, c)
    c_desc.store([row, column], c.to(tl.float16))


@triton.jit
def attention(
    q_desc, k_desc, v_desc, o_desc, scale, N, BM: tl.constexpr, BN: tl.constexpr, D: tl.constexpr
):
    """BM rows of O = softmax(Q @ K.T * scale) @ V, with the softmax in base 2."""
    row = tl.program_id(0) * BM
    q = q_desc.load([row, 0])
    m = tl.full((BM,), float("-inf"), dtype=tl.float32)
    l = tl.zeros((BM,), dtype=tl.float32)  # noqa: E741
    o = tl.zeros((BM, D), dtype=tl.float32)
    for j in range(0, N, BN):
        k = k_desc.load([j, 0])
        s = tl.dot(q, k.T)
        m_new = tl.maximum(m, tl.max(s, 1) * scale)
        alpha = tl.exp2(m - m_new)
        p = tl.exp2(s * scale - m_new[:, None])
        l = l * alpha + tl.sum(p, 1)  # noqa: E741
        v = v_desc.load([j, 0])
        o = tl.dot(p.to(tl.float16), v, o * alpha[:, None])
        m = m_new
    o_desc.store([row, 0], (o / l[:, None]).to(tl.float16))
