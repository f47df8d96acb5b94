"""Models about attention and products: what `torch.nn` has, with all its options, and einsum.

They are data for the tests of parity, like those of `models`.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Attentions(nn.Module):
    """`MultiheadAttention` with padding, with weights, and with keys that are learned."""

    def __init__(self) -> None:
        super().__init__()
        self.padded = nn.MultiheadAttention(8, 2, batch_first=True)
        self.extended = nn.MultiheadAttention(
            8, 2, add_bias_kv=True, add_zero_attn=True, batch_first=True
        )
        self.unbiased = nn.MultiheadAttention(8, 4, bias=False, batch_first=True)

    def forward(self, x: Tensor, padding: Tensor) -> tuple[Tensor, Tensor]:
        causal = nn.Transformer.generate_square_subsequent_mask(x.shape[1])
        padded, weights = self.padded(x, x, x, key_padding_mask=padding > 0)
        x = x + padded
        x = x + self.extended(x, x, x, need_weights=False, attn_mask=causal)[0]
        x = x + self.unbiased(x, x, x, need_weights=False, attn_mask=causal, is_causal=True)[0]
        return x, weights


class CrossAttention(nn.Module):
    """Keys and values of widths of their own, and the weights of each head."""

    def __init__(self) -> None:
        super().__init__()
        self.cross = nn.MultiheadAttention(8, 2, kdim=6, vdim=5)

    def forward(self, x: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        return self.cross(x, memory, memory[..., :5], average_attn_weights=False)


class EncoderDecoder(nn.Module):
    """`torch.nn.Transformer`, whose masks are causal on one side and padding on the other."""

    def __init__(self) -> None:
        super().__init__()
        self.transformer = nn.Transformer(16, 4, 2, 2, 24, batch_first=True, norm_first=True)

    def forward(self, source: Tensor, target: Tensor, padding: Tensor) -> Tensor:
        mask = nn.Transformer.generate_square_subsequent_mask(target.shape[1])
        hidden = padding > 0
        return self.transformer(
            source, target, tgt_mask=mask, tgt_is_causal=True,
            src_key_padding_mask=hidden, memory_key_padding_mask=hidden,
        )  # fmt: skip


class Equations(nn.Module):
    """einsum as people use it: heads, relative positions, experts, traces, outer products."""

    def __init__(self) -> None:
        super().__init__()
        self.heads = nn.Parameter(torch.randn(8, 2, 4))
        self.positions = nn.Parameter(torch.randn(5, 5, 4))
        self.mix = nn.Parameter(torch.randn(6, 8))
        self.form = nn.Bilinear(8, 8, 3)
        self.normed = nn.utils.parametrizations.weight_norm(nn.Linear(8, 4))

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        heads = torch.einsum("bsd,dhk->bhsk", x, self.heads)
        scores = torch.einsum("bhik,bhjk->bhij", heads, heads)
        scores = scores + torch.einsum("bhik,ijk->bhij", heads, self.positions)
        return {
            "mixed": torch.einsum("bhij,bhjk,hk->bik", scores, heads, self.heads[0]),
            "moved": torch.einsum("...d,nd->...n", x, self.mix),
            "traces": torch.einsum("bhii->bh", scores),
            "outer": torch.einsum("bi,bj->bij", x[:, 0], x[:, 1]),
            "norms": torch.einsum("bsd,bsd->bs", x, x),
            "form": self.form(x, x.flip(1)),
            "normed": self.normed(x),
        }
