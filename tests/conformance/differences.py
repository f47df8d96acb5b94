"""Where Candle is known to differ from PyTorch, or to panic: each a named case that must pass.

The names are what a reader of Candle's issues would look for.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from tests.conformance.case import Case

_HALVES = torch.tensor([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5])
_NANS = torch.tensor([1.0, math.nan, 2.0, -math.inf, math.inf])
_INTS = torch.tensor([-7, 3, 0, 8])


def _image(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


def differences() -> Mapping[str, Case]:
    """Every known difference by name."""
    x = _image(2, 3, 9, 11)
    view = x.permute(0, 1, 3, 2)[:, :, 1:, 2:]
    cube = _image(1, 2, 6, 7, 5)
    row = _image(2, 3, 17)
    found = {
        "round takes halves to the even neighbour": ("round.default", _HALVES),
        "relu keeps NaN": ("relu.default", _NANS),
        "maximum keeps NaN": ("maximum.default", torch.ones(5), _NANS),
        "max over an axis keeps NaN": ("amax.default", _NANS, [0]),
        "max gives NaN's index": ("max.dim", _NANS, 0),
        "int64 times a half is float32": ("mul.Tensor", _INTS, 0.5),
        "the mean of integers needs a dtype": (
            "mean.dim", _INTS, [0], False, {"dtype": torch.float32}),
        "int64 divides truly": ("div.Tensor", _INTS, 2),
        "int64 divides rounding down": ("floor_divide.default", _INTS, torch.tensor(2)),
        "int64 remainders have the divisor's sign": ("remainder.Scalar", _INTS, 4),
        "int64 fmod has the dividend's sign": ("fmod.Scalar", _INTS, 4),
        "neg of int64 does not panic": ("neg.default", _INTS),
        "sqrt of int64 gives float32": ("sqrt.default", _INTS.abs()),
        "exp of int64 gives float32": ("exp.default", _INTS),
        "abs of int64": ("abs.default", _INTS),
        "a negative base with a whole exponent": (
            "pow.Tensor_Tensor", torch.tensor([-2.0, 0.0, -1.5]), torch.tensor([3.0, 0.0, 2.0])),
        "zero to the power of zero is one": ("pow.Tensor_Scalar", torch.zeros(2), 0),
        "a half is true": ("to.dtype", torch.tensor([0.5, 0.0, math.nan, -0.0]), torch.bool),
        "bilinear to the same size, on a view": (
            "upsample_bilinear2d.vec", view, [10, 7], False, None),
        "bilinear with aligned corners, on a view": (
            "upsample_bilinear2d.vec", view, [5, 13], True, None),
        "nearest to a size that does not divide": ("upsample_nearest2d.vec", x, [4, 5], None),
        "cumsum of int64": ("cumsum.default", _INTS, 0),
        "cumsum is linear in time": ("cumsum.default", _image(20_000), 0),
        "int64 divides truly by zero": ("div.Tensor", _INTS, torch.zeros(4, dtype=torch.int64)),
        "matmul with a stride of zero": (
            "matmul.default", _image(1, 5).expand(4, 5), _image(5, 3)),
        "convolution of a view": ("conv2d.default", view, _image(4, 3, 3, 3)),
        "argsort of a view": ("argsort.default", view, 3),
        "a negative index": ("select.int", x, 1, -1),
        "a negative index in a tensor": ("index.Tensor", x, [None, torch.tensor([-1, 0])]),
        "gather takes int64": ("gather.default", x, 1, torch.zeros(2, 1, 9, 11, dtype=torch.int64)),
        "matmul of rank 5": ("matmul.default", _image(2, 3, 2, 4, 5), _image(3, 1, 5, 2)),
        "matmul of permuted batches": (
            "matmul.default", _image(3, 2, 4, 5).transpose(0, 1), _image(2, 3, 5, 4)),
        "matmul of int64": ("matmul.default", _INTS.reshape(2, 2), _INTS.reshape(2, 2)),
        "GELU is the exact one": ("gelu.default", _NANS[:3]),
        "GELU by tanh": ("gelu.default", _image(9), {"approximate": "tanh"}),
        "uneven padding": ("conv2d.default", x, _image(4, 3, 1, 7), None, [1, 1], [0, 3]),
        "padding that keeps the size, of an even kernel": (
            "conv2d.padding", x, _image(4, 3, 2, 4), None, [1, 1], "same"),
        "strides and dilations of each axis": (
            "conv2d.default", x, _image(4, 3, 3, 2), _image(4), [2, 1], [1, 2], [1, 3]),
        "three-dimensional convolution": (
            "conv3d.default", cube, _image(3, 2, 2, 3, 3), None, [1, 2, 1], [1, 0, 1]),
        "ceil_mode": ("max_pool2d.default", x, [3, 2], [2, 2], [1, 1], [1, 1], True),
        "max pooling pads with minus infinity": (
            "max_pool2d.default", -x.abs() - 1, [3, 3], [2, 2], [1, 1]),
        "dilated pooling": ("max_pool2d.default", x, [3, 3], [1, 1], [0, 0], [2, 2]),
        "pooling over one axis": ("max_pool1d.default", row, [4], [3], [1]),
        "pooling over three axes": ("max_pool3d.default", cube, [2, 3, 2], [1, 2, 2], [1, 1, 0]),
        "count_include_pad": ("avg_pool2d.default", x, [3, 3], [2, 2], [1, 1], False, False),
        "divisor_override": ("avg_pool2d.default", x, [3, 3], [2, 2], [1, 1], False, True, 4),
        "average pooling with ceil_mode": ("avg_pool2d.default", x, [2, 3], [2, 2], [1, 1], True),
        "average pooling over three axes": ("avg_pool3d.default", cube, [2, 3, 2]),
        "adaptive average pooling": ("adaptive_avg_pool2d.default", x, [4, 5]),
        "adaptive average pooling over three axes": (
            "adaptive_avg_pool3d.default", cube, [4, 2, 3]),
        "adaptive max pooling": ("adaptive_max_pool2d.default", x, [4, 5]),
        "grouped transposed convolution": (
            "conv_transpose2d.input", _image(2, 4, 5, 6), _image(4, 3, 3, 3), _image(6),
            [2, 2], [1, 1], [1, 1], 2),
        "transposed convolution with dilation of each axis": (
            "conv_transpose2d.input", _image(2, 4, 5, 6), _image(4, 3, 3, 2), None,
            [2, 1], [1, 0], [0, 0], 1, [1, 3]),
        "variance with a correction of zero": ("var.correction", x, [3], {"correction": 0}),
        "softmax over an axis in the middle": ("softmax.int", view, 1),
        "layer norm of a view": ("layer_norm.default", view, [7], _image(7), _image(7), 1e-5),
        "where broadcasts": ("where.self", view > 0, view, torch.zeros(7)),
        "slices with a step": ("slice.Tensor", x, 3, 1, 9, 3),
        "sort of an axis that is not the last": ("sort.default", x, 1),
        "argmax is int64": ("argmax.default", x, 2),
        "topk keeps NaN first": ("topk.default", _NANS, 2),
        "logical not of floats": ("logical_not.default", _NANS),
        "log1p near zero": ("log1p.default", torch.tensor([1e-8, -1e-9, 0.5])),
        "expm1 near zero": ("expm1.default", torch.tensor([1e-8, -1e-9, 0.5])),
        "isnan": ("isnan.default", _NANS),
        "prod": ("prod.default", _HALVES),
        "reflection padding": ("pad.default", x, [2, 1, 3, 0], "reflect"),
    }  # fmt: skip
    return {name: _case(name, *call) for name, call in found.items()}


def _case(name: str, op: str, *args: object) -> Case:
    kwargs: Mapping[str, object] = args[-1] if isinstance(args[-1], dict) else {}
    return Case(f"aten.{op}", args[:-1] if kwargs else args, kwargs, name)
