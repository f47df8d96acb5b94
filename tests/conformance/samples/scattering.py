"""Elements written by indices and by masks, and copies into a tensor."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from tests.conformance.samples.registry import Arguments, call, moved, numbers, pairs, samples

_NONE = torch.zeros(0, dtype=torch.int64)
_END = 2**63 - 1


def _places() -> Tensor:
    """Indices along the first axis of [3, 4, 5], each row of them without repetition."""
    return torch.stack([torch.randperm(3) for _ in range(20)], 1).reshape(3, 4, 5)


def _arithmetic() -> list[Tensor]:
    return [x for x in moved(3, 4, 5) if x.dtype is not torch.bool]


@samples("aten.scatter.src")
def _scatter() -> list[Arguments]:
    places = _places()
    return [
        *(call(x, 0, places, numbers(3, 4, 6, dtype=x.dtype)) for x in moved(3, 4, 5)),
        *(call(x, 0, places[:2, :3], numbers(3, 4, 6, dtype=x.dtype)) for x in moved(3, 4, 5)),
        call(torch.zeros(3), 0, torch.tensor(1), numbers()),
        call(numbers(3), 0, _NONE, numbers(3)),
    ]


@samples("aten.scatter.value")
def _scatter_value() -> list[Arguments]:
    rows = torch.randint(0, 3, (2, 3, 5))
    return [
        *(call(x, 1, rows[:, :1], 1) for x in moved(3, 4, 5)),
        *(call(numbers(3, 4, 5), 2, rows[:1, :1, :1], v) for v in (2.5, math.nan, -math.inf, -0.0)),
        call(numbers(), 0, torch.tensor(0), 3),
        call(numbers(3), 0, _NONE, 1.0),
    ]


@samples("aten.scatter.reduce")
def _scatter_combined() -> list[Arguments]:
    rows = torch.randint(0, 3, (2, 3, 5))
    return [
        call(x, 0, rows, numbers(3, 4, 6, dtype=x.dtype), reduce=how)
        for how in ("add", "multiply")
        for x in _arithmetic()
    ]


@samples("aten.scatter.value_reduce")
def _scatter_combined_value() -> list[Arguments]:
    rows = torch.randint(0, 3, (2, 3, 5))
    ways = ("add", "multiply")
    return [
        *(call(x, 0, rows, 2, reduce=how) for how in ways for x in _arithmetic()),
        *(call(numbers(3, 4, 5), 0, rows, -0.3, reduce=how) for how in ways),
    ]


@samples("aten.scatter_add.default")
def _scatter_add() -> list[Arguments]:
    rows = torch.randint(0, 3, (2, 3, 5))
    return [
        *(call(x, 0, rows, numbers(3, 4, 6, dtype=x.dtype)) for x in moved(3, 4, 5)),
        call(numbers(3, 4, 5), 0, rows[:0], numbers(3, 4, 6)),
        call(numbers(), 0, torch.tensor(0), numbers()),
    ]


@samples("aten.scatter_reduce.two")
def _scatter_reduce() -> list[Arguments]:
    rows = torch.randint(0, 3, (2, 3, 5))
    special = torch.tensor([math.nan, 1.0, -math.inf, 2.0, math.inf])
    ways = ("sum", "prod", "mean", "amax", "amin")
    return [
        *(
            call(x, dim, rows, numbers(3, 4, 6, dtype=x.dtype), how, include_self=own)
            for how in ways
            for dim, own in ((0, True), (1, False))
            for x in (
                numbers(3, 4, 5),
                numbers(3, 4, 5, dtype=torch.int64),
                numbers(3, 4, 5).half(),
            )
        ),
        *(call(numbers(3), 0, torch.tensor([0, 0, 1, 1, 2]), special, how) for how in ways),
        *(
            call(numbers(3, 4, 5) > 0, 0, rows, numbers(3, 4, 6) > 0, how)
            for how in ("sum", "prod", "amax")
        ),
    ]


@samples("aten.index_add.default")
def _index_add() -> list[Arguments]:
    places = torch.tensor([0, 2, 2])
    return [
        *(call(x, 1, places, numbers(3, 3, 5, dtype=x.dtype)) for x in moved(3, 4, 5)),
        *(call(x, 1, places, numbers(3, 3, 5, dtype=x.dtype), alpha=2) for x in _arithmetic()),
        *(
            call(numbers(4, dtype=torch.bool), 0, places, torch.tensor([True] * 3), alpha=alpha)
            for alpha in (False, True)
        ),
        call(numbers(), 0, torch.tensor(0), numbers()),
    ]


@samples("aten.index_copy.default")
def _index_copy() -> list[Arguments]:
    return [
        *(
            call(x, 1, torch.tensor([0, 2]), numbers(3, 2, 5, dtype=x.dtype))
            for x in moved(3, 4, 5)
        ),
        call(numbers(), 0, torch.tensor([0]), numbers(1)),
        call(numbers(), 0, torch.tensor([0]), numbers()),
        call(pairs(), 0, torch.tensor([0]), pairs()),
        call(pairs(), 0, torch.tensor([0]), pairs(1)),
        call(pairs(3, 4), -1, torch.tensor([1, 2]), pairs(3, 2)),
        call(numbers(3), 0, _NONE, numbers(0)),
    ]


@samples("aten.index_fill.int_Scalar")
def _index_fill() -> list[Arguments]:
    return [
        *(call(x, 1, torch.tensor([0, -1]), 1) for x in moved(3, 4, 5)),
        call(numbers(3, 4), -1, _NONE, 1),
        call(numbers(3), 0, torch.tensor(1), math.nan),
        call(numbers(), 0, torch.tensor(0), 2.5),
    ]


@samples("aten.index_fill.int_Tensor")
def _index_fill_tensor() -> list[Arguments]:
    return [call(x, 1, torch.tensor([0, -1]), numbers(dtype=x.dtype)) for x in moved(3, 4, 5)]


@samples("aten.index_reduce.default")
def _index_reduce() -> list[Arguments]:
    places = torch.tensor([0, 2, 2])
    return [
        call(x, 1, places, numbers(3, 3, 5, dtype=x.dtype), how, include_self=own)
        for how in ("prod", "mean", "amax", "amin")
        for own in (False, True)
        for x in (
            numbers(3, 4, 5),
            numbers(3, 4, 5).bfloat16(),
            numbers(3, 4, 5, dtype=torch.int64),
        )
    ]


@samples("aten.index_put.default")
@samples("aten._unsafe_index_put.default")
def _index_put() -> list[Arguments]:
    pair = torch.tensor([0, 2])
    made: list[Arguments] = []
    for x in moved(3, 4, 5):
        row, one = numbers(5, dtype=x.dtype), torch.ones((), dtype=x.dtype)
        mask = x.float() > 0
        made += [
            call(x, [pair], row),
            call(x, [None, torch.tensor([0, -2])], row),
            call(x, [pair, None, torch.tensor([0, 1])], one),
            call(x, [mask], one),
            call(x, [numbers(3) > 0], row),
            call(x, [None, numbers(4) > 0], row[:1]),
            call(x, [mask], numbers(int(mask.sum()), dtype=x.dtype)),
        ]
    for x in _arithmetic():
        made += [
            call(x, [torch.tensor([0, 0, 2])], numbers(5, dtype=x.dtype), True),
            call(x, [x.float() > 0], torch.ones((), dtype=x.dtype), True),
        ]
    return [*made, call(numbers(3, 4, 5), [_NONE], numbers(5))]


@samples("aten.masked_scatter.default")
def _masked_scatter() -> list[Arguments]:
    return [
        *(call(x, numbers(4, 1) > 0, numbers(60, dtype=x.dtype)) for x in moved(3, 4, 5)),
        *(call(x, x.float() > 0, numbers(60, dtype=x.dtype)) for x in moved(3, 4, 5)),
    ]


@samples("aten.select_scatter.default")
def _select_scatter() -> list[Arguments]:
    return [call(x, numbers(3, 5, dtype=x.dtype), 1, -1) for x in moved(3, 4, 5)]


@samples("aten.slice_scatter.default")
def _slice_scatter() -> list[Arguments]:
    return [
        *(call(x, numbers(3, 2, 5, dtype=x.dtype), 1, 1, 3) for x in moved(3, 4, 5)),
        *(call(x, numbers(3, 2, 5, dtype=x.dtype), 1, 0, _END, 2) for x in moved(3, 4, 5)),
        call(numbers(3, 4), numbers(3, 4), 0),
        call(numbers(3, 4), numbers(0, 4), 0, 3, 1),
    ]


@samples("aten.diagonal_scatter.default")
def _diagonal_scatter() -> list[Arguments]:
    return [
        *(call(x, numbers(5, 3, dtype=x.dtype)) for x in moved(3, 4, 5)),
        call(numbers(3, 4, 5), numbers(4, 3), 1, 0, 2),
        call(numbers(3, 4), numbers(2), -1),
    ]


@samples("aten.copy.default")
def _copy() -> list[Arguments]:
    return [
        *(call(x, numbers(5)) for x in moved(3, 4, 5)),
        *(call(x, numbers(4, 1, dtype=torch.bool)) for x in moved(3, 4, 5)),
        *(call(numbers(3, 4, 5), x) for x in moved(3, 4, 5)),
        call(numbers(), numbers()),
    ]


@samples("aten.fill.Scalar")
def _fill() -> list[Arguments]:
    values = (math.nan, -math.inf, -0.0, 7, True)
    return [
        *(call(x, 1) for x in moved(3, 4)),
        *(call(numbers(3), value) for value in values),
        call(numbers(0, 2), 1.5),
    ]


@samples("aten.fill.Tensor")
def _fill_tensor() -> list[Arguments]:
    return [
        *(call(x, torch.tensor(1.5)) for x in moved(3, 4)),
        call(numbers(3), torch.tensor(2)),
        call(numbers(3).half(), torch.tensor(1e5)),
        call(numbers(), torch.tensor(math.nan)),
    ]


@samples("aten.zero.default")
def _zero() -> list[Arguments]:
    return [*(call(x) for x in moved(3, 4)), call(torch.tensor(math.nan)), call(numbers(0, 2))]
