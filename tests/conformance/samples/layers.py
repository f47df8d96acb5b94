"""Convolution, pooling, normalization, dropout and embedding bags."""

from __future__ import annotations

import math

import torch

from tests.conformance.samples.registry import Arguments, call, numbers, samples


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


@samples("aten.conv2d.default")
def _convolution_of_nothing() -> list[Arguments]:
    return [call(numbers(2, 0, 9, 11), numbers(4, 0, 1, 7), numbers(4), [1, 1], [0, 3])]


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


@samples("aten._fused_rms_norm.default")
def _rms_norm() -> list[Arguments]:
    x = numbers(2, 3, 4)
    return [
        *(call(x, [4], numbers(4), eps) for eps in (None, 1e-5)),
        call(x, [3, 4], numbers(3, 4), 1e-6),
        call(x, [4], None, None),
        call(x.transpose(0, 2), [2], None, 0.1),
        call(torch.zeros(2, 4), [4], None, 1e-5),
    ]


@samples("aten._native_batch_norm_legit.default")
def _batch_norm() -> list[Arguments]:
    return [
        call(x, weight, bias, numbers(3), numbers(3).abs(), False, 0.1, 1e-5)
        for x in (numbers(2, 3), numbers(2, 3, 4), numbers(2, 3, 4, 5).double().float())
        for weight, bias in ((numbers(3), numbers(3)), (None, None))
    ]


@samples("aten.dropout.default")
@samples("aten.feature_dropout.default")
@samples("aten.alpha_dropout.default")
@samples("aten.feature_alpha_dropout.default")
@samples("aten.native_dropout.default")
def _dropout() -> list[Arguments]:
    """Of evaluation, where nothing is dropped."""
    special = torch.tensor([[math.nan, math.inf], [-0.0, -math.inf]])
    return [call(x, 0.5, False) for x in (numbers(2, 3, 4), numbers(3, 2).t(), special)]


@samples("aten.rrelu.default")
def _rrelu() -> list[Arguments]:
    special = torch.tensor([math.nan, math.inf, -math.inf, -0.0, -1.5])
    return [call(numbers(3, 4)), call(special, 0.1, 0.4), call(special.double(), 0.3, 0.3)]


@samples("aten.max_pool2d.default")
@samples("aten.max_pool2d_with_indices.default")
def _max_pool2d() -> list[Arguments]:
    return [
        call(numbers(1, 2, 2, 5), [3, 3], [2, 2], [0, 0], [1, 1], True),
        call(numbers(2, 2, 7), [2, 3], [2, 2], [1, 1], [1, 2], True),
        call(torch.full((1, 1, 3, 3), -math.inf), [2, 2]),
        call(torch.full((1, 1, 3, 3), math.nan), [2, 2], [1, 1]),
    ]


@samples("aten.max_pool3d.default")
@samples("aten.max_pool3d_with_indices.default")
def _max_pool3d() -> list[Arguments]:
    return [
        call(numbers(1, 2, 2, 6, 5), [3, 3, 3], [2, 2, 2], [0, 0, 0], [1, 1, 1], True),
        call(numbers(2, 4, 4, 4), [2], [2], [1], [1], True),
    ]
