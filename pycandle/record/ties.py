"""Takes one answer where PyTorch leaves the places of equal elements open: the first come first.

Which of equal elements `sort` and `topk` name depends on the processor, and on the kernel that
PyTorch chooses there. Golden tensors of what a model makes of places, such as rows in the order of
their experts, would hold for one machine only. It must not know the graph.
"""

# PyTorch annotates only part of its ops.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

_aten: Any = torch.ops.aten


class FirstOfEquals(TorchDispatchMode):
    """Within it, ops that name places of elements name the first of equal ones.

    Every answer is one that PyTorch's documentation allows, and values are as ever.
    """

    supports_higher_order_operators = True

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        answer: Callable[..., Any] = _ANSWERS.get(func, func)
        return answer(*args, **(kwargs or {}))


def _sort(x: Tensor, dim: int = -1, descending: bool = False) -> tuple[Tensor, Tensor]:
    return _aten.sort.stable(x, stable=True, dim=dim, descending=descending)


def _topk(
    x: Tensor, k: int, dim: int = -1, largest: bool = True, *_sorted: bool, **_: bool
) -> tuple[Tensor, Tensor]:
    if x.dim() == 0 or not 0 <= k <= x.shape[dim]:
        return _aten.topk.default(x, k, dim, largest)
    values, places = _sort(x, dim, descending=largest)
    return values.narrow(dim, 0, k).contiguous(), places.narrow(dim, 0, k).contiguous()


def _first(op: Any) -> Callable[..., tuple[Tensor, Tensor]]:
    """The op with the first place of each value that it gives."""

    def answer(x: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        values, places = op(x, *args, **kwargs)
        given = dict(zip((a.name for a in op._schema.arguments[1:]), args, strict=False)) | kwargs
        if x.dim() == 0 or not values.numel():
            return values, places
        dim = given.get("dim", -1)
        kept = values if given.get("keepdim") else values.unsqueeze(dim)
        equal = (x == kept) | (x.isnan() & kept.isnan())
        return values, equal.byte().argmax(dim, keepdim=bool(given.get("keepdim")))

    return answer


_ANSWERS: dict[Any, Any] = {
    _aten.sort.default: _sort,
    _aten.topk.default: _topk,
    **{op: _first(op) for op in (_aten.kthvalue.default, _aten.median.dim, _aten.nanmedian.dim)},
}
