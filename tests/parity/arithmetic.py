"""Functions of tensors without layers: integers, indices, sizes, and what rounding takes away.

They are data for the tests of parity, like those of `models`.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Guarded(nn.Module):
    """Takes a branch by an axis' size: the export holds for even batches only."""

    def __init__(self) -> None:
        super().__init__()
        self.even = nn.Linear(6, 6)

    def forward(self, x: Tensor) -> Tensor:
        return self.even(x) * 2 if x.shape[0] % 2 == 0 else x


class Shadowed(nn.Module):
    """Many values whose op is a Rust keyword, all of them returned."""

    def forward(self, x: Tensor) -> list[Tensor]:
        return [torch.where(x > k, x, x * (k + 2)) for k in range(5)]


class Pointwise(nn.Module):
    """What no layer above reaches: rounding, triangles, steps, integers."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.RMSNorm(8)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        y = self.norm(x)
        rounded = torch.round(y * 2) + torch.floor(y) - torch.ceil(y) * 3
        index = torch.arange(x.shape[1])
        integers = (index.clamp(2, 5) ** 2 - (7 - index).clamp(max=3)) * 3
        return {
            "smooth": torch.erf(y) + torch.reciprocal(y.abs() + 1),
            "rounded": rounded + torch.where((y > 0) ^ (x > 0.5), y, -y),
            "triangles": torch.tril(y) - torch.triu(y, 1) * 2,
            "stepped": y[:, 1::3] + integers[1::3],
        }


class Window(nn.Module):
    """Mixes tokens in windows, whose number and size differ from block to block."""

    def __init__(self, windows: int, width: int, shift: int) -> None:
        super().__init__()
        self.windows, self.shift = windows, shift
        self.mix = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        batch, length, width = x.shape
        x = torch.roll(x, -self.shift, 1).reshape(batch * self.windows, -1, width)
        mask = x.new_zeros(length // self.windows, width)
        mask[: self.shift, -2:] = 3
        mask[self.shift :, :-2] = 0.5
        y = self.mix(x) * torch.exp(-mask)
        return torch.roll(y.reshape(batch, length, width), self.shift, 1)


class Windows(nn.Module):
    """Blocks alike but for sizes, and assignments to parts: of floats, integers and bools."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList([Window(4, 6, 1), Window(2, 6, 2), Window(1, 6, 3)])

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        for block in self.blocks:
            x = block(x)
        written = x.clone()
        written[:, 1:3, -2:] = x[:, 4:6, :2] * 2
        counts = torch.arange(24).reshape(4, 6)
        counts[1:, :3] = 7
        flags = torch.zeros(4, 6, dtype=torch.bool)
        flags[::2, 1:4] = True
        return written, counts + (x[0, 0] * 100).to(torch.int64), torch.where(flags, x[0, :4], 0.0)


class Squares(nn.Module):
    """Comparisons that are not affine in the index: none is always true."""

    def forward(self, x: Tensor) -> Tensor:
        index = torch.arange(x.shape[1])
        grows = index * index - 3 * index > 0
        scaled = index * x.shape[1] - index * index > 2
        return torch.where(grows, x, -x) + torch.where(scaled, x, x * 3)


class Offset(nn.Module):
    """What is small beside its own mean loses digits before the mean is taken away."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Linear(12, 24)
        self.norm = nn.LayerNorm(24)

    def forward(self, x: Tensor) -> Tensor:
        x = self.embed(x) + 300.0
        return self.norm(x - x.mean(-1, keepdim=True))
