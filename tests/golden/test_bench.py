"""The benchmark that is written for a model's crate, as text."""

from pathlib import Path

import pytest

from pycandle.benching import write_bench
from pycandle.record.script import record_script

FOLDER = Path(__file__).parent
METADATA = "[package.metadata.pycandle]\nmanifests = ['{}_manifest.json']\n"


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
