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


@samples("aten._scaled_dot_product_attention_math.default")
def _attention_with_weights() -> list[Arguments]:
    q, k, v = numbers(2, 3, 5, 8), numbers(2, 3, 7, 8), numbers(2, 3, 7, 6)
    return [
        call(q, k, v),
        call(q, k, v, numbers(5, 7)),
        call(q, k, v, is_causal=True, scale=0.4),
        call(numbers(2, 6, 5, 8), k, v, enable_gqa=True),
        call(q.half(), k.half(), v.half()),
    ]


@samples("aten._scaled_dot_product_flash_attention_for_cpu.default")
def _attention_with_logarithms() -> list[Arguments]:
    q, k, v = numbers(2, 3, 5, 8), numbers(2, 3, 7, 8), numbers(2, 3, 7, 8)
    masked = numbers(5, 7)
    masked[2] = -math.inf
    return [
        call(q, k, v),
        call(q, k, v, 0.0, True),
        call(q, k, v, attn_mask=masked, scale=0.2),
        call(q.double(), k.double(), v.double()),
    ]


@samples("aten._weight_norm.default")
def _weight_norm() -> list[Arguments]:
    v = numbers(4, 3, 5)
    return [
        call(v, numbers(4, 1, 1)),
        call(v, numbers(1, 3, 1), 1),
        call(v, numbers(1, 1, 5), 2),
        call(v, numbers(), -1),
        call(numbers(4), numbers(4)),
        call(v.bfloat16(), numbers(4, 1, 1).bfloat16(), 0),
        call(torch.zeros(2, 3), numbers(2, 1), 0),
    ]


@samples("aten._weight_norm_interface.default")
def _weight_norm_interface() -> list[Arguments]:
    v = numbers(4, 3, 5)
    return [call(v, numbers(4, 1, 1)), call(v, numbers(1, 1, 5), 2)]


@samples("aten.norm_except_dim.default")
def _norm_except_dim() -> list[Arguments]:
    v = numbers(4, 3, 5)
    return [call(v), call(v, 2, 1), call(v, 3, 2), call(v, 1, -1), call(v.half(), 2, 0)]


@samples("aten._grouped_mm.default")
def _grouped_mm() -> list[Arguments]:
    ends = torch.tensor([2, 2, 6], dtype=torch.int32)
    inner = torch.tensor([8, 8, 16], dtype=torch.int32)
    return [
        call(numbers(6, 16), numbers(3, 16, 8), ends),
        call(numbers(6, 16).bfloat16(), numbers(3, 16, 8).bfloat16(), ends),
        call(numbers(3, 5, 16), numbers(16, 8), ends),
        call(numbers(4, 16), numbers(16, 8), inner),
        call(numbers(3, 5, 16), numbers(3, 16, 8)),
    ]


@samples("aten.einsum.default")
def _einsum() -> list[Arguments]:
    x, y, z = numbers(2, 3, 4, 5), numbers(2, 6, 4, 5), numbers(3, 4, 4)
    integers = numbers(3, 4, dtype=torch.int64)
    return [
        call("bqhd,bkhd->bhqk", [x, y]),
        call("bqhd,bkhd", [x, y]),
        call("...d,hd->...h", [x, numbers(7, 5)]),
        call("bqhd,hde->bqe", [x, numbers(4, 5, 6)]),
        call("bhld,lrd->bhlr", [x, numbers(4, 6, 5)]),
        call("nii->ni", [z]),
        call("nii", [z]),
        call("ij,jk,kl->il", [numbers(3, 4), numbers(4, 2), numbers(2, 5)]),
        call("ij,kj->ik", [integers, integers]),
        call("bi,bi->b", [numbers(2, 9).half(), numbers(2, 9).half()]),
    ]


@samples("aten.ger.default")
def _ger() -> list[Arguments]:
    return [call(numbers(3), numbers(4)), call(numbers(3, dtype=torch.int64), numbers(4))]


@samples("aten.linalg_multi_dot.default")
def _multi_dot() -> list[Arguments]:
    a, b, c = numbers(3, 9), numbers(9, 2), numbers(2, 5)
    return [call([a, b]), call([a, b, c]), call([a[0], b, c]), call([a[0], b, c[:, 0]])]


@samples("aten.chain_matmul.default")
def _chain_matmul() -> list[Arguments]:
    return [call([numbers(3, 9), numbers(9, 2), numbers(2, 5), numbers(5, 4)])]


@samples("aten.linalg_inv_ex.default")
def _inverse_of_what_has_none() -> list[Arguments]:
    return [call(numbers(2, 3, 3)), call(numbers(2, 1, 2, 2).double())]
