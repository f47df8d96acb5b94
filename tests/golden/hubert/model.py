"""HuBERT: strided convolutions over a waveform, a weight-normed one for positions, an encoder."""

import torch
from transformers import HubertConfig, HubertModel

from pycandle import GoldenRecorder

torch.manual_seed(0)
config = HubertConfig(
    hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=24,
    conv_dim=(8, 8), conv_stride=(5, 2), conv_kernel=(10, 3), num_feat_extract_layers=2,
    num_conv_pos_embeddings=8, num_conv_pos_embedding_groups=2,
)  # fmt: skip

GoldenRecorder().record(HubertModel(config), torch.randn(2, 400)).save()
