"""The tensors of one module call, as bytes: what it read, and what each side made of it.

It must not know what is done with them.
"""

from __future__ import annotations

from pathlib import Path

from pycandle.emit.alone import Alone, Weight
from pycandle.errors import Finding, ProjectError
from pycandle.graph.files import checkpoint_path, constants_path
from pycandle.verify.results import Call, Run
from pycandle.verify.tensors import (
    Raw,
    keys,
    metadata,
    raw_of,
    read_raw,
    reference,
    trace_path,
)

NAME = "snippet.safetensors"


def tensors_of(alone: Alone, run: Run, call: Call) -> dict[str, Raw]:
    """`input.NAME`, `weights.NAME`, `golden.K`, `rust.K` and `reference.K`, each as it is stored.

    The reference is in float64. Raises `ResultsError` for files that are gone or broken, and
    `ProjectError` without the checkpoint.
    """
    trace = trace_path(run)
    found: dict[str, Raw] = {}
    for entry in alone.inputs:
        found[f"input.{entry.name}"] = _there(trace, f"{call.case}:{entry.golden}")
    for weight in alone.weights:
        raw = _weight(run, weight)
        found |= {f"weights.{name}": raw for name in weight.asked}
    for number, boundary in enumerate(alone.graph.regions[alone.region].outputs):
        found[f"golden.{number}"] = _there(trace, f"{call.case}:{boundary.golden}")
        rust = read_raw(call.tensors, str(number), missing=True) if call.tensors else None
        if rust is not None:
            found[f"rust.{number}"] = rust
        exact = reference(run, f"{call.case}:{boundary.golden}")
        if exact is not None:
            found[f"reference.{number}"] = raw_of(exact)
    return found


def _there(path: Path, key: str) -> Raw:
    raw = read_raw(path, key)
    assert raw is not None, "what must be there is there, or an error says that it is not"
    return raw


def _weight(run: Run, weight: Weight) -> Raw:
    manifest = Path(run.manifest)
    path = constants_path(manifest) if weight.constant else checkpoint_path(manifest)
    if path.is_file():
        same = metadata(path).get(f"same:{weight.names[0]}", "") if weight.constant else ""
        held = keys(path)
        for name in (*weight.names, same):
            if name in held:
                return _there(path, name)
    what = f"the weight {weight.names[0]!r} is not there"
    raise ProjectError(Finding(what, str(path), "put the file there that was compared"))
