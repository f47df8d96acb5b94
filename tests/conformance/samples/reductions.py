"""Reductions, norms, sorting and searching."""

from __future__ import annotations

import math

import torch

from tests.conformance.samples.registry import Arguments, call, numbers, samples


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
