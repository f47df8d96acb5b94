"""A recurrence that Python unrolls, and layers that differ in numbers alone."""

import torch
from torch import nn

from pycandle import GoldenRecorder

torch.manual_seed(0)


class Scan(nn.Module):
    def __init__(self):
        super().__init__()
        self.decay = nn.Parameter(torch.rand(4))

    def forward(self, x):
        state = torch.zeros_like(x[:, 0])
        rows = []
        for step in range(x.shape[1]):
            state = state * self.decay + x[:, step]
            rows.append(torch.tanh(state))
        return torch.stack(rows, dim=1)


class Stack(nn.Module):
    def __init__(self):
        super().__init__()
        self.scan = Scan()
        self.layers = nn.ModuleList(nn.Linear(4 * 2**k, 8 * 2**k) for k in range(5))

    def forward(self, x):
        x = self.scan(x)
        for layer in self.layers:
            x = layer(x)
        return x


GoldenRecorder().record(Stack(), torch.randn(2, 6, 4)).save()
