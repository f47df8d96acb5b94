"""The test of the test: a checkpoint with one tensor's rows reversed must fail parity."""

from __future__ import annotations

import os
import random
from pathlib import Path

from safetensors.torch import load_file, save_file
from torch import Tensor

from tests.parity.crate import Crate

# A tensor that the model does not read cannot be noticed, nor one that its neighbours undo.
_TRIES = 3


def caught(crate: Crate, module: str, folder: Path) -> str:
    """The name of a sampled tensor whose reversed rows fail the cumulative run, or nothing."""
    weights = load_file(folder / f"{module}.safetensors")
    changing = sorted(n for n, x in weights.items() if x.dim() and not _wrong(x).equal(x))
    # A window is all that some transforms have.
    layers = [name for name in changing if weights[name].dim() >= 2] or changing
    changed = folder / "reversed.safetensors"
    for name in random.Random(module).sample(layers, min(_TRIES, len(layers))):
        save_file(weights | {name: _wrong(weights[name])}, changed)
        variable = f"PYCANDLE_WEIGHTS_{module.upper()}"
        found = crate.run(module, "cumulative", os.environ | {variable: str(changed)})
        if not found.passed and found.compared == found.expected:
            return name
    return ""


def _wrong(tensor: Tensor) -> Tensor:
    """The tensor with its rows reversed or, where that changes nothing, with columns shifted."""
    other = tensor.flip(0)
    return (tensor.roll(1, -1) if other.equal(tensor) else other).contiguous()
