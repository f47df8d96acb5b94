"""Repeated blocks are one struct and one loop: depth changes a number in the code, and no more."""

from pathlib import Path

import torch
from torch import nn

from pycandle import GoldenRecorder
from pycandle.bridge import generate_files
from pycandle.crate import rustfmt


class Stack(nn.Module):
    def __init__(self, depth: int):
        super().__init__()
        self.blocks = nn.ModuleList(
            nn.TransformerEncoderLayer(8, 2, 16, batch_first=True) for _ in range(depth)
        )

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return x


def code(depth: int, out: Path) -> str:
    recorded = GoldenRecorder(out).record(Stack(depth), torch.randn(2, 3, 8)).save("net")
    options = {"manifest": recorded.name, "model": "", "module": "net"}
    # The first two lines have digests.
    return rustfmt(generate_files(recorded, "net", options)["net.rs"]).split("\n", 2)[2]


def test_depth_is_a_number_in_the_code(tmp_path: Path):
    shallow, deep = code(3, tmp_path / "shallow"), code(12, tmp_path / "deep")

    assert "pub const DEPTH: usize = 3;" in shallow and "(0..DEPTH)" in shallow
    assert deep == shallow.replace("DEPTH: usize = 3", "DEPTH: usize = 12")
