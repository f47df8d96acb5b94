"""Shows that compile time grows with the number of distinct blocks, not with depth.

`python -m tests.zoo.depth [DEPTH...]` prints nodes, lines and seconds for vision transformers of
12, 48 and 96 equal blocks. The crates lie under cargo's target folder.
"""

from __future__ import annotations

import shutil
import sys

import timm
from torch import nn

from tests.zoo.entry import Entry, floats
from tests.zoo.running import FOLDER
from tests.zoo.stages import go

DEPTHS = (12, 48, 96)


def vit(depth: int) -> Entry:
    """A vision transformer of that many blocks, narrow so that its goldens are small."""

    def build() -> nn.Module:
        return timm.models.VisionTransformer(
            img_size=32, patch_size=8, embed_dim=48, depth=depth, num_heads=3, num_classes=10
        )

    return Entry(build, floats(x=(2, 3, 32, 32)), {"x": (0,)})


def code(depth: int) -> str:
    """The Rust of that depth, which it also compiles and holds against PyTorch."""
    name = f"vit_{depth}"
    folder = FOLDER / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    row = go(name, vit(depth), folder)
    if not row.passed:
        raise SystemExit(f"{depth} blocks: {row.blame}")
    print(
        f"{depth} blocks: {row.nodes} nodes, {row.lines} lines, compiled in"
        f" {row.compile_seconds:.1f} s; {row.compared} module calls agree with PyTorch"
    )
    return (folder / "src" / f"{name}.rs").read_text(encoding="utf-8")


if __name__ == "__main__":
    for wanted in map(int, sys.argv[1:] or DEPTHS):
        code(wanted)
