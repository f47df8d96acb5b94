"""Llama: a decoder with rotary positions, grouped keys and values, and a gated perceptron."""

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from pycandle import GoldenRecorder

torch.manual_seed(0)
config = LlamaConfig(
    vocab_size=30, hidden_size=16, num_hidden_layers=2, num_attention_heads=4,
    num_key_value_heads=2, intermediate_size=24, max_position_embeddings=32,
)  # fmt: skip

GoldenRecorder().record(
    LlamaForCausalLM(config), input_ids=torch.randint(3, 30, (2, 7)), use_cache=False
).save()
