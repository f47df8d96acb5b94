"""What enters and leaves a module call in the graph, where Python sees something else."""

from pathlib import Path

import torch
from torch import nn

from pycandle import GoldenRecorder
from pycandle.graph import manifest
from pycandle.passes import run_passes


class Norm(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(8))

    def forward(self, x):
        # The conversion gives its input back, and the graph calls it so from then on.
        wide = x.to(torch.float32)
        return self.weight * wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + 1e-6)


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = Norm()
        self.fc = nn.Linear(8, 8)

    def forward(self, x):
        return x + self.fc(self.norm(x))


def check(model: nn.Module, outputs: dict[str, list[str]], out: Path):
    recorded = GoldenRecorder(out).record(model, torch.randn(4, 8)).save("net")
    graph = run_passes(manifest.load(recorded.read_text(), "net"))
    made = {node.out.name: node.region for node in graph.nodes}

    for path, names in outputs.items():
        (index,) = (i for i, region in enumerate(graph.regions) if region.path == path)
        region = graph.regions[index]
        left = [b.name for b in region.outputs if made.get(graph.replaced.get(b.value, b.value)) == index]
        assert left == names


def test_an_input_that_is_given_back_is_no_result(tmp_path: Path):
    torch.manual_seed(0)
    check(Residual(), {"norm": [""], "fc": [""]}, tmp_path)
