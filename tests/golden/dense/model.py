"""Layers that each read a list of all that came before, in blocks of two lengths."""

import torch
from torch import nn

from pycandle import GoldenRecorder

torch.manual_seed(0)


class Join(nn.Module):
    def forward(self, features, scale):
        return torch.cat(features, -1) * scale


class Layer(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.join = Join()
        self.fc = nn.Linear(width, 4)

    def forward(self, features, scale):
        return torch.tanh(self.fc(self.join(features, scale)))


class Block(nn.ModuleDict):
    def __init__(self, width, count):
        super().__init__()
        for k in range(count):
            self.add_module(f"layer{k + 1}", Layer(width + 4 * k))

    def forward(self, x, scale):
        features = [x]
        for layer in self.values():
            features.append(layer(features, scale))
        return torch.cat(features, -1)


class Dense(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.rand(1))
        self.block1 = Block(6, 3)
        self.block2 = Block(18, 4)

    def forward(self, x):
        return self.block2(self.block1(x, self.scale), self.scale)


GoldenRecorder().record(Dense(), torch.randn(2, 6)).save()
