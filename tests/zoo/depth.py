"""Shows that compile time grows with the number of distinct blocks, not with depth.

`python -m tests.zoo.depth [FAMILY [DEPTH...]]` prints nodes, lines and seconds of one family, at
several numbers of equal blocks: `vit`, a vision transformer, or `swin_v2`, which has the largest
graphs of the zoo. The crates lie under cargo's target folder.
"""

from __future__ import annotations

import shutil
import sys

import timm
from torch import nn
from torchvision.models.swin_transformer import (
    PatchMergingV2,
    SwinTransformer,
    SwinTransformerBlockV2,
)

from tests.zoo.entry import Entry, floats
from tests.zoo.running import FOLDER
from tests.zoo.stages import go

DEPTHS = {"vit": (12, 48, 96), "swin_v2": (6, 18, 36)}


def vit(depth: int) -> Entry:
    """A vision transformer of that many blocks, narrow so that its goldens are small."""

    def build() -> nn.Module:
        return timm.models.VisionTransformer(
            img_size=32, patch_size=8, embed_dim=48, depth=depth, num_heads=3, num_classes=10
        )

    return Entry(build, floats(x=(2, 3, 32, 32)), {"x": (0,)})


def swin_v2(depth: int) -> Entry:
    """torchvision's swin_v2_s but for its width, with that many blocks in the third stage."""

    def build() -> nn.Module:
        return SwinTransformer(
            [4, 4], 24, [2, 2, depth, 2], [3, 6, 12, 24], [8, 8],
            num_classes=10, block=SwinTransformerBlockV2, downsample_layer=PatchMergingV2,
        )  # fmt: skip

    return Entry(build, floats(x=(2, 3, 128, 128)), {"x": (0,)})


def code(family: str, depth: int) -> str:
    """The Rust of that depth, which it also compiles and holds against PyTorch."""
    name = f"{family}_{depth}"
    folder = FOLDER / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    row = go(name, {"vit": vit, "swin_v2": swin_v2}[family](depth), folder)
    if not row.passed:
        raise SystemExit(f"{depth} blocks: {row.blame}")
    print(
        f"{family}, {depth} blocks: {row.nodes} nodes, {row.lines} lines, compiled in"
        f" {row.compile_seconds:.1f} s; {row.compared} module calls agree with PyTorch",
        flush=True,
    )
    return (folder / "src" / f"{name}.rs").read_text(encoding="utf-8")


if __name__ == "__main__":
    chosen, *wanted = sys.argv[1:] or ["vit"]
    for depth in map(int, wanted or DEPTHS[chosen]):
        code(chosen, depth)
