"""Whatever a model's names are, whatever stands in a manifest: correct code, or one clear error.

A parser of Rust looks at the code, `cargo xtask vet`: it must hold what the emitter writes and
nothing else.
"""

from __future__ import annotations

import copy
import dataclasses
import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pycandle.emit import generate
from pycandle.errors import PyCandleError
from pycandle.graph import manifest, text
from tests.hostile import HOSTILE

ROOT = Path(__file__).resolve().parents[2]
# Every N with a number is a name that the model's author chose.
NAMED = """
graph toy
symbol batch 1.. = 2
input "N0" %x: f32[batch, 4]
input "N1" %n: f32[batch, 4]
parameter %w: f32[4, 4] "N2.N3.weight"
parameter %b: f32[4] "N2.N3.N4"
parameter %v: f32[4, 4] "N2.N5.N6"
parameter %s: f32[4] "N2.N7"
parameter %t: f32[4] "N8" axes width
region 1 "N2" 0 "N9.N10" 0
region 2 "N2.N3" 0 "torch.nn.modules.linear.Linear" 1 {"out_features": 4} made {"out_features": "w"}
region 3 "N2.N5" 0 "N11" 1 {"heads": 3, "scale": 0.5, "flag": true}
%a: f32[batch, 4] = aten.linear.default(%x, %w, %b) @2 "N12:1" as n
%c: f32[batch, 4] = aten.linear.default(%a, %v) @3 "N12:2" as n
%d: f32[batch, 4] = aten.mul.Tensor(%c, %s) @1 "N12:3" as n, n
%e: f32[batch, 4] = aten.add.Tensor(%d, %n) "N13" as n
%f: f32[batch, 4] = aten.mul.Tensor(%e, %t) "N13" as n
%g: f32[batch, 2, 2] = aten.view.default(%f, [batch, -1, 2]) "N13:1" as g in halves named half=2
%h: f32[batch, 2, 2] = aten.mul.Tensor(%g, 0.5) "N13:2" as h in halves named scale=0.5
%i: f32[batch, 2, 2] = aten.view.default(%e, [batch, -1, 2]) "N13:1" as g in halves named half=2
%j: f32[batch, 2, 2] = aten.mul.Tensor(%i, 0.5) "N13:2" as h in halves named scale=0.5
%k: f32[batch, 2, 2] = aten.mul.Tensor(%h, %j) "N13:3" as k
output "N14" %e
output "N15.N16" %k
"""
# `nox -s fuzz` tries many more.
EXAMPLES = int(os.environ.get("PYCANDLE_FUZZ", "250"))
names = st.sampled_from(HOSTILE) | st.text(max_size=30)


@pytest.fixture(scope="module")
def vet() -> Iterator[Any]:
    """What the parser says of Rust: `ok`, or what is not allowed in it."""
    subprocess.run(["cargo", "build", "--quiet", "--package", "xtask"], cwd=ROOT, check=True)
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    with subprocess.Popen(
        [target / "debug/xtask", "vet"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin and process.stdout
        stdin, stdout = process.stdin, process.stdout

        def ask(code: str) -> str:
            data = code.encode("utf-8")
            stdin.write(b"%d\n" % len(data) + data)
            stdin.flush()
            return stdout.readline().decode().strip()

        yield ask
        stdin.close()


def renamed(value: Any, chosen: list[str]) -> Any:
    """The same with every name of the author's own replaced."""
    if isinstance(value, str):
        return re.sub(r"N(\d+)", lambda match: chosen[int(match[1])], value)
    if isinstance(value, tuple):
        items: list[Any] = [renamed(item, chosen) for item in value]
        # Targets are read from Python, so they are names there.
        target = next(filter(str.isidentifier, chosen), "été")
        return tuple(target if item == "n" else item for item in items)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {
            f.name: renamed(getattr(value, f.name), chosen) for f in dataclasses.fields(value)
        }
        return dataclasses.replace(value, **fields)
    return value


def compiled(document: str) -> dict[str, str] | None:
    """The files made of a manifest; None where it is refused in words, each with a way out."""
    try:
        files = generate(document, "toy", {"manifest": "m.json"}, "sha256:0", "module=toy\n")
    except PyCandleError as error:
        assert error.findings and all(f.what and f.fix for f in error.findings), error
        return None
    return files


@settings(max_examples=EXAMPLES, deadline=None)
@given(chosen=st.lists(names, min_size=17, max_size=17))
def test_names_reach_code_as_names(vet: Any, chosen: list[str]):
    graph = renamed(text.parse_graph(NAMED), chosen)
    files = compiled(manifest.dump(graph))

    # PyTorch itself has no module without a name, or with a dot in it.
    modules = all(name and "." not in name for name in chosen[2:9])
    unicode = not any("\ud800" <= char <= "\udfff" for char in "".join(chosen))
    assert files is not None or not (modules and unicode and len({*chosen}) == len(chosen))
    for code in (files or {}).values():
        assert vet(code) == "ok", code


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a JSON document."""
    yield path
    if isinstance(value, dict):
        for key, item in value.items():  # type: ignore[reportUnknownVariableType]
            yield from places(item, (*path, key))
    elif isinstance(value, list):
        for k, item in enumerate(value):  # type: ignore[reportUnknownVariableType]
            yield from places(item, (*path, k))


SMALL = json.loads(manifest.dump(text.parse_graph(NAMED)))
PLACES = [path for path in places(SMALL) if path]
junk = (
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | names
    | st.lists(st.integers(-3, 2**40), max_size=4) | st.just({}) | st.just([])
    | st.sampled_from(["f32", "nan", "batch*batch", "1//0", "%x", "2**99", "f32[0]", "(" * 5000])
)  # fmt: skip


@st.composite
def mutations(draw: st.DrawFn) -> str:
    """A manifest in which a few places hold something else, are missing, or are there twice."""
    document = copy.deepcopy(SMALL)
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(PLACES))
        holder: Any = document
        for key in path[:-1]:
            try:
                holder = holder[key]
            except (KeyError, IndexError, TypeError):
                holder = None
                break
        if not isinstance(holder, (dict, list)):
            continue
        try:
            mutate(draw, holder, path[-1])
        except (KeyError, IndexError, TypeError):
            continue
    written = json.dumps(document)
    if draw(st.integers(0, 9)) == 0:
        written = written[: draw(st.integers(0, len(written)))]
    return written


def mutate(draw: st.DrawFn, holder: Any, key: Any) -> None:
    match draw(st.sampled_from(["replace", "delete", "repeat", "edit"])):
        case "replace":
            holder[key] = draw(junk)
        case "delete":
            del holder[key]
        case "repeat" if isinstance(holder, list):
            holder.append(copy.deepcopy(holder[key]))  # type: ignore[reportUnknownMemberType]
        case _ if isinstance(holder[key], str):
            old = holder[key]
            cut = draw(st.integers(0, len(old)))
            holder[key] = (
                old[:cut] + draw(st.sampled_from(HOSTILE)) + old[cut + draw(st.integers(0, 3)) :]
            )
        case _:
            holder[key] = draw(junk)


@settings(max_examples=2 * EXAMPLES, deadline=None)
@given(document=mutations())
def test_a_broken_manifest_is_refused_or_compiles(vet: Any, document: str):
    for code in (compiled(document) or {}).values():
        assert vet(code) == "ok", code


def document(modules: int, nodes: int) -> str:
    """A manifest of so many modules, each in the one before, and nodes, one after the other."""
    regions = [f'region {k} "{"m." * k}m" 0 "M" {k - 1}' for k in range(1, modules + 1)]
    chain = [f"%v{k}: f32[b, 4] = aten.neg.default(%v{k - 1}) @{modules}" for k in range(1, nodes)]
    head = ["graph big", "symbol b 1.. = 2", 'input "x" %v0: f32[b, 4]']
    return manifest.dump(
        text.parse_graph("\n".join((*head, *regions, *chain, f'output "y" %v{nodes - 1}')))
    )


@pytest.mark.parametrize("modules, nodes", [(0, 5000), (2000, 2), (100, 1000)])
def test_what_is_large_compiles(vet: Any, modules: int, nodes: int):
    files = compiled(document(modules, nodes))
    assert files is not None
    for code in files.values():
        assert vet(code) == "ok"


def test_what_is_nested_too_deep_is_refused():
    assert compiled("[" * 100_000) is None
    assert compiled(json.dumps(json.loads(document(0, 2)) | {"nodes": ["(" * 100_000]})) is None
