"""Rounds weights to quantised formats, and gives them back as numbers: what a format loses.

A weight of shape `(channels, inputs)` is rounded row by row; which axes of an op's weight are which
is told here. Numbers are those that a kernel multiplies with, in float32:

- `int8`: per row `scale = max|w| / 127` in float32, `q = round(w / scale)`, half to even, from -127
  to 127; the weight is `q * scale`.
- `q8_0`, as Candle's `BlockQ8_0`: per 32 numbers of a row `d = max|w| / 127`, `q = round(w / d)`,
  half away from zero; the weight is `q * f16(d)`.
- `q4_0`, as Candle's `BlockQ4_0`: per 32 numbers `d = w / -8` of the `w` of largest magnitude,
  `q = floor(w / d + 8.5)`, 15 at most; the weight is `(q - 8) * f16(d)`.

A row is what one output channel of a linear or convolution layer reads, flattened, and what an
embedding has for one index. Inputs are not rounded, while Candle's own kernels for blocks round
those to `q8_0`, too. It must not know which layers are rounded.
"""

# PyTorch annotates only part of its ops.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import torch
from torch import Tensor

from pycandle.graph import Node

BLOCK = 32

# Where an op has its weight: the argument, and how that lies.
_WEIGHTS = {
    "aten.linear.default": (1, "rows"),
    "aten.embedding.default": (0, "rows"),
    "aten.mm.default": (1, "columns"),
    "aten.bmm.default": (1, "columns"),
    "aten.matmul.default": (1, "columns"),
    "aten.addmm.default": (2, "columns"),
    "aten.baddbmm.default": (2, "columns"),
    **{f"aten.conv{n}d.default": (1, "filters") for n in (1, 2, 3)},
    **{f"aten.conv{n}d.padding": (1, "filters") for n in (1, 2, 3)},
    "aten.conv_transpose1d.default": (1, "transposed"),
    "aten.conv_transpose2d.input": (1, "transposed"),
    "aten.conv_transpose3d.input": (1, "transposed"),
}  # fmt: skip
_GROUPS = 6  # the argument of a transposed convolution that says into how many it is split


class NoBlocksError(ValueError):
    """A weight whose rows cannot be cut into blocks."""


def weight_of(node: Node) -> int | None:
    """The place among the node's arguments where a layer of it has its weight."""
    place, _ = _WEIGHTS.get(node.op, (None, ""))
    return place if place is not None and place < len(node.args) else None


def rounded(weight: Tensor, node: Node, name: str) -> Tensor:
    """The weight of the node as the format `name` has it. Raises `NoBlocksError`."""
    layout = _WEIGHTS[node.op][1]
    if layout == "columns":
        turned = weight.transpose(-1, -2)
        return _by_row(turned, turned.shape[-1], name).transpose(-1, -2)
    if layout == "rows":
        return _by_row(weight, weight.shape[-1], name)
    if layout == "filters":
        return _by_row(weight, weight[0].numel(), name)
    groups = node.args[_GROUPS] if len(node.args) > _GROUPS else 1
    assert isinstance(groups, int)
    split = weight.unflatten(0, (groups, -1)).transpose(1, 2)
    back = _by_row(split, split[0, 0].numel(), name).transpose(1, 2)
    return back.reshape(weight.shape)


def _by_row(weight: Tensor, length: int, name: str) -> Tensor:
    rows = weight.contiguous().reshape(-1, length)
    if name != "int8" and length % BLOCK:
        raise NoBlocksError(f"its rows of {length} are no blocks of {BLOCK}")
    return _FORMATS[name](rows).reshape(weight.shape)


def _int8(rows: Tensor) -> Tensor:
    scale = rows.abs().amax(1, keepdim=True) / 127
    return torch.where(scale > 0, (rows / scale).round() * scale, rows)


def _q8_0(rows: Tensor) -> Tensor:
    blocks = rows.reshape(-1, BLOCK)
    step = blocks.abs().amax(1, keepdim=True) / 127
    scaled = blocks * torch.where(step > 0, 1 / step, 0)
    # Rust's `round` takes halves away from zero, PyTorch's to the even number; more than 127 does
    # not fit, and is none.
    whole = (scaled.double().abs() + 0.5).floor().clamp(max=127).float() * scaled.sign()
    return whole * step.half().float()


def _q4_0(rows: Tensor) -> Tensor:
    blocks = rows.reshape(-1, BLOCK)
    largest = blocks.gather(1, blocks.abs().argmax(1, keepdim=True))
    step = largest / -8
    scaled = blocks * torch.where(step != 0, 1 / step, 0)
    return ((scaled + 8.5).floor().clamp(0, 15) - 8) * step.half().float()


_FORMATS = {"int8": _int8, "q8_0": _q8_0, "q4_0": _q4_0}
