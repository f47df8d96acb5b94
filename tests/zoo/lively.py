"""An entry's model, with weights and inputs that make parity say something, and its recording."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree

from pycandle.errors import RecordError
from pycandle.graph import Dim, Graph
from pycandle.record import GoldenRecorder
from tests.parity.lively import enliven, settle
from tests.parity.lively import moves as moved
from tests.zoo.entry import Entry


def build(entry: Entry) -> nn.Module:
    """The model in eval mode, with lively weights of seed 0."""
    torch.manual_seed(0)
    model = entry.build().eval()
    enliven(model)
    settle(model, {name: _doubled(x) for name, x in entry.draw().items()} | dict(entry.constants))
    return model


def draw(entry: Entry, seed: int = 0) -> dict[str, Any]:
    """What `forward` takes, of this seed."""
    torch.manual_seed(seed)
    return {**entry.draw(), **entry.constants}


@torch.no_grad()
def moves(model: nn.Module, entry: Entry) -> bool:
    """Whether another input moves every output, but for what the model holds and hands out."""
    held = {tensor.data_ptr() for tensor in model.state_dict().values()}
    results: list[list[Tensor]] = []
    for seed in (0, 1):
        inputs = draw(entry, seed)
        # What the model itself draws stays the same.
        torch.manual_seed(0)
        leaves = pytree.tree_leaves(dict(_fields(model(**inputs))))
        results.append([x for x in leaves if isinstance(x, Tensor) and x.data_ptr() not in held])
    first, second = results
    if len(first) != len(second):
        return True
    pairs = [(a, b) for a, b in zip(first, second, strict=True) if a.numel()]
    return bool(pairs) and all(moved(a, b) for a, b in pairs)


def record(model: nn.Module, entry: Entry, folder: Path, name: str) -> tuple[Path, str]:
    """The manifest's path, and why its axes had to be static, if they had to."""
    inputs, shapes = draw(entry), entry.dynamic_shapes
    recorder = GoldenRecorder(folder)
    try:
        recorder.record(model, dynamic_shapes=shapes, **inputs)
        return recorder.save(name, weights=True), ""
    except RecordError as error:
        if not entry.axes:
            raise
        recorder.record(model, dynamic_shapes=dict.fromkeys(shapes), **inputs)
        return recorder.save(name, weights=True), str(error)


def dynamic(entry: Entry, graph: Graph) -> str:
    """Whether the axes that are meant to vary do."""
    if not entry.axes:
        return "none"
    shapes = {given.name: given.value.type.shape for given in graph.inputs}
    kept = all(
        isinstance(shapes[name][axis], Dim) for name, axes in entry.axes.items() for axis in axes
    )
    return "kept" if kept else "lost"


def _doubled(x: Tensor) -> Tensor:
    """Twice as many, for statistics; whole numbers as they are."""
    return torch.cat([x, torch.randn_like(x)]) if x.is_floating_point() else x


def _fields(result: Any) -> dict[str, Any]:
    return dict(result) if isinstance(result, dict) else {"": result}
