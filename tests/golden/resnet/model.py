"""ResNet-18: convolutions with batch norm, and residual blocks of two forms."""

import torch
from torchvision.models import resnet18

from pycandle import GoldenRecorder

torch.manual_seed(0)

GoldenRecorder().record(
    resnet18(num_classes=10),
    torch.randn(2, 3, 32, 32),
    dynamic_shapes=({0: torch.export.Dim.AUTO},),
).save()
