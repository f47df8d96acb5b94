"""Llama: a decoder with rotary positions, grouped keys and values, and a gated perceptron."""

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from pycandle import GoldenRecorder

torch.manual_seed(0)
config = LlamaConfig(
    vocab_size=50, hidden_size=48, num_hidden_layers=3, num_attention_heads=6,
    num_key_value_heads=2, intermediate_size=80, max_position_embeddings=32,
)  # fmt: skip

GoldenRecorder().record(
    LlamaForCausalLM(config), input_ids=torch.randint(3, 50, (2, 7)), use_cache=False
).save()
