"""Swin: attention in windows that shift, with a table of relative position biases."""

import torch
from torchvision.models import SwinTransformer

from pycandle import GoldenRecorder

torch.manual_seed(0)
model = SwinTransformer(
    patch_size=[4, 4], embed_dim=8, depths=[2, 2], num_heads=[1, 2], window_size=[4, 4],
    num_classes=5,
)  # fmt: skip

GoldenRecorder().record(
    model, torch.randn(2, 3, 32, 32), dynamic_shapes=({0: torch.export.Dim.AUTO},)
).save()
