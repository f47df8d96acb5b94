"""A perceptron in a Sequential, with what inference drops: dropout, identity, an in-place op."""

import torch
from torch import nn

from pycandle import GoldenRecorder

torch.manual_seed(0)


class Mlp(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Linear(8, 16), nn.ReLU(inplace=True), nn.Dropout(0.5), nn.Linear(16, 16), nn.Tanh()
        )
        self.skip = nn.Identity()
        self.head = nn.Linear(16, 3, bias=False)

    def forward(self, x):
        features = self.features(x)
        logits = self.head(self.skip(features))
        return {"logits": logits, "probabilities": logits.softmax(-1)}


GoldenRecorder().record(Mlp(), torch.randn(4, 8)).save()
