"""A crate of one architecture and all its mutants, each a module with tests of its own.

Cargo compiles them together. What rustc refuses is caught already: it is left out, and told.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pycandle.output import write_if_changed
from pycandle.verify.results import Run, read_results
from tests.parity.crate import TARGET, Crate, Module, cargo, write_crate

FOLDER = TARGET / "mutants"

# What mistakes say that are too long for a line of generated code.
FAULTS = """\
#[cfg(test)]
pub mod faults {
    use candle_core::{DType, Result, Tensor};

    /// Which keys each query sees: those up to its own place, and so many more.
    pub fn seen(queries: &Tensor, keys: &Tensor, more: i64) -> Result<Tensor> {
        let (rows, columns) = (queries.dim(2)? as i64, keys.dim(2)? as i64);
        let seen = (0..rows).flat_map(|row| (0..columns).map(move |c| u8::from(c <= row + more)));
        Tensor::from_vec(seen.collect(), (rows as usize, columns as usize), queries.device())
    }

    /// Half of an axis: every other place from the first one on.
    pub fn every_other(x: &Tensor, axis: usize, first: u32) -> Result<Tensor> {
        let half = x.dim(axis)? as u32 / 2;
        let places: Vec<_> = (0..half).map(|place| 2 * place + first).collect();
        x.contiguous()?.index_select(&Tensor::new(places, x.device())?, axis)
    }

    /// What is left of numbers in half precision.
    pub fn in_half(x: &Tensor) -> Result<Tensor> {
        x.to_dtype(DType::F16)?.to_dtype(x.dtype())
    }

    pub fn one_nan(x: &Tensor) -> Result<Tensor> {
        middle(x, |_| f32::NAN)
    }

    /// One element, a thousandth too large.
    pub fn one_off(x: &Tensor) -> Result<Tensor> {
        middle(x, |element| element + 1e-3)
    }

    fn middle(x: &Tensor, change: fn(f32) -> f32) -> Result<Tensor> {
        let mut elements = x.flatten_all()?.to_vec1::<f32>()?;
        let place = elements.len() / 2;
        elements[place] = change(elements[place]);
        Tensor::from_vec(elements, x.shape(), x.device())
    }
}
"""


@dataclass(frozen=True)
class Compiled:
    """A crate whose tests are compiled, and what rustc said of the mutants that it refused."""

    crate: Crate
    refused: Mapping[str, str]


def write(architecture: str, mutants: Mapping[str, str]) -> Path:
    """The crate of an architecture that is recorded in it, with mutants' text by module name."""
    path = FOLDER / architecture
    support = [FAULTS, *(_declaration(name, architecture) for name in mutants)]
    for name, text in mutants.items():
        write_if_changed(path / "src" / f"{name}.rs", text.encode())
    module = Module(architecture, architecture)
    write_crate(path, [module], "\n".join(support), f"mutants_{architecture}")
    return path


def compile_mutants(architecture: str, mutants: Mapping[str, str]) -> Compiled:
    """Compile all that rustc accepts."""
    refused: dict[str, str] = {}
    while True:
        kept = {name: text for name, text in mutants.items() if name not in refused}
        path = write(architecture, kept)
        done = cargo(path, "test", "--no-run", "--message-format=json")
        messages = [json.loads(line) for line in done.stdout.splitlines()]
        if done.returncode == 0:
            (binary,) = [m["executable"] for m in messages if m.get("executable")]
            return Compiled(Crate(path, Path(binary)), refused)
        told = _errors(messages)
        assert told.keys() & kept.keys(), done.stderr
        refused |= {name: said for name, said in told.items() if name in kept}


def _errors(messages: list[dict[str, object]]) -> dict[str, str]:
    """The first error of each file, by its module."""
    found: dict[str, str] = {}
    for message in messages:
        told: object = message.get("message")
        if isinstance(told, dict) and told["level"] == "error":
            for span in told["spans"]:
                found.setdefault(Path(span["file_name"]).stem, told["message"])
    return found


def _declaration(name: str, architecture: str) -> str:
    return (
        f"#[cfg(test)]\n#[allow(warnings, clippy::all)]\npub mod {name} {{\n"
        f'    include!("{name}.rs");\n'
        f'    mod parity {{ include!("{architecture}_parity.rs"); }}\n'
        "}\n"
    )


@dataclass(frozen=True)
class Outcome:
    """One test of one module."""

    passed: bool
    run: Run | None  # what it told; none if it died before it could
    said: str


def run(crate: Crate, module: str, mode: str, environment: dict[str, str]) -> Outcome:
    """Run one test, with all that it tells."""
    folder = crate.path / "results" / module
    path = folder / f"{crate.path.name}.{mode}.jsonl"
    path.unlink(missing_ok=True)
    found = crate.run(module, mode, os.environ | {"PYCANDLE_RESULTS": str(folder)} | environment)
    error = re.search(r"^Error: .*$", found.output, re.MULTILINE)
    told = read_results(path) if path.exists() else None
    return Outcome(found.passed, told, error[0] if error else found.output[-300:])
