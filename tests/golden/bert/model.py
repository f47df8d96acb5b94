"""BERT: an encoder with learned positions, whose attention mask comes from the tokens."""

import torch
from transformers import BertConfig, BertModel

from pycandle import GoldenRecorder

torch.manual_seed(0)
config = BertConfig(
    vocab_size=30, hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
    intermediate_size=24, max_position_embeddings=32,
)  # fmt: skip
ids = torch.randint(1, 30, (2, 7))

GoldenRecorder().record(
    BertModel(config), input_ids=ids, attention_mask=torch.ones_like(ids), return_dict=True
).save()
