"""Reads a recording back with its checkpoint: the graph, the weights, and each case's tensors.

It must not know what is made of them.
"""

# safetensors annotates only part of its functions.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from pycandle.errors import Finding, ManifestError
from pycandle.graph import Graph, Parameter, TensorType, manifest
from pycandle.graph.files import (
    checkpoint_path,
    constants_path,
    stem,
    trace_path,
    weights_variable,
)
from pycandle.record.sketch import sketch
from pycandle.record.values import DTYPES

_TORCH = {name: dtype for dtype, name in DTYPES.items()}
# How near the sums of a weight must come to those that were recorded, as the runtime has it.
_SAME, _ROUNDED = 1e-9, 2.0**-8


@dataclass(frozen=True)
class RecordedCase:
    """The model's inputs and outputs at one set of sizes."""

    name: str
    sizes: dict[str, int]
    inputs: dict[str, Tensor]  # by value
    exact: tuple[Tensor, ...]  # each output in float64, as it was recorded if it is discrete


@dataclass(frozen=True)
class Recording:
    """A graph with all that it takes to run it."""

    graph: Graph
    weights: dict[str, Tensor]  # by value, constants included
    cases: tuple[RecordedCase, ...]


def reload(path: Path) -> Recording:
    """The recording of a manifest, with the trace and the constants beside it.

    The checkpoint is `NAME.safetensors` there, or what `PYCANDLE_WEIGHTS_NAME` names. Raises
    `ManifestError` for a file that is missing, broken, or of another recording.
    """
    with _reading(path, "correct the path, or record the model with `pycandle record`"):
        text = path.read_text(encoding="utf-8")
    graph = manifest.load(text, str(path))
    trace = trace_path(path)
    again = "record the model again with `pycandle record`"
    with _reading(trace, again), safe_open(trace, "pt") as file:
        if (file.metadata() or {}).get("pycandle.manifest") != _hash(text.encode()):
            raise ManifestError(Finding("the trace is of another manifest", str(trace), again))
        cases = tuple(_cases(graph, file))
        sketches = {
            p.names[0]: file.get_tensor(f"weights:{p.names[0]}")
            for p in graph.parameters
            if not p.constant and f"weights:{p.names[0]}" in file.keys()  # noqa: SIM118
        }
    constants = _constants(graph, constants_path(path), again)
    return Recording(graph, constants | _weights(graph, path, sketches), cases)


def _cases(graph: Graph, file: Any) -> Iterator[RecordedCase]:
    whole = graph.regions[0]
    golden = {b.value: b.golden for b in whole.outputs}
    for case in graph.cases:
        inputs = {
            b.value: _typed(file.get_tensor(f"{case.name}:{b.golden}"), graph.types[b.value])
            for b in whole.inputs
        }
        exact: list[Tensor] = []
        for output in graph.outputs:
            key = f"{case.name}:{golden[output.value]}"
            tensor = _typed(file.get_tensor(key), graph.types[output.value])
            if tensor.is_floating_point() or tensor.is_complex():
                distance = _typed(file.get_tensor(f"{key}:float64"), graph.types[output.value])
                wide = torch.complex128 if tensor.is_complex() else torch.float64
                tensor = tensor.to(wide) + distance.to(wide)
            exact.append(tensor)
        yield RecordedCase(case.name, dict(case.symbols), inputs, tuple(exact))


def _constants(graph: Graph, path: Path, again: str) -> dict[str, Tensor]:
    """The tensors that no checkpoint holds, by value."""
    constants = [parameter for parameter in graph.parameters if parameter.constant]
    if not constants:
        return {}
    with _reading(path, again):
        if _hash(path.read_bytes()) != graph.constants:
            raise ManifestError(Finding("the constants are of another recording", str(path), again))
        with safe_open(path, "pt") as file:
            held = file.metadata() or {}
            return {
                p.value.name: _typed(
                    file.get_tensor(held.get(f"same:{p.names[0]}", p.names[0])), p.value.type
                )
                for p in constants
            }


def _weights(graph: Graph, recorded: Path, sketches: dict[str, Tensor]) -> dict[str, Tensor]:
    """The checkpoint's tensors by value, in the dtypes of the recording."""
    path, variable = checkpoint_path(recorded), weights_variable(stem(recorded.name))
    bring = f"record it with save(..., weights=True), or set {variable} to a .safetensors file"
    weights: dict[str, Tensor] = {}
    with _reading(path, bring), safe_open(path, "pt") as file:
        there = set(file.keys())
        for parameter in graph.parameters:
            if parameter.constant:
                continue
            name = next((name for name in parameter.names if name in there), None)
            if name is None:
                what = f"the checkpoint has no {parameter.names[0]!r}"
                raise ManifestError(Finding(what, str(path), bring))
            tensor = file.get_tensor(name)
            if problem := _problem(parameter, tensor, sketches.get(parameter.names[0])):
                raise ManifestError(Finding(f"{name} {problem}", str(path), bring))
            weights[parameter.value.name] = _typed(tensor, parameter.value.type)
    return weights


def _problem(parameter: Parameter, tensor: Tensor, recorded: Tensor | None) -> str:
    """Why a tensor is not the weight that was recorded; empty if it is."""
    type_ = parameter.value.type
    if tuple(tensor.shape) not in (type_.shape, type_.stored.shape):
        return f"has the shape {[*tensor.shape]}, and the model needs {[*type_.shape]}"
    if recorded is None:
        return ""
    found = sketch(tensor)
    scale = torch.stack([recorded[k] for k in (1, 1, 2, 1)])
    # What was rounded to another dtype is still the same weight.
    tolerance = _SAME if DTYPES.get(tensor.dtype) == type_.dtype else _ROUNDED
    if bool(((found - recorded).abs() <= tolerance * scale).all()) or not bool(
        recorded.isfinite().all()
    ):
        return ""
    return "holds other numbers than were recorded, with which nothing can be compared"


def _typed(tensor: Tensor, type_: TensorType) -> Tensor:
    """A tensor as it was before it was stored: complex numbers are pairs in files."""
    if type_.is_complex and not tensor.is_complex():
        return torch.view_as_complex(tensor.contiguous())
    return tensor.to(_TORCH[type_.dtype])


@contextmanager
def _reading(path: Path, fix: str) -> Generator[None]:
    """Within it, a file that cannot be read is one clear error."""
    try:
        yield
    except (OSError, SafetensorError, UnicodeDecodeError) as error:
        why = "is not there" if isinstance(error, FileNotFoundError) else f"is broken: {error}"
        raise ManifestError(Finding(f"the file {why}", str(path), fix)) from error


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
