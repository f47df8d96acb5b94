"""What is run: models at batch 1, as an entry of the zoo has them, in the sizes that people use.

It must not know who runs them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
import torchvision
import transformers
from torch import nn

from tests.zoo.entry import Entry, Inputs, floats, tokens
from tests.zoo.layers import Recurrent


def _none() -> Mapping[str, Any]:
    return {}


@dataclass(frozen=True)
class Workload:
    """A model and one call of it."""

    entry: Entry
    # What the call takes besides tensors, drawn with them: caches.
    caches: Callable[[], Mapping[str, Any]] = _none
    # Settings of `onnxruntime.transformers.optimizer`; without any it is no transformer to it.
    optimiser: Mapping[str, Any] = field(default_factory=lambda: dict[str, Any]())
    # Whether there is a version that was written by hand for Candle, in `rivals/src/bin/candle`.
    candle: bool = False
    # Too small to say anything of speed: what a test of the bench runs.
    trial: bool = False

    def draw(self, seed: int = 0) -> dict[str, Any]:
        """What `forward` takes, of this seed."""
        torch.manual_seed(seed)
        return {**self.entry.draw(), **self.caches(), **self.entry.constants}


def _image(name: str, side: int = 224, candle: bool = False) -> Workload:
    entry = Entry(
        lambda: torchvision.models.get_model(name, weights=None),
        floats(x=(1, 3, side, side)),
        {"x": (0,)},
    )
    return Workload(entry, candle=candle)


def _sentence(words: int, length: int) -> Callable[[], Inputs]:
    """What a tokenizer gives for one sentence."""
    ids = tokens(words, 5, input_ids=(1, length))
    return lambda: {
        **ids(),
        "attention_mask": torch.ones(1, length, dtype=torch.int64),
        "token_type_ids": torch.zeros(1, length, dtype=torch.int64),
    }


_SENTENCE_AXES: dict[str, tuple[int, ...]] = dict.fromkeys(
    ("input_ids", "attention_mask", "token_type_ids"), (0, 1)
)


def _bert(length: int, **settings: Any) -> Workload:
    config = transformers.BertConfig(**settings)
    entry = Entry(
        lambda: transformers.BertModel(config, add_pooling_layer=False),
        _sentence(config.vocab_size, length),
        _SENTENCE_AXES,
    )
    heads = {"num_heads": config.num_attention_heads, "hidden_size": config.hidden_size}
    return Workload(entry, optimiser={"model_type": "bert", **heads}, candle=True)


def _deberta() -> Workload:
    """DeBERTa-v3-small: attention by relative positions."""
    settings: Mapping[str, Any] = {
        "num_hidden_layers": 6, "num_attention_heads": 12, "hidden_size": 768,
        "intermediate_size": 3072, "vocab_size": 128100, "relative_attention": True,
        "position_buckets": 256, "norm_rel_ebd": "layer_norm", "share_att_key": True,
        "pos_att_type": ["p2c", "c2p"], "max_relative_positions": -1, "type_vocab_size": 0,
        "position_biased_input": False, "layer_norm_eps": 1e-7,
    }  # fmt: skip
    config = transformers.DebertaV2Config(**settings)
    draw = _sentence(config.vocab_size, 128)
    entry = Entry(lambda: transformers.DebertaV2Model(config), draw, _SENTENCE_AXES)
    optimiser = {"model_type": "bert", "num_heads": 12, "hidden_size": 768}
    return Workload(entry, optimiser=optimiser, candle=True)


_GPT2 = transformers.GPT2Config()
_GPT2_OPTIMISER = {"model_type": "gpt2", "num_heads": 12, "hidden_size": 768}


def _gpt2() -> nn.Module:
    return transformers.GPT2LMHeadModel(_GPT2)


def _gpt2_cache() -> Mapping[str, Any]:
    """The keys and values of 128 tokens."""
    cache = transformers.DynamicCache(config=_GPT2)
    shape = (1, _GPT2.n_head, 128, _GPT2.n_embd // _GPT2.n_head)
    for layer in range(_GPT2.n_layer):
        cache.update(torch.randn(shape), torch.randn(shape), layer)
    return {"past_key_values": cache}


def _smollm() -> Workload:
    """SmolLM-135M: rotary positions, grouped keys and values, gated activations, RMS norms."""
    config = transformers.LlamaConfig(
        hidden_size=576, intermediate_size=1536, num_hidden_layers=30, num_attention_heads=9,
        num_key_value_heads=3, vocab_size=49152, tie_word_embeddings=True,
    )  # fmt: skip
    entry = Entry(
        lambda: transformers.LlamaForCausalLM(config),
        tokens(config.vocab_size, input_ids=(1, 128)),
        {"input_ids": (0, 1)},
        {"use_cache": False},
    )
    return Workload(entry)


def _vit() -> Workload:
    settings: Mapping[str, Any] = {"num_labels": 1000}
    config = transformers.ViTConfig(**settings)
    images = floats(pixel_values=(1, 3, 224, 224))
    build = lambda: transformers.ViTForImageClassification(config)  # noqa: E731
    optimiser = {"model_type": "vit", "num_heads": 12, "hidden_size": 768}
    return Workload(Entry(build, images, {"pixel_values": (0,)}), optimiser=optimiser, candle=True)


def _whisper() -> Workload:
    """Of 30 seconds of speech."""
    from transformers.models.whisper.modeling_whisper import WhisperEncoder

    config = transformers.WhisperConfig()
    features = floats(input_features=(1, config.num_mel_bins, 3000))
    optimiser = {"model_type": "bart", "num_heads": 6, "hidden_size": 384}
    entry = Entry(lambda: WhisperEncoder(config), features)
    return Workload(entry, optimiser=optimiser, candle=True)


WORKLOADS: Mapping[str, Workload] = {
    "resnet18": _image("resnet18", candle=True),
    "resnet50": _image("resnet50", candle=True),
    "mobilenet_v2": _image("mobilenet_v2", candle=True),
    "mobilenet_v3_large": _image("mobilenet_v3_large"),
    "bert_base": _bert(128),
    "minilm": _bert(
        32, hidden_size=384, num_hidden_layers=6, num_attention_heads=12, intermediate_size=1536
    ),
    "gpt2_prefill": Workload(
        Entry(
            _gpt2,
            tokens(_GPT2.vocab_size, input_ids=(1, 128)),
            {"input_ids": (0, 1)},
            {"use_cache": False},
        ),
        optimiser=_GPT2_OPTIMISER,
    ),
    "gpt2_step": Workload(
        Entry(_gpt2, tokens(_GPT2.vocab_size, input_ids=(1, 1)), constants={"use_cache": True}),
        caches=_gpt2_cache,
        optimiser=_GPT2_OPTIMISER,
    ),
    "smollm_prefill": _smollm(),
    "vit_b_16": _vit(),
    "lstm": Workload(
        Entry(lambda: Recurrent(nn.LSTM, False, 512, 512), floats(x=(1, 100, 512)), {"x": (0,)}),
        candle=True,
    ),
    "whisper_tiny_encoder": _whisper(),
    "deberta_v3_small": _deberta(),
    "trial_lstm": Workload(
        Entry(lambda: Recurrent(nn.LSTM, False), floats(x=(1, 7, 16)), {"x": (0,)}), trial=True
    ),
}
