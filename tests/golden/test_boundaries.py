"""What enters and leaves a module call in the graph, where Python sees something else."""

from pathlib import Path

import pytest
import torch
from torch import nn

from pycandle import GoldenRecorder
from pycandle.errors import RecordError
from pycandle.graph import manifest


class Norm(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(8))

    def forward(self, x):
        # Both give their input back, and the program calls it by their name from then on.
        wide = x.to(torch.float32).contiguous()
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
    graph = manifest.load(recorded.read_text(), "net")

    for path, names in outputs.items():
        (region,) = (region for region in graph.regions if region.path == path)
        assert [boundary.name for boundary in region.outputs] == names


def test_an_input_that_is_given_back_is_no_result(tmp_path: Path):
    torch.manual_seed(0)
    check(Residual(), {"norm": [""], "fc": [""]}, tmp_path)


class Table(nn.Module):
    """Sets a buffer to what it was, or to something else."""

    def __init__(self, factor: float):
        super().__init__()
        self.factor = factor
        self.table = nn.Buffer(torch.arange(8.0))

    def forward(self, x):
        moved = self.table.to(x.device)
        self.table = moved if self.factor == 1 else moved * self.factor
        return x + self.table


def test_a_buffer_that_is_set_to_what_it_was_does_not_change(tmp_path: Path):
    check(Table(1.0), {"": [""]}, tmp_path)
    with pytest.raises(RecordError, match="changes table while it runs"):
        check(Table(2.0), {}, tmp_path)
