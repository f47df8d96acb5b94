"""Modules of one class of which some lack parts that others have.

They are data for the tests of parity, like those of `models`.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Variants(nn.Module):
    """Blocks that lack now this part and now that, and one that has them all."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(
            [
                Block(6, 6),
                Block(6, 8, projects=True),
                Block(8, 8, scales=True),
                Block(8, 8, residual=False),
                Block(8, 8, projects=True, scales=True, shift=2),
                Block(8, 4, projects=True, scales=True, shift=1),
                Block(4, 4, shift=3),
            ]
        )

    def forward(self, x: Tensor) -> Tensor:
        for block in self.blocks:
            x = block(x)
        return x


class Block(nn.Module):
    def __init__(
        self,
        width: int,
        out: int,
        projects: bool = False,
        scales: bool = False,
        residual: bool = True,
        shift: int = 0,
    ) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.fc = nn.Linear(width, out)
        self.project = nn.Sequential(nn.Linear(width, out), nn.Tanh()) if projects else None
        self.gamma = nn.Parameter(torch.rand(out)) if scales else None
        self.residual = residual
        self.shift = shift

    def forward(self, x: Tensor) -> Tensor:
        identity = x
        if self.project is not None:
            identity = self.project(x)
        if self.shift > 0:
            x = torch.roll(x, self.shift, dims=1)
        x = self.norm(x)
        x = self.fc(x)
        if self.gamma is not None:
            x = x * self.gamma
        if self.shift > 0:
            ramp = torch.arange(x.shape[-1], dtype=torch.float32)
            x = x + torch.sin(ramp * 0.5)
        if self.residual:
            x = x + identity
        return x
