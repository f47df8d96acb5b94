"""transformers: small configurations of language, vision, speech and series models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import transformers
from torch import nn

from tests.zoo.entry import Entry, Inputs, floats, tokens

Settings = Mapping[str, Any]

_WORDS = {"vocab_size": 99, "max_position_embeddings": 128}
_SMALL: Settings = {
    **_WORDS, "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
    "intermediate_size": 96, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2,
}  # fmt: skip
_GROUPED = {**_SMALL, "num_key_value_heads": 2}
_GPT: Settings = {
    "vocab_size": 99, "n_embd": 64, "n_layer": 2, "n_head": 4, "n_positions": 128,
    "bos_token_id": 0, "eos_token_id": 0,
}  # fmt: skip

ENCODERS: Mapping[str, Settings] = {
    **dict.fromkeys(
        ("Bert", "Electra", "MPNet", "DebertaV2", "XLMRoberta", "MobileBert", "FNet", "BigBird",
         "LayoutLM"),
        _SMALL,
    ),
    "Albert": {**_SMALL, "embedding_size": 32},
    "DistilBert": {**_WORDS, "dim": 64, "n_layers": 2, "n_heads": 4, "hidden_dim": 96,
                   "pad_token_id": 0},
    "ModernBert": {**_SMALL, "global_attn_every_n_layers": 2, "cls_token_id": 1,
                   "sep_token_id": 2},
    "Funnel": {"vocab_size": 99, "block_sizes": [1, 1], "d_model": 64, "n_head": 4, "d_head": 16,
               "d_inner": 96},
}  # fmt: skip

DECODERS: Mapping[str, Settings] = {
    **dict.fromkeys(
        ("Llama", "Qwen3", "Phi3", "Falcon", "Olmo2", "Granite", "Persimmon", "Glm", "Nemotron",
         "Jamba", "Lfm2", "Ernie4_5", "Exaone4", "GptOss", "Apertus", "RecurrentGemma"),
        _GROUPED,
    ),
    **{key: {**_GROUPED, "head_dim": 16} for key in ("Gemma", "Gemma2")},
    **dict.fromkeys(("GPT2", "OpenAIGPT", "GPTBigCode"), _GPT),
    "CodeGen": {**_GPT, "rotary_dim": 8},
    "CTRL": {"vocab_size": 99, "n_embd": 64, "dff": 96, "n_layer": 2, "n_head": 4,
             "n_positions": 128},
    "GPTNeo": {**_WORDS, "hidden_size": 64, "num_layers": 2, "num_heads": 4,
               "attention_types": [[["global", "local"], 1]], "bos_token_id": 0,
               "eos_token_id": 0},
    "OPT": {**_WORDS, "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
            "ffn_dim": 96, "word_embed_proj_dim": 64},
    "XGLM": {**_WORDS, "d_model": 64, "num_layers": 2, "attention_heads": 4, "ffn_dim": 96},
    "Qwen2Moe": {**_GROUPED, "num_experts": 4, "moe_intermediate_size": 32,
                 "shared_expert_intermediate_size": 32},
    "Mamba2": {"vocab_size": 99, "hidden_size": 64, "num_hidden_layers": 2, "num_heads": 8,
               "head_dim": 16},
    "FalconMamba": {"vocab_size": 99, "hidden_size": 64, "num_hidden_layers": 2},
}  # fmt: skip

# Language models whose class is not the family's name and ForCausalLM.
_LANGUAGE_MODELS = {
    "CTRL": "CTRLLMHeadModel",
    "GPT2": "GPT2LMHeadModel",
    "OpenAIGPT": "OpenAIGPTLMHeadModel",
}

_PATCHES = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
            "intermediate_size": 96, "image_size": 32, "patch_size": 8}  # fmt: skip
_WINDOWS = {"image_size": 32, "patch_size": 2, "embed_dim": 16, "depths": [1, 1],
            "num_heads": [2, 2], "window_size": 4}  # fmt: skip

# The settings, and the side of the images.
VISION: Mapping[str, tuple[Settings, int]] = {
    **dict.fromkeys(("ViT", "DeiT", "Dinov2", "Dinov2WithRegisters", "Beit"), (_PATCHES, 32)),
    **dict.fromkeys(("Swinv2", "FocalNet"), (_WINDOWS, 32)),
    "ConvNext": ({"hidden_sizes": [8, 16], "depths": [1, 1], "num_stages": 2}, 32),
    "ResNet": ({"embedding_size": 8, "hidden_sizes": [8, 16], "depths": [1, 1]}, 32),
    "MobileViT": ({}, 64),
    "PoolFormer": ({}, 64),
    "Pvt": ({}, 224),
}

_SPEECH = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
           "intermediate_size": 96, "mask_time_prob": 0.0, "num_conv_pos_embeddings": 16,
           "num_conv_pos_embedding_groups": 2}  # fmt: skip
_BART = {"vocab_size": 99, "d_model": 64, "encoder_layers": 2, "decoder_layers": 2,
         "encoder_attention_heads": 4, "decoder_attention_heads": 4, "encoder_ffn_dim": 96,
         "decoder_ffn_dim": 96, "max_position_embeddings": 64}  # fmt: skip
_SERIES = {"num_input_channels": 3, "context_length": 64, "patch_length": 8, "patch_stride": 8,
           "d_model": 32, "num_hidden_layers": 2, "num_attention_heads": 4,
           "prediction_length": 16}  # fmt: skip

_SENTENCES = tokens(99, 5, input_ids=(2, 16))
_SENTENCE_AXES = {"input_ids": (0, 1)}


def _pairs() -> Inputs:
    return tokens(99, 5, input_ids=(2, 16), decoder_input_ids=(2, 8))()


def _plain(name: str, settings: Settings, kind: str = "Model") -> nn.Module:
    config = getattr(transformers, f"{name}Config")(**settings)
    return getattr(transformers, f"{name}{kind}")(config)


def _language_model(name: str, settings: Settings) -> nn.Module:
    config = getattr(transformers, f"{name}Config")(**settings)
    model = getattr(transformers, _LANGUAGE_MODELS.get(name, f"{name}ForCausalLM"))(config)
    model.config.use_cache = False
    return model


def _encoder(name: str) -> Entry:
    return Entry(lambda: _plain(name, ENCODERS[name]), _SENTENCES, _SENTENCE_AXES)


def _decoder(name: str) -> Entry:
    return Entry(lambda: _language_model(name, DECODERS[name]), _SENTENCES, _SENTENCE_AXES)


def _vision(name: str) -> Entry:
    settings, side = VISION[name]
    images = floats(pixel_values=(2, 3, side, side))
    return Entry(lambda: _plain(name, settings), images, {"pixel_values": (0,)})


def _speech(name: str) -> Entry:
    waves = floats(input_values=(2, 4000))
    return Entry(lambda: _plain(name, _SPEECH), waves, {"input_values": (0,)})


ENTRIES = {
    **{f"hf/{name}": _encoder(name) for name in ENCODERS},
    **{f"hf/{name}": _decoder(name) for name in DECODERS},
    **{f"hf/{name}": _vision(name) for name in VISION},
    **{f"hf/{name}": _speech(name) for name in ("Hubert", "UniSpeech")},
    "hf/Bart": Entry(lambda: _plain("Bart", _BART), _pairs, constants={"use_cache": False}),
    "hf/Vits": Entry(
        lambda: _plain(
            "Vits", {"vocab_size": 38, "hidden_size": 64, "num_hidden_layers": 2, "ffn_dim": 96}
        ),
        lambda: {"input_ids": torch.randint(1, 37, (1, 10))},
    ),
    "hf/PatchTST": Entry(
        lambda: _plain("PatchTST", _SERIES, "ForPrediction"), floats(past_values=(2, 64, 3))
    ),
}
