"""The generated code of every model computes what PyTorch computes, and is code to be read."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
import torch
from torch.utils import _pytree as pytree

from tests.parity.crate import ROOT, Crate, cargo
from tests.parity.lively import moves
from tests.parity.models import MODELS, build
from tests.parity.reading import function_lengths
from tests.parity.recording import draw

LONGEST_FUNCTION = 150
FORBIDDEN = ("unwrap", "expect(", "todo!", "panic!", "unimplemented!", "unsafe", "#[allow")


def check(crate: Crate, name: str) -> None:
    """Every module call of every case is compared, in both modes, and matches."""
    manifest = read_manifest(crate, name)
    cases = [case["name"] for case in manifest["cases"]]
    # Where something may be empty, that is one more.
    assert [case for case in cases if case != "empty"] == ["recorded", "smallest", "larger"]
    assert ("empty" in cases) == any(symbol["min"] == 0 for symbol in manifest["symbols"])
    calls = len(cases) * count_computing(manifest)
    assert calls > 0

    for mode in ("isolated", "cumulative"):
        run = crate.run(name, mode)
        assert run.passed, run.output
        assert f": {calls} of {calls} module calls compared; {calls} passed, " in run.output
    assert crate.run(name, "digest").passed


@pytest.mark.parametrize("name", MODELS)
def test_rust_computes_what_pytorch_computes(crate: Crate, name: str) -> None:
    check(crate, name)


@pytest.mark.parametrize("name", MODELS)
def test_every_output_moves_with_the_input(name: str) -> None:
    """A dead output, which no input moves, would agree whatever the code does."""
    model = build(name)
    with torch.no_grad():
        first, second = (pytree.tree_leaves(model(**draw(name, seed))) for seed in (0, 1))

    # What the model holds and hands out is not made from its inputs.
    held = {tensor.data_ptr() for tensor in model.state_dict().values()}
    assert [
        k
        for k, (a, b) in enumerate(zip(first, second, strict=True))
        if a.data_ptr() not in held and not moves(a, b)
    ] == []


@pytest.mark.parametrize("name", MODELS)
def test_functions_are_short_and_cannot_panic(crate: Crate, name: str) -> None:
    for file in (f"{name}.rs", f"{name}_parity.rs"):
        text = (crate.path / "src" / file).read_text(encoding="utf-8")
        lengths = function_lengths(text)
        assert lengths
        assert max(lengths) < LONGEST_FUNCTION
        assert [word for word in FORBIDDEN if word in text] == []


def test_clippy_has_nothing_to_say(crate: Crate) -> None:
    done = cargo(crate.path, "clippy", "--no-deps", "--all-targets", "--", "--deny", "warnings")

    assert done.returncode == 0, done.stderr


def test_recordings_are_the_same_in_every_process(crate: Crate, tmp_path: Path) -> None:
    """Another process, with another order of hashing and in another folder, against this one."""
    environment = {**os.environ, "PYTHONHASHSEED": "1", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "tests.parity.recording", ".", *MODELS]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr

    for name in MODELS:
        for file in (f"{name}_manifest.json", f"{name}_trace.safetensors", f"{name}.safetensors"):
            same = (tmp_path / file).read_bytes() == (crate.path / "models" / file).read_bytes()
            assert same, file


@pytest.mark.parametrize("name", MODELS)
def test_a_manifest_holds_no_path_of_this_machine(crate: Crate, name: str) -> None:
    manifest = read_manifest(crate, name)
    text = json.dumps(manifest)
    here = {ROOT, Path.home(), *map(Path, (sys.prefix, sys.base_prefix, tempfile.gettempdir()))}

    assert [str(path) for path in here if f"{path}/" in text] == []
    for region in manifest["regions"]:
        for place in (region["source"], region["site"]):
            assert not PurePosixPath(place).is_absolute(), place


def read_manifest(crate: Crate, name: str) -> dict[str, Any]:
    path = crate.path / "models" / f"{name}_manifest.json"
    return json.loads(path.read_text(encoding="utf-8"))


def count_computing(manifest: dict[str, Any]) -> int:
    """How many module calls compute something: dropout does not, in eval mode."""
    computing: set[int] = {0}
    for node in manifest["nodes"]:
        if " = aten.dropout.default(" in node:
            continue
        place = re.search(r" @(\d+) \"", node)
        region: int | None = int(place[1]) if place else 0
        while region is not None:
            computing.add(region)
            region = manifest["regions"][region]["parent"]
    return len(computing)
