"""A branch with modules in both ways, a loop, a mask's positions, a length and noise."""

import torch
from torch import nn
from torch._higher_order_ops import scan, while_loop

from pycandle import GoldenRecorder

torch.manual_seed(0)


class Jitter(nn.Module):
    def forward(self, x):
        noise = torch.randn_like(x)
        return x + 0.1 * noise


class Router(nn.Module):
    def __init__(self):
        super().__init__()
        self.jitter = Jitter()
        self.wide = nn.Linear(4, 4)
        self.narrow = nn.Linear(4, 4)
        self.step = nn.Linear(4, 4)

    def forward(self, x, length):
        x = self.jitter(self.jitter(x))
        y = torch.cond(x.mean() > 0, lambda x: self.wide(x).relu(), lambda x: self.narrow(x), (x,))
        steps = torch.zeros((), dtype=torch.int64)
        steps, y = while_loop(
            lambda steps, y: steps < length.sum(),
            lambda steps, y: (steps + 1, torch.tanh(self.step(y))),
            (steps, y),
        )
        state, rows = scan(lambda state, row: (state + row, state * row), torch.ones(4), y)
        positions = torch.nonzero(rows > 0)
        count = length.item()
        torch._check(count >= 1)
        torch._check(count <= rows.shape[0])
        return {"head": rows[:count], "positions": positions, "state": state}


GoldenRecorder().record(Router(), torch.randn(4, 4), torch.tensor(3)).save()
