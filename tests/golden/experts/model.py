"""Mixtral: a decoder whose perceptrons are experts, two of which a router chooses per token."""

import torch
from transformers import MixtralConfig, MixtralModel

from pycandle import GoldenRecorder

torch.manual_seed(0)
config = MixtralConfig(
    vocab_size=50, hidden_size=48, num_hidden_layers=3, num_attention_heads=6,
    num_key_value_heads=2, intermediate_size=80, max_position_embeddings=32, num_local_experts=4,
)  # fmt: skip

GoldenRecorder().record(
    MixtralModel(config), input_ids=torch.randint(3, 50, (2, 7)), use_cache=False
).save()
