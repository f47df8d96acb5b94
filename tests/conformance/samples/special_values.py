"""NaN, infinities, -0.0, the largest integers, tensors without elements and without axes."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from tests.conformance.samples.registry import Arguments, Maker, call, samples

_VALUES = (math.nan, math.inf, -math.inf, 0.0, -0.0, 0.5, 1.0, -1.0, 2.5, -2.5, 1e-30, 3e4)
_FLOATS = (torch.float32, torch.float64, torch.float16, torch.bfloat16)
_LARGEST = 2**63 - 1


def _each(*names: str) -> Callable[[Maker], Maker]:
    """Register one function for several overloads of `aten`."""

    def register(function: Maker) -> Maker:
        for name in names:
            samples(f"aten.{name}")(function)
        return function

    return register


def _floats(dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.tensor(_VALUES, dtype=dtype)


@_each(
    "abs.default", "acos.default", "acosh.default", "asin.default", "asinh.default",
    "atan.default", "atanh.default", "ceil.default", "celu.default", "cos.default",
    "cosh.default", "elu.default", "erf.default", "erfc.default", "erfinv.default",
    "exp.default", "exp2.default", "expm1.default", "floor.default", "frac.default",
    "hardsigmoid.default", "hardswish.default", "hardtanh.default",
    "isfinite.default", "isinf.default", "isnan.default", "isneginf.default",
    "isposinf.default", "leaky_relu.default", "lgamma.default", "log.default",
    "log10.default", "log1p.default", "log2.default", "log_sigmoid.default",
    "logical_not.default", "logit.default", "mish.default", "nan_to_num.default",
    "neg.default", "positive.default", "reciprocal.default", "relu.default", "relu6.default",
    "round.default", "rsqrt.default", "selu.default", "sgn.default", "sigmoid.default",
    "sign.default", "signbit.default", "silu.default", "sin.default", "sinc.default",
    "sinh.default", "softplus.default", "sqrt.default", "square.default", "tan.default",
    "tanh.default", "trunc.default",
)  # fmt: skip
def _of_one() -> list[Arguments]:
    empty, single = torch.zeros(2, 0, 3), torch.tensor(-0.0)
    return [*(call(_floats(dtype)) for dtype in _FLOATS), call(empty), call(single)]


@_each("hardswish.default", "sinc.default")
def _largest() -> list[Arguments]:
    return [call(torch.tensor([1e38, 3e38, -3e38]).to(dtype)) for dtype in _FLOATS]


@_each("corrcoef.default")
def _correlated() -> list[Arguments]:
    large, small = torch.tensor([1e4, -1e4, 1.0]), torch.tensor([1e-5, 2e-5, 0.0])
    rows = torch.stack([large, small, torch.tensor([1.0, 2.0, 4.0])])
    return [call(x.half()) for x in (large, small, rows)]


@samples("aten.acosh.default")
def _below_one() -> list[Arguments]:
    return [call(-torch.logspace(-3, 9, 60, dtype=torch.float64))]


@samples("aten.gelu.default")
def _of_one_with_gaps() -> list[Arguments]:
    # Its loop over neighbouring numbers multiplies infinity by zero.
    gaps = [torch.stack([_floats(dtype), _floats(dtype)], -1)[:, 0] for dtype in _FLOATS]
    return [*(call(x) for x in gaps), call(torch.zeros(2, 0, 3)), call(torch.tensor(-0.0))]


@_each("abs.default", "neg.default", "sign.default", "square.default", "bitwise_not.default")
def _of_one_integer() -> list[Arguments]:
    return [call(torch.tensor([-_LARGEST - 1, -_LARGEST, -1, 0, 1, _LARGEST]))]


def _pairs_of(dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Every value with every other."""
    values = _floats(dtype)
    return values.unsqueeze(1), values


@_each(
    "add.Tensor", "atan2.default", "copysign.Tensor", "div.Tensor", "eq.Tensor",
    "floor_divide.default", "fmax.default", "fmin.default", "fmod.Tensor", "ge.Tensor",
    "gt.Tensor", "heaviside.default", "hypot.default", "le.Tensor", "logaddexp.default",
    "logaddexp2.default", "logical_and.default", "logical_or.default", "logical_xor.default",
    "lt.Tensor", "maximum.default", "minimum.default", "mul.Tensor", "ne.Tensor",
    "pow.Tensor_Tensor", "remainder.Tensor", "sub.Tensor", "xlogy.Tensor",
)  # fmt: skip
def _of_two() -> list[Arguments]:
    empty = torch.zeros(0, 3), torch.zeros(3)
    single = torch.tensor(-0.0), torch.tensor(0.0)
    return [*(call(*_pairs_of(dtype)) for dtype in _FLOATS[:2]), call(*empty), call(*single)]


@_each("add.Tensor", "sub.Tensor", "mul.Tensor", "maximum.default", "lt.Tensor", "eq.Tensor")
def _of_two_integers() -> list[Arguments]:
    values = torch.tensor([-_LARGEST - 1, -_LARGEST, -1, 0, 1, _LARGEST])
    return [call(values.unsqueeze(1), values)]


@_each("remainder.Tensor", "fmod.Tensor", "floor_divide.default", "div.Tensor")
def _divided_integers() -> list[Arguments]:
    divisors = torch.tensor([-_LARGEST, -3, -2, 1, 2, 3, _LARGEST])
    return [call(torch.tensor([[-_LARGEST], [-7], [-1], [0], [1], [7], [_LARGEST]]), divisors)]


@_each("div.Tensor_mode")
def _rounded_quotients() -> list[Arguments]:
    return [
        call(*args, rounding_mode=mode)
        for mode in (None, "floor", "trunc")
        for args, _ in (*_of_two(), *_divided_integers())
    ]


@_each("clamp.default")
def _clamped() -> list[Arguments]:
    bounds = ((-1.0, 1.0), (None, 0.0), (-0.0, None), (math.nan, 1.0), (2.0, -2.0), (-math.inf, 1))
    return [call(_floats(), *pair) for pair in bounds]


def _rows(dtype: torch.dtype = torch.float32) -> Tensor:
    """Rows that each have their own trouble."""
    return torch.tensor(
        [
            [math.nan, 1.0, 2.0, math.nan],
            [math.inf, -math.inf, 1.0, 0.0],
            [-math.inf, -math.inf, -math.inf, -math.inf],
            [math.inf, math.inf, 1.0, -1.0],
            [-0.0, 0.0, -0.0, 0.0],
            [-0.0, -0.0, -0.0, -0.0],
        ],
        dtype=dtype,
    )


def _along_axes() -> list[Arguments]:
    single, empty = torch.tensor(-0.0), torch.zeros(3, 0)
    few = [call(_rows(dtype), 1) for dtype in _FLOATS]
    return [*few, call(_rows().t(), 0), call(single, 0), call(empty, 0)]


@_each("amax.default", "amin.default", "sum.dim_IntList", "mean.dim", "nansum.default",
       "logsumexp.default", "var.dim", "std.dim", "var_mean.dim")  # fmt: skip
def _reduced() -> list[Arguments]:
    return [call(args[0], [args[1]]) for args, _ in _along_axes()]


@_each("prod.dim_int", "any.dim", "all.dim", "cumsum.default", "cumprod.default",
       "logcumsumexp.default", "argmin.default", "argmax.default", "cummax.default",
       "cummin.default", "max.dim", "min.dim", "softmax.int", "log_softmax.int")  # fmt: skip
def _along() -> list[Arguments]:
    return _along_axes()


@_each("sort.default", "argsort.default", "median.dim", "nanmedian.dim")
def _ordered() -> list[Arguments]:
    return [call(_rows(dtype), 1) for dtype in _FLOATS]


@_each("sum.default", "mean.default", "prod.default", "any.default", "all.default")
def _all_elements() -> list[Arguments]:
    return [*(call(row) for row in _rows()), call(torch.zeros(0)), call(torch.tensor(-0.0))]


@_each("max.default", "min.default", "median.default", "nanmedian.default")
def _of_all_elements() -> list[Arguments]:
    return [*(call(row) for row in _rows()), call(torch.tensor(-0.0))]


@samples("aten.native_layer_norm.default")
def _normalized() -> list[Arguments]:
    return [call(_rows(dtype), [4], None, None, 1e-5) for dtype in _FLOATS]


@_each("eq.Tensor", "ne.Tensor")
def _no_complex_numbers() -> list[Arguments]:
    return [call(torch.zeros(0, dtype=torch.complex64), torch.tensor(1 + 2j))]


@samples("aten.cumsum.default")
def _single_flag() -> list[Arguments]:
    return [call(torch.tensor(True), 0)]
