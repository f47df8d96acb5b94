"""Excerpts of the files behind a module."""

from pathlib import Path

import pytest

from pycandle.verify.sources import Excerpt, python_excerpt, rust_excerpt

PYTHON = """\
import torch

class Outer:
    def forward(self, x):
        return x

def alone(x):
    return x + 1
"""
RUST = """\
use candle_core::Tensor;

/// A module (toy.py:3)
#[derive(Debug, Clone)]
pub struct A {
    pub x: usize,
}

impl A {
    pub fn forward(&self) {}
}

/// Another
pub struct B;
"""


def check(found: Excerpt | None, first: int, last_line: str, meant: int) -> None:
    assert found is not None
    assert (found.first, found.lines[-1], found.meant) == (first, last_line, meant)


def test_python(tmp_path: Path):
    (tmp_path / "toy.py").write_text(PYTHON)
    check(python_excerpt("toy.py:5", [tmp_path]), 3, "        return x", 5)
    check(python_excerpt("toy.py:8", [tmp_path]), 7, "    return x + 1", 8)
    check(python_excerpt("toy.py:1", [tmp_path]), 1, "", 1)
    long = "class A:\n" + "    x = 1\n" * 500
    (tmp_path / "long.py").write_text(long)
    found = python_excerpt("long.py:300", [tmp_path])
    assert found is not None and len(found.lines) == 120 and found.first == 240


def test_rust(tmp_path: Path):
    (tmp_path / "toy.rs").write_text(RUST)
    check(rust_excerpt("toy.rs:10", tmp_path), 3, "", 10)
    check(rust_excerpt("toy.rs:5", tmp_path), 3, "", 5)
    check(rust_excerpt("toy.rs:14", tmp_path), 13, "", 14)
    check(rust_excerpt("toy.rs:1", tmp_path), 1, "", 1)


@pytest.mark.parametrize("place", ["", "toy.py", "toy.py:", ":3", "gone.py:3", "..:1"])
def test_what_is_not_there(tmp_path: Path, place: str):
    assert python_excerpt(place, [tmp_path]) is None
    assert rust_excerpt(place, tmp_path) is None
