"""A line is wrong: `pycandle verify` leaves a folder that shows it, and reproduces it alone."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RECORD = """\
import torch
from torch import nn

from pycandle import GoldenRecorder


class Head(nn.Module):
    def __init__(self):
        super().__init__()
        self.dense = nn.Linear(16, 32)
        self.norm = nn.LayerNorm(32)
        self.out = nn.Linear(32, 2)

    def forward(self, hidden):
        activated = torch.nn.functional.gelu(self.dense(hidden))
        return self.out(self.norm(activated)).softmax(-1)


torch.manual_seed(0)
recorder = GoldenRecorder("models")
recorder.record(Head(), torch.randn(2, 3, 5, 16))
recorder.save("head", weights=True)
"""
CARGO_TOML = """\
[package]
name = "wrong"
version = "0.1.0"
edition = "2024"

[dependencies]
candle-core = "0.11"
candle-nn = "0.11"
pycandle-runtime = {{ path = {crates}/pycandle-runtime" }}

[build-dependencies]
pycandle-build = {{ path = {crates}/pycandle-build" }}

[package.metadata.pycandle]
manifests = ["models/head_manifest.json"]

[profile.dev.package."*"]
opt-level = 3

[workspace]
"""
RIGHT, WRONG = "nn::layer_norm(32, 1e-5,", "nn::layer_norm(32, 1e-2,"


def test_a_module_that_differs_is_handed_over(tmp_path: Path, cargo_environment: dict[str, str]):
    def run(*command: str, cwd: Path = tmp_path, code: int = 0, **more: str) -> str:
        done = subprocess.run(
            command, cwd=cwd, env=cargo_environment | more, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    pycandle = (sys.executable, "-m", "pycandle")
    write_crate(tmp_path)
    run(*pycandle, "record", "--script", "record.py")
    run(*pycandle, "sync")
    change(tmp_path / "src/generated/head.rs", RIGHT, WRONG)
    said = run(*pycandle, "verify", code=1)

    folder = tmp_path / ".pycandle/repro/head"
    assert "repro: .pycandle/repro/head (run `python debug_layer.py` there, or" in said
    assert {p.name for p in folder.parent.iterdir()} == {"head"}
    (limits,) = {*re.findall(r"its error is (\S+), at most (\S+) is allowed", said)}

    # The script proves its replay, and draws the difference.
    shown = run(sys.executable, "debug_layer.py", cwd=folder)
    assert "head: norm (LayerNorm), case recorded" in shown
    assert "PyTorch again: the same" in shown and "Rust: DIFFERS" in shown
    assert (folder / "heatmap.png").read_bytes().startswith(b"\x89PNG")
    (folder / "heatmap.png").unlink()
    (tmp_path / "matplotlib.py").write_text("raise ImportError")
    path = os.pathsep.join((str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])))
    letters = run(sys.executable, "debug_layer.py", cwd=folder, PYTHONPATH=path, COLUMNS="80")
    rows = [line for line in letters.splitlines() if line.startswith("|") and line.endswith("|")]
    assert len(rows) == 5 and {len(row) for row in rows} == {34}
    assert not (folder / "heatmap.png").exists()

    # The crate fails as the parity test did, and passes with the right line.
    failed = run("cargo", "test", "--offline", cwd=folder, code=101)
    assert f"its error is {limits[0]}, at most {limits[1]} is allowed" in failed
    change(folder / "src/lib.rs", WRONG, RIGHT)
    assert "1 passed" in run("cargo", "test", "--offline", cwd=folder)

    # Another one takes its place from the results alone, and without weights it stays.
    assert json.loads(run(*pycandle, "repro", "--json"))["repros"] == [".pycandle/repro/head"]
    assert WRONG in (folder / "src/lib.rs").read_text()
    (tmp_path / "models/head.safetensors").unlink()
    assert "the weight 'norm.weight' is not there" in run(*pycandle, "repro", code=2)
    assert (folder / "debug_layer.py").is_file()


def write_crate(folder: Path) -> None:
    crates = json.dumps(str(ROOT / "crates"))[:-1]
    (folder / "src").mkdir()
    (folder / "record.py").write_text(RECORD)
    (folder / "Cargo.toml").write_text(CARGO_TOML.format(crates=crates))
    (folder / "src/lib.rs").write_text(
        'pub mod head {\n    pycandle_runtime::include_model!("head");\n}\n'
    )
    (folder / "build.rs").write_text("fn main() {\n    pycandle_build::compile()\n}\n")
    shutil.copy(ROOT / "Cargo.lock", folder / "Cargo.lock")


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")
