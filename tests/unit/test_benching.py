"""`pycandle gen-bench`: which sizes, which lines a Cargo.toml lacks, what is never overwritten."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from pycandle.benching import write_bench
from pycandle.emit.bench import benched_sizes
from pycandle.errors import ProjectError
from pycandle.graph import Graph, Guard, Input, Symbol, TensorType, Value
from pycandle.graph.dim import Dim, symbol
from pycandle.graph.ir import DType

MINILM = Path(__file__).resolve().parents[2] / "examples/minilm/models/minilm_manifest.json"
METADATA = (
    "[package]\nname = 'x'\n[package.metadata.pycandle]\nmanifests = ['m/minilm_manifest.json']\n"
)
CRITERION = (
    'criterion = { version = "0.8", default-features = false, features = ["cargo_bench_support"] }'
)
BENCH = '[[bench]]\nname = "inference"\nharness = false'


def graph(shape: tuple[int | Dim, ...], *symbols: Symbol, guards: tuple[Guard, ...] = ()) -> Graph:
    entry = Input("x", Value("x", TensorType(DType("f32"), shape)))
    return Graph("toy", symbols=symbols, inputs=(entry,), guards=guards)


BATCH, SEQ = Symbol("batch", 1, None, 2), Symbol("seq", 3, 20, 8)


@pytest.mark.parametrize(
    ("given", "sizes"),
    [
        (graph((2, 8)), [{}]),
        (
            graph((symbol("batch"), 8), BATCH),
            [{"batch": 2}, {"batch": 1}, {"batch": 4}, {"batch": 8}],
        ),
        # Within its range; a size that is cut to its end is tried once.
        (
            graph((symbol("seq") * 2,), SEQ),
            [{"seq": 8}, {"seq": 3}, {"seq": 16}, {"seq": 20}],
        ),
        # One axis at a time.
        (
            graph((symbol("batch"), symbol("seq")), BATCH, replace(SEQ, max=8, min=8)),
            [{"batch": n, "seq": 8} for n in (2, 1, 4, 8)],
        ),
        # What a guard rules out is left out.
        (
            graph((symbol("batch"),), BATCH, guards=(Guard(symbol("batch"), "<", 5),)),
            [{"batch": 2}, {"batch": 1}, {"batch": 4}],
        ),
        # There is nothing to repeat in what is empty.
        (graph((symbol("past"), 8), Symbol("past", 0, None, 0)), [{"past": 0}]),
    ],
)
def test_each_axis_takes_a_few_sizes(given: Graph, sizes: list[dict[str, int]]):
    assert benched_sizes(given) == sizes


def crate(folder: Path, more: str = "") -> Path:
    (folder / "m").mkdir()
    shutil.copy(MINILM, folder / "m")
    (folder / "Cargo.toml").write_text(METADATA + more)
    return folder / "benches/inference.rs"


@pytest.mark.parametrize(
    ("more", "lacking"),
    [
        ("", f"[dev-dependencies]\n{CRITERION}\n\n{BENCH}"),
        ("[dev-dependencies]\ncriterion = '0.7'\n", BENCH),
        (f"[dev-dependencies.criterion]\nworkspace = true\n{BENCH}\n", ""),
        (
            "[[bench]]\nname = 'inference'\n[[bench]]\nname = 'other'\nharness = false\n",
            f"[dev-dependencies]\n{CRITERION}\n\n{BENCH}",
        ),
        (
            "models.minilm.features = ['text']\n[dependencies]\ncriterion = '0.8'\n"
            "[[bench]]\nname = 'x'\npath = 'benches/inference.rs'\nharness = true\n",
            f'{BENCH}\nrequired-features = ["text"]',
        ),
    ],
)
def test_the_lines_that_lack_are_said(more: str, lacking: str, tmp_path: Path):
    out = crate(tmp_path, more)
    assert write_bench(tmp_path / "m/minilm_manifest.json", out) == (True, lacking)
    assert write_bench(tmp_path / "m/minilm_manifest.json", out) == (False, lacking)


def test_what_another_wrote_is_kept(tmp_path: Path):
    out, manifest = crate(tmp_path), tmp_path / "m/minilm_manifest.json"
    out.parent.mkdir()
    out.write_text("fn main() {}\n")
    with pytest.raises(ProjectError, match="did not write"):
        write_bench(manifest, out)
    assert out.read_text() == "fn main() {}\n"
    assert write_bench(manifest, out, force=True)[0]
    assert "BertModel" in out.read_text()


@pytest.mark.parametrize(
    ("manifest", "out", "words"),
    [
        ("m/minilm_manifest.json", "benches/inference", "must be a Rust file"),
        ("m/other_manifest.json", "benches/inference.rs", "no such manifest"),
        ("m/unlisted_manifest.json", "benches/inference.rs", "does not list this manifest"),
        ("m/minilm_manifest.json", "../inference.rs", "in no crate"),
    ],
)
def test_what_cannot_be_written_is_refused(manifest: str, out: str, words: str, tmp_path: Path):
    folder = tmp_path / "crate"
    folder.mkdir()
    crate(folder)
    shutil.copy(MINILM, folder / "m/unlisted_manifest.json")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(ProjectError, match=words):
        write_bench(folder / manifest, folder / out)
    assert sorted(tmp_path.rglob("*")) == before
