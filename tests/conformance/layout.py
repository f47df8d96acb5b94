"""A tensor's layout as steps that Candle has too: a stored tensor, then views of it.

Candle has no strides to set, so that a view with given strides is made as PyTorch's own was: by
cutting ranges out of a larger tensor, by permuting and by expanding.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor


@dataclass(frozen=True)
class Layout:
    """A stored tensor and the steps to the view: narrow, squeeze the last axis, permute, expand."""

    stored: Tensor
    narrow: tuple[tuple[int, int], ...]  # (start, length) of each axis
    squeeze: bool
    permute: tuple[int, ...]
    expand: tuple[int, ...]

    def view(self) -> Tensor:
        """The view, as Rust makes it."""
        x = self.stored
        for axis, (start, length) in enumerate(self.narrow):
            x = x.narrow(axis, start, length)
        x = x.squeeze(-1) if self.squeeze else x
        return x.permute(self.permute).expand(self.expand)


def layout(tensor: Tensor) -> Layout:
    """Steps that give this tensor with these strides; contiguous where there are none."""
    shape = tuple(tensor.shape)
    plain = Layout(
        tensor.contiguous(), tuple((0, s) for s in shape), False, tuple(range(len(shape))), shape
    )
    if tensor.is_contiguous() and tensor.storage_offset() == 0:
        return plain
    return _strided(tensor) or plain


def _strided(tensor: Tensor) -> Layout | None:
    """The layout of a view that Candle can make, with what lies between its elements as zeros."""
    if tensor.numel() == 0:
        return None
    axes = sorted(range(tensor.dim()), key=lambda d: (-tensor.stride(d), d))
    axes = [d for d in axes if tensor.stride(d) > 0 and tensor.shape[d] > 1]
    strides = [tensor.stride(d) for d in axes]
    if not axes or any(a % b for a, b in pairwise(strides)):
        return None
    inner = [a // b for a, b in pairwise(strides)]
    sizes = [tensor.shape[axes[0]], *inner]
    if any(size < tensor.shape[d] for size, d in zip(sizes, axes, strict=True)):
        return None
    squeeze = strides[-1] > 1
    sizes += [strides[-1]] if squeeze else []
    # One more element in front on the outermost axis makes an offset.
    start = 1 if tensor.storage_offset() else 0
    stored = torch.zeros([sizes[0] + start, *sizes[1:]], dtype=tensor.dtype)
    narrow = [(start, tensor.shape[axes[0]])] + [(0, tensor.shape[d]) for d in axes[1:]]
    narrow += [(0, 1)] if squeeze else []
    # Axes of one element, or of stride 0, come last, and from nowhere.
    rest = [d for d in range(tensor.dim()) if d not in axes]
    order = [*axes, *rest]
    permute = tuple(order.index(d) for d in range(tensor.dim()))
    if rest:
        stored = stored.squeeze(-1) if squeeze and stored.shape[-1] == 1 else stored
        if squeeze:
            return None
        stored = stored.reshape(*stored.shape, *[1] * len(rest))
        narrow += [(0, 1)] * len(rest)
    made = Layout(stored, tuple(narrow), squeeze, permute, tuple(tensor.shape))
    values = tensor
    for d in rest:
        values = values.narrow(d, 0, 1)
    view = stored
    for axis, (begin, length) in enumerate(made.narrow):
        view = view.narrow(axis, begin, length)
    view = view.squeeze(-1) if squeeze else view
    view.permute(permute).copy_(values)
    return made
