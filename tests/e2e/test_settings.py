"""A crate with other settings: no checks in its code, and the runtime under another name."""

import json
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples/minilm/models"
CARGO_TOML = """\
[package]
name = "plain"
version = "0.1.0"
edition = "2024"

[dependencies]
candle-core = "0.11"
candle-nn = "0.11"
renamed = {{ package = "pycandle", path = {pycandle}, default-features = false }}

[build-dependencies]
pycandle-build = {{ path = {build} }}

[package.metadata.pycandle]
manifests = ["models/minilm_manifest.json"]

[package.metadata.pycandle.models.minilm]
module = "encoder"
model = "Encoder"
checker = false

[profile.dev.package."*"]
opt-level = 3

[workspace]
"""
LIB = """\
//! A sentence encoder.

pub mod encoder {
    renamed::include_model!("encoder");
}

/// Loads it as a model that was written by hand.
pub fn load(vb: candle_nn::VarBuilder) -> candle_core::Result<encoder::Encoder> {
    encoder::Encoder::load(vb)
}
"""


def test_code_without_checks_is_compared_all_the_same(
    tmp_path: Path, cargo_environment: dict[str, str]
):
    paths = {
        "pycandle": json.dumps(str(ROOT / "crates/pycandle")),
        "build": json.dumps(str(ROOT / "crates/pycandle-build")),
    }
    for folder in ("src", "models"):
        (tmp_path / folder).mkdir()
    (tmp_path / "Cargo.toml").write_text(CARGO_TOML.format(**paths))
    (tmp_path / "src/lib.rs").write_text(LIB)
    (tmp_path / "build.rs").write_text("fn main() {\n    pycandle_build::compile()\n}\n")
    shutil.copy(ROOT / "Cargo.lock", tmp_path / "Cargo.lock")
    for name in ("minilm_manifest.json", "minilm_trace.safetensors"):
        (tmp_path / "models" / name).symlink_to(EXAMPLE / name)
    weights = {"PYCANDLE_WEIGHTS_MINILM": str(EXAMPLE / "minilm.safetensors")}
    done = subprocess.run(
        ["cargo", "test", "--", "--nocapture"], cwd=tmp_path, env=cargo_environment | weights,
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr
    for test in ("isolated", "cumulative", "digest"):
        assert f"encoder::parity::checked::parity::{test} ... ok" in done.stdout
    assert "300 of 300 module calls compared" in done.stdout
