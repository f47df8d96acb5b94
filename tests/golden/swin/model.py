"""Swin: attention in windows that shift, with a table of relative position biases."""

import torch
from torchvision.models import SwinTransformer

from pycandle import GoldenRecorder

torch.manual_seed(0)
model = SwinTransformer(
    patch_size=[4, 4], embed_dim=12, depths=[2, 2], num_heads=[2, 4], window_size=[4, 4],
    num_classes=5,
)  # fmt: skip

GoldenRecorder().record(
    model, torch.randn(2, 3, 96, 96), dynamic_shapes=({0: torch.export.Dim.AUTO},)
).save()
