"""One crate for all cases: a Rust function for each distinct lowering, compiled once, run at once.

The functions are printed by the emitter that prints models. The inputs lie in one file, with the
steps that give each its layout; the verdict is the runtime's own.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import traceback
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor

from pycandle.emit.body import draft
from pycandle.emit.lowering import lower_graph
from pycandle.emit.module import print_function
from pycandle.emit.tree import Tree
from pycandle.errors import UnsupportedError
from pycandle.graph import Graph
from pycandle.output import write_if_changed
from pycandle.passes import run_passes
from tests.conformance.case import COMPLEX, Solved
from tests.conformance.layout import layout
from tests.conformance.samples import INFORMED, TIES, UNDEFINED
from tests.parity.crate import ROOT, TARGET, cargo, crate_toml

RUNNER = Path(__file__).with_name("runner.rs")
# Cases of one file; more files let rustc work on several at once.
_FUNCTIONS = 400


@dataclass(frozen=True)
class Outcome:
    """What became of a case: passed, uninformative, failed, refused (an error), panicked."""

    status: str
    reason: str

    @property
    def passed(self) -> bool:
        """Whether Rust agrees with PyTorch."""
        return self.status in ("passed", "uninformative")


def emit(graph: Graph) -> str | tuple[str, ...] | Outcome:
    """The body of the case's Rust function, or why it is declined, or how the compiler fails."""
    try:
        graph = run_passes(graph)
        lowered, findings = lower_graph(graph)
        if findings:
            return tuple(finding.what for finding in findings)
        tree = Tree(graph)
        return print_function(tree, draft(tree, 0, lowered, {}))
    except UnsupportedError as error:
        return tuple(finding.what for finding in error.findings)
    except Exception as error:  # Whatever it is, the compiler may not end so.
        frame = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{Path(frame.filename).name}:{frame.lineno}"
        return Outcome("crashed", f"the compiler: {type(error).__name__}: {error} ({place})")


def run(cases: Sequence[tuple[Solved, str]], name: str, candle: str = "") -> list[Outcome]:
    """Compile the bodies, with this version of Candle if one is given, run and judge every case."""
    path = TARGET / name
    bodies = {body: k for k, body in enumerate(dict.fromkeys(body for _, body in cases))}
    _write_sources(path, list(bodies), candle)
    tensors: dict[str, Tensor] = {}
    listed: list[dict[str, Any]] = []
    for number, (solved, body) in enumerate(cases):
        listed.append(
            {
                "function": bodies[body],
                "inputs": [
                    _input(tensors, f"{number}.i{k}", tensor)
                    for k, tensor in enumerate(solved.inputs.values())
                ],
                "outputs": [
                    _output(
                        tensors,
                        f"{number}.o{k}",
                        golden,
                        exact,
                        _ties(solved) if k == len(solved.golden) - 1 else None,
                        _undefined(solved, k),
                    )
                    for k, (golden, exact) in enumerate(
                        zip(solved.golden, solved.reference, strict=True)
                    )
                ],
            }
        )
    write_if_changed(path / "cases.json", json.dumps(listed).encode())
    write_if_changed(path / "tensors.safetensors", save(tensors))
    return _outcomes(_compile(path), path, len(cases))


def _write_sources(path: Path, bodies: Sequence[str], candle: str) -> None:
    source = path / "src"
    source.mkdir(parents=True, exist_ok=True)
    files = [bodies[k : k + _FUNCTIONS] for k in range(0, len(bodies), _FUNCTIONS)]
    for stale in set(source.glob("cases_*.rs")) - {
        source / f"cases_{k}.rs" for k in range(len(files))
    }:
        stale.unlink()
    for k, group in enumerate(files):
        functions = "\n".join(f"pub fn f{k * _FUNCTIONS + n}{body}" for n, body in enumerate(group))
        write_if_changed(source / f"cases_{k}.rs", (_PRELUDE + functions).encode())
    table = "".join(f"    cases_{n // _FUNCTIONS}::f{n},\n" for n in range(len(bodies)))
    modules = "".join(f"mod cases_{k};\n" for k in range(len(files)))
    text = f"{modules}\npub const FUNCTIONS: &[crate::Case] = &[\n{table}];\n"
    lines = "".join(f'#[path = "cases_{k}.rs"]\nmod cases_{k};\n' for k in range(len(files)))
    write_if_changed(source / "cases.rs", text.replace(modules, lines).encode())
    shutil.copy(RUNNER, source / "main.rs")
    declared = crate_toml(path.name, _EXTRA, candle) + _PROFILE
    write_if_changed(path / "Cargo.toml", declared.encode())
    if not (path / "Cargo.lock").exists():
        shutil.copy(ROOT / "Cargo.lock", path)


_PRELUDE = """\
#![allow(unused, clippy::all)]
use candle_core::{DType, Device, Result, Tensor};
use pycandle_runtime::ops;

"""
_EXTRA = ("serde", "serde_json")
# Thousands of small functions that run once each.
_PROFILE = "\n[profile.dev]\nopt-level = 0\ndebug = false\nincremental = true\n"


def _compile(path: Path) -> Path:
    done = cargo(path, "build", "--message-format=json-render-diagnostics")
    assert done.returncode == 0, done.stderr[:20_000]
    messages = [json.loads(line) for line in done.stdout.splitlines()]
    (binary,) = [m["executable"] for m in messages if m.get("executable")]
    return Path(binary)


def _outcomes(binary: Path, path: Path, count: int) -> list[Outcome]:
    """Run from the first case to the last; one that brings the process down is a panic."""
    found: list[Outcome] = []
    while len(found) < count:
        done = subprocess.run(
            [binary, str(path), str(len(found))],
            capture_output=True, text=True, check=False, timeout=1200, encoding="utf-8",
        )  # fmt: skip
        found += [
            Outcome(row["status"], row["reason"]) for row in map(json.loads, _lines(done.stdout))
        ]
        assert done.returncode or len(found) == count, done.stderr
        assert found or "Error:" not in done.stderr, done.stderr
        if len(found) < count:
            found.append(Outcome("panicked", f"the process ended: {done.stderr[-400:]}"))
    return found


def _lines(text: str) -> Iterable[str]:
    return [line for line in text.splitlines() if line.startswith("{") and line.endswith("}")]


def _input(tensors: dict[str, Tensor], key: str, tensor: Tensor) -> Mapping[str, Any]:
    if tensor.dtype in COMPLEX:
        # The layout of a pair is that of its numbers; that of the parts is always in order.
        tensor = torch.view_as_real(tensor.resolve_conj())
    made = layout(tensor)
    tensors[key] = _stored(made.stored)
    return {
        "key": key,
        "narrow": made.narrow,
        "squeeze": made.squeeze,
        "permute": made.permute,
        "expand": made.expand,
    }


def _output(
    tensors: dict[str, Tensor],
    key: str,
    golden: Tensor,
    exact: Tensor,
    ties: int | None,
    undefined: bool,
) -> Mapping[str, Any]:
    if golden.dtype in COMPLEX:
        golden = torch.view_as_real(golden.resolve_conj())
        exact = torch.view_as_real(exact.resolve_conj().to(torch.complex128))
    tensors[key] = _stored(golden.resolve_neg())
    if golden.is_floating_point():
        tensors[f"{key}.exact"] = _stored(exact.resolve_neg().double())
    return {
        "key": key,
        "bool": golden.dtype is torch.bool,
        "undefined": undefined,
        "ties": ties,
    }


def _undefined(solved: Solved, place: int) -> bool:
    """Whether an output holds whatever it holds, so that its shape and dtype alone count."""
    *others, info = solved.golden
    failed = solved.case.op in INFORMED and bool(info.any())
    return solved.case.op in UNDEFINED or (failed and place < len(others))


def _ties(solved: Solved) -> int | None:
    """The axis along which indices, the last output, are judged by what they point to."""
    if solved.case.op not in TIES:
        return None
    place, default = TIES[solved.case.op]
    given = solved.case.args[place] if len(solved.case.args) > place else default
    dim = solved.case.kwargs.get("dim", given)
    rank = next(iter(solved.inputs.values())).dim()
    return dim % rank if rank else None


def _stored(tensor: Tensor) -> Tensor:
    """The tensor as a file of Candle's can have it: in order, and a bool as a byte."""
    return (tensor.to(torch.uint8) if tensor.dtype is torch.bool else tensor).contiguous().clone()
