"""How a family registers its calls, and what is known of single ops: ties, undefined values.

`TIES` names the ops whose indices are free where values are equal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from tests.conformance.case import Case

# The place of `dim` among the arguments, and its default. Equal values may come in any order, so
# that the indices are judged by the values that they point to.
TIES: Mapping[str, tuple[int, int]] = {
    "aten.topk.default": (2, -1),
    "aten.kthvalue.default": (2, -1),
    "aten.median.dim": (1, -1),
    "aten.nanmedian.dim": (1, -1),
    "aten.mode.default": (1, -1),
    "aten.sort.default": (1, -1),
    "aten.argsort.default": (1, -1),
}
# PyTorch does not check their numbers against each other, and wrong ones end its process.
UNCHECKED = frozenset(
    ("aten.max_unpool2d.default", "aten.max_unpool3d.default",
     "aten.native_batch_norm.default", "aten._native_batch_norm_legit.default",
     "aten._native_batch_norm_legit.no_stats", "aten._native_batch_norm_legit_no_training.default",
     "aten.native_group_norm.default", "aten.native_layer_norm.default")
)  # fmt: skip
# Their values are whatever memory holds.
UNDEFINED = frozenset(
    ("aten.empty.memory_format", "aten.empty_like.default", "aten.new_empty.default",
     "aten.empty_strided.default", "aten.new_empty_strided.default",
     "aten.empty_permuted.default")
)  # fmt: skip

# What ops that only move elements take.
MOVED = (torch.float32, torch.float64, torch.float16, torch.bfloat16,
         torch.int64, torch.int32, torch.int16, torch.uint8, torch.bool)  # fmt: skip

Arguments = tuple[tuple[Any, ...], dict[str, Any]]
SAMPLES: dict[str, Callable[[], list[Arguments]]] = {}


def samples(op: str) -> Callable[[Callable[[], list[Arguments]]], Callable[[], list[Arguments]]]:
    """Register argument lists for an overload."""

    def register(function: Callable[[], list[Arguments]]) -> Callable[[], list[Arguments]]:
        assert op not in SAMPLES, f"{op} has its samples already"
        SAMPLES[op] = function
        return function

    return register


def call(*args: Any, **kwargs: Any) -> Arguments:
    """The arguments of one call."""
    return args, kwargs


def sampled(op: str) -> list[Case]:
    """The registered calls of an overload."""
    torch.manual_seed(0)
    made = SAMPLES[op]() if op in SAMPLES else []
    return [Case(op, args, kwargs, "sample") for args, kwargs in made]


def numbers(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """Random numbers: normal ones, or small integers."""
    if dtype.is_floating_point:
        return torch.randn(shape, dtype=dtype)
    low, high = (0, 2) if dtype is torch.bool else (0 if dtype is torch.uint8 else -5, 6)
    return torch.randint(low, high, shape).to(dtype)


def moved(*shape: int) -> list[Tensor]:
    """A tensor of each dtype that ops which only move elements take, and one that is permuted."""
    permuted = numbers(*reversed(shape)).permute(*reversed(range(len(shape))))
    return [*(numbers(*shape, dtype=dtype) for dtype in MOVED), permuted]


def pairs(*shape: int) -> Tensor:
    """Random complex numbers."""
    return torch.randn(shape, dtype=torch.complex64)
