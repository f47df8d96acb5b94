"""Layers of `torch.nn` with their options, each family of them in one model.

They are data for the tests of parity, like those of `models`.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class Linears(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.biased = nn.Linear(12, 20)
        self.plain = nn.Linear(20, 7, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.plain(self.biased(x))


class Convolutions(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.strided = nn.Conv1d(6, 8, 3, stride=2, padding=2)
        self.dilated = nn.Conv1d(8, 8, 3, padding=2, dilation=2, bias=False)
        self.grouped = nn.Conv1d(8, 12, 5, padding=2, groups=4)
        self.depthwise = nn.Conv1d(12, 12, 3, padding=1, groups=12, bias=False)
        self.pointwise = nn.Conv1d(12, 5, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.dilated(self.strided(x))
        return self.pointwise(self.depthwise(self.grouped(x)))


class Embeddings(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(30, 16, padding_idx=0)
        self.kinds = nn.Embedding(3, 16)

    def forward(self, words: Tensor, kinds: Tensor) -> Tensor:
        return self.words(words) + self.kinds(kinds)


class Norms(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.full = nn.LayerNorm(24)
        self.unbiased = nn.LayerNorm(24, eps=1e-6, bias=False)
        self.bare = nn.LayerNorm(24, elementwise_affine=False)
        self.two_axes = nn.LayerNorm([4, 6], eps=1e-3)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        flat = self.bare(self.unbiased(self.full(x) * 3 + x))
        return flat, self.two_axes(x.unflatten(-1, (4, 6)))


class ConvNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv1d(5, 12, 3, padding="same")
        self.norm = nn.LayerNorm(12)
        self.act = nn.GELU()
        self.down = nn.Conv1d(12, 12, 3, padding=1)
        self.max_pool = nn.MaxPool1d(2)
        self.avg_pool = nn.AvgPool1d(3, stride=1, padding=1)
        self.pool = nn.AdaptiveAvgPool1d(1)
        self.head = nn.Linear(12, 9)

    def forward(self, x: Tensor) -> Tensor:
        x = self.act(self.norm(self.stem(x).transpose(1, 2)).transpose(1, 2))
        x = self.max_pool(torch.relu(self.down(x)))
        x = self.pool(self.avg_pool(x)).flatten(1)
        return self.head(x)


class Recurrent(nn.Module):
    """Every recurrent network: layers, both directions, a projection, states given and made."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(6, 8, num_layers=2, batch_first=True, bidirectional=True, proj_size=5)
        self.plain = nn.LSTM(10, 7)
        self.gru = nn.GRU(7, 9, num_layers=2, bidirectional=True)
        self.rnn = nn.RNN(18, 4, nonlinearity="relu", bias=False)
        self.cell = nn.LSTMCell(4, 5)
        self.head = nn.GRUCell(5, 3)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        # Scaled, lest what gates leave of the input drowns in what biases add.
        y, (h, c) = self.lstm(x * 3)
        z, _ = self.plain(y.transpose(0, 1) * 6)
        w, last = self.gru(torch.tanh(z * 6) * 3)
        v, _ = self.rnn(w * 6, w[-1:, :, :4])
        hidden, cell = self.cell(v[0] * 8)
        return v, h, c, last, cell, self.head(hidden * 6)


class Positions(nn.Module):
    """Adds what all blocks are given, after a dropout of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.dropout = nn.Dropout(0.1)
        self.body = nn.Linear(6, 6)

    def forward(self, x: Tensor, positions: Tensor) -> Tensor:
        return torch.tanh(self.body(x)) + self.dropout(positions)


class Positioned(nn.Module):
    """Blocks that share a tensor, which each of them takes through a dropout."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(6)
        self.blocks = nn.ModuleList(Positions() for _ in range(3))

    def forward(self, x: Tensor, positions: Tensor) -> Tensor:
        positions = self.norm(positions)
        for block in self.blocks:
            x = block(x, positions)
        return x


class Relative(nn.Module):
    """Scores against a table that no input changes, by the projection of what is scored."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(6)
        self.key = nn.Linear(6, 6)

    def forward(self, x: Tensor, table: Tensor) -> Tensor:
        keys = self.key(table.unsqueeze(0))
        return x + torch.softmax(self.key(self.norm(x)) @ keys.transpose(1, 2), -1) @ keys


class Tabled(nn.Module):
    """Blocks that share a table of positions, which is normed before them."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.randn(5, 6))
        self.norm = nn.LayerNorm(6)
        self.blocks = nn.ModuleList(Relative() for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        table = self.norm(self.table)
        for block in self.blocks:
            x = block(x, table)
        return x


class Formulas(nn.Module):
    """Functions of each element after one another: all that a loop has, of what broadcasts."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.randn(6))
        self.shift = nn.Parameter(torch.randn(5, 1))
        self.conv = nn.Conv2d(6, 6, 1)

    def forward(self, x: Tensor, gate: Tensor) -> tuple[Tensor, ...]:
        turned = gate.transpose(1, 2)
        arithmetic = (x * self.scale - turned / (self.shift.square() + 1)) * 0.5
        gated = functional.silu(x) * self.scale + torch.sigmoid(turned) * torch.tanh(-x)
        curved = torch.exp(-x.abs()) * torch.erf(x) + torch.rsqrt(2 + x**2)
        activated = functional.gelu(x) * functional.hardsigmoid(turned) + functional.relu(x * 2)
        bounded = functional.leaky_relu(x * turned, 0.1) - (x**3).clamp(-1, 2)
        mixed = functional.gelu(x, approximate="tanh") - functional.hardswish(
            3 * x
        ) / functional.relu6(x + 9)
        root = torch.sqrt(x * x + 1.0).reciprocal() * 3
        # As convolutions leave them, channels lie innermost.
        image = self.conv(x.transpose(1, 2)[..., None] * turned.transpose(1, 2)[..., None])
        image = image * self.scale[:, None, None] + image.sigmoid() * 2
        return arithmetic, gated, curved, activated, bounded, torch.cat((mixed, root)), image


class Halved(nn.Module):
    """Images of every size, to fractions and multiples of it."""

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        y = nn.functional.interpolate(x, scale_factor=0.5, mode="bilinear")
        z = nn.functional.interpolate(y, scale_factor=2, mode="bicubic")
        return y, z, nn.functional.interpolate(torch.sin(x), scale_factor=1.75)


class Resampled(nn.Module):
    """A small U-Net that comes back to its input's size in every way there is."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.Linear(3, 6)
        self.up = nn.Upsample(scale_factor=2, mode="bilinear")
        self.nearest = nn.Upsample(scale_factor=2)
        self.head = nn.Linear(6, 4)

    def forward(self, x: Tensor, theta: Tensor) -> dict[str, Tensor]:
        y = self.down(x.movedim(1, -1)).movedim(-1, 1)
        small = nn.functional.interpolate(y, scale_factor=2, mode="bicubic", align_corners=True)
        wide = nn.functional.interpolate(self.up(small), size=x.shape[2:], mode="bilinear")
        mixed = torch.tanh(nn.functional.interpolate(self.nearest(y), x.shape[2:])) + wide
        grid = nn.functional.affine_grid(theta, list(x.shape), align_corners=False)
        warped = nn.functional.grid_sample(
            mixed, grid, padding_mode="reflection", align_corners=False
        )
        columns = nn.functional.unfold(warped, 3, padding=1, stride=2)
        return {
            "scores": self.head(warped.movedim(1, -1)),
            "columns": columns,
            "thumbnail": nn.functional.interpolate(
                mixed, size=(5, 7), mode="bicubic", antialias=True
            ),
        }
