"""`pycandle gen-bench`: the file as text, the lines that lack, what is never overwritten."""

import shutil
from pathlib import Path

import pytest

from pycandle.benching import write_bench
from pycandle.errors import ProjectError
from pycandle.record.script import record_script

FOLDER = Path(__file__).parent
METADATA = "[package.metadata.pycandle]\nmanifests = ['{}_manifest.json']\n"
EXAMPLE = FOLDER.parents[1] / "examples/minilm"
MINILM = EXAMPLE / "models/minilm_manifest.json"
CRITERION = (
    'criterion = { version = "0.7", default-features = false, features = ["cargo_bench_support"] }'
)
BENCH = '[[bench]]\nname = "inference"\nharness = false'


@pytest.mark.parametrize("name", ["transformer", "gpt2"])
def test_a_benchmark_is_as_its_golden_file(name: str, tmp_path: Path, golden):
    (recorded,) = record_script(FOLDER / name / "model.py", name, tmp_path)
    (tmp_path / "Cargo.toml").write_text(METADATA.format(name))
    out = tmp_path / "benches/inference.rs"
    write_bench(recorded, out)
    golden(FOLDER / name / "bench.rs", out.read_text(encoding="utf-8"))


def test_code_without_checks_is_loaded_without_a_checker(tmp_path: Path):
    (recorded,) = record_script(FOLDER / "mlp/model.py", "mlp", tmp_path)
    metadata = METADATA.format("mlp") + "models.mlp = { checker = false, model = 'Net' }\n"
    (tmp_path / "Cargo.toml").write_text(metadata)
    out = tmp_path / "inference.rs"
    write_bench(recorded, out)
    text = out.read_text(encoding="utf-8")
    assert "generated::Net::load(recorded.weights()?)?" in text


def test_the_example_has_its_benchmark(tmp_path: Path, golden):
    out = crate(tmp_path)
    write_bench(tmp_path / "m/minilm_manifest.json", out)
    text = out.read_text(encoding="utf-8").replace("m/minilm_m", "models/minilm_m")
    golden(EXAMPLE / "benches/inference.rs", text)


@pytest.mark.parametrize(
    ("dependencies", "name"),
    [
        ("pycandle-runtime = '0.1'", "pycandle_runtime"),
        ("rt-2 = { package = 'pycandle-runtime', version = '0.1' }", "rt_2"),
        ("pycandle = { path = 'x' }\nserde = '1'", "pycandle"),
        ("pycandle = '0.1'\npycandle-runtime.workspace = true", "pycandle_runtime"),
    ],
)
def test_the_runtime_may_have_another_name(dependencies: str, name: str, tmp_path: Path):
    out = crate(tmp_path, f"[dependencies]\n{dependencies}\n")
    write_bench(tmp_path / "m/minilm_manifest.json", out)
    text = out.read_text(encoding="utf-8")
    assert f"use {name}::parity::Inputs;" in text and f"{name}::include_model!" in text


def crate(folder: Path, more: str = "") -> Path:
    (folder / "m").mkdir()
    shutil.copy(MINILM, folder / "m")
    metadata = METADATA.format("m/minilm")
    (folder / "Cargo.toml").write_text(metadata + more)
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
