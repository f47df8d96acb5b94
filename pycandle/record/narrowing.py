"""Gives a node's arguments in other dtypes: tensors, dtypes that it names, and numbers.

It must not know which nodes are given others, nor what they compute.
"""

# PyTorch annotates only part of its ops.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, cast

import torch
from torch import Tensor

from pycandle.graph import Arg, DType, Node, Ref


def tensors_in(node: Node, args: list[Any], kwargs: dict[str, Any]) -> Iterator[tuple[str, Tensor]]:
    """The tensors among the arguments, with the names of their values."""

    def found(arg: Arg, held: Any) -> Iterator[tuple[str, Tensor]]:
        if isinstance(arg, Ref):
            yield arg.name, held
        elif isinstance(arg, tuple):
            for item, part in zip(arg, cast("list[Any]", held), strict=True):
                yield from found(item, part)

    for arg, held in zip(node.args, args, strict=True):
        yield from found(arg, held)
    for name, arg in node.kwargs:
        yield from found(arg, kwargs[name])


def converted(
    node: Node,
    args: list[Any],
    kwargs: dict[str, Any],
    change: Callable[[str, Tensor], Tensor],
    dtypes: dict[torch.dtype, torch.dtype],
    numbers: dict[float, float],
) -> tuple[list[Any], dict[str, Any]]:
    """The arguments with changed tensors, dtypes and numbers."""

    def changed(arg: Arg, held: Any) -> Any:
        match arg:
            case Ref():
                return change(arg.name, held)
            case tuple():
                return [changed(a, h) for a, h in zip(arg, held, strict=True)]
            case DType():
                return dtypes.get(held, held)
            case float():
                return numbers.get(held, held)
            case _:
                return held

    plain = [changed(arg, held) for arg, held in zip(node.args, args, strict=True)]
    return plain, {name: changed(arg, kwargs[name]) for name, arg in node.kwargs}


def limits(dtype: torch.dtype) -> dict[float, float]:
    """The least and the largest number of wider dtypes, and what stands for them in this one."""
    wide = [torch.finfo(each) for each in (torch.bfloat16, torch.float32, torch.float64)]
    own = torch.finfo(dtype)
    return {info.max: own.max for info in wide} | {info.min: own.min for info in wide}


def narrowed(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    """The tensor in the dtype, where the limits of wider ones become its own."""
    low = tensor.to(dtype)
    if not bool((low.isinf() & tensor.isfinite()).any()):
        return low
    most = torch.finfo(tensor.dtype).max
    for wide, own in limits(dtype).items():
        # A number that the tensor's dtype does not hold would compare as infinity.
        if abs(wide) <= most:
            low = low.masked_fill(tensor == wide, own)
    return low
