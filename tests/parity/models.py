"""The models that parity is proved on, as data: how to build each, and what goes in.

Small, but real: the layers of `torch.nn` alone, the shapes that module trees take, two
transformers as their library has them, and one whose names attack the code they end up in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.export import Dim
from transformers import BertConfig, BertModel, GPT2Config, GPT2LMHeadModel

from tests.parity.flow import (
    Branches,
    Contexts,
    Cropped,
    Differing,
    Noisy,
    Picked,
    Recurrence,
    Repeats,
    Sizes,
)
from tests.parity.signals import Denoiser, Listener, Rotary, SpectralConvolution

Inputs = Mapping[str, Tensor]


@dataclass(frozen=True)
class Model:
    """A model with random weights, and inputs for its forward by name."""

    build: Callable[[], nn.Module]
    draw: Callable[[], Inputs]
    dynamic_shapes: Any = None  # as torch.export takes it; None tries every axis


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


class Branch(nn.Module):
    def __init__(self, shared: nn.Module) -> None:
        super().__init__()
        self.own = nn.Linear(6, 6)
        self.shared = shared

    def forward(self, x: Tensor) -> Tensor:
        return torch.tanh(self.shared(self.own(x)))


class Shared(nn.Module):
    """One layer that two branches hold, each under a name of its own."""

    def __init__(self) -> None:
        super().__init__()
        layer = nn.Linear(6, 6)
        self.left = Branch(layer)
        self.branches = nn.ModuleDict({"a longer name": Branch(layer)})

    def forward(self, x: Tensor) -> Tensor:
        return self.branches["a longer name"](self.left(x))


class Squares(nn.Module):
    """Comparisons that are not affine in the index: none is always true."""

    def forward(self, x: Tensor) -> Tensor:
        index = torch.arange(x.shape[1])
        grows = index * index - 3 * index > 0
        scaled = index * x.shape[1] - index * index > 2
        return torch.where(grows, x, -x) + torch.where(scaled, x, x * 3)


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
        y, (h, c) = self.lstm(x)
        z, _ = self.plain(y.transpose(0, 1))
        w, last = self.gru(torch.tanh(z))
        v, _ = self.rnn(w, w[-1:, :, :4])
        hidden, cell = self.cell(v[0])
        return v, h, c, last, cell, self.head(hidden)


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


class Offset(nn.Module):
    """What is small beside its own mean loses digits before the mean is taken away."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Linear(12, 24)
        self.norm = nn.LayerNorm(24)

    def forward(self, x: Tensor) -> Tensor:
        x = self.embed(x) + 300.0
        return self.norm(x - x.mean(-1, keepdim=True))


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


class Result(nn.Module):
    """Its class, and its arguments, have names that generated code uses itself."""

    def __init__(self) -> None:
        super().__init__()
        self.load = nn.Linear(6, 6)

    def forward(self, vb: Tensor, ops: Tensor) -> Tensor:
        return torch.tanh(self.load(vb)) * ops


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


def mlp() -> nn.Module:
    return nn.Sequential(
        nn.Linear(12, 32),
        nn.ReLU(inplace=True),
        nn.Dropout(0.3),
        nn.Linear(32, 32),
        nn.Tanh(),
        nn.Identity(),
        nn.Linear(32, 5),
    )


def gpt2() -> nn.Module:
    config = GPT2Config(
        vocab_size=99, n_embd=64, n_layer=3, n_head=4, n_positions=64, use_cache=False,
        bos_token_id=0, eos_token_id=0,
    )  # fmt: skip
    return GPT2LMHeadModel(config)


def bert() -> nn.Module:
    config = BertConfig(
        vocab_size=99, hidden_size=64, num_hidden_layers=3, num_attention_heads=4,
        intermediate_size=96, max_position_embeddings=64,
    )  # fmt: skip
    return BertModel(config)


def padded_ids() -> Inputs:
    """Two sentences, the second one shorter."""
    mask = torch.ones(2, 8, dtype=torch.int64)
    mask[1, 5:] = 0
    ids = torch.randint(1, 99, (2, 8)) * mask
    return {"input_ids": ids, "attention_mask": mask, "token_type_ids": (ids % 2) * mask}


def floats(**shapes: tuple[int, ...]) -> Callable[[], Inputs]:
    return lambda: {name: torch.randn(shape) for name, shape in shapes.items()}


def ids(below: int, *names: str) -> Callable[[], Inputs]:
    return lambda: {name: torch.randint(0, below, (2, 8)) for name in names}


BATCH, SEQ = Dim("batch"), Dim("seq", max=64)
BERT_INPUTS = ("input_ids", "attention_mask", "token_type_ids")

MODELS: dict[str, Model] = {
    "linear": Model(lambda: nn.Linear(12, 7), floats(input=(3, 12))),
    "linears": Model(Linears, floats(x=(3, 4, 12))),
    "convolutions": Model(Convolutions, floats(x=(2, 6, 21))),
    "embeddings": Model(Embeddings, ids(3, "words", "kinds")),
    "norms": Model(Norms, floats(x=(3, 24))),
    "mlp": Model(mlp, floats(input=(4, 12))),
    "conv_net": Model(ConvNet, floats(x=(2, 5, 18))),
    "recurrent": Model(Recurrent, floats(x=(3, 5, 6))),
    "halved": Model(Halved, floats(x=(2, 3, 8, 10))),
    "resampled": Model(Resampled, floats(x=(2, 3, 8, 10), theta=(2, 2, 3))),
    "offset": Model(Offset, floats(x=(4, 12))),
    "twice": Model(Twice, floats(x=(3, 16))),
    "stack": Model(Stack, floats(x=(2, 5, 16))),
    "tied": Model(Tied, ids(40, "ids")),
    "guarded": Model(Guarded, floats(x=(4, 6))),
    "shadowed": Model(Shadowed, floats(x=(3, 5))),
    "pointwise": Model(Pointwise, floats(x=(5, 8))),
    "shared": Model(Shared, floats(x=(3, 6))),
    "squares": Model(Squares, floats(x=(3, 7))),
    "returned": Model(Returned, floats(x=(3, 6))),
    "several": Model(Several, floats(x=(4, 10), gate=(4, 8))),
    "hostile": Model(Vec, floats(type=(3, 6), match=(3, 6))),
    "listener": Model(Listener, floats(wave=(2, 400)), {"wave": {0: BATCH}}),
    "denoiser": Model(Denoiser, floats(wave=(2, 200)), {"wave": {0: BATCH}}),
    "rotary": Model(Rotary, floats(x=(2, 7, 16))),
    "spectral": Model(SpectralConvolution, floats(x=(2, 3, 20)), {"x": {0: BATCH}}),
    "branches": Model(Branches, floats(x=(5, 6))),
    "repeats": Model(Repeats, lambda: floats(x=(3, 5))() | {"times": torch.randint(1, 4, (2,))}),
    "recurrence": Model(Recurrence, floats(frames=(4, 7), initial=(7,))),
    "picked": Model(Picked, lambda: floats(x=(5, 6))() | {"ids": torch.randint(0, 4, (5,))}),
    "sizes": Model(Sizes, lambda: floats(x=(5, 6))() | {"lengths": torch.randint(1, 9, (3,))}),
    "cropped": Model(Cropped, lambda: floats(x=(4, 6))() | {"length": torch.tensor(3)}),
    "noisy": Model(Noisy, floats(x=(4, 5))),
    "differing": Model(Differing, floats(x=(3, 6))),
    "contexts": Model(Contexts, floats(x=(3, 6))),
    "gpt2": Model(gpt2, ids(99, "input_ids")),
    "bert": Model(bert, padded_ids, {name: {0: BATCH, 1: SEQ} for name in BERT_INPUTS}),
}


def build(name: str, seed: int = 0) -> nn.Module:
    """The model in eval mode, with weights of this seed."""
    torch.manual_seed(seed)
    model = MODELS[name].build().eval()
    enliven(model)
    return model


@torch.no_grad()
def enliven(model: nn.Module) -> None:
    """Give every layer weights that matter, in place: as initialised, many a model is dead.

    Matrices and kernels are N(0, 1/fan_in), scales 1 + 0.1 N, biases 0.1 N.
    """
    for name, parameter in model.named_parameters():
        if parameter.ndim >= 2:
            fan_in = parameter.numel() // parameter.shape[0]
            parameter.normal_(0.0, fan_in**-0.5)
        elif name.endswith("bias"):
            parameter.normal_(0.0, 0.1)
        else:
            parameter.normal_(1.0, 0.1)
