"""Views and what copies like one: shapes, axes, ranges and diagonals."""

from __future__ import annotations

import math

import torch

from tests.conformance.samples.registry import Arguments, call, moved, numbers, pairs, samples

_END = 2**63 - 1


@samples("aten.reshape.default")
@samples("aten._reshape_copy.default")
def _reshape() -> list[Arguments]:
    return [
        *(call(x, [5, -1, 2]) for x in moved(3, 4, 5)),
        call(numbers(), [1, 1]),
        call(numbers(1), []),
        call(numbers(0, 4), [4, 0]),
        call(numbers(3, 4, 5), [1, 3, 1, 2, 2, 5, 1]),
    ]


@samples("aten.flatten.using_ints")
def _flatten() -> list[Arguments]:
    return [*(call(x, 1) for x in moved(3, 4, 5)), call(numbers()), call(numbers(2, 0, 3), 0, 1)]


@samples("aten.unflatten.int")
def _unflatten() -> list[Arguments]:
    return [*(call(x, 1, [2, 2]) for x in moved(3, 4)), call(numbers(3, 4, 5), -2, [-1, 2])]


@samples("aten.view.dtype")
def _view_dtype() -> list[Arguments]:
    return [call(numbers(3, 4), torch.float32), call(numbers(2, dtype=torch.bool), torch.bool)]


@samples("aten.swapaxes.default")
@samples("aten.swapdims.default")
@samples("aten.transpose.int")
def _transpose() -> list[Arguments]:
    return [
        *(call(x, 0, -1) for x in moved(3, 4, 5)),
        call(numbers(), 0, -1),
        call(numbers(4), 0, 0),
        call(pairs(3, 4, 5), -1, -2),
    ]


@samples("aten.adjoint.default")
@samples("aten.mT.default")
@samples("aten.mH.default")
def _matrix_transpose() -> list[Arguments]:
    return [call(numbers(3, 4, 5)), call(numbers(2, 0)), call(pairs(2, 3)), call(pairs(1, 2, 3))]


@samples("aten.matrix_H.default")
def _matrix_adjoint() -> list[Arguments]:
    return [call(numbers(3, 4)), call(pairs(2, 3))]


@samples("aten.numpy_T.default")
def _numpy_transpose() -> list[Arguments]:
    return [call(numbers(3, 4)), call(numbers(3)), call(numbers()), call(pairs(2, 3))]


@samples("aten.t.default")
def _t() -> list[Arguments]:
    return [call(x) for x in (numbers(3, 4), numbers(3), numbers(), pairs(2, 3), pairs(3))]


@samples("aten.movedim.int")
@samples("aten.moveaxis.int")
def _move_axis() -> list[Arguments]:
    x = numbers(3, 4, 5)
    return [
        call(x, 0, -1),
        call(x, -1, 0),
        call(x, 1, 1),
        call(numbers(), 0, 0),
        call(pairs(2, 3), 0, 1),
    ]


@samples("aten.movedim.intlist")
@samples("aten.moveaxis.intlist")
def _move_axes() -> list[Arguments]:
    return [
        call(numbers(3, 4, 5), [0, 1], [1, 0]),
        call(numbers(2, 3, 4, 5), [3, 0], [0, 2]),
        call(numbers(2, 3, 4, 5), [1], [-1]),
        call(numbers(2, 3), [], []),
    ]


@samples("aten.permute.default")
def _permute() -> list[Arguments]:
    return [
        call(numbers(), []),
        call(numbers(1, 2, 1, 2, 1, 3, 2), [6, 5, 0, 1, 2, 3, 4]),
        call(pairs(2, 3, 4), [-1, 0, 1]),
    ]


@samples("aten.squeeze.dims")
@samples("aten.squeeze_copy.dims")
def _squeeze() -> list[Arguments]:
    x = numbers(1, 3, 1)
    return [call(x, [0, 2]), call(x, [0, 1]), call(x, []), call(x, [-1]), call(numbers(), [0])]


@samples("aten.squeeze.default")
def _squeeze_all() -> list[Arguments]:
    return [call(numbers(1, 3, 1)), call(numbers(3, 4)), call(numbers()), call(pairs(1, 2, 1))]


@samples("aten.unsqueeze.default")
def _unsqueeze() -> list[Arguments]:
    return [call(numbers(), 0), call(numbers(), -1), call(numbers(2, 3), -2), call(pairs(2, 3), -1)]


@samples("aten.expand.default")
def _expand() -> list[Arguments]:
    return [
        call(numbers(1, 3, 1), [2, 3, 4]),
        call(numbers(5), [2, -1]),
        call(numbers(), [2, 0]),
        call(numbers(), []),
        call(numbers(1, 0), [3, 0]),
        call(pairs(1, 3), [2, 2, 3]),
    ]


@samples("aten.contiguous.default")
@samples("aten.clone.default")
@samples("aten.alias.default")
@samples("aten.detach_copy.default")
def _same() -> list[Arguments]:
    return [
        *(call(x) for x in moved(3, 4, 5)),
        call(numbers()),
        call(numbers(0, 2)),
        call(pairs(2)),
    ]


@samples("aten.slice.Tensor")
@samples("aten.slice_copy.Tensor")
def _slice() -> list[Arguments]:
    ranges = (
        (0, 9, 1), (1, 3, 1), (-3, -1, 1), (-9, 9, 2), (3, 1, 1), (1, _END, 3), (9, 12, 1),
        (None, None, 1), (None, -1, 1), (0, 0, 1), (7, 9, 2), (-2, _END, 1),
    )  # fmt: skip
    x = numbers(3, 4, 5)
    return [
        *(call(y, 1, *limits) for limits in ranges for y in (x, x.transpose(0, 1))),
        *(call(y, -1, 1, 4, 2) for y in moved(3, 4, 5)),
        call(pairs(4, 5), -1, 1, 4, 2),
    ]


@samples("aten.select.int")
@samples("aten.select_copy.int")
def _select() -> list[Arguments]:
    return [
        *(call(x, 1, -1) for x in moved(3, 4, 5)),
        call(numbers(3), 0, 0),
        call(pairs(3), -1, 1),
    ]


@samples("aten.narrow.default")
@samples("aten.narrow_copy.default")
def _narrow() -> list[Arguments]:
    x = numbers(3, 4, 5)
    return [call(x, 1, 1, 2), call(x, -1, -2, 2), call(x, 0, 3, 0), call(x, 2, 0, 5)]


@samples("aten.unfold.default")
def _unfold() -> list[Arguments]:
    return [
        *(call(x, 1, 2, 1) for x in moved(3, 4, 5)),
        call(numbers(3, 4, 5), -1, 3, 2),
        call(numbers(3, 4, 5), 0, 3, 5),
        call(numbers(), 0, 1, 1),
        call(numbers(5), 0, 5, 1),
        call(numbers(5), 0, 0, 2),
        call(pairs(5), 0, 2, 1),
    ]


@samples("aten.diagonal.default")
def _diagonal() -> list[Arguments]:
    x = numbers(4, 6)
    offsets = [call(x, offset) for offset in (0, 1, -2, 9, -9)]
    return [*offsets, call(numbers(3, 4, 5), 1, -1, 0), call(pairs(3, 4), 1)]


@samples("aten.diag_embed.default")
def _diag_embed() -> list[Arguments]:
    x = numbers(4, 6)
    return [call(x), call(x, 1, 0, 2), call(x, -2, -1, 0), call(x[0], 3), call(numbers(2, 0), 1)]


@samples("aten.tril.default")
@samples("aten.triu.default")
def _triangle() -> list[Arguments]:
    solid = numbers(3, 4, 5)
    return [
        *(call(solid, diagonal) for diagonal in (0, 1, -2, 99, -99)),
        *(call(x) for x in moved(3, 4)),
        call(torch.full((3, 3), math.inf)),
        call(torch.full((3, 3), math.nan), -1),
        call(numbers(3, 0)),
    ]


@samples("aten.flip.default")
def _flip() -> list[Arguments]:
    return [
        *(call(x, [0, 2]) for x in moved(3, 4, 5)),
        call(numbers(3, 4), []),
        call(numbers(0, 4), [0]),
        call(numbers(), []),
        call(pairs(3, 2), [-1]),
    ]


@samples("aten.roll.default")
def _roll() -> list[Arguments]:
    x = numbers(3, 4, 5)
    return [
        *(call(y, [1], [1]) for y in moved(3, 4, 5)),
        call(x, [7]),
        call(x, [-2, 9], [0, 2]),
        call(x, [1, 2], [0, 0]),
        call(numbers(0, 4), [1]),
        call(numbers(), [1]),
    ]


@samples("aten.rot90.default")
def _rot90() -> list[Arguments]:
    return [call(numbers(3, 4, 5), k, dims) for k in range(-1, 5) for dims in ([0, 2], [1, 0])]


@samples("aten.repeat.default")
def _repeat() -> list[Arguments]:
    return [
        *(call(x, [2, 1, 3]) for x in moved(3, 4, 5)),
        call(numbers(5), [2, 3]),
        call(numbers(), []),
        call(numbers(), [3]),
        call(numbers(5), [0]),
        call(numbers(2, 3), [1, 1, 1]),
        call(numbers(0, 4), [2, 3]),
        call(pairs(2), [2, 2]),
    ]


@samples("aten.repeat_interleave.self_int")
def _repeat_interleave() -> list[Arguments]:
    x = numbers(3, 4, 5)
    return [
        *(call(y, 2, 1) for y in moved(3, 4, 5)),
        call(x, 3),
        call(numbers(), 2),
        call(x, 0, 0),
        call(x, 2, -1, output_size=10),
    ]


@samples("aten.conj.default")
@samples("aten._neg_view.default")
def _conjugate() -> list[Arguments]:
    return [call(pairs(3, 4)), call(pairs(3, 4).t()), call(numbers(3)), call(pairs())]
