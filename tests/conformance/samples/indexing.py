"""Elements picked by indices and by masks."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from tests.conformance.samples.registry import Arguments, call, moved, numbers, pairs, samples

_NONE = torch.zeros(0, dtype=torch.int64)
_ROWS = torch.tensor([2, 0, -1])
_COLUMN = torch.tensor([[1], [-2]])


def _few(*shape: int) -> list[Tensor]:
    """Tensors that tell the paths of indexing apart: floats, permuted, integers, flags, narrow."""
    wanted = (torch.float32, torch.float16, torch.int64, torch.uint8, torch.bool)
    permuted = numbers(*reversed(shape)).permute(*reversed(range(len(shape))))
    return [*(numbers(*shape, dtype=dtype) for dtype in wanted), permuted]


@samples("aten.index.Tensor")
def _index() -> list[Arguments]:
    made: list[Arguments] = []
    for x in _few(3, 4, 5):
        lists: list[list[Tensor | None]] = [
            [_ROWS],
            [None, None, _ROWS],
            [_ROWS, _ROWS],
            [_ROWS, None, _ROWS],
            [None, _COLUMN, _ROWS],
            [_COLUMN, _ROWS, torch.tensor([1])],
            [x.float() > 0],
            [None, numbers(4) > 0],
            [numbers(3, 4) > 0],
            [numbers(3) > 0, None, torch.tensor([1])],
            [torch.tensor(1)],
            [_ROWS.int()],
            [_NONE],
            [None, torch.zeros(2, 0, dtype=torch.int64)],
        ]
        made += [call(x, indices) for indices in lists]
    return made


@samples("aten.gather.default")
def _gather() -> list[Arguments]:
    rows, columns = torch.randint(0, 3, (2, 4, 5)), torch.randint(0, 5, (3, 4, 7))
    return [
        *(call(x, 0, rows) for x in _few(3, 4, 5)),
        *(call(x, 1, rows[:, :, :2]) for x in _few(3, 4, 5)),
        *(call(x, -1, columns) for x in _few(3, 4, 5)),
        call(numbers(), 0, torch.tensor(0)),
        call(numbers(5), 0, torch.tensor([3, 3])),
        call(numbers(3, 4, 5), 0, torch.zeros(0, 2, 2, dtype=torch.int64)),
        call(numbers(3, 4, 5), 1, torch.zeros(1, 2, 3, dtype=torch.int32)),
    ]


@samples("aten.index_select.default")
def _index_select() -> list[Arguments]:
    return [
        *(call(x, 1, torch.tensor([1, 1, 3])) for x in moved(3, 4, 5)),
        call(numbers(3, 4, 5), -1, torch.tensor([0], dtype=torch.int32)),
        call(numbers(3, 4, 5), 0, torch.tensor(1)),
        call(numbers(3, 4, 5), 0, _NONE),
        call(numbers(), 0, torch.tensor([0])),
        call(numbers(), 0, torch.tensor(0)),
        call(numbers(0, 4), 1, torch.tensor([1, 2])),
        call(pairs(), 0, torch.tensor([0])),
        call(pairs(3, 4), -1, torch.tensor([3, 0])),
    ]


@samples("aten.take.default")
def _take() -> list[Arguments]:
    return [call(x, torch.tensor([[1, -1], [59, 0]])) for x in _few(3, 4, 5)]


@samples("aten.take_along_dim.default")
def _take_along_dim() -> list[Arguments]:
    return [
        *(call(x, torch.randint(-3, 3, (1, 4, 5)), 0) for x in _few(3, 4, 5)),
        *(call(x, torch.randint(0, 4, (3, 2, 1)), 1) for x in _few(3, 4, 5)),
        call(numbers(3, 4, 5), torch.tensor([3, 59])),
        call(numbers(), torch.tensor([0])),
        call(numbers(3, 4), torch.tensor([[4, -5], [100, -1], [-4, -100]]), 1),
    ]


@samples("aten.masked_select.default")
def _masked_select() -> list[Arguments]:
    return [
        *(call(x, numbers(4, 1) > 0) for x in _few(3, 4, 5)),
        call(numbers(4, 1), numbers(3, 1, 5) > 0),
        call(numbers(), torch.tensor(True)),
        call(numbers(3), torch.tensor(False)),
    ]


@samples("aten.nonzero.default")
@samples("aten.argwhere.default")
def _nonzero() -> list[Arguments]:
    return [
        *(call(x) for x in _few(3, 4, 5)),
        call(numbers()),
        call(torch.tensor(0.0)),
        call(torch.tensor([math.nan, -0.0, 0.0, math.inf])),
        call(numbers(0, 4)),
    ]


@samples("aten.nonzero_static.default")
def _nonzero_static() -> list[Arguments]:
    return [call(x, size=n, fill_value=7) for x in _few(3, 4) for n in (0, 3, 99)]


@samples("aten.one_hot.default")
def _one_hot() -> list[Arguments]:
    return [
        call(torch.randint(0, 4, (2, 3)), 4),
        call(torch.tensor(1), 3),
        call(_NONE, 3),
    ]


_NUMBERS = torch.tensor([[-1, 0, 1, 2], [2, 5, 3, 1]])


@samples("aten.isin.Tensor_Tensor")
def _isin() -> list[Arguments]:
    x = numbers(3, 4)
    return [
        *(call(_NUMBERS, torch.tensor([1, 2]), invert=invert) for invert in (False, True)),
        call(x, x[0]),
        call(_NUMBERS, torch.tensor([1.0, 2.5])),
        call(torch.tensor([math.nan, 0.0, -0.0]), torch.tensor([-0.0, math.nan])),
        call(_NUMBERS, _NONE),
        call(_NUMBERS.int(), torch.tensor([2])),
    ]


@samples("aten.isin.Tensor_Scalar")
def _isin_scalar() -> list[Arguments]:
    return [
        call(_NUMBERS, 2),
        call(_NUMBERS, 2.5),
        call(_NUMBERS.double(), 2, invert=True),
        call(torch.tensor([math.nan, 1.0]), math.nan),
    ]


@samples("aten.isin.Scalar_Tensor")
def _scalar_isin() -> list[Arguments]:
    return [
        call(2, _NUMBERS),
        call(9, _NUMBERS),
        call(0.5, numbers(3)),
        call(2, _NUMBERS, invert=True),
    ]


@samples("aten.embedding.default")
def _embedding() -> list[Arguments]:
    weight = numbers(7, 3)
    return [
        call(weight, torch.tensor([[1, 6], [0, 0]])),
        call(weight.half(), torch.tensor([2], dtype=torch.int32)),
        call(weight, torch.tensor(3)),
        call(weight, torch.tensor([1, 2]), 2),
        call(weight, _NONE),
    ]


_WORDS = torch.tensor([1, 2, 2, 6, 0])
_BAGS = torch.tensor([0, 2, 2])


@samples("aten.embedding_bag.default")
@samples("aten._embedding_bag.default")
@samples("aten._embedding_bag_forward_only.default")
def _embedding_bag() -> list[Arguments]:
    floats = (torch.float32, torch.float64, torch.float16)
    return [
        *(
            call(numbers(7, 3, dtype=t), _WORDS, _BAGS, False, mode)
            for t in floats
            for mode in range(3)
        ),
        *(
            call(numbers(7, 3), _WORDS, torch.tensor([0, 2, 5]), False, mode, False, None, True)
            for mode in range(3)
        ),
        call(numbers(7, 3), _WORDS, _BAGS, False, 0, False, numbers(5)),
    ]


@samples("aten.embedding_bag.padding_idx")
def _embedding_bag_padding() -> list[Arguments]:
    weight = numbers(7, 3)
    return [
        call(weight, _WORDS, _BAGS, False, mode, False, None, False, padding)
        for mode in range(3)
        for padding in (2, -1, None)
    ]


@samples("aten.unique_dim.default")
def _unique_dim() -> list[Arguments]:
    torch.manual_seed(1)
    rows = torch.randint(0, 2, (6, 2))
    return [
        *(
            call(x, dim, True, True, True)
            for x in (rows, rows.float(), rows.bool())
            for dim in (0, 1)
        ),
        call(rows.double(), -2),
        call(rows.expand(2, 6, 2), 0, True, False, True),
    ]
