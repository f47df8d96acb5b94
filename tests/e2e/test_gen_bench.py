"""A crate's models are measured: by criterion, by `pycandle bench`, and in a user's own program."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RECORD = """\
import torch
from torch import nn

from pycandle import GoldenRecorder


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = nn.LayerNorm(16)
        self.dense = nn.Linear(16, 16)

    def forward(self, hidden, mask):
        return hidden + torch.tanh(self.dense(self.norm(hidden))) * mask[..., None]


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(11, 16)
        self.blocks = nn.ModuleList([Block(), Block()])

    def forward(self, ids, mask):
        hidden = self.embedding(ids)
        for block in self.blocks:
            hidden = block(hidden, mask)
        return hidden


torch.manual_seed(0)
recorder = GoldenRecorder("models")
recorder.record(Tagger(), torch.randint(11, (2, 5)), torch.ones(2, 5))
recorder.save("tagger", weights=True)
"""
MAIN = """\
use candle_core::Result;
use pycandle_runtime::bench::Recorded;

fn main() -> Result<()> {
    let manifest = "models/tagger_manifest.json";
    let recorded = Recorded::open("tagger", env!("CARGO_MANIFEST_DIR"), manifest)?;
    let model = measured::tagger::Tagger::load(recorded.weights()?, None)?;
    let inputs = recorded.inputs(&["#0.ids", "#0.mask"], &[&[1, 9], &[1, 9]], &[])?;
    for _ in 0..3 {
        model.forward(inputs.tensor(0)?, inputs.tensor(1)?)?;
    }
    Ok(())
}
"""
CARGO_TOML = """\
[package]
name = "measured"
version = "0.1.0"
edition = "2024"

[dependencies]
candle-core = "0.11"
candle-nn = "0.11"
pycandle-runtime = {{ path = {crates}/pycandle-runtime" }}

[build-dependencies]
pycandle-build = {{ path = {crates}/pycandle-build" }}

[package.metadata.pycandle]
manifests = ["models/tagger_manifest.json"]

[profile.dev.package."*"]
opt-level = 3

[workspace]

"""


@pytest.fixture(scope="module")
def crate(tmp_path_factory: pytest.TempPathFactory, cargo_environment: dict[str, str]) -> Path:
    """Recorded with PyTorch's times, and with a benchmark as the command writes it."""
    folder = tmp_path_factory.mktemp("measured")
    crates = json.dumps(str(ROOT / "crates"))[:-1]
    (folder / "src").mkdir()
    (folder / "record.py").write_text(RECORD)
    (folder / "Cargo.toml").write_text(CARGO_TOML.format(crates=crates))
    (folder / "src/lib.rs").write_text(
        'pub mod tagger {\n    pycandle_runtime::include_model!("tagger");\n}\n'
    )
    (folder / "src/main.rs").write_text(MAIN)
    (folder / "build.rs").write_text("fn main() {\n    pycandle_build::compile()\n}\n")
    shutil.copy(ROOT / "Cargo.lock", folder / "Cargo.lock")
    pycandle = (sys.executable, "-m", "pycandle")
    run(folder, cargo_environment, *pycandle, "record", "--script", "record.py", "--time")
    run(folder, cargo_environment, *pycandle, "sync")
    bench = ("--manifest", "models/tagger_manifest.json", "--out", "benches/inference.rs")
    done = run(folder, cargo_environment, *pycandle, "gen-bench", *bench, "--json")
    lines = json.loads(done.stdout)["cargo_toml"]
    with (folder / "Cargo.toml").open("a") as file:
        file.write(lines)
    return folder


def run(folder: Path, environment: dict[str, str], *command: str, **more: str):
    done = subprocess.run(
        command, cwd=folder, env=environment | more, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def test_criterion_runs_every_size(crate: Path, cargo_environment: dict[str, str]):
    command = ("cargo", "bench", "--profile", "dev", "--bench", "inference", "--", "--test")
    done = run(crate, cargo_environment, *command)
    assert "warning" not in done.stderr, done.stderr
    tested = [line.removeprefix("Testing ") for line in done.stdout.splitlines() if line]
    sizes = ("2 5", "1 5", "4 5", "8 5", "2 1", "2 10", "2 20")
    labels = (f"batch={size} seq={seq}" for size, seq in (each.split() for each in sizes))
    assert [line for line in tested if line != "Success"] == [f"tagger/{each}" for each in labels]


def test_modules_of_a_users_program_are_measured(crate: Path, cargo_environment: dict[str, str]):
    done = run(crate, cargo_environment, "cargo", "run", PYCANDLE_PROFILE="1")
    lines = done.stderr.splitlines()
    start = next(k for k, line in enumerate(lines) if line.startswith("profile of "))
    assert lines[start].startswith("profile of Tagger: 3 calls, ")
    shown = (line for line in lines[start + 2 :] if not line.startswith("and "))
    rows = [line.split(maxsplit=4)[3:] for line in shown]
    names = [name for _, name in rows]
    assert names[:4] == ["Tagger", "embedding", "blocks[*]", "norm"]
    assert ["2", "blocks[*]"] in rows and ["2", "norm"] in rows
    # The same binary is silent without it, and so is one that was built without it.
    binary = Path(cargo_environment["CARGO_TARGET_DIR"]) / "debug/measured"
    assert run(crate, cargo_environment, str(binary), PYCANDLE_PROFILE="0").stderr == ""
    plain = run(crate, cargo_environment, "cargo", "run", "--quiet")
    assert "profile of" not in plain.stderr
    assert run(crate, cargo_environment, str(binary), PYCANDLE_PROFILE="1").stderr == ""


def test_the_command_has_pytorch_beside_it(crate: Path, cargo_environment: dict[str, str]):
    command = (sys.executable, "-m", "pycandle", "bench")
    done = run(crate, cargo_environment, *command, "--profile", "--json")
    (model,) = json.loads(done.stdout)["models"]
    assert (model["name"], model["sizes"]) == ("tagger", {"batch": 2, "seq": 5})
    assert model["runs"] >= 5 and 0 < model["minimum"] <= model["median"]
    rows = {row["name"]: row for row in model["profile"]}
    assert rows["Tagger"]["total"] <= model["minimum"]
    for name in ("Tagger", "embedding", "blocks[0]", "blocks[1]", "norm"):
        assert rows[name]["torch"] > 0, name
    assert sum(row["own"] for row in model["profile"]) == pytest.approx(rows["Tagger"]["total"])
    # Without a profile the code is as it stands.
    said = run(crate, cargo_environment, *command).stderr.splitlines()
    assert said[-1].startswith("tagger: ") and said[-1].endswith("on 1 thread (batch 2, seq 5)")
