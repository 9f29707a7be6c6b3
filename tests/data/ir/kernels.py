"""The kernels behind the IR in this folder, written for these tests.

The ``.ttgir`` files are Triton's TTGIR for Blackwell after the pass that puts the left operands
of products into tensor memory, and before the pipeliner; locations of files are removed.
"""

import triton
import triton.language as tl


@triton.jit
def attention(q_desc, k_desc, v_desc, o_desc, scale, N, M: tl.constexpr, D: tl.constexpr):
    """Attention forward with 64 keys per iteration."""
    row = tl.program_id(0) * M
    q = q_desc.load([row, 0])
    m = tl.full((M,), float("-inf"), dtype=tl.float32)
    l = tl.zeros((M,), dtype=tl.float32)  # noqa: E741
    o = tl.zeros((M, D), dtype=tl.float32)
    for j in range(0, N, 64):
        k = k_desc.load([j, 0])
        v = v_desc.load([j, 0])
        s = tl.dot(q, k.T)
        m_new = tl.maximum(m, tl.max(s, 1) * scale)
        alpha = tl.exp2(m - m_new)
        p = tl.exp2(s * scale - m_new[:, None])
        l = l * alpha + tl.sum(p, 1)  # noqa: E741
        o = tl.dot(p.to(tl.float16), v, o * alpha[:, None])
        m = m_new
    o_desc.store([row, 0], (o / l[:, None]).to(tl.float16))


@triton.jit
def backward(
    q_desc, k_desc, v_desc, do_desc, dq_desc, dk_desc, dv_desc, lse, delta, N, D: tl.constexpr
):
    """Attention backward in a single pass: five products, dQ is reduced in global memory."""
    column = tl.program_id(0) * 128
    k = k_desc.load([column, 0])
    v = v_desc.load([column, 0])
    dk = tl.zeros((128, D), dtype=tl.float32)
    dv = tl.zeros((128, D), dtype=tl.float32)
    rows = tl.arange(0, 64)
    for i in range(0, N, 64):
        q = q_desc.load([i, 0])
        do = do_desc.load([i, 0])
        p = tl.exp2(tl.dot(k, q.T) * 1.44 - tl.load(lse + i + rows)[None, :])
        dp = tl.dot(v, do.T)
        dv = tl.dot(p.to(tl.float16), do, dv)
        ds = (p * (dp - tl.load(delta + i + rows)[None, :])).to(tl.float16)
        dq_desc.atomic_add([i, 0], tl.dot(ds.T, k).to(tl.float16))
        dk = tl.dot(ds, q, dk)
    dk_desc.store([column, 0], dk.to(tl.float16))
    dv_desc.store([column, 0], dv.to(tl.float16))


@triton.jit
def layer_norm(x_desc, y_desc, weight, rows, eps, N: tl.constexpr):
    """Rows of 8 x N; the loop is over tiles of rows."""
    w = tl.load(weight + tl.arange(0, N)).to(tl.float32)
    for tile in range(tl.program_id(0), rows // 8, tl.num_programs(0)):
        x = x_desc.load([tile * 8, 0]).to(tl.float32)
        mean = tl.sum(x, 1) / N
        variance = tl.sum(x * x, 1) / N - mean * mean
        rstd = 1.0 / tl.sqrt(variance + eps)
        y_desc.store(
            [tile * 8, 0], ((x - mean[:, None]) * rstd[:, None] * w[None, :]).to(tl.float16)
        )


@triton.jit
def two_phase(a_desc, b_desc, c_desc, d_desc, K):
    """Two matrix products after each other: two innermost loops."""
    row = tl.program_id(0) * 128
    c = tl.zeros((128, 128), dtype=tl.float32)
    for k in range(0, K, 64):
        c = tl.dot(a_desc.load([row, k]), b_desc.load([k, 0]), c)
    c_desc.store([row, 0], c.to(tl.float16))
    d = tl.zeros((128, 128), dtype=tl.float32)
    for k in range(0, K, 64):
        d = tl.dot(a_desc.load([row, k]), b_desc.load([k, 128]), d)
    d_desc.store([row, 0], d.to(tl.float16))


@triton.jit
def persistent(a_desc, b_desc, c_desc, bias, tiles, K):
    """A loop over tiles around the loop over K, with a branch behind it."""
    for tile in range(tl.program_id(0), tiles, tl.num_programs(0)):
        c = tl.zeros((128, 128), dtype=tl.float32)
        for k in range(0, K, 64):
            c = tl.dot(a_desc.load([tile * 128, k]), b_desc.load([k, 0]), c)
        if tile % 2 == 0:
            tl.store(bias + tl.arange(0, 128), tl.sum(c, 0))
        c_desc.store([tile * 128, 0], c.to(tl.float16))


@triton.jit
def branch(a_desc, c_desc, K):
    """A branch in the only loop."""
    total = tl.zeros((128, 64), dtype=tl.float32)
    for k in range(0, K, 64):
        if k % 128 == 0:
            total += a_desc.load([0, k]).to(tl.float32)
        else:
            total -= a_desc.load([64, k]).to(tl.float32)
    c_desc.store([0, 0], total.to(tl.float16))


@triton.jit
def pointers(a, b, c, K, stride):
    """A matrix product by pointers that move with the loop."""
    rows = tl.arange(0, 128)
    ks = tl.arange(0, 64)
    a_at = a + rows[:, None] * stride + ks[None, :]
    b_at = b + ks[:, None] * stride + rows[None, :]
    total = tl.zeros((128, 128), dtype=tl.float32)
    for _ in range(0, K, 64):
        total = tl.dot(tl.load(a_at), tl.load(b_at), total)
        a_at += 64
        b_at += 64 * stride
    tl.store(c + rows[:, None] * stride + rows[None, :], total.to(tl.float16))
