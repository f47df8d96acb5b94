"""The trace file: golden tensors by key, bound to the manifest that they were recorded with.

Equal tensors give equal bytes. It must not know how the tensors were made.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

import torch
from safetensors.torch import save

from pycandle.graph import manifest

_LENGTH_BYTES = 8  # a safetensors file starts with the length of its header
_ALIGNMENT = 8


def trace_bytes(tensors: Mapping[str, torch.Tensor], text: str) -> bytes:
    """The file's content; `text` is the manifest's, whose hash the trace carries."""
    metadata = {
        "pycandle.format": str(manifest.FORMAT),
        "pycandle.manifest": hashlib.sha256(text.encode()).hexdigest(),
    }
    return _in_order(save(stored(tensors), metadata))


def stored(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The tensors as Rust holds them: complex numbers as pairs along a last axis."""
    return {
        key: torch.view_as_real(tensor.resolve_conj()).contiguous()
        if tensor.is_complex()
        else tensor
        for key, tensor in tensors.items()
    }


def _in_order(data: bytes) -> bytes:
    """The same file with its metadata sorted; safetensors writes it in an order by chance."""
    start = _LENGTH_BYTES + int.from_bytes(data[:_LENGTH_BYTES], "little")
    header = json.loads(data[_LENGTH_BYTES:start])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    packed = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    packed += b" " * (-len(packed) % _ALIGNMENT)
    return len(packed).to_bytes(_LENGTH_BYTES, "little") + packed + data[start:]
