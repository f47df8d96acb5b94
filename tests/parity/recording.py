"""Records the models of this folder: manifest, trace and weights, and recordings made again.

`python -m tests.parity.recording OUT NAME...` records into a folder.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from pycandle.graph import manifest
from pycandle.record import GoldenRecorder
from pycandle.record.export import Exported, export
from pycandle.record.goldens import record_goldens
from pycandle.record.importer import import_program
from pycandle.record.trace import write_tensors, write_trace
from tests.parity.lively import enliven, settle
from tests.parity.models import MODELS, Model, build


def record(name: str, folder: Path, models: Mapping[str, Model] = MODELS) -> Path:
    """Record a model with its weights, as a user does; returns the manifest's path."""
    model = build(name, models=models)
    recorder = GoldenRecorder(folder)
    recorder.record(model, dynamic_shapes=models[name].dynamic_shapes, **draw(name, models=models))
    return recorder.save(name, weights=True)


def draw(name: str, seed: int = 0, models: Mapping[str, Model] = MODELS) -> Mapping[str, Tensor]:
    """The model's inputs, of this seed."""
    torch.manual_seed(seed)
    return models[name].draw()


def record_seeds(
    name: str, folder: Path, seeds: range, models: Mapping[str, Model] = MODELS
) -> Iterator[int]:
    """One export, and for each seed new weights and inputs in it, and their goldens.

    The manifest in the folder stays as it is. The trace and the weights are replaced by those of
    the next seed, so each must be tested before the next one is asked for.
    """
    recorded = (folder / f"{name}_manifest.json").read_text(encoding="utf-8")
    model = build(name, models=models)
    inputs = dict(draw(name, models=models))
    exported = export(model, (), inputs, models[name].dynamic_shapes)
    for seed in seeds:
        torch.manual_seed(seed)
        enliven(model)
        inputs = dict(draw(name, seed, models))
        settle(model, inputs)
        again = replace(exported, kwargs=inputs)
        text, tensors, weights = _goldens(name, again)
        assert text == recorded, f"{name}: seed {seed} made another manifest"
        write_trace(folder / f"{name}_trace.safetensors", tensors, text)
        write_tensors(folder / f"{name}.safetensors", weights, {})
        yield seed


def _goldens(name: str, exported: Exported) -> tuple[str, dict[str, Tensor], dict[str, Tensor]]:
    """The manifest's text, the trace and the checkpoint of a program as its weights are now."""
    assert exported.model is not None
    held = exported.program.state_dict
    for parameter, tensor in exported.model.named_parameters():
        assert held[parameter].data_ptr() == tensor.data_ptr(), f"the program copied {parameter}"
    imported = import_program(exported)
    graph, tensors = record_goldens(imported, exported, lambda _: None)
    held = [parameter for parameter in graph.parameters if not parameter.constant]
    weights = {p.names[0]: imported.weights[p.value.name].contiguous() for p in held}
    return manifest.dump(replace(graph, name=name)), tensors, weights


if __name__ == "__main__":
    for wanted in sys.argv[2:]:
        record(wanted, Path(sys.argv[1]))
