"""Tensors made from nothing, or in the likeness of another."""

from __future__ import annotations

import math

import torch

from tests.conformance.samples.registry import MOVED, Arguments, call, moved, numbers, samples

_HALVES = (torch.float16, torch.bfloat16)


@samples("aten.arange.default")
def _arange_to() -> list[Arguments]:
    dtypes = (*_HALVES, torch.int32, torch.uint8, torch.float64)
    return [call(5), call(0), call(2.5), *(call(5, dtype=dtype) for dtype in dtypes)]


@samples("aten.arange.start")
def _arange() -> list[Arguments]:
    return [
        call(2, 9),
        call(-3, 3, dtype=torch.float32),
        call(0.5, 4.0),
        call(3, 3),
        call(-1.5, 3),
        call(2.7, 9.1, dtype=torch.int64),
        call(1, 4, dtype=torch.bfloat16),
    ]


@samples("aten.arange.start_step")
def _arange_by() -> list[Arguments]:
    return [
        call(0, 10, 3),
        call(10, 0, -3),
        call(0, 1, 0.1),
        call(1, -1, -0.3, dtype=torch.float64),
        call(0, 300, 7, dtype=torch.int16),
        call(0.5, 9.9, 2.5, dtype=torch.int64),
        call(0, 2000, 0.37),
        call(4, 4, 0.5),
    ]


@samples("aten.linspace.default")
def _linspace() -> list[Arguments]:
    return [
        call(0, 1, 7),
        call(3, -2, 5, dtype=torch.float64),
        *(call(0, 10, count) for count in (0, 1, 2, 1000)),
        call(0, 10, 4, dtype=torch.int64),
        call(-3.7, 5.2, 6, dtype=torch.int64),
        *(call(0, 1, 5, dtype=dtype) for dtype in _HALVES),
    ]


@samples("aten.logspace.default")
def _logspace() -> list[Arguments]:
    return [
        call(0, 1, 7),
        call(0, 3, 4, 2.0),
        call(0, 3, 4, 2.0, dtype=torch.int64),
        call(-2, 2, 9, dtype=torch.float64),
        call(0, 1, 0),
        call(1, 2, 1),
    ]


@samples("aten.eye.default")
def _eye() -> list[Arguments]:
    return [call(3), call(0), *(call(3, dtype=dtype) for dtype in MOVED)]


@samples("aten.eye.m")
def _eye_of() -> list[Arguments]:
    return [call(3, 5), call(5, 2, dtype=torch.float16), call(0, 4)]


@samples("aten.tril_indices.default")
@samples("aten.triu_indices.default")
def _triangle() -> list[Arguments]:
    return [
        *(call(3, 4, offset) for offset in (0, 1, -1, 9, -9)),
        call(4, 3, -1, dtype=torch.int32),
        call(0, 3),
    ]


@samples("aten.full.default")
def _full() -> list[Arguments]:
    values = (math.inf, math.nan, -0.0, 7, True, 2**53 + 1)
    return [
        *(call(shape, value, dtype=t) for t in MOVED for shape, value in (([2, 3], 3), ([], 1.7))),
        *(call([2], value) for value in values),
        call([3, 0], 0.1),
    ]


@samples("aten.zeros.default")
@samples("aten.ones.default")
def _constant() -> list[Arguments]:
    return [call(shape, dtype=dtype) for dtype in MOVED for shape in ([2, 0], [], [2])]


@samples("aten.scalar_tensor.default")
def _scalar() -> list[Arguments]:
    return [
        *(call(2, dtype=dtype) for dtype in MOVED),
        *(call(value) for value in (math.nan, -0.0, 3, True)),
    ]


@samples("aten.full_like.default")
def _full_like() -> list[Arguments]:
    return [
        *(call(x, 1) for x in moved(3, 4)),
        call(numbers(3), 2, dtype=torch.bfloat16),
        call(numbers(), math.nan),
    ]


@samples("aten.new_full.default")
def _new_full() -> list[Arguments]:
    return [*(call(x, [2, 3], 1) for x in moved(3)), call(numbers(3), [], 2, dtype=torch.int64)]


@samples("aten.zeros_like.default")
@samples("aten.ones_like.default")
def _like() -> list[Arguments]:
    return [*(call(x) for x in moved(3, 4)), call(numbers(3), dtype=torch.bool), call(numbers())]


@samples("aten.new_zeros.default")
@samples("aten.new_ones.default")
def _new() -> list[Arguments]:
    return [*(call(x, [2]) for x in moved(3, 4)), call(numbers(3), [], dtype=torch.int64)]
