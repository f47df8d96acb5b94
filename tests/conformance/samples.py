"""Calls that PyTorch's database lacks, or has too few of: one function an op, by its overload.

An entry gives argument lists; every one is a seed for Hypothesis too. `TIES` names the ops whose
indices are free where values are equal.
"""

from __future__ import annotations

import math
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
}
# Their values are whatever memory holds.
UNDEFINED = frozenset(
    ("aten.empty.memory_format", "aten.empty_like.default", "aten.new_empty.default",
     "aten.empty_strided.default", "aten.new_empty_strided.default",
     "aten.empty_permuted.default")
)  # fmt: skip

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
    """The calls of this file for an overload."""
    torch.manual_seed(0)
    made = SAMPLES[op]() if op in SAMPLES else []
    return [Case(op, args, kwargs, "sample") for args, kwargs in made]


def numbers(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """Random numbers: normal ones, or small integers."""
    if dtype.is_floating_point:
        return torch.randn(shape, dtype=dtype)
    return torch.randint(
        0 if dtype is torch.bool else -5, 2 if dtype is torch.bool else 6, shape
    ).to(dtype)


@samples("aten.scaled_dot_product_attention.default")
def _attention() -> list[Arguments]:
    q, k, v = numbers(2, 3, 5, 8), numbers(2, 3, 7, 8), numbers(2, 3, 7, 6)
    mask = numbers(5, 7)
    return [
        call(q, k, v),
        call(q, k, v, mask),
        call(q, k, v, mask > 0),
        call(q, k, v, is_causal=True),
        call(q, k, v, scale=0.3),
        call(numbers(2, 6, 5, 8), k, v, enable_gqa=True),
        call(numbers(5, 8), numbers(7, 8), numbers(7, 8)),
        call(q, k, v, torch.full((5, 7), -math.inf)),
    ]


@samples("aten.arange.start")
def _arange() -> list[Arguments]:
    return [call(2, 9), call(-3, 3, dtype=torch.float32), call(0.5, 4.0), call(3, 3)]


@samples("aten.__and__.Tensor")
@samples("aten.__or__.Tensor")
@samples("aten.__xor__.Tensor")
def _logic() -> list[Arguments]:
    flags, ints = numbers(3, 4, dtype=torch.bool), numbers(3, 4, dtype=torch.int64)
    return [
        call(flags, numbers(4, dtype=torch.bool)),
        call(ints, numbers(3, 1, dtype=torch.int64)),
        call(ints, flags),
    ]
