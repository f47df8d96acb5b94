"""GPT-2 as it continues a text: a decoder that takes caches and gives them back, longer."""

import torch
from transformers import GPT2Config, GPT2Model
from transformers.integrations.executorch import register_dynamic_cache_export_support

from pycandle import GoldenRecorder

register_dynamic_cache_export_support()
torch.manual_seed(0)
config = GPT2Config(
    vocab_size=50, n_positions=32, n_embd=48, n_layer=3, n_head=6, bos_token_id=0, eos_token_id=0
)
model = GPT2Model(config).eval()
input_ids = torch.randint(3, 50, (2, 9))
with torch.no_grad():
    past_key_values = model(input_ids[:, :7], use_cache=True).past_key_values

GoldenRecorder().record(
    model, input_ids=input_ids[:, 7:], past_key_values=past_key_values, use_cache=True
).save()
