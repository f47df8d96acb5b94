"""`pycandle bench`: what a crate's tests measured, beside PyTorch's times; cargo is a stand-in."""

import hashlib
import json
import os
import shutil
import stat
import sys
from pathlib import Path

import pytest

from pycandle.emit.compiled import Compiled
from pycandle.emit.places import module_places
from pycandle.errors import ProjectError
from pycandle.graph import manifest
from pycandle.profiling import as_json, measure, told

MINILM = Path(__file__).resolve().parents[2] / "examples/minilm/models/minilm_manifest.json"
METADATA = (
    "[package]\nname = 'x'\n[package.metadata.pycandle]\nmanifests = ['minilm_manifest.json']\n"
)
CARGO = """\
#!{python}
import os, pathlib, sys
folder = pathlib.Path(os.environ["PYCANDLE_BENCH"])
folder.mkdir(parents=True)
assert os.environ["PYCANDLE_PROFILE"] == "1" and os.environ["RAYON_NUM_THREADS"] == "{threads}"
assert sys.argv[1:] == {arguments!r}
(folder / "minilm.json").write_text({answer!r})
"""


def row(path: str, total: float, own: float, calls: int = 1, op: str = "", depth: int = 0):
    name = op or path.rpartition(".")[2] or "BertModel"
    depth = depth or path.count(".") + bool(path) + bool(op)
    return {"path": path, "name": name, "is_op": bool(op), "depth": depth, "model": "BertModel",
            "calls": calls, "total": total, "own": own}  # fmt: skip


PROFILE = [
    row("", 0.010, 0.001),
    row("encoder", 0.009, 0.0),
    row("encoder.layer[0]", 0.004, 0.001),
    row("encoder.layer[0].attention", 0.003, 0.003, calls=2),
    row("encoder.layer[1]", 0.005, 0.001),
    row("encoder.layer[1].attention", 0.003, 0.001),
    row("encoder.layer[1].attention", 0.002, 0.002, op="ops::gelu"),
    row("pooler", 0.000008, 0.0),
    row("pooler.dense + activation + add", 0.000002, 0.000002),
]
TIMES = {"": 0.02, "encoder": 0.018, "encoder.layer.0": 0.002, "encoder.layer.1": 0.003,
         "encoder.layer.0.attention": 0.009, "pooler.dense": 0.25,
         "pooler.activation": 0.5}  # fmt: skip


def measured(folder: Path, monkeypatch: pytest.MonkeyPatch, times: str | None, threads: int = 1):
    shutil.copy(MINILM, folder)
    (folder / "Cargo.toml").write_text(METADATA)
    if times is not None:
        (folder / "minilm_times.json").write_text(times)
    answer = {"name": "minilm", "sizes": {"batch": 2, "seq": 8}, "runs": 7, "minimum": 0.01,
              "median": 0.0125, "profile": PROFILE}  # fmt: skip
    arguments = ["test", "--release", "--", "minilm::parity::cumulative", "--test-threads", "1"]
    cargo = folder / "bin/cargo"
    cargo.parent.mkdir()
    cargo.write_text(
        CARGO.format(
            python=sys.executable, threads=threads, arguments=arguments, answer=json.dumps(answer)
        )
    )
    cargo.chmod(cargo.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{cargo.parent}{os.pathsep}{os.environ['PATH']}")
    (found,) = measure(folder, "", threads, profiled=True)
    return found


def times(digest: str = "") -> str:
    digest = digest or hashlib.sha256(MINILM.read_bytes()).hexdigest()
    document = {"format": 1, "manifest": digest, "torch": "9.9", "threads": 1, "modules": TIMES}
    return json.dumps(document)


def test_modules_stand_beside_those_of_pytorch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    found = measured(tmp_path, monkeypatch, times())
    assert told(found).split("\n") == [
        "minilm: 10.000 ms at least and 12.500 ms in the median of 7 runs, on 1 thread"
        " (batch 2, seq 8)",
        "  total ms    own ms    own  calls  PyTorch ms  ratio",
        "    10.000     1.000  10.0%      1      20.000   2.00  BertModel",
        "     9.000     0.000   0.0%      1      18.000   2.00    encoder",
        "     9.000     2.000  20.0%      2       5.000   0.56      layer[*]",
        "     6.000     4.000  40.0%      3                           attention",
        "     2.000     2.000  20.0%      1                             ops::gelu",
        "and 2 that take less than 0.1% each",
        "PyTorch's times: 9.9 on 1 thread, when it was recorded",
    ]
    torch = [row["torch"] for row in as_json(found)["profile"]]  # type: ignore[index]
    # What is one call in Rust is held against all of its modules.
    assert torch == [0.02, 0.018, 0.002, 0.009, 0.003, None, None, None, 0.75]


@pytest.mark.parametrize(
    ("recorded", "threads", "why"),
    [
        (None, 1, "none; `pycandle record --time` measures them"),
        ("{}", 1, "none; minilm_times.json cannot be read, `pycandle record --time` writes it"),
        (times("0"), 1, "none; minilm_times.json is of another recording, `pycandle record --time`"
         " writes it"),
        (times(), 2, "none on 2 threads; they were measured on 1"),
    ],
)  # fmt: skip
def test_why_there_are_no_times_of_pytorch_is_said(
    recorded: str | None, threads: int, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    found = measured(tmp_path, monkeypatch, recorded, threads)
    lines = told(found).split("\n")
    assert lines[1] == "  total ms    own ms    own  calls"
    assert lines[-1] == f"PyTorch's times: {why}"


def test_a_model_that_was_not_measured_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    shutil.copy(MINILM, tmp_path)
    (tmp_path / "Cargo.toml").write_text(METADATA)
    cargo = tmp_path / "cargo"
    cargo.write_text("#!/bin/sh\necho 'Error: no weights'\nexit 101\n")
    cargo.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(ProjectError, match="minilm was not measured: Error: no weights"):
        measure(tmp_path, "minilm", 1, profiled=False)


def test_every_module_that_computes_has_a_place():
    made = Compiled(manifest.load(MINILM.read_text(encoding="utf-8"), MINILM.name))
    found = module_places(made)
    assert found["encoder.layer[5].attention.self_.query"] == "encoder.layer.5.attention.self.query"
    assert found["embeddings.layer_norm"] == "embeddings.LayerNorm"
    regions = enumerate(made.graph.regions)
    paths = {region.path for index, region in regions if index not in made.tree.elided}
    assert {*found.values()} == paths
