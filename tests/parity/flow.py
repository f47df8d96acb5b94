"""Models whose way depends on the data: branches, loops, sizes that values decide, random numbers.

They are data for the tests of parity, like those of `models`.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch._higher_order_ops import map as map_rows
from torch._higher_order_ops import scan, while_loop


class Branches(nn.Module):
    """A branch on the data with modules in both ways, and one in another on a size."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Linear(6, 6)
        self.wide = nn.Linear(6, 6)
        self.head = nn.Linear(6, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.body(x)

        def positive(x: Tensor) -> Tensor:
            return torch.tanh(self.wide(x)) + x

        def negative(x: Tensor) -> Tensor:
            return torch.cond(x.shape[0] > 3, lambda x: x * 2.0, lambda x: x * 3.0, (x,))

        y = torch.cond(x[:, 0].mean() > 0.0, positive, negative, (x,))
        return self.head(y)


class Repeats(nn.Module):
    """Runs a module again as long as a count that is given is not reached."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Linear(5, 8)
        self.step = nn.Linear(8, 8)

    def forward(self, x: Tensor, times: Tensor) -> tuple[Tensor, Tensor]:
        def unfinished(count: Tensor, state: Tensor) -> Tensor:
            return count < times.sum()

        def advance(count: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
            hidden = torch.tanh(self.step(state))
            return count + 1, hidden * 0.5 + state * 0.5

        start = torch.zeros((), dtype=torch.int64)
        count, state = while_loop(unfinished, advance, (start, self.embed(x)))
        return state, count + times


class Recurrence(nn.Module):
    """Carries a state over the rows of a tensor, then maps over what it gave."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Linear(7, 7)

    def forward(self, frames: Tensor, initial: Tensor) -> tuple[Tensor, Tensor]:
        def step(state: Tensor, frame: Tensor) -> tuple[Tensor, Tensor]:
            state = torch.tanh(self.mix(state) + frame)
            return state, state * frame

        def scaled(row: Tensor, last: Any) -> Tensor:
            return row + 2.0 * last

        state, outputs = scan(step, initial, frames)
        return map_rows(scaled, outputs, state), state


class Steps(nn.Module):
    """Loops over the rows in Python: one loop stacks what its steps give, the other writes it."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = nn.Linear(6, 6)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        gate = torch.sigmoid(self.gate(x))
        state = torch.zeros(x.shape[0], 6)
        rows = []
        for t in range(x.shape[1]):
            state = gate[:, t] * state + x[:, t]
            row = torch.tanh(state) * gate[:, t, :1]
            rows.append(row)
        mixed = torch.stack(rows, dim=1)
        total = state
        written = torch.zeros_like(mixed)
        for t in range(mixed.shape[1]):
            total = total * 0.5 + mixed[:, t]
            written[:, t] = total.to(x.dtype)
        return written, total


class Picked(nn.Module):
    """Positions and elements where a mask holds, and the distinct ids: as many as there are."""

    def __init__(self) -> None:
        super().__init__()
        self.project = nn.Linear(6, 3)

    def forward(self, x: Tensor, ids: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        mask = x > 0.2
        positions = torch.nonzero(mask)
        values = x[mask]
        rows = self.project(x[positions[:, 0]])
        distinct, places, counts = torch.unique(ids, return_inverse=True, return_counts=True)
        weights = counts[places].to(x.dtype)
        return rows, values * 2.0, distinct + 1, x * weights.unsqueeze(-1)


class Remembering(nn.Module):
    """Joins memories, of which some begin empty."""

    def __init__(self) -> None:
        super().__init__()
        self.cell = Cell()
        self.project = nn.Linear(6, 3)

    def forward(self, x: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        y, kept, nothing = self.cell(x, memory)
        return self.project(torch.cat([nothing, y, kept])), torch.cat([torch.empty(0), y])


class Cell(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(6, 6)

    def forward(self, x: Tensor, memory: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        kept = torch.cat([torch.empty(0), memory])
        return self.fc(x) + kept.mean(0), kept, x[:0]


class Grouped(nn.Module):
    """Puts rows in the order of their groups, of which there are few, and hands out the order."""

    def __init__(self) -> None:
        super().__init__()
        self.project = nn.Linear(6, 6)

    def forward(self, x: Tensor, groups: Tensor) -> tuple[Tensor, ...]:
        order = torch.argsort(groups)
        rows = self.project(x[order])
        largest = torch.topk(groups, 3).indices
        third = torch.kthvalue(groups, 3).indices
        return rows[torch.argsort(order)], order, x[largest], third, groups.median(dim=0).indices


class Cropped(nn.Module):
    """Cuts its input at a length that a tensor holds, and scales it by a number of the data."""

    def __init__(self) -> None:
        super().__init__()
        self.encode = nn.Linear(6, 6)

    def forward(self, x: Tensor, length: Tensor) -> tuple[Tensor, Tensor]:
        count = length.item()
        torch._check(count >= 1)
        torch._check(count <= x.shape[0])
        scale = x.sum().item()
        head = self.encode(x[:count]) * scale
        return head, x - 0.5 * scale


class Sampling(nn.Module):
    """Adds noise of its own, twice in the same module."""

    def __init__(self) -> None:
        super().__init__()
        self.deviation = nn.Linear(5, 5)

    def forward(self, mean: Tensor) -> Tensor:
        epsilon = torch.randn_like(mean)
        return mean + epsilon * torch.exp(0.1 * self.deviation(mean))


class Noisy(nn.Module):
    """Draws at random in a module that is used twice, drops elements, and picks some."""

    def __init__(self) -> None:
        super().__init__()
        self.first = Sampling()
        self.second = Sampling()

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = self.second(self.first(x))
        shift = torch.rand(x.shape[0], 1)
        kept = nn.functional.dropout(x + shift, 0.25, training=True)
        choice = torch.bernoulli(torch.sigmoid(x))
        return kept, x * choice


class Scattered(nn.Module):
    """Draws as many numbers as the data says, in a module of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(6, 6)
        self.jitter = Jitter()

    def forward(self, x: Tensor) -> Tensor:
        picked = x[x[:, 0] > 0]
        return self.jitter(self.fc(picked)) * (1 + torch.rand_like(picked))


class Jitter(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(6))

    def forward(self, x: Tensor) -> Tensor:
        noise = torch.randn_like(x)
        return x + noise * self.scale


class Gate(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.value = nn.Linear(6, 6)
        self.gate = nn.Linear(6, 6)

    def forward(self, x: Tensor, other: Tensor | None = None) -> Tensor:
        y = self.value(x)
        if other is not None:
            y = y * torch.sigmoid(self.gate(other))
        return y


class Differing(nn.Module):
    """Calls its modules again to compute something else."""

    def __init__(self) -> None:
        super().__init__()
        self.left = Gate()
        self.right = Gate()

    def forward(self, x: Tensor) -> Tensor:
        y = self.left(x)
        z = self.right(y)
        y = self.left(z, x)
        return self.right(y, z) + self.left(y)


class Contexts(nn.Module):
    """Contexts of PyTorch's that change no number."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(6, 6)
        self.second = nn.Linear(6, 6)

    def forward(self, x: Tensor) -> Tensor:
        with torch.enable_grad():
            x = torch.tanh(self.first(x))
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=False):
            x = self.second(x)
        return x


class Positions(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.nonzero(x > 0.0)[:, 0]


class Rows(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.project = nn.Linear(6, 4)

    def forward(self, x: Tensor, rows: Tensor) -> Tensor:
        picked = self.project(x[rows])
        return picked.reshape(picked.shape[0] * 2, 2)


class Filled(nn.Module):
    def forward(self, x: Tensor, size: int) -> Tensor:
        return torch.zeros(size, 2) + x.mean()


class Sizes(nn.Module):
    """Sizes that one module computes and others use, as axes of tensors and as numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.positions = Positions()
        self.first = Rows()
        self.second = Rows()
        self.filled = Filled()

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        first = self.first(x, self.positions(x))
        second = self.second(2.0 * x, self.positions(-x))
        least = lengths.min().item()
        torch._check(least >= 1)
        torch._check(least < 9)
        total, x = torch.cond(
            x.sum() > 0.0,
            lambda x: (x[x > 0.0].sum(), x * 2.0),
            lambda x: (x.sum(), x + 1.0),
            (x,),
        )
        return first, second + total, self.filled(x, least), x
