"""A failing call's replay: the Python that is printed of a graph computes what was recorded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from pycandle.emit.alone import Alone
from pycandle.emit.compiled import Compiled
from pycandle.emit.pytorch import replay
from pycandle.graph import Graph, manifest
from pycandle.record.regions import agree
from pycandle.record.ties import FirstOfEquals
from pycandle.repro.snippet import tensors_of
from pycandle.verify.results import Call, Output, Run
from pycandle.verify.tensors import write_raw
from tests.parity.crate import Crate
from tests.parity.models import MODELS


def check(folder: Path, name: str, saved: Path) -> None:
    """Every call that computes, at the last case, from its own snippet."""
    path = folder / f"{name}_manifest.json"
    graph = manifest.load(path.read_text(encoding="utf-8"), str(path))
    model, case = Compiled(graph), graph.cases[-1]
    for region in range(len(graph.regions)):
        alone = Alone(model, region)
        if alone.is_elided or not graph.regions[region].outputs:
            continue
        call = as_failed(graph, region, case.name)
        run = Run(name, "isolated", "cpu", (), 0, (), True, call, 0.0, (), str(path))
        write_raw(saved, tensors_of(alone, run, call))
        compare(alone, dict(case.symbols), load_file(saved))


def compare(alone: Alone, sizes: dict[str, int], snippet: dict[str, Tensor]) -> None:
    keys = {e.value: (f"input.{e.name}", e.name) for e in alone.inputs}
    keys |= {w.value: (f"weights.{w.asked[0]}", w.called) for w in alone.weights}
    made = replay(alone.graph, alone.region, sizes, keys)
    assert not made.missing

    def tensor(key: str, dtype: torch.dtype) -> Tensor:
        found = snippet[key]
        pairs = dtype.is_complex and not found.is_complex()
        return (torch.view_as_complex(found) if pairs else found).to(dtype)

    names: dict[str, Any] = {"torch": torch}
    exec("\n".join(made.lines), names)
    with torch.no_grad(), FirstOfEquals():
        given = names["replay"](tensor)
    goldens = [snippet[f"golden.{k}"] for k in range(len(given))]
    for found, golden in zip(given, goldens, strict=True):
        found = torch.view_as_real(found) if found.is_complex() else found
        assert agree(found, golden), alone.graph.regions[alone.region].key


def as_failed(graph: Graph, region: int, case: str) -> Call:
    """The call as results have it, of which Rust gave nothing."""
    called = graph.regions[region]
    outputs = tuple(
        Output(b.name, f"{case}:{b.golden}", "", (), "failed", 0, 0, 0, 0, 0, 0, 0, {})
        for b in called.outputs
    )
    return Call(
        case, called.path, called.call, called.class_name, "", "", "", "failed", "", outputs
    )


@pytest.mark.parametrize("name", MODELS)
def test_a_replay_computes_what_was_recorded(crate: Crate, name: str, tmp_path: Path) -> None:
    check(crate.path / "models", name, tmp_path / "snippet.safetensors")
