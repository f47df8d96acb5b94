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
    changing = sorted(name for name, tensor in weights.items() if _changes(tensor))
    # A window is all that some transforms have.
    layers = [name for name in changing if weights[name].dim() >= 2] or changing
    changed = folder / "reversed.safetensors"
    for name in random.Random(module).sample(layers, min(_TRIES, len(layers))):
        save_file(weights | {name: weights[name].flip(0).contiguous()}, changed)
        variable = f"PYCANDLE_WEIGHTS_{module.upper()}"
        found = crate.run(module, "cumulative", os.environ | {variable: str(changed)})
        if not found.passed and found.compared == found.expected:
            return name
    return ""


def _changes(tensor: Tensor) -> bool:
    """Whether reversing its rows makes another tensor of it."""
    floats = tensor.dim() >= 1 and tensor.is_floating_point()
    return floats and not tensor.flip(0).equal(tensor)
