"""Pictures of tensors: pooled to a few thousand cells, and quantised to a byte each.

It must not know how they are drawn, nor whose they are.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from math import ceil, prod

import numpy as np
from numpy.typing import NDArray

from pycandle.verify.tensors import Compared

CELLS = 48 * 48
_MOST_ROWS = 48
_MOST_COLUMNS = 128
_MOST_SLICES = 8

# Bytes that stand for no number; the others have zero at `ZERO`, and `LEVELS` to each side.
ABSENT, NAN, MINUS_INFINITY, INFINITY = range(4)
ZERO, LEVELS = 129, 125

_Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Heatmap:
    """What Rust gave beside PyTorch, each slice along the last two axes a picture.

    A cell is the element of its block where both differ most, so that a single bad one is seen.
    A byte is the square root of the value's part of the scale.
    """

    rows: int
    columns: int
    block: tuple[int, int]  # elements of a cell, down and across
    size: tuple[int, int]  # of a slice; a vector is folded into rows
    vector: bool
    scale: float  # the largest magnitude of either tensor in these slices
    difference_scale: float
    slices: tuple[tuple[str, ...], ...]  # label, golden, rust, difference in base64
    # Of each slice the row and column of its worst cell, and what golden, rust and difference are
    # there: bytes are near enough to see, and not to read.
    worst: tuple[tuple[str, ...], ...]
    left_out: int  # slices that differ less than these

    @property
    def length(self) -> int:
        """How many letters of base64 it takes."""
        return sum(len(part) for each in self.slices for part in each)


def heatmap(found: Compared) -> Heatmap | None:
    """The pictures of an output; None where Rust's was not kept, or has no elements."""
    rust, difference = found.rust, found.difference
    if rust is None or difference is None or not rust.size:
        return None
    shape = _sliced(found.golden.shape)
    golden, rust, difference = (_folded(each, shape) for each in (found.golden, rust, difference))
    worst = _weight(difference).reshape(len(difference), -1).max(axis=1)
    # The worst slices, in their own order; of equal ones the first.
    chosen = np.sort(np.argsort(-worst, kind="stable")[:_MOST_SLICES])
    golden, rust, difference = golden[chosen], rust[chosen], difference[chosen]
    down, across = _block(*shape[1:])
    pooled = [_pooled(each, down, across) for each in zip(golden, rust, difference, strict=True)]
    scale = max(_largest(each) for pair in pooled for each in pair[:2])
    difference_scale = max(_largest(each) for *_, each in pooled)
    scales = (scale, scale, difference_scale)
    # A vector's last row may be shorter.
    short = (prod(shape) - found.golden.size) // across
    labels = _labels(found.golden.shape, chosen)
    rows, columns = pooled[0][0].shape
    return Heatmap(
        rows, columns, (down, across), (shape[1], shape[2]), found.golden.ndim < 2,
        scale, difference_scale,
        tuple(
            (label, *(_bytes(each, to, short) for each, to in zip(pair, scales, strict=True)))
            for label, pair in zip(labels, pooled, strict=True)
        ),
        tuple(map(_worst, pooled)),
        shape[0] - len(chosen),
    )  # fmt: skip


def _sliced(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """How many slices there are, and their rows and columns."""
    if len(shape) >= 2:
        return prod(shape[:-2]), shape[-2], shape[-1]
    length = prod(shape)
    width = min(length, max(_MOST_ROWS, ceil(length / _MOST_ROWS)))
    return 1, ceil(length / width), width


def _folded(array: _Floats, shape: tuple[int, int, int]) -> _Floats:
    """The slices; what a vector does not fill of its last row is zero."""
    return np.pad(array.reshape(-1), (0, prod(shape) - array.size)).reshape(shape)


def _block(rows: int, columns: int) -> tuple[int, int]:
    """How many elements a cell has, down and across."""
    down = ceil(rows / _MOST_ROWS)
    across = ceil(columns / min(_MOST_COLUMNS, CELLS // ceil(rows / down)))
    return down, across


def _pooled(
    each: tuple[_Floats, _Floats, _Floats], down: int, across: int
) -> tuple[_Floats, _Floats, _Floats]:
    """The element of every block where the difference is largest, of all three."""
    golden, rust, difference = each
    rows, columns = ceil(golden.shape[0] / down), ceil(golden.shape[1] / across)
    padding = ((0, rows * down - golden.shape[0]), (0, columns * across - golden.shape[1]))

    def blocks(array: _Floats, fill: float) -> _Floats:
        padded = np.pad(array, padding, constant_values=fill)
        parted = padded.reshape(rows, down, columns, across).transpose(0, 2, 1, 3)
        return parted.reshape(rows, columns, down * across)

    # Where nothing differs, the largest magnitude stands for the block.
    weight = _weight(difference) + 1e-12 * _weight(golden)
    chosen = blocks(weight, -1.0).argmax(axis=2, keepdims=True)
    first, second, third = (
        np.take_along_axis(blocks(array, 0.0), chosen, axis=2)[:, :, 0]
        for array in (golden, rust, difference)
    )
    return first, second, third


def _worst(cells: tuple[_Floats, _Floats, _Floats]) -> tuple[str, ...]:
    """The place of the cell that differs most, and its numbers."""
    row, column = np.unravel_index(int(_weight(cells[2]).argmax()), cells[2].shape)
    return str(row), str(column), *(f"{float(each[row, column]):.6g}" for each in cells)


def _weight(array: _Floats) -> _Floats:
    """Magnitudes as parts of the largest; what is not finite is over all."""
    scale = _largest(array) or 1.0
    with np.errstate(invalid="ignore"):
        return np.where(np.isfinite(array), np.abs(array) / scale, 2.0)


def _largest(array: _Floats) -> float:
    return float(np.abs(array[np.isfinite(array)]).max(initial=0.0))


def _bytes(array: _Floats, scale: float, short: int) -> str:
    with np.errstate(invalid="ignore"):
        part = np.sign(array) * np.sqrt(np.abs(array) / (scale or 1.0))
        found = np.where(np.isfinite(array), np.rint(part * LEVELS) + ZERO, NAN)
    found = np.where(array == np.inf, INFINITY, found)
    found = np.where(array == -np.inf, MINUS_INFINITY, found)
    found[-1, found.shape[1] - short :] = ABSENT
    return b64encode(found.astype(np.uint8).tobytes()).decode("ascii")


def _labels(shape: tuple[int, ...], chosen: NDArray[np.intp]) -> list[str]:
    if len(shape) <= 2:
        return [""] * len(chosen)
    places = zip(*np.unravel_index(chosen, shape[:-2]), strict=True)
    return [f"[{', '.join(str(int(axis)) for axis in place)}, :, :]" for place in places]
