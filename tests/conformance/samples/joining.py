"""Tensors that become one, and one that becomes several."""

from __future__ import annotations

import torch

from tests.conformance.samples.registry import Arguments, call, moved, numbers, pairs, samples


@samples("aten.cat.default")
def _cat() -> list[Arguments]:
    x, ints = numbers(3, 4, 5), numbers(3, 4, 5, dtype=torch.int64)
    permuted, flags = numbers(5, 3, 4).permute(1, 2, 0), ints > 0
    small, empty, nothing = numbers(4, 6), numbers(0, 4), torch.zeros(0)
    return [
        *(call([y, y], 1) for y in moved(3, 4, 5)),
        *(call([x, permuted], dim) for dim in (0, 1, 2)),
        call([x, ints], -1),
        call([ints, flags]),
        call([x.half(), x.bfloat16()], 1),
        call([x, x.double()], 1),
        call([ints.to(torch.uint8), flags]),
        call([ints.to(torch.int16), ints.to(torch.uint8)]),
        call([nothing, small], -1),
        call([small, nothing]),
        call([x]),
        call([empty, empty], 1),
        call([x[:0], x]),
        call([numbers(1, 4, 5).expand(3, 4, 5), x], 1),
        call([nothing]),
        call([nothing, nothing.long()]),
        call([pairs(2, 3), pairs(2, 1)], -1),
    ]


@samples("aten.stack.default")
def _stack() -> list[Arguments]:
    x = numbers(3, 4, 5)
    return [
        *(call([y, y], 1) for y in moved(3, 4, 5)),
        call([x, x.long()], -1),
        call([numbers(), numbers()]),
        call([x[:0], x[:0]], 1),
        call([pairs(2), pairs(2)], -1),
    ]


@samples("aten.hstack.default")
@samples("aten.vstack.default")
@samples("aten.row_stack.default")
@samples("aten.dstack.default")
@samples("aten.column_stack.default")
def _stacks() -> list[Arguments]:
    shapes = ((), (5,), (4, 6), (3, 4, 5))
    alike = [call([numbers(*shape), numbers(*shape)]) for shape in shapes]
    return [*alike, call([numbers(4, 6), numbers(4, 6, dtype=torch.int64)])]


@samples("aten.block_diag.default")
def _block_diag() -> list[Arguments]:
    x = numbers(4, 6)
    return [call([x, x[0], x[0, 0]]), call([x]), call([x, x[:0]]), call([x, x.long()])]


@samples("aten.meshgrid.default")
def _meshgrid() -> list[Arguments]:
    return [
        call([numbers(5), numbers(3)]),
        call([numbers(5)]),
        call([numbers(2), numbers(), numbers(3)]),
        call([numbers(2, dtype=torch.int64), numbers(3, dtype=torch.int64)]),
        call([numbers(2), numbers(0)]),
    ]


@samples("aten.meshgrid.indexing")
def _meshgrid_indexing() -> list[Arguments]:
    return [
        call([numbers(5), numbers(3), numbers(2)], indexing="xy"),
        call([numbers(5), numbers(3)], indexing="ij"),
        call([numbers(5), numbers()], indexing="xy"),
        call([numbers(5)], indexing="xy"),
    ]


@samples("aten.combinations.default")
def _combinations() -> list[Arguments]:
    x = numbers(5)
    return [call(x), call(x, 3), call(x, 2, True), call(x, 0), call(x, 6), call(x[:0])]


@samples("aten.broadcast_tensors.default")
def _broadcast_tensors() -> list[Arguments]:
    x = numbers(5)
    return [call([x, numbers(3, 1)]), call([x, numbers(), numbers(2, 1, 1)]), call([x])]


@samples("aten.split.Tensor")
@samples("aten.split_copy.Tensor")
@samples("aten.unsafe_split.Tensor")
def _split() -> list[Arguments]:
    x = numbers(3, 4, 5)
    return [
        *(call(y, 2, 1) for y in moved(3, 4, 5)),
        call(x, 3, -1),
        call(x, 9),
        call(numbers(0, 4), 1),
        call(numbers(0, 4), 0),
    ]


@samples("aten.split.sizes")
@samples("aten.split_with_sizes.default")
@samples("aten.split_with_sizes_copy.default")
@samples("aten.unsafe_split_with_sizes.default")
def _split_sizes() -> list[Arguments]:
    return [
        *(call(x, [1, 3], 1) for x in moved(3, 4, 5)),
        call(numbers(3, 4, 5), [1, 0, 4], -1),
        call(numbers(3, 4), [3]),
        call(numbers(0, 4), [0, 0]),
    ]


@samples("aten.chunk.default")
@samples("aten.unsafe_chunk.default")
def _chunk() -> list[Arguments]:
    x = numbers(3, 4, 5)
    return [call(x, 3, 2), call(x, 7, 0), call(x, 2, 1), call(x, 4, -1), call(numbers(0, 4), 3)]


@samples("aten.tensor_split.sections")
def _tensor_split() -> list[Arguments]:
    return [call(numbers(3, 4, 5), count, dim) for count in (1, 3, 7) for dim in (1, -1)]


@samples("aten.tensor_split.indices")
def _tensor_split_at() -> list[Arguments]:
    x = numbers(3, 4, 5)
    return [call(x, places, 2) for places in ([1, 3], [3, 1], [-2, 9], [], [0, 0])]


@samples("aten.unbind.int")
def _unbind() -> list[Arguments]:
    return [*(call(x, 1) for x in moved(3, 4, 5)), call(numbers(5)), call(numbers(2, 3), -1)]
