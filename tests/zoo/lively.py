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


# Other inputs that are tried: a length, which the data decides, may well be the same for two.
_SEEDS = range(1, 5)


@torch.no_grad()
def moves(model: nn.Module, entry: Entry) -> bool:
    """Whether another input moves each output, but for what the model holds and hands out."""
    held = {tensor.data_ptr() for tensor in model.state_dict().values()}

    def outputs(seed: int) -> list[Tensor]:
        inputs = draw(entry, seed)
        # What the model itself draws stays the same.
        torch.manual_seed(0)
        leaves = pytree.tree_leaves(_fields(model(**inputs)))
        tensors = [x for x in leaves if isinstance(x, Tensor) and x.data_ptr() not in held]
        return [x for x in tensors if x.numel()]

    first = outputs(0)
    still = set(range(len(first)))
    for seed in _SEEDS:
        if not still:
            break
        others = outputs(seed)
        still -= {k for k in still if k >= len(others) or moved(first[k], others[k])}
    return bool(first) and not still


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
