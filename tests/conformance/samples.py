"""Calls that PyTorch's database lacks, or has too few of: one function an op, by its overload.

An entry gives argument lists; every one is a seed for Hypothesis too. `TIES` names the ops whose
indices are free where values are equal.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from tests.conformance.case import Case

# The place of `dim` among the arguments, and its default. Equal values may come in any order, so
# that the indices are judged by the values that they point to.
TIES: Mapping[str, tuple[int, int]] = {
    "aten.topk.default": (2, -1),
    "aten.kthvalue.default": (2, -1),
    "aten.median.dim": (1, -1),
    "aten.nanmedian.dim": (1, -1),
    "aten.mode.default": (1, -1),
    "aten.sort.default": (1, -1),
    "aten.argsort.default": (1, -1),
}
# PyTorch does not check their numbers against each other, and wrong ones end its process.
UNCHECKED = frozenset(
    ("aten.max_unpool2d.default", "aten.max_unpool3d.default",
     "aten.native_batch_norm.default", "aten._native_batch_norm_legit.default",
     "aten._native_batch_norm_legit.no_stats", "aten._native_batch_norm_legit_no_training.default",
     "aten.native_group_norm.default", "aten.native_layer_norm.default")
)  # fmt: skip
# Their values are whatever memory holds.
UNDEFINED = frozenset(
    ("aten.empty.memory_format", "aten.empty_like.default", "aten.new_empty.default",
     "aten.empty_strided.default", "aten.new_empty_strided.default",
     "aten.empty_permuted.default")
)  # fmt: skip

Arguments = tuple[tuple[Any, ...], dict[str, Any]]
SAMPLES: dict[str, Callable[[], list[Arguments]]] = {}


def samples(op: str) -> Callable[[Callable[[], list[Arguments]]], Callable[[], list[Arguments]]]:
    """Register argument lists for an overload."""

    def register(function: Callable[[], list[Arguments]]) -> Callable[[], list[Arguments]]:
        assert op not in SAMPLES, f"{op} has its samples already"
        SAMPLES[op] = function
        return function

    return register


def call(*args: Any, **kwargs: Any) -> Arguments:
    """The arguments of one call."""
    return args, kwargs


def sampled(op: str) -> list[Case]:
    """The calls of this file for an overload."""
    torch.manual_seed(0)
    made = SAMPLES[op]() if op in SAMPLES else []
    return [Case(op, args, kwargs, "sample") for args, kwargs in made]


def numbers(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """Random numbers: normal ones, or small integers."""
    if dtype.is_floating_point:
        return torch.randn(shape, dtype=dtype)
    return torch.randint(
        0 if dtype is torch.bool else -5, 2 if dtype is torch.bool else 6, shape
    ).to(dtype)


@samples("aten.scaled_dot_product_attention.default")
def _attention() -> list[Arguments]:
    q, k, v = numbers(2, 3, 5, 8), numbers(2, 3, 7, 8), numbers(2, 3, 7, 6)
    mask = numbers(5, 7)
    return [
        call(q, k, v),
        call(q, k, v, mask),
        call(q, k, v, mask > 0),
        call(q, k, v, is_causal=True),
        call(q, k, v, scale=0.3),
        call(numbers(2, 6, 5, 8), k, v, enable_gqa=True),
        call(numbers(5, 8), numbers(7, 8), numbers(7, 8)),
        call(q, k, v, torch.full((5, 7), -math.inf)),
    ]


@samples("aten.arange.start")
def _arange() -> list[Arguments]:
    return [call(2, 9), call(-3, 3, dtype=torch.float32), call(0.5, 4.0), call(3, 3)]


@samples("aten.__and__.Tensor")
@samples("aten.__or__.Tensor")
@samples("aten.__xor__.Tensor")
def _logic() -> list[Arguments]:
    flags, ints = numbers(3, 4, dtype=torch.bool), numbers(3, 4, dtype=torch.int64)
    return [
        call(flags, numbers(4, dtype=torch.bool)),
        call(ints, numbers(3, 1, dtype=torch.int64)),
        call(ints, flags),
    ]


@samples("aten._aminmax.default")
@samples("aten.corrcoef.default")
@samples("aten.cov.default")
def _whole() -> list[Arguments]:
    return [call(numbers(3, 4)), call(numbers(3, 4).t()), call(numbers(5)), call(numbers())]


@samples("aten._aminmax.dim")
@samples("aten._logcumsumexp.default")
@samples("aten.special_logsumexp.default")
@samples("aten.frobenius_norm.dim")
def _one_axis() -> list[Arguments]:
    x = numbers(3, 4, 5)
    return [call(x, 1), call(x.transpose(0, 2), -1), call(numbers(), 0), call(numbers(2, 1), 1)]


@samples("aten.special_softmax.default")
def _softmax() -> list[Arguments]:
    x = numbers(3, 4, 5)
    return [call(x, 1), call(x.transpose(0, 2), -1), call(x, 0, torch.float64), call(numbers(), 0)]


@samples("aten.special_log_softmax.default")
def _log_softmax() -> list[Arguments]:
    x = numbers(3, 4, 5)
    return [call(x, 1), call(x.transpose(0, 2), -1), call(x, 0, dtype=torch.float64)]


@samples("aten.norm.Scalar")
def _norm() -> list[Arguments]:
    orders = (0, 1, 2, 3.5, -1, math.inf, -math.inf)
    return [call(x, p) for p in orders for x in (numbers(3, 4), numbers())]


@samples("aten.norm.ScalarOpt_dim")
def _norm_dim() -> list[Arguments]:
    x = numbers(3, 4, 5)
    orders = (None, 0, 1, 2, 3.5, -2, math.inf, -math.inf)
    return [call(x, p, dims, True) for p in orders for dims in ([1], [0, -1], [])]


@samples("aten.norm.ScalarOpt_dim_dtype")
def _norm_dim_dtype() -> list[Arguments]:
    return [call(numbers(3, 4), p, [1], False, dtype=torch.float64) for p in (None, 1, 2, math.inf)]


@samples("aten.norm.ScalarOpt_dtype")
def _norm_dtype() -> list[Arguments]:
    return [call(numbers(3, 4), p, dtype=torch.float64) for p in (None, 0, 1, 2, -math.inf)]


@samples("aten.linalg_norm.ord_str")
def _linalg_norm() -> list[Arguments]:
    return [call(numbers(3, 4), "fro"), call(numbers(2, 3, 4), "fro", [0, -1], True)]


@samples("aten.linalg_vector_norm.default")
def _vector_norm() -> list[Arguments]:
    nan = torch.tensor([[1.0, math.nan, -3.0], [0.0, -0.0, math.inf]])
    orders = (0, 0.5, 1, 2, 3, -1, math.inf, -math.inf)
    return [
        *(call(x, p, dim) for p in orders for x in (nan, numbers(2, 3)) for dim in (None, [1])),
        call(numbers(2, 3), 2, [0, 1], True, dtype=torch.float64),
        call(numbers(0, 3), 2, [0]),
    ]


@samples("aten.bucketize.Scalar")
def _bucketize() -> list[Arguments]:
    edges, whole = torch.tensor([0.1, 0.2, 0.5]), torch.tensor([1, 3, 3, 7])
    return [
        *(call(x, edges, right=right) for x in (0.1, 1, -2.5) for right in (False, True)),
        *(call(x, whole, out_int32=True, right=right) for x in (3, 2.5) for right in (False, True)),
        call(math.nan, edges),
    ]


@samples("aten.searchsorted.Scalar")
def _searchsorted() -> list[Arguments]:
    edges, whole = torch.tensor([0.1, 0.2, 0.5]), torch.tensor([1, 3, 3, 7])
    return [
        *(call(edges, x, side=side) for x in (0.1, 1, -2.5) for side in ("left", "right")),
        *(call(whole, x, out_int32=True, right=right) for x in (3, 2.5) for right in (False, True)),
        call(edges.flip(0), 0.2, sorter=torch.tensor([2, 1, 0])),
    ]


@samples("aten.quantile.default")
@samples("aten.nanquantile.default")
def _quantile() -> list[Arguments]:
    x, q = numbers(4, 5), torch.tensor([0.0, 0.3, 1.0])
    holes = torch.where(x > 0.5, math.nan, x)
    kinds = ("linear", "lower", "higher", "midpoint", "nearest")
    return [
        *(call(x, q, 1, True, interpolation=kind) for kind in kinds),
        call(holes, q, 0),
        call(holes, torch.tensor(0.4)),
        call(x, torch.tensor(0.5)),
        call(x.double(), q.double(), -1),
    ]


@samples("aten.nll_loss.default")
def _nll_loss() -> list[Arguments]:
    x, weight = numbers(5, 4), numbers(4).abs()
    target = torch.tensor([0, 3, 1, -100, 2])
    return [
        *(call(x, target, w, reduction) for reduction in range(3) for w in (None, weight)),
        call(x, target.clamp(0), weight, 1, 3),
        call(numbers(4), torch.tensor(2), weight),
    ]


@samples("aten.nll_loss2d.default")
def _nll_loss2d() -> list[Arguments]:
    x, weight = numbers(2, 4, 3, 2), numbers(4).abs()
    target = torch.randint(0, 4, (2, 3, 2))
    return [call(x, target, w, reduction, 1) for reduction in range(3) for w in (None, weight)]


@samples("aten.cross_entropy_loss.default")
def _cross_entropy() -> list[Arguments]:
    x, weight = numbers(5, 4), numbers(4).abs()
    target = torch.tensor([0, 3, 1, -100, 2])
    spread = numbers(5, 4).softmax(1)
    return [
        *(
            call(x, y, w, reduction, -100, smoothing)
            for y in (target, spread)
            for w in (None, weight)
            for reduction in range(3)
            for smoothing in (0.0, 0.2)
        ),
        call(numbers(2, 4, 3), torch.randint(0, 4, (2, 3)), weight),
        call(numbers(4), torch.tensor(2)),
    ]


@samples("aten.ctc_loss.IntList")
def _ctc_loss() -> list[Arguments]:
    x, target = numbers(7, 2, 5).log_softmax(-1), torch.tensor([[1, 2, 2], [3, 0, 0]])
    joined = torch.tensor([1, 2, 2, 3])
    return [
        *(call(x, target, [7, 6], [3, 1], 0, reduction) for reduction in range(3)),
        call(x, joined, [7, 6], [3, 1]),
        call(x, target, [2, 6], [3, 1], 0, 0),
        call(x, target, [2, 6], [3, 1], 0, 0, True),
        call(x, torch.tensor([[0, 1], [2, 3]]), [7, 7], [2, 2], 4),
        call(numbers(7, 5).log_softmax(-1), torch.tensor([1, 2]), [7], [2]),
    ]


@samples("aten.ctc_loss.Tensor")
def _ctc_loss_tensor() -> list[Arguments]:
    x, target = numbers(7, 2, 5).log_softmax(-1), torch.tensor([[1, 2, 2], [3, 0, 0]])
    lengths = torch.tensor([7, 6]), torch.tensor([3, 1])
    return [call(x, target, *lengths, 0, reduction) for reduction in range(3)]


@samples("aten.sort.stable")
@samples("aten.argsort.stable")
def _stable() -> list[Arguments]:
    x = torch.tensor([[2.0, 1.0, math.nan, 1.0], [0.0, -0.0, math.inf, -math.inf]])
    return [
        call(y, stable=True, dim=dim, descending=down)
        for y in (x, numbers(40, 3, dtype=torch.int64))
        for dim in (0, -1)
        for down in (False, True)
    ]


@samples("aten.max.dim")
@samples("aten.min.dim")
@samples("aten.argmax.default")
@samples("aten.argmin.default")
@samples("aten.cummax.default")
@samples("aten.cummin.default")
def _places() -> list[Arguments]:
    x = torch.tensor([[2.0, 7.0, 7.0, -1.0], [0.0, math.nan, math.nan, -math.inf]])
    ints = torch.tensor([[3, 9, 9], [9, 3, 9]])
    return [call(y, dim) for y in (x, x.t(), ints, x[0, 0]) for dim in (0, -1)]


_MASK = torch.tensor([True, False, True])


@samples("aten.where.ScalarSelf")
def _where_scalar_self() -> list[Arguments]:
    others = (torch.randn(3), torch.arange(3), _MASK, torch.randn(2, 3).half())
    return [call(_MASK, number, other) for number in (2, -0.5, True) for other in others]


@samples("aten.where.ScalarOther")
def _where_scalar_other() -> list[Arguments]:
    return [((mask, x, number), kwargs) for (mask, number, x), kwargs in _where_scalar_self()]


@samples("aten.where.Scalar")
def _where_scalars() -> list[Arguments]:
    return [call(_MASK, x, y) for x, y in ((1, 2), (1, 2.5), (-math.inf, 0.0), (True, False))]


@samples("aten.copysign.Scalar")
def _copysign() -> list[Arguments]:
    x = torch.tensor([1.5, -2.0, 0.0, -0.0, math.nan, -math.inf])
    return [call(y, sign) for y in (x, x.double(), torch.tensor([3, -4])) for sign in (-0.0, 2, -1)]


@samples("aten.special_xlog1py.other_scalar")
def _xlog1py() -> list[Arguments]:
    tensors = (torch.randn(4), torch.tensor([0, 3]))
    return [call(x, y) for x in tensors for y in (0.5, 2, -1, math.nan)]


@samples("aten.special_xlog1py.self_scalar")
def _xlog1py_of_scalar() -> list[Arguments]:
    return [(args[::-1], kwargs) for args, kwargs in _xlog1py()]


@samples("aten.special_i0.default")
def _i0() -> list[Arguments]:
    return [call(torch.tensor([-700.0, -31.0, -1.5, 0.0, 3.75, 29.9, 30.1, 88.0, 120.0]))]


@samples("aten.to.dtype")
def _conversions() -> list[Arguments]:
    whole = torch.tensor([0, 1, -1, 127, 200, -40_000, 2**31 + 5, -(2**40)])
    parts = torch.tensor([0.0, -0.0, 0.5, -1.5, 2.75, 254.9, -300.2, 7e4, 3e9, math.nan, math.inf])
    sources = (torch.float64, torch.float32, torch.float16, torch.bfloat16,
               torch.int64, torch.int32, torch.int16, torch.uint8, torch.bool)  # fmt: skip
    return [
        call((parts if dtype.is_floating_point else whole).to(dtype), to)
        for dtype in sources
        for to in sources
        if to != dtype
    ]


@samples("aten._convolution.default")
def _convolution() -> list[Arguments]:
    return [call(*arguments, True) for arguments, _ in _convolution_deprecated()]


@samples("aten._convolution.deprecated")
def _convolution_deprecated() -> list[Arguments]:
    flags = (False, False, True)
    x, weight = numbers(2, 4, 7, 6), numbers(6, 2, 3, 2)
    strides = ([2, 1], [1, 2], [1, 2])
    transposed = ([2, 3], [1, 0], [1, 1], True, [1, 2], 2)
    return [
        call(x, weight, None, *strides, False, [0, 0], 2, *flags),
        call(x, numbers(4, 3, 3, 2), numbers(6), *transposed, *flags),
    ]


@samples("aten._convolution_mode.default")
def _convolution_mode() -> list[Arguments]:
    x, weight = numbers(2, 4, 7), numbers(6, 2, 4)
    return [
        call(x, weight, None, [1], "same", [2], 2),
        call(x, weight, numbers(6), [2], "valid", [1], 2),
    ]


@samples("aten.max_pool1d_with_indices.default")
def _max_pool1d_with_indices() -> list[Arguments]:
    return [
        call(numbers(2, 3, 9), [3], [2], [1], [1], True),
        call(numbers(3, 9), [2], [], [0], [3]),
    ]


@samples("aten.max_unpool2d.default")
def _max_unpool2d() -> list[Arguments]:
    pooled, places = torch.nn.functional.max_pool2d(numbers(2, 3, 6, 7), 2, return_indices=True)
    return [call(pooled, places, [6, 7])]


@samples("aten._scaled_dot_product_attention_math.default")
def _attention_with_weights() -> list[Arguments]:
    q, k, v = numbers(2, 3, 5, 8), numbers(2, 3, 7, 8), numbers(2, 3, 7, 6)
    return [
        call(q, k, v),
        call(q, k, v, numbers(5, 7)),
        call(q, k, v, is_causal=True, scale=0.4),
        call(numbers(2, 6, 5, 8), k, v, enable_gqa=True),
        call(q.half(), k.half(), v.half()),
    ]


@samples("aten._scaled_dot_product_flash_attention_for_cpu.default")
def _attention_with_logarithms() -> list[Arguments]:
    q, k, v = numbers(2, 3, 5, 8), numbers(2, 3, 7, 8), numbers(2, 3, 7, 8)
    masked = numbers(5, 7)
    masked[2] = -math.inf
    return [
        call(q, k, v),
        call(q, k, v, 0.0, True),
        call(q, k, v, attn_mask=masked, scale=0.2),
        call(q.double(), k.double(), v.double()),
    ]


@samples("aten._weight_norm.default")
def _weight_norm() -> list[Arguments]:
    v = numbers(4, 3, 5)
    return [
        call(v, numbers(4, 1, 1)),
        call(v, numbers(1, 3, 1), 1),
        call(v, numbers(1, 1, 5), 2),
        call(v, numbers(), -1),
        call(numbers(4), numbers(4)),
        call(v.bfloat16(), numbers(4, 1, 1).bfloat16(), 0),
        call(torch.zeros(2, 3), numbers(2, 1), 0),
    ]


@samples("aten._weight_norm_interface.default")
def _weight_norm_interface() -> list[Arguments]:
    v = numbers(4, 3, 5)
    return [call(v, numbers(4, 1, 1)), call(v, numbers(1, 1, 5), 2)]


@samples("aten.norm_except_dim.default")
def _norm_except_dim() -> list[Arguments]:
    v = numbers(4, 3, 5)
    return [call(v), call(v, 2, 1), call(v, 3, 2), call(v, 1, -1), call(v.half(), 2, 0)]


@samples("aten._grouped_mm.default")
def _grouped_mm() -> list[Arguments]:
    ends = torch.tensor([2, 2, 6], dtype=torch.int32)
    inner = torch.tensor([8, 8, 16], dtype=torch.int32)
    return [
        call(numbers(6, 16), numbers(3, 16, 8), ends),
        call(numbers(6, 16).bfloat16(), numbers(3, 16, 8).bfloat16(), ends),
        call(numbers(3, 5, 16), numbers(16, 8), ends),
        call(numbers(4, 16), numbers(16, 8), inner),
        call(numbers(3, 5, 16), numbers(3, 16, 8)),
    ]


@samples("aten.einsum.default")
def _einsum() -> list[Arguments]:
    x, y, z = numbers(2, 3, 4, 5), numbers(2, 6, 4, 5), numbers(3, 4, 4)
    integers = numbers(3, 4, dtype=torch.int64)
    return [
        call("bqhd,bkhd->bhqk", [x, y]),
        call("bqhd,bkhd", [x, y]),
        call("...d,hd->...h", [x, numbers(7, 5)]),
        call("bqhd,hde->bqe", [x, numbers(4, 5, 6)]),
        call("bhld,lrd->bhlr", [x, numbers(4, 6, 5)]),
        call("nii->ni", [z]),
        call("nii", [z]),
        call("ij,jk,kl->il", [numbers(3, 4), numbers(4, 2), numbers(2, 5)]),
        call("ij,kj->ik", [integers, integers]),
        call("bi,bi->b", [numbers(2, 9).half(), numbers(2, 9).half()]),
    ]


@samples("aten.ger.default")
def _ger() -> list[Arguments]:
    return [call(numbers(3), numbers(4)), call(numbers(3, dtype=torch.int64), numbers(4))]


@samples("aten.linalg_multi_dot.default")
def _multi_dot() -> list[Arguments]:
    a, b, c = numbers(3, 9), numbers(9, 2), numbers(2, 5)
    return [call([a, b]), call([a, b, c]), call([a[0], b, c]), call([a[0], b, c[:, 0]])]


@samples("aten.chain_matmul.default")
def _chain_matmul() -> list[Arguments]:
    return [call([numbers(3, 9), numbers(9, 2), numbers(2, 5), numbers(5, 4)])]


@samples("aten.linalg_inv_ex.default")
def _inverse_of_what_has_none() -> list[Arguments]:
    return [call(numbers(2, 3, 3)), call(numbers(2, 1, 2, 2).double())]
