"""The files of tensors beside a manifest, and how they are bound to it.

The trace has golden tensors by key, and the hash of the manifest. The constants are what the model
needs and no checkpoint holds, and the manifest has their hash. Equal tensors give equal bytes. It
must not know how the tensors were made.
"""

# safetensors annotates only part of its functions.
# pyright: reportUnknownVariableType=false

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from safetensors.torch import save, save_file

from pycandle.graph import Parameter, manifest
from pycandle.output import replacement

# Raised whenever a trace means something else.
FORMAT = 2

_LENGTH_BYTES = 8  # a safetensors file starts with the length of its header


def write_trace(path: Path, tensors: Mapping[str, torch.Tensor], text: str) -> None:
    """Write the trace's file; `text` is the manifest's, whose hash it carries."""
    write_tensors(
        path,
        tensors,
        {
            "pycandle.format": str(FORMAT),
            "pycandle.manifest": hashlib.sha256(text.encode()).hexdigest(),
        },
    )


def write_tensors(
    path: Path, tensors: Mapping[str, torch.Tensor], metadata: Mapping[str, str]
) -> None:
    """Write a safetensors file, which may be large: nothing of it is copied in memory."""
    with replacement(path) as temporary:
        save_file(stored(tensors), temporary, dict(metadata) or None)
        if metadata:
            _sort_metadata(temporary)


def constants_bytes(
    parameters: Iterable[Parameter], weights: Mapping[str, torch.Tensor]
) -> bytes | None:
    """The content of the constants' file, None if there are none; `weights` are by value.

    Equal constants are stored once: the metadata maps the names of the others to the first's,
    as `same:NAME`, since a name may be anything.
    """
    first: dict[tuple[torch.dtype, torch.Size, bytes], str] = {}
    tensors: dict[str, torch.Tensor] = {}
    others: dict[str, str] = {}
    for parameter in parameters:
        if not parameter.constant:
            continue
        (tensor,) = stored({"": weights[parameter.value.name].contiguous()}).values()
        # Candle has no booleans, and reads its files without them.
        tensor = tensor.to(torch.uint8) if tensor.dtype is torch.bool else tensor
        (name,) = parameter.names
        held = first.setdefault((tensor.dtype, tensor.shape, _content(tensor)), name)
        if held == name:
            tensors[name] = tensor
        else:
            others[f"same:{name}"] = held
    if not tensors:
        return None
    return _in_order(save(tensors, {"pycandle.format": str(manifest.FORMAT), **others}))


def content_hash(content: bytes | None) -> str:
    """The SHA-256 of a file's content in hexadecimal; empty if there is no file."""
    return "" if content is None else hashlib.sha256(content).hexdigest()


def _content(tensor: torch.Tensor) -> bytes:
    return tensor.flatten().view(torch.uint8).numpy().tobytes()


def stored(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The tensors as Rust holds them: complex numbers as pairs along a last axis."""
    return {
        key: torch.view_as_real(tensor.resolve_conj()).contiguous()
        if tensor.is_complex()
        else tensor
        for key, tensor in tensors.items()
    }


def _sort_metadata(path: Path) -> None:
    """Put the file's metadata in order; safetensors writes it in an order by chance."""
    with path.open("r+b") as file:
        header = file.read(int.from_bytes(file.read(_LENGTH_BYTES), "little"))
        file.seek(_LENGTH_BYTES)
        file.write(_sorted(header))


def _in_order(data: bytes) -> bytes:
    start = _LENGTH_BYTES + int.from_bytes(data[:_LENGTH_BYTES], "little")
    return data[:_LENGTH_BYTES] + _sorted(data[_LENGTH_BYTES:start]) + data[start:]


def _sorted(header: bytes) -> bytes:
    """The same header, as long, with its metadata sorted."""
    fields = json.loads(header)
    fields["__metadata__"] = dict(sorted(fields["__metadata__"].items()))
    packed = json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()
    assert len(packed) <= len(header), "the header is written as safetensors writes it"
    return packed.ljust(len(header))
