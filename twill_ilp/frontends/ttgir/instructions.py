"""What the operations of TTIR and TTGIR do, as far as a schedule of tiles cares.

Operations are from Triton's documentation of its dialects, https://triton-lang.org/main/dialects/
(``tt``, ``ttg``, ``ttng``), and from MLIR's ``arith`` and ``math``, https://mlir.llvm.org/docs/Dialects/.
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["FOLDED_REGIONS", "MEMORY_VIEWS", "ROLES"]

FOLDED_REGIONS = frozenset({"tt.reduce", "tt.scan", "tt.map_elementwise"})
"""Operations whose region says what happens per element, and is folded into one operation."""

_BY_ROLE: Mapping[str, str] = {
    "constant": "arith.constant tt.make_range tt.get_program_id tt.get_num_programs ub.poison",
    "view": (
        "tt.expand_dims tt.broadcast tt.splat tt.unsplat tt.trans tt.reshape tt.bitcast "
        "arith.bitcast ttg.memdesc_trans ttg.memdesc_reshape ttg.memdesc_reinterpret "
        "ttg.memdesc_index ttg.memdesc_subview ttg.memdesc_subslice ttng.tmem_subslice"
    ),
    "layout": "ttg.convert_layout",
    "sync": (
        "ttng.init_barrier ttng.inval_barrier ttng.barrier_expect ttng.wait_barrier "
        "ttng.arrive_barrier ttng.async_tma_store_wait ttng.tc_gen5_commit "
        "ttng.fence_async_shared ttng.fence ttng.warp_group_dot_wait ttg.async_wait "
        "ttg.async_commit_group ttg.barrier ttg.local_barrier gpu.barrier ttg.local_dealloc "
        "nvvm.fence"
    ),
    "float": (
        "arith.addf arith.subf arith.mulf arith.negf arith.maxnumf arith.minnumf arith.maximumf "
        "arith.minimumf arith.cmpf arith.select math.absf math.fma math.floor math.ceil tt.clampf"
    ),
    "index": (
        "arith.addi arith.subi arith.muli arith.divsi arith.divui arith.remsi arith.remui "
        "arith.ceildivsi arith.floordivsi arith.andi arith.ori arith.xori arith.shli arith.shrsi "
        "arith.shrui arith.cmpi arith.maxsi arith.minsi arith.maxui arith.minui arith.extsi "
        "arith.extui arith.trunci arith.index_cast tt.addptr tt.advance tt.make_tensor_ptr "
        "tt.make_tensor_descriptor tt.ptr_to_int tt.int_to_ptr tt.assert llvm.intr.assume"
    ),
    "special": "math.exp2 math.log2 math.rsqrt math.sqrt math.sin math.cos tt.precise_sqrt",
    "scaled special": "math.exp math.log math.tanh arith.divf tt.precise_divf",
    "convert": (
        "arith.truncf arith.extf tt.fp_to_fp arith.sitofp arith.uitofp arith.fptosi arith.fptoui"
    ),
    "reduce": "tt.reduce",
    "dot": "tt.dot ttg.warp_group_dot ttng.warp_group_dot",
    "buffer dot": "ttng.tc_gen5_mma",
    "tma load": "tt.descriptor_load tt.descriptor_gather",
    "tma copy in": "ttng.async_tma_copy_global_to_local ttng.async_tma_gather",
    "tma store": "tt.descriptor_store tt.descriptor_reduce tt.descriptor_scatter",
    "tma copy out": (
        "ttng.async_tma_copy_local_to_global ttng.async_tma_reduce ttng.async_tma_scatter"
    ),
    "load": "tt.load",
    "store": "tt.store tt.atomic_rmw",
    "allocate": "ttg.local_alloc ttng.tmem_alloc",
    "write": "ttg.local_store ttng.tmem_store",
    "read": "ttg.local_load ttng.tmem_load",
}

ROLES: Mapping[str, str] = {
    name: role for role, names in _BY_ROLE.items() for name in names.split()
}
"""The role of every operation that is known; all others have unknown cost."""

MEMORY_VIEWS = frozenset(name for name, role in ROLES.items() if role == "view")
