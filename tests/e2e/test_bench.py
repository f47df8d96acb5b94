"""The bench from end to end, on a model too small to say anything of speed; no time is asserted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from tests.bench.racing import Stopped
from tests.bench.rivals import Prepared
from tests.bench.running import TOLERANCE, agree
from tests.bench.workloads import WORKLOADS

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


EXPECTED = {"0": torch.linspace(-2, 2, 60).reshape(3, 20), "1": torch.ones(2, 4)}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (EXPECTED, ""),
        ({"0": EXPECTED["0"] + TOLERANCE / 10, "1": EXPECTED["1"]}, ""),
        ({"0": EXPECTED["0"], "1": EXPECTED["1"] + 2 * TOLERANCE}, "output 1 is 2.0e-03 of"),
        ({"0": EXPECTED["0"].flip(0), "1": EXPECTED["1"]}, "output 0"),
        ({"0": EXPECTED["0"][:, :19], "1": EXPECTED["1"]}, "output 0 is inf"),
        ({"0": EXPECTED["0"] / 0, "1": EXPECTED["1"]}, "output 0 is inf"),
        ({"0": EXPECTED["0"]}, "it has 1 outputs, PyTorch 2"),
    ],
)
def test_a_rival_that_differs_is_not_timed(tmp_path: Path, given: dict[str, Tensor], said: str):
    save_file(EXPECTED, tmp_path / "expected.safetensors")
    save_file({name: x.contiguous() for name, x in given.items()}, tmp_path / "rten.safetensors")
    prepared = Prepared("trial_lstm", WORKLOADS["trial_lstm"], tmp_path, tmp_path)

    if said:
        with pytest.raises(Stopped, match=said):
            agree(prepared, "rten")
    else:
        assert agree(prepared, "rten") <= TOLERANCE
