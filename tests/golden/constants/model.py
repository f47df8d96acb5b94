"""Tables that no checkpoint holds: in blocks, where they are equal, and made in forward."""

import torch
from torch import nn

from pycandle import GoldenRecorder

torch.manual_seed(0)


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        place = torch.arange(9)
        table = ((place[:, None] - place) ** 2 + 3 * place) % 17
        self.bias = nn.Parameter(torch.randn(17))
        self.register_buffer("places", table, persistent=False)
        self.register_buffer("band", torch.ones(1, 9, 9).bool().tril(2).triu(-1), persistent=False)

    def forward(self, x):
        scores = self.bias[self.places].masked_fill(~self.band, -1.0)
        return x + x @ scores[0]


class Tables(nn.Module):
    def __init__(self):
        super().__init__()
        self.blocks = nn.ModuleList(Block() for _ in range(2))
        self.wave = torch.randn(9, 9, dtype=torch.float64)

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return x.double() @ self.wave, x * torch.tensor([0.1] * 4 + [0.2] * 5)


GoldenRecorder().record(Tables(), torch.randn(4, 9)).save()
