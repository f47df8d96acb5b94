"""Functions of each element, and conversions."""

from __future__ import annotations

import math

import torch

from tests.conformance.samples.registry import Arguments, call, numbers, samples


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


@samples("aten.special_erfcx.default")
@samples("aten.special_log_ndtr.default")
def _tails() -> list[Arguments]:
    ends = [-math.inf, -1e9, -40, -26.5, -5, -1, -0.0, 5, 24.9, 26.9, 40, 1e9, math.inf, math.nan]
    return [call(torch.tensor(ends).double()), call(torch.tensor(ends))]


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


@samples("aten.div.Tensor")
@samples("aten.mul.Tensor")
@samples("aten.atan2.default")
def _integers_beyond_a_half() -> list[Arguments]:
    """What no half can hold is infinite before anything is computed of it."""
    large = torch.tensor([70_000, 0, -70_000])
    return [
        call(x, y)
        for y in (torch.tensor([math.inf, 2.0, -1e-3], dtype=torch.float16), torch.ones(3).half())
        for x in (large, large.int())
    ]
