"""Padding of every kind."""

from __future__ import annotations

import math

import torch

from tests.conformance.samples.registry import Arguments, call, moved, numbers, samples

_MODES = ("constant", "reflect", "replicate", "circular")


@samples("aten.pad.default")
def _pad() -> list[Arguments]:
    return [
        *(
            call(x, [1, 2], mode)
            for mode in _MODES
            for x in moved(3, 4, 5)
            if x.dtype is not torch.bool or mode in ("constant", "circular")
        ),
        *(call(numbers(1, 3, 4, 5), [1, 2, 0, 3], mode) for mode in _MODES),
        *(call(numbers(1, 3, 4, 5, dtype=torch.int64), [-1, 2, 1, -1], mode) for mode in _MODES),
    ]


@samples("aten.constant_pad_nd.default")
def _constant() -> list[Arguments]:
    return [
        *(call(x, [1, 0, -1, 2], 1) for x in moved(3, 4, 5)),
        *(call(numbers(3, 4), [1, 1], value) for value in (math.nan, -math.inf, -0.0)),
        call(numbers(3, 4), [-1, -2]),
        call(numbers(3, 4, 5), [0, 0, 0, 0, 1, 1]),
        call(numbers(3, dtype=torch.int64), [1, 1], 2.7),
        call(numbers(3).half(), [1, 1], 0.1),
        call(numbers(0, 4), [1, 1, 2, 0]),
        call(numbers(), []),
        call(numbers(3, dtype=torch.bool), [1, 1], True),
    ]


@samples("aten.reflection_pad1d.default")
@samples("aten.replication_pad1d.default")
def _of_one_axis() -> list[Arguments]:
    return [
        *(call(numbers(2, 4, 6), pad) for pad in ([2, 3], [-1, 2], [0, -2], [0, 0])),
        call(numbers(4, 6).half(), [5, 1]),
        call(numbers(4, 6, dtype=torch.int64), [1, 2]),
        call(numbers(0, 4, 6), [1, 2]),
    ]


@samples("aten.reflection_pad2d.default")
@samples("aten.replication_pad2d.default")
def _of_two_axes() -> list[Arguments]:
    x = numbers(2, 4, 6, 8)
    return [
        *(call(x, pad) for pad in ([1, 2, 3, 0], [-1, 2, -2, 1])),
        call(x[0], [1, 1, 1, 1]),
        call(x.transpose(2, 3), [0, 5, 2, 0]),
    ]


@samples("aten.reflection_pad3d.default")
@samples("aten.replication_pad3d.default")
def _of_three_axes() -> list[Arguments]:
    x = numbers(1, 2, 3, 4, 5)
    return [
        call(x, [1, 2, 3, 0, 1, 1]),
        call(x[0], [1, 2, 0, 0, 2, 1]),
        call(x, [-1, 1, 0, 0, 1, 0]),
    ]


@samples("aten._pad_circular.default")
def _circular() -> list[Arguments]:
    return [
        call(numbers(2, 4, 6, 8), [8, 1, -1, 2]),
        call(numbers(3, 4, 5), [2, -1]),
        call(numbers(3, 4, 5, dtype=torch.int64), [5, 0]),
        call(numbers(1, 2, 3, 4, 5), [1, 1, 2, 2, 3, 3]),
    ]


@samples("aten._pad_enum.default")
def _by_number() -> list[Arguments]:
    x = numbers(2, 4, 6)
    return [call(x, [1, 2], mode) for mode in range(4)]
