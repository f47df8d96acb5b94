"""The files of a recording: what each is called, beside the manifest.

It must not read them.
"""

from __future__ import annotations

import os
import re
from pathlib import Path


def stem(manifest: str) -> str:
    """What a manifest is called: its file name without `_manifest.json`."""
    name = re.split(r"[/\\]", manifest)[-1]
    return name.removesuffix(".json").removesuffix("_manifest")


def trace_path(manifest: Path) -> Path:
    """Where its golden tensors are."""
    return manifest.with_name(f"{stem(manifest.name)}_trace.safetensors")


def constants_path(manifest: Path) -> Path:
    """Where the tensors are that no checkpoint holds."""
    return manifest.with_name(f"{stem(manifest.name)}_constants.safetensors")


def times_path(manifest: Path) -> Path:
    """Where it is how long PyTorch took for each module, if that was measured."""
    return manifest.with_name(f"{stem(manifest.name)}_times.json")


def checkpoint_path(manifest: Path) -> Path:
    """Where the weights are that are compared: what `weights_variable` names, or beside it.

    The runtime's `Spec::weights` finds them by the same rule.
    """
    name = stem(manifest.name)
    given = os.environ.get(weights_variable(name))
    return Path(given) if given else manifest.with_name(f"{name}.safetensors")


def weights_variable(name: str) -> str:
    """`PYCANDLE_WEIGHTS_MY_MODEL` for `my-model`."""
    return f"PYCANDLE_WEIGHTS_{in_capitals(name)}"


def in_capitals(name: str) -> str:
    """A name as part of a variable's: ASCII letters in capitals, `_` for what is none."""
    capitals = re.sub("[a-z]", lambda letter: letter[0].upper(), name)
    return re.sub("[^A-Z0-9]", "_", capitals)
