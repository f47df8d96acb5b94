"""Attention, and products that only it and mixtures of experts use."""

from __future__ import annotations

import math

import torch

from tests.conformance.samples.registry import Arguments, call, numbers, samples


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


@samples("aten._scaled_dot_product_attention_math.default")
def _attention_with_weights() -> list[Arguments]:
    q, k, v = numbers(2, 3, 5, 8), numbers(2, 3, 7, 8), numbers(2, 3, 7, 6)
    infinite = k.clone()
    infinite[0, 0, 3, 2] = math.inf
    infinite[1, 1, 4, 0] = math.nan
    return [
        call(q, k, v),
        call(q, k, v, numbers(5, 7)),
        call(q, k, v, is_causal=True, scale=0.4),
        call(q, infinite, v, is_causal=True),
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


@samples("aten._grouped_mm.default")
def _grouped_mm() -> list[Arguments]:
    ends = torch.tensor([2, 2, 6], dtype=torch.int32)
    columns = torch.tensor([2, 2, 8], dtype=torch.int32)
    inner = torch.tensor([8, 8, 16], dtype=torch.int32)
    return [
        call(numbers(6, 16), numbers(3, 16, 8), ends),
        call(numbers(6, 16).bfloat16(), numbers(3, 16, 8).bfloat16(), ends),
        call(numbers(3, 5, 16), numbers(16, 8), columns),
        call(numbers(4, 16), numbers(16, 8), inner),
        call(numbers(3, 5, 16), numbers(3, 16, 8)),
    ]
