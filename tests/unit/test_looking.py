"""What a repro folder's script says of a difference is what the parity tests say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

from pycandle.repro import looking

RULE = Path("crates/pycandle-runtime/src/compare.rs").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["RMS_FACTOR", "FEW", "MAX_FACTOR", "FLOOR", "ROUNDING"])
def test_the_numbers_are_those_of_the_parity_tests(name: str):
    found = re.search(rf"^const {name}: f64 = (\S+);$", RULE, re.MULTILINE)
    assert found and float(found[1]) == getattr(looking, name)


def output(torch_error: list[float], rust_error: list[float]) -> looking.Output:
    exact = torch.ones(len(torch_error), dtype=torch.float64)
    golden, rust = exact + torch.tensor(torch_error), exact + torch.tensor(rust_error)
    return looking.Output(0, golden, torch.float32, exact, rust, None)


@pytest.mark.parametrize(
    ("torch_error", "rust_error", "said"),
    [
        ([1e-5], [9e-5], "ok"),  # the RMS of one element is chance
        ([1e-5] * 80, [4.1e-5] * 80, "ok"),
        ([1e-5] * 80, [4.3e-5] * 80, "DIFFERS"),
        ([1e-5] * 80, [0.0] * 79 + [1.1e-4], "DIFFERS"),  # one element is too far away
    ],
)
def test_it_says_what_the_rule_says(
    torch_error: list[float],
    rust_error: list[float],
    said: str,
    capsys: pytest.CaptureFixture[str],
):
    looking.tell(output(torch_error, rust_error))

    assert f"Rust: {said}, " in capsys.readouterr().out
