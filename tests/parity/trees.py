"""Shapes that a tree of modules takes: shared, tied, repeated, nested, and badly named.

They are data for the tests of parity, like those of `models`.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


class Shared(nn.Module):
    """One layer that two branches hold, each under a name of its own."""

    def __init__(self) -> None:
        super().__init__()
        layer = nn.Linear(6, 6)
        self.left = Branch(layer)
        self.branches = nn.ModuleDict({"a longer name": Branch(layer)})

    def forward(self, x: Tensor) -> Tensor:
        return self.branches["a longer name"](self.left(x))


class Branch(nn.Module):
    def __init__(self, shared: nn.Module) -> None:
        super().__init__()
        self.own = nn.Linear(6, 6)
        self.shared = shared

    def forward(self, x: Tensor) -> Tensor:
        return torch.tanh(self.shared(self.own(x)))


class Upcast(nn.Module):
    """Norms that ask for float32, which what they are given already is, and that is read again."""

    def __init__(self) -> None:
        super().__init__()
        self.norms = nn.ModuleList(Scaled() for _ in range(2))
        self.fc = nn.Linear(6, 6)

    def forward(self, x: Tensor) -> Tensor:
        for norm in self.norms:
            x = x + torch.tanh(self.fc(norm(x)))
        return x


class Scaled(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(6))

    def forward(self, x: Tensor) -> Tensor:
        wide = x.to(torch.float32).contiguous()
        scale = torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + 1e-6)
        return self.weight * (wide * scale).to(x.dtype)


class Returned(nn.Module):
    """A buffer that is returned, and that a submodule is given."""

    kept: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("kept", torch.randn(6))
        self.inner = Given()

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.inner(x, self.kept), self.kept


class Given(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(6, 6)

    def forward(self, x: Tensor, table: Tensor) -> Tensor:
        return self.fc(x) * table


class Twice(nn.Module):
    """One layer and one block, each called more than once, on different inputs."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Linear(16, 16)
        self.block = Residual(16, 24)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.tanh(self.mix(x))
        x = self.block(x)
        x = torch.sigmoid(self.mix(x))
        return self.block(self.block(x))


class Residual(nn.Module):
    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.up = nn.Linear(width, hidden)
        self.down = nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        residual = x
        x = nn.functional.gelu(self.up(self.norm(x)), approximate="tanh")
        return residual + self.down(x)


class Stack(nn.Module):
    """Blocks of one class and several sizes, in lists that loops walk."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(Residual(16, hidden) for hidden in (24, 40, 24))
        self.tail = nn.ModuleList([nn.Linear(16, 10), nn.Linear(10, 6)])
        self.scale = nn.Parameter(torch.ones(6))

    def forward(self, x: Tensor) -> Tensor:
        for block in self.blocks:
            x = block(x)
        for layer in self.tail:
            x = torch.relu(layer(x)) + 0.1
        return x * self.scale


class Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(40, 16)
        self.norm = nn.LayerNorm(16)
        self.head = nn.Linear(16, 40)
        self.head.weight = self.table.weight

    def forward(self, ids: Tensor) -> Tensor:
        return self.head(self.norm(self.table(ids)))


class Several(nn.Module):
    """Outputs in a nest: bools, the same one twice, an input, and both of a submodule."""

    def __init__(self) -> None:
        super().__init__()
        self.split = Split()
        self.out = nn.Linear(8, 4)
        self.register_buffer("offset", torch.linspace(-1, 1, 4))

    def forward(self, x: Tensor, *, gate: Tensor) -> dict[str, Any]:
        left, right = self.split(x)
        scores = self.out(left * gate) + self.offset
        parts = (right, {"left": left})
        return {"scores": scores, "parts": parts, "open": gate > 0, "same": scores, "given": x}


class Split(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.both = nn.Linear(10, 16)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        left, right = self.both(x).chunk(2, dim=-1)
        return left, torch.softmax(right, dim=-1)


HOSTILE = (
    'quote " and \\ backslash',
    "line\nbreak",
    "*/ evil /*",
    "// evil",
    "braces {0} {} }{",
    "self",
    "fn",
    "match",
    "checker",
    "A",
    "a",
    "0",
    "\N{RIGHT-TO-LEFT OVERRIDE}\0",
    "übergröße",
    "/etc/passwd",
)


class Vec(nn.Module):
    """Every name about it attacks what it is written into: identifiers, literals, comments."""

    def __init__(self) -> None:
        super().__init__()
        for name in HOSTILE:
            self.add_module(name, nn.Linear(6, 6))
        self.add_module('list {} "', nn.ModuleList(Residual(6, 8) for _ in range(2)))
        self.Tensor = Result()
        evil = type("Tensor */ }\n", (Residual,), {"__module__": "evil\n*/"})
        self.nn = evil(6, 8)
        self.register_parameter('weight "\n', nn.Parameter(torch.ones(6)))

    def forward(self, type: Tensor, match: Tensor) -> Tensor:  # noqa: A002
        output = type
        for name in HOSTILE:
            output = torch.tanh(getattr(self, name)(output)) + match
        for block in getattr(self, 'list {} "'):
            output = block(output)
        return self.nn(self.Tensor(output, match)) * getattr(self, 'weight "\n')


class Dense(nn.Module):
    """Layers that each read a list of all that came before, in blocks of two lengths."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.rand(1))
        self.blocks = nn.ModuleList([Growing(6, 3), Growing(18, 4)])

    def forward(self, x: Tensor) -> Tensor:
        for block in self.blocks:
            x = block(x, self.scale)
        return x


class Growing(nn.ModuleDict):
    def __init__(self, width: int, count: int) -> None:
        super().__init__({f"layer{k + 1}": Joined(width + 4 * k) for k in range(count)})

    def forward(self, x: Tensor, scale: Tensor) -> Tensor:
        features = [x]
        for layer in self.values():
            features.append(layer(features, scale))
        return torch.cat(features, -1)


class Joined(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.join = Join()
        self.fc = nn.Linear(width, 4)

    def forward(self, features: list[Tensor], scale: Tensor) -> Tensor:
        return torch.tanh(self.fc(self.join(features, scale)))


class Join(nn.Module):
    def forward(self, features: list[Tensor], scale: Tensor) -> Tensor:
        return torch.cat(features, -1) * scale


class Result(nn.Module):
    """Its class, and its arguments, have names that generated code uses itself."""

    def __init__(self) -> None:
        super().__init__()
        self.load = nn.Linear(6, 6)

    def forward(self, vb: Tensor, ops: Tensor) -> Tensor:
        return torch.tanh(self.load(vb)) * ops


class Tables(nn.Module):
    """Tables that no checkpoint holds: in blocks, where they are equal, and made in forward."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(Biased() for _ in range(3))
        self.wave = torch.sin(torch.arange(81.0, dtype=torch.float64)).view(9, 9)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        for block in self.blocks:
            x = block(x)
        return x.double() @ self.wave, x @ torch.tensor(
            [[0.1 * k + i for k in range(9)] for i in range(9)]
        )


class Biased(nn.Module):
    places: Tensor
    band: Tensor
    holes: Tensor

    def __init__(self) -> None:
        super().__init__()
        place = torch.arange(9)
        table = ((place[:, None] - place) ** 2 + 3 * place) % 17
        self.bias = nn.Parameter(torch.randn(17))
        self.register_buffer("places", table, persistent=False)
        self.register_buffer("band", torch.ones(1, 9, 9).bool().tril(2).triu(-1), persistent=False)
        self.register_buffer("holes", table % 3 == 0, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        scores = self.bias[self.places].masked_fill(~self.band | self.holes, -1.0)
        return x + x @ scores[0]
