"""The models that parity is proved on, as data: how to build each, and what goes in.

Small, but real: the models of the modules beside this one, a plain MLP, and two transformers as
their library has them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.export import Dim
from transformers import BertConfig, BertModel, GPT2Config, GPT2LMHeadModel

from tests.parity.arithmetic import Guarded, Offset, Pointwise, Shadowed, Squares, Windows
from tests.parity.attention import Attentions, CrossAttention, EncoderDecoder, Equations
from tests.parity.caches import Borrowing, Decoder, Late, Lending
from tests.parity.flow import (
    Branches,
    Contexts,
    Cropped,
    Differing,
    Grouped,
    Noisy,
    Picked,
    Recurrence,
    Remembering,
    Repeats,
    Scattered,
    Sizes,
    Steps,
)
from tests.parity.layers import (
    ConvNet,
    Convolutions,
    Embeddings,
    Formulas,
    Halved,
    Linears,
    Norms,
    Positioned,
    Recurrent,
    Resampled,
    Tabled,
)
from tests.parity.lively import enliven, settle
from tests.parity.signals import Denoiser, Listener, Rotary, SpectralConvolution, Vocoder
from tests.parity.trees import (
    Dense,
    Returned,
    Several,
    Shared,
    Stack,
    Tables,
    Tied,
    Twice,
    Upcast,
    Vec,
)
from tests.parity.variants import Variants

Inputs = dict[str, Any]


@dataclass(frozen=True)
class Model:
    """A model with random weights, and inputs for its forward by name."""

    build: Callable[[], nn.Module]
    draw: Callable[[], Inputs]
    dynamic_shapes: Any = None  # as torch.export takes it; None tries every axis


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


def padding(rows: int, length: int) -> Inputs:
    """One where the last row has padding: its last two places."""
    mask = torch.zeros(rows, length)
    mask[-1, -2:] = 1.0
    return {"padding": mask}


def caches(layers: int) -> Inputs:
    """What so many layers read before."""
    return {name: past(layers) for name in ("keys", "values")}


def past(layers: int) -> list[Tensor]:
    return [torch.randn(2, 4, 8) for _ in range(layers)]


def ids(below: int, *names: str) -> Callable[[], Inputs]:
    return lambda: {name: torch.randint(0, below, (2, 8)) for name in names}


BATCH, SEQ = Dim("batch"), Dim("seq", max=64)
BERT_INPUTS = ("input_ids", "attention_mask", "token_type_ids")


def cached(layers: int) -> Any:
    """All caches have one length, which varies."""
    each = [{0: BATCH, 1: Dim("past", max=64)}] * layers
    return {"x": {0: BATCH, 1: SEQ}, "keys": each, "values": each}


MODELS: dict[str, Model] = {
    "linear": Model(lambda: nn.Linear(12, 7), floats(input=(3, 12))),
    "linears": Model(Linears, floats(x=(3, 4, 12))),
    "convolutions": Model(Convolutions, floats(x=(2, 6, 21))),
    "embeddings": Model(Embeddings, ids(3, "words", "kinds")),
    "norms": Model(Norms, floats(x=(3, 24))),
    "mlp": Model(mlp, floats(input=(4, 12))),
    "conv_net": Model(ConvNet, floats(x=(2, 5, 18))),
    "recurrent": Model(Recurrent, floats(x=(3, 5, 6))),
    "positioned": Model(Positioned, floats(x=(3, 6), positions=(3, 6))),
    "tabled": Model(Tabled, floats(x=(2, 4, 6)), {"x": {0: BATCH}}),
    "formulas": Model(
        Formulas, floats(x=(2, 5, 6), gate=(2, 6, 5)), {"x": {0: BATCH}, "gate": {0: BATCH}}
    ),
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
    "upcast": Model(Upcast, floats(x=(3, 6))),
    "tables": Model(Tables, floats(x=(4, 9))),
    "windows": Model(Windows, floats(x=(2, 8, 6)), {"x": {0: BATCH}}),
    "squares": Model(Squares, floats(x=(3, 7))),
    "dense": Model(Dense, floats(x=(3, 6))),
    "returned": Model(Returned, floats(x=(3, 6))),
    "several": Model(Several, floats(x=(4, 10), gate=(4, 8))),
    "hostile": Model(Vec, floats(type=(3, 6), match=(3, 6))),
    "listener": Model(Listener, floats(wave=(2, 400)), {"wave": {0: BATCH}}),
    "denoiser": Model(Denoiser, floats(wave=(2, 200)), {"wave": {0: BATCH}}),
    "rotary": Model(Rotary, floats(x=(2, 7, 16))),
    "spectral": Model(SpectralConvolution, floats(x=(2, 3, 20)), {"x": {0: BATCH}}),
    "variants": Model(Variants, floats(x=(3, 6))),
    "vocoder": Model(Vocoder, floats(codes=(2, 5, 12))),
    "branches": Model(Branches, floats(x=(5, 6))),
    "repeats": Model(Repeats, lambda: floats(x=(3, 5))() | {"times": torch.randint(1, 4, (2,))}),
    "recurrence": Model(Recurrence, floats(frames=(4, 7), initial=(7,))),
    "grouped": Model(Grouped, lambda: floats(x=(64, 6))() | {"groups": torch.randint(0, 4, (64,))}),
    "steps": Model(Steps, floats(x=(2, 5, 6))),
    "decoder": Model(Decoder, lambda: floats(x=(2, 3, 8))() | caches(3), cached(3)),
    "borrowing": Model(
        Borrowing, lambda: {"keys": past(3), **floats(x=(2, 3, 8), key=(2, 4, 8))()}
    ),
    "late": Model(Late, lambda: floats(x=(2, 3, 8))() | caches(2), cached(2)),
    "lending": Model(Lending, lambda: floats(x=(2, 3, 8))() | caches(2), cached(2)),
    "remembering": Model(Remembering, floats(x=(2, 6), memory=(3, 6))),
    "picked": Model(Picked, lambda: floats(x=(5, 6))() | {"ids": torch.randint(0, 4, (5,))}),
    "sizes": Model(Sizes, lambda: floats(x=(5, 6))() | {"lengths": torch.randint(1, 9, (3,))}),
    "cropped": Model(Cropped, lambda: floats(x=(4, 6))() | {"length": torch.tensor(3)}),
    "noisy": Model(Noisy, floats(x=(4, 5))),
    "scattered": Model(Scattered, floats(x=(8, 6))),
    "differing": Model(Differing, floats(x=(3, 6))),
    "contexts": Model(Contexts, floats(x=(3, 6))),
    "attentions": Model(
        Attentions,
        lambda: floats(x=(2, 5, 8))() | padding(2, 5),
        {"x": {0: BATCH, 1: SEQ}, "padding": {0: BATCH, 1: SEQ}},
    ),
    "cross_attention": Model(
        CrossAttention,
        floats(x=(3, 2, 8), memory=(4, 2, 6)),
        {"x": {0: SEQ, 1: BATCH}, "memory": {0: Dim("source", max=64), 1: BATCH}},
    ),
    "encoder_decoder": Model(
        EncoderDecoder,
        lambda: floats(source=(2, 5, 16), target=(2, 6, 16))() | padding(2, 5),
        {
            "source": {0: BATCH, 1: SEQ},
            "target": {0: BATCH, 1: Dim("target", max=64)},
            "padding": {0: BATCH, 1: SEQ},
        },
    ),
    "equations": Model(Equations, floats(x=(2, 5, 8)), {"x": {0: BATCH}}),
    "gpt2": Model(gpt2, ids(99, "input_ids")),
    "bert": Model(bert, padded_ids, {name: {0: BATCH, 1: SEQ} for name in BERT_INPUTS}),
}


def build(name: str, seed: int = 0, models: Mapping[str, Model] = MODELS) -> nn.Module:
    """The model in eval mode, with weights of this seed."""
    torch.manual_seed(seed)
    model = models[name].build().eval()
    enliven(model)
    settle(model, models[name].draw())
    return model
