"""Resizing of images, sampling from them, and their patches."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor

from tests.conformance.samples.registry import Arguments, call, numbers, samples

_FLOATS = (torch.float32, torch.float64, torch.float16, torch.bfloat16)


def _image(axes: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return numbers(2, 3, *(5, 7, 6)[:axes], dtype=dtype)


def _special(axes: int) -> Tensor:
    image = numbers(1, 2, *(6,) * axes)
    image.flatten()[[3, 10]] = torch.tensor([math.inf, math.nan])
    return image


def _resized(axes: int, *aligned: bool, dtypes: Sequence[torch.dtype] = _FLOATS) -> list[Arguments]:
    """Calls of `.default`; `aligned` is what the op takes as `align_corners`, if it does."""
    made: list[Arguments] = []
    for corners in [[flag] for flag in aligned] or [[]]:
        sizes: tuple[Sequence[int], ...] = ([8, 7, 3], [13, 4, 11], [5, 7, 6], [1, 1, 1])
        made += [call(_image(axes), list(size[:axes]), *corners) for size in sizes]
        scales = (1.5, None, 0.5)[:axes]
        made += [call(_image(axes, t), [8, 7, 3][:axes], *corners, *scales) for t in dtypes]
        made.append(call(_special(axes), [9, 4, 6][:axes], *corners))
        made.append(call(numbers(0, 3, *(4,) * axes), [5, 5, 5][:axes], *corners))
    return made


def _by_size_or_scale(
    axes: int, *aligned: bool, dtypes: Sequence[torch.dtype] = _FLOATS
) -> list[Arguments]:
    """Calls of `.vec`."""
    made: list[Arguments] = []
    for corners in [[flag] for flag in aligned] or [[]]:
        sizes = ([13, 4, 11], [5, 7, 6], [1, 1, 1])
        made += [call(_image(axes), size[:axes], *corners, None) for size in sizes]
        scales = ([2.0, 2.0, 3.0], [1.7, 0.6, 2.3], [1.1, 1.1, 1.1])
        made += [call(_image(axes), None, *corners, scale[:axes]) for scale in scales]
        made += [call(_image(axes, t), [9, 4, 11][:axes], *corners, None) for t in dtypes]
        made.append(call(_special(axes), [9, 4, 6][:axes], *corners, None))
    return made


@samples("aten.upsample_nearest1d.default")
@samples("aten._upsample_nearest_exact1d.default")
def _nearest1d() -> list[Arguments]:
    lengths = itertools.product((3, 7, 10, 24), (1, 2, 7, 11, 29, 50))
    counting = [call(torch.arange(n).float().reshape(1, 1, n), [to]) for n, to in lengths]
    return [*_resized(1), call(_image(1).to(torch.uint8), [8]), *counting]


@samples("aten.upsample_nearest2d.default")
@samples("aten._upsample_nearest_exact2d.default")
def _nearest2d() -> list[Arguments]:
    return _resized(2)


@samples("aten.upsample_nearest3d.default")
@samples("aten._upsample_nearest_exact3d.default")
def _nearest3d() -> list[Arguments]:
    return _resized(3)


@samples("aten._upsample_nearest_exact3d.vec")
def _nearest3d_by_scale() -> list[Arguments]:
    return _by_size_or_scale(3)


@samples("aten.upsample_linear1d.default")
def _linear1d() -> list[Arguments]:
    return _resized(1, False, True)


@samples("aten.upsample_trilinear3d.default")
def _linear3d() -> list[Arguments]:
    return _resized(3, False, True)


@samples("aten.upsample_bilinear2d.default")
@samples("aten.upsample_bicubic2d.default")
def _linear2d() -> list[Arguments]:
    return _resized(2, False, True)


@samples("aten._upsample_bilinear2d_aa.default")
@samples("aten._upsample_bicubic2d_aa.default")
@samples("aten._upsample_lanczos2d_aa.default")
def _antialiased() -> list[Arguments]:
    return _resized(2, False, True, dtypes=_FLOATS[:2])


@samples("aten.upsample_bicubic2d.vec")
def _linear2d_by_scale() -> list[Arguments]:
    return _by_size_or_scale(2, False, True)


@samples("aten._upsample_bicubic2d_aa.vec")
@samples("aten._upsample_lanczos2d_aa.vec")
def _antialiased_by_scale() -> list[Arguments]:
    return [
        *_by_size_or_scale(2, False, True, dtypes=_FLOATS[:2]),
        call(numbers(1, 1, 37, 101), [11, 13], False, None),
        call(numbers(1, 1, 37, 101), [11, 13], True, None),
    ]


@samples("aten.affine_grid_generator.default")
def _affine_grid() -> list[Arguments]:
    return [
        call(numbers(2, *rows, dtype=dtype), size, aligned)
        for rows, size in (((2, 3), [2, 3, 5, 6]), ((3, 4), [2, 3, 5, 1, 4]))
        for aligned in (False, True)
        for dtype in (_FLOATS if len(size) == 4 else _FLOATS[:2])
    ]


@samples("aten.grid_sampler.default")
def _grid() -> list[Arguments]:
    return [*_grid2d(), *_grid3d()]


@samples("aten.grid_sampler_2d.default")
def _grid2d() -> list[Arguments]:
    edges = 1.5 * numbers(1, 5, 6, 2)
    edges[0, 0, 0, 0], edges[0, 1, 2, 1], edges[0, 3, 3, 0] = math.nan, math.inf, -math.inf
    edges[0, 4, 4] = 1e20
    modes = list(itertools.product((0, 1, 2), (0, 1, 2), (False, True)))
    return [
        *(call(numbers(2, 3, 5, 6), numbers(2, 4, 7, 2), *mode) for mode in modes),
        *(call(numbers(1, 2, 4, 7), edges, *mode) for mode in modes),
        *(call(numbers(1, 2, 1, 1), numbers(1, 3, 2, 2), *mode) for mode in modes),
        *(call(_special(2), numbers(1, 3, 4, 2).clamp(-1, 1), *mode) for mode in modes),
        call(numbers(2, 3, 5, 6).double(), numbers(2, 4, 7, 2).double(), 2, 2, False),
    ]


@samples("aten.grid_sampler_3d.default")
def _grid3d() -> list[Arguments]:
    edges = 1.5 * numbers(1, 5, 6, 2, 3)
    edges[0, 0, 0, 0, 0], edges[0, 1, 2, 1], edges[0, 3, 3, 0] = math.nan, math.inf, -math.inf
    edges[0, 4, 4] = 1e20
    modes = list(itertools.product((0, 1), (0, 1, 2), (False, True)))
    return [
        *(call(numbers(2, 2, 3, 4, 5), numbers(2, 3, 2, 4, 3), *mode) for mode in modes),
        *(call(numbers(1, 2, 4, 7, 3), edges, *mode) for mode in modes),
    ]


_WINDOWS = (
    ([3, 3], [1, 1], [0, 0], [1, 1]),
    ([2, 3], [2, 1], [1, 2], [2, 1]),
    ([3, 1], [1, 3], [4, 0], [3, 2]),
    ([1, 1], [1, 1], [3, 3], [2, 2]),
)


@samples("aten.im2col.default")
def _patches() -> list[Arguments]:
    return [
        *(call(numbers(2, 3, 7, 8), *window) for window in _WINDOWS),
        *(call(numbers(3, 7, 8, dtype=t), *_WINDOWS[1]) for t in _FLOATS),
        call(numbers(0, 3, 7, 8), *_WINDOWS[0]),
    ]


@samples("aten.col2im.default")
def _from_patches() -> list[Arguments]:
    made: list[Arguments] = []
    for args, _ in _patches():
        x, *window = args
        made.append(call(torch.ops.aten.im2col(x, *window), [7, 8], *window))
    return made
