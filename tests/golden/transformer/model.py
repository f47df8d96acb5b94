"""A causal decoder of pre-norm blocks with padding: masks, a position table, tied weights, a loop."""

import torch
from torch import nn
from torch.nn import functional as F

from pycandle import GoldenRecorder

torch.manual_seed(0)
WIDTH, HEADS = 16, 4


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH)
        self.out = nn.Linear(WIDTH, WIDTH)

    def forward(self, hidden, mask):
        batch, seq, _ = hidden.shape
        heads = self.qkv(hidden).view(batch, seq, 3, HEADS, WIDTH // HEADS)
        query, key, value = heads.permute(2, 0, 3, 1, 4).unbind(0)
        attended = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        return self.out(attended.transpose(1, 2).reshape(batch, seq, WIDTH))


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = nn.LayerNorm(WIDTH)
        self.attention = Attention()
        self.mlp = nn.Sequential(nn.LayerNorm(WIDTH), nn.Linear(WIDTH, 32), nn.SiLU(), nn.Linear(32, WIDTH))

    def forward(self, hidden, mask):
        hidden = hidden + self.attention(self.norm(hidden), mask)
        return hidden + self.mlp(hidden)


class Decoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.tokens = nn.Embedding(50, WIDTH)
        self.positions = nn.Embedding(64, WIDTH)
        self.blocks = nn.ModuleList([Block() for _ in range(3)])
        self.norm = nn.LayerNorm(WIDTH)
        self.head = nn.Linear(WIDTH, 50, bias=False)
        self.head.weight = self.tokens.weight
        self.register_buffer("ids", torch.arange(64), persistent=False)

    def forward(self, tokens, padding):
        seq = tokens.shape[1]
        place = self.ids[:seq]
        causal = place[None, :] <= place[:, None]
        mask = causal[None, None] & padding[:, None, None, :].bool()
        hidden = self.tokens(tokens) + self.positions(place)
        for block in self.blocks:
            hidden = block(hidden, mask)
        return self.head(self.norm(hidden))


tokens = torch.randint(0, 50, (2, 9))
padding = torch.ones(2, 9, dtype=torch.int64)
padding[1, 6:] = 0
axes = {0: torch.export.Dim("batch"), 1: torch.export.Dim("seq", max=64)}
GoldenRecorder().record(
    Decoder(), tokens, padding, dynamic_shapes={"tokens": axes, "padding": axes}
).save()
