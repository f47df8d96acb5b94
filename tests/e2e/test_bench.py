"""The bench from end to end, on a model too small to say anything of speed; no time is asserted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import jsonschema

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = ROOT / "tests" / "bench" / "results.schema.json"
RIVALS = {"eager", "onnxruntime"}


def test_a_trial_goes_from_pytorch_to_a_table(tmp_path: Path, cargo_environment: dict[str, str]):
    found, drawn = tmp_path / "bench.json", tmp_path / "bench.svg"
    command = [sys.executable, "-m", "tests.bench", "--quick", "--threads", "1"]
    command += ["--rivals", *RIVALS, "--work", tmp_path, "--json", found, "--svg", drawn]

    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | cargo_environment,
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr
    document = json.loads(found.read_text(encoding="utf-8"))
    jsonschema.validate(document, json.loads(SCHEMA.read_text(encoding="utf-8")))
    (entry,) = document["workloads"]
    assert entry["pycandle"]["difference"] < 1e-5
    assert entry["limits"].keys() == {"arithmetic_ns", "memory_ns"}
    # Who is not installed here is named; nobody is left out.
    assert "eager" in entry["rivals"]
    missing = {told["runner"] for told in entry["incomplete"]}
    assert entry["rivals"].keys() | missing == RIVALS
    assert "trial_lstm, 1 thread" in done.stdout
    assert drawn.read_text(encoding="utf-8").startswith("<svg")
