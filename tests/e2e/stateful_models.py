"""Models with state: a cell with its hidden state, GPT-2 with its caches."""

import torch
from torch import Tensor, nn
from transformers import DynamicCache, GPT2Config, GPT2LMHeadModel
from transformers.integrations.executorch import register_dynamic_cache_export_support

from pycandle import GoldenRecorder

register_dynamic_cache_export_support()


class Counter(nn.Module):
    """The state is named `model`, which the generated struct has a field for already."""

    def __init__(self):
        super().__init__()
        self.cell = nn.GRUCell(4, 8)
        self.head = nn.Linear(8, 3)

    def forward(self, x: Tensor, model: Tensor) -> dict[str, Tensor]:
        hidden = self.cell(x, model)
        return {"logits": self.head(hidden), "model": hidden}


torch.manual_seed(0)
GoldenRecorder().record(Counter(), torch.randn(2, 4), torch.randn(2, 8)).save(
    "counter", weights=True
)
gpt = GPT2LMHeadModel(GPT2Config(n_layer=2, n_head=2, n_embd=16, vocab_size=40, n_positions=32))
ids = torch.randint(0, 40, (2, 9))
with torch.no_grad():
    cache = gpt.eval()(ids[:, :7], use_cache=True).past_key_values
assert isinstance(cache, DynamicCache)
# Without `dynamic_shapes` the caches have one length, which may be zero: the first call reads the
# prompt.
GoldenRecorder().record(gpt, ids[:, 7:], past_key_values=cache, use_cache=True).save(
    "gpt", weights=True
)
