"""A residual 1-d convolution net: blocks of differing widths share a struct."""

import torch
from torch import nn
from torch.nn import functional as F

from pycandle import GoldenRecorder

torch.manual_seed(0)


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv1d(inputs, outputs, 3, stride=stride, padding=1)
        self.conv2 = nn.Conv1d(outputs, outputs, 3, padding="same", bias=False)
        self.skip = nn.Conv1d(inputs, outputs, 1, stride=stride)

    def forward(self, x):
        y = F.gelu(self.conv1(x))
        return self.conv2(y) + self.skip(x)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.blocks = nn.ModuleList([Block(2, 8, 1), Block(8, 16, 2)])
        self.head = nn.Linear(16, 5)

    def forward(self, signal):
        x = signal
        for block in self.blocks:
            x = block(x)
        pooled = x.mean(dim=-1)
        return self.head(pooled)


axes = {0: torch.export.Dim("batch"), 2: torch.export.Dim("length", min=4)}
GoldenRecorder().record(Net(), torch.randn(2, 2, 20), dynamic_shapes={"signal": axes}).save()
