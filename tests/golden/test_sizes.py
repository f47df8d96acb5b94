"""Which sizes a recording holds for: what its own code asks of them, and nothing else."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.fx.experimental.symbolic_shapes import sym_or

from pycandle import GoldenRecorder
from pycandle.graph import manifest


class Net(nn.Module):
    def __init__(self, doubled: Callable[[torch.Tensor], bool]):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, stride=2, padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.doubled = doubled

    def forward(self, x):
        x = torch.relu(self.norm(self.conv(x)))
        if self.doubled(x):
            x = x * 2
        return nn.functional.max_pool2d(x, 3, stride=2, padding=1).mean((2, 3))


def check(model: Net, batch: int, guards: list[str], least: dict[str, int], out: Path):
    torch.manual_seed(0)
    recorded = GoldenRecorder(out).record(model, torch.randn(batch, 3, 24, 24)).save("net")
    graph = manifest.load(recorded.read_text(), "net")

    assert [str(guard) for guard in graph.guards] == guards
    assert {symbol.name: symbol.min for symbol in graph.symbols} == least


@pytest.mark.parametrize(
    ("doubled", "batch", "guards", "least"),
    [
        (lambda x: False, 4, [], {"batch": 1, "height": 1, "width": 1}),
        (lambda x: False, 1, [], {"batch": 1, "height": 1, "width": 1}),
        (lambda x: x.shape[0] == 1, 1, [], {"height": 1, "width": 1}),
        (lambda x: x.shape[0] == 1, 4, [], {"batch": 2, "height": 1, "width": 1}),
        (lambda x: x.shape[0] == 3, 4, ["batch != 3"], {"batch": 1, "height": 1, "width": 1}),
        (lambda x: x.shape[0] / 2 == 3, 4, ["batch != 6"], {"batch": 1, "height": 1, "width": 1}),
        (lambda x: x.shape[2] == 1, 4, [], {"batch": 1, "height": 3, "width": 1}),
        (
            lambda x: bool(sym_or(x.shape[2] * x.shape[3] > 99, x.shape[0] == 7)),
            4,
            ["((height - 1)//2)*((width - 1)//2) + ((height - 1)//2) + ((width - 1)//2) + 1 > 99"],
            {"batch": 1, "height": 1, "width": 1},
        ),
    ],
)
def test_sizes_are_restricted_by_the_code_and_by_nothing_else(
    doubled: Callable[[torch.Tensor], bool],
    batch: int,
    guards: list[str],
    least: dict[str, int],
    tmp_path: Path,
):
    check(Net(doubled), batch, guards, least, tmp_path)
