"""The models that mistakes are made in, as data: small, of several families, lively weights."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.export import Dim
from transformers import (
    LlamaConfig,
    LlamaModel,
    ResNetConfig,
    ResNetModel,
    T5Config,
    T5EncoderModel,
    Wav2Vec2Config,
    Wav2Vec2Model,
)

from tests.parity.models import MODELS, Inputs, Model, floats, ids

BATCH, SEQ = Dim("batch"), Dim("seq", max=64)


class Tagger(nn.Module):
    """A word's tag from its neighbours on both sides."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(50, 16)
        self.lstm = nn.LSTM(16, 12, num_layers=2, batch_first=True, bidirectional=True)
        self.norm = nn.LayerNorm(24)
        self.head = nn.Linear(24, 7)

    def forward(self, words: Tensor) -> Tensor:
        hidden, _ = self.lstm(self.embed(words))
        return self.head(self.norm(torch.tanh(hidden)))


def llama() -> nn.Module:
    config = LlamaConfig(
        vocab_size=99, hidden_size=32, intermediate_size=48, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=64, use_cache=False,
    )  # fmt: skip
    return LlamaModel(config)


def resnet() -> nn.Module:
    config = ResNetConfig(
        num_channels=3, embedding_size=8, hidden_sizes=[8, 12], depths=[1, 2], layer_type="basic"
    )
    return ResNetModel(config)


def t5() -> nn.Module:
    config = T5Config(
        vocab_size=99, d_model=32, d_kv=8, d_ff=48, num_layers=2, num_heads=4,
        relative_attention_num_buckets=8,
    )  # fmt: skip
    return T5EncoderModel(config)


def wav2vec2() -> nn.Module:
    config = Wav2Vec2Config(
        vocab_size=20, hidden_size=24, num_hidden_layers=2, num_attention_heads=4,
        intermediate_size=32, conv_dim=(8, 8, 12), conv_stride=(4, 2, 2), conv_kernel=(8, 3, 3),
        num_conv_pos_embeddings=8, num_conv_pos_embedding_groups=4, apply_spec_augment=False,
    )  # fmt: skip
    return Wav2Vec2Model(config)


def words(below: int, name: str) -> tuple[Callable[[], Inputs], dict[str, object]]:
    """Numbers of words, of which there are so many, and which of their axes vary."""
    return ids(below, name), {name: {0: BATCH, 1: SEQ}}


ARCHITECTURES: dict[str, Model] = {
    "bert": MODELS["bert"],
    "gpt2": MODELS["gpt2"],
    "llama": Model(llama, *words(99, "input_ids")),
    "t5": Model(t5, *words(99, "input_ids")),
    "resnet": Model(resnet, floats(pixel_values=(2, 3, 32, 32)), {"pixel_values": {0: BATCH}}),
    "wav2vec2": Model(wav2vec2, floats(input_values=(2, 400)), {"input_values": {0: BATCH}}),
    "tagger": Model(Tagger, *words(50, "words")),
    "conv_net": MODELS["conv_net"],
    # What loses digits on its way.
    "offset": MODELS["offset"],
}
