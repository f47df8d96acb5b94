"""BERT: an encoder with learned positions, whose attention mask comes from the tokens."""

import torch
from transformers import BertConfig, BertModel

from pycandle import GoldenRecorder

torch.manual_seed(0)
config = BertConfig(
    vocab_size=50, hidden_size=48, num_hidden_layers=3, num_attention_heads=6,
    intermediate_size=80, max_position_embeddings=32,
)  # fmt: skip
ids = torch.randint(1, 50, (2, 7))

GoldenRecorder().record(
    BertModel(config), input_ids=ids, attention_mask=torch.ones_like(ids), return_dict=True
).save()
