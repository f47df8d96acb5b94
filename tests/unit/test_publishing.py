"""`pycandle report`: the last results as a page, graphs for other programs, what is refused."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pycandle.errors import ProjectError, ResultsError
from pycandle.graph import manifest
from pycandle.graph.ir import Boundary, Graph, Input, Output, Parameter, Region, TensorType, Value
from pycandle.graph.text import parse_node
from pycandle.verify import explorer, onnx
from pycandle.verify.publishing import publish
from tests.hostile import HOSTILE
from tests.unit.test_verify import CALLS, FAILED, HEAD, end

CARGO_TOML = '[package.metadata.pycandle]\nmanifests = ["toy_manifest.json"]\n'
ENDED = [HEAD | {"calls": 4}, *FAILED, end(["fc", 0, "recorded"])]


def graph(path: str = "fc") -> Graph:
    """A linear layer in a module of this path."""
    x = Value("x", TensorType("f32", (2, 3)))
    weight = Value("w", TensorType("f32", (4, 3)))
    nodes = (
        '%linear: f32[2, 4] = aten.linear.default(%x, %w) @1 "toy.py:7"',
        "%soft: f32[2, 4] = aten.softmax.int(%linear, -1)",
    )
    return Graph(
        "toy", "toy.Toy", "2.14.1", inputs=(Input("x", x),),
        parameters=(Parameter(weight, (f"{path}.weight",)),),
        regions=(
            Region("", 0, "toy.Toy", None, ""),
            Region(path, 0, "Linear", 0, "toy.py:7", outputs=(Boundary("", "linear", ""),)),
        ),
        nodes=tuple(map(parse_node, nodes)), outputs=(Output("", "soft"),),
    )  # fmt: skip


def crate(folder: Path, *documents: object) -> Path:
    """A crate of a model with these results."""
    (folder / "Cargo.toml").write_text(CARGO_TOML)
    (folder / "toy_manifest.json").write_text(manifest.dump(graph()))
    results = folder / ".pycandle/results"
    results.mkdir(parents=True)
    if documents:
        lines = "".join(f"{json.dumps(document)}\n" for document in documents)
        (results / "toy.isolated.jsonl").write_text(lines)
    return folder


def check(root: Path, words: list[str], export: str = "", model: str = "") -> list[str]:
    """What is written, by its path in the crate, and what is said of it."""
    said: list[str] = []
    written = publish(root, model, None, export, said.append)
    assert [word for word in words if word not in "\n".join(said)] == []
    return [path.relative_to(root).as_posix() for path in written]


def test_a_page_of_the_last_results(tmp_path: Path):
    words = ["toy isolated: results just written", "toy cumulative: there are no results"]
    assert check(crate(tmp_path, *ENDED), words) == [".pycandle/report.html"]
    assert check(tmp_path, words, model="toy") == [".pycandle/report.html"]


def test_a_page_of_a_run_that_goes_on(tmp_path: Path):
    words = ["the run did not come to its end, and told of 3 of 9 module calls"]
    check(crate(tmp_path, HEAD | {"calls": 9}, *CALLS), words)


def test_results_that_are_older_than_the_code(tmp_path: Path):
    root = crate(tmp_path, *ENDED)
    (root / "src/generated").mkdir(parents=True)
    (root / "src/generated/toy.rs").write_text("")
    words = ["src/generated/toy.rs was changed since"]
    os.utime(root / ".pycandle/results/toy.isolated.jsonl", (1e9, 1e9))
    os.utime(root / "toy_manifest.json", (9e8, 9e8))
    check(root, words)


def test_what_is_refused(tmp_path: Path):
    with pytest.raises(ResultsError, match="run `pycandle verify` first"):
        check(crate(tmp_path), [])
    with pytest.raises(ProjectError, match="no export 'dot'"):
        check(tmp_path, [], "dot")
    with pytest.raises(ProjectError, match="no model 'other'"):
        check(tmp_path, [], model="other")
    both = CARGO_TOML.replace('json"]', 'json", "b_manifest.json"]')
    (tmp_path / "Cargo.toml").write_text(both)
    with pytest.raises(ProjectError, match="Netron shows one model a file"):
        check(tmp_path, [], "netron")


def test_the_command(tmp_path: Path):
    root = crate(tmp_path, *ENDED)
    command = [sys.executable, "-m", "pycandle", "report", "--json", "--out", "a/b.html"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["files"] == [{"path": "a/b.html", "what": "wrote"}]
    assert (root / "a/b.html").read_text().startswith("<!doctype html>")


def test_exports(tmp_path: Path):
    root = crate(tmp_path, *ENDED)
    assert check(root, [], "netron") == [".pycandle/toy.onnx"]
    files = [".pycandle/model-explorer.json", ".pycandle/model-explorer.isolated.json"]
    assert check(root, [], "model-explorer") == files
    document = json.loads((root / files[0]).read_text())
    assert document["label"] == "toy" and document["graphs"][0]["id"] == "toy"
    data = json.loads((root / files[1]).read_text())
    assert data["toy"]["results"] == {"op0": {"value": 0.25}}
    (root / ".pycandle/results/toy.isolated.jsonl").unlink()
    assert check(root, ["without errors"], "model-explorer") == files[:1]


@pytest.mark.parametrize("name", ["fc", "a/b", *(n for n in HOSTILE if n and n != "\ud800")])
def test_a_graph_for_model_explorer(name: str):
    found = explorer.collection(graph(name), {})
    ids = [node["id"] for node in found["nodes"]]
    assert ids == ["input0", "op0", "op1", "output0"]
    edges = [[edge["sourceNodeId"] for edge in n.get("incomingEdges", [])] for n in found["nodes"]]
    assert edges == [[], ["input0"], ["op0"], ["op1"]]
    spaces = [node["namespace"] for node in found["nodes"]]
    # A dot in a name is a level of its own, as in PyTorch's.
    assert spaces[1].count("/") == len([part for part in name.split(".") if part]) - 1
    assert spaces[1] in found["groupNodeAttributes"]


def fields(data: bytes) -> Iterator[tuple[int, Any]]:
    """The fields of a protocol buffer's message, as numbers and bytes."""

    def varint(at: int) -> tuple[int, int]:
        number = shift = 0
        while True:
            number |= (data[at] & 127) << shift
            at, shift = at + 1, shift + 7
            if data[at - 1] < 128:
                return number, at

    at = 0
    while at < len(data):
        tag, at = varint(at)
        if tag & 7 == 0:
            number, at = varint(at)
            yield tag >> 3, number
            continue
        size, at = varint(at) if tag & 7 == 2 else (4, at)
        yield tag >> 3, data[at : at + size]
        at += size


def every(data: bytes, number: int) -> list[Any]:
    return [value for field, value in fields(data) if field == number]


@pytest.mark.parametrize("name", ["fc", *(n for n in HOSTILE if n and n != "\ud800")])
def test_a_graph_for_netron(name: str):
    (found,) = every(onnx.model(graph(name), {}, "1"), 7)
    first, second = every(found, 1)
    assert every(first, 1) == [b"x", f"{name}.weight".encode()]
    assert every(first, 2) == every(second, 1) == [b"linear"]
    assert (every(first, 4), every(first, 7)) == ([b"linear"], [b"aten"])
    assert f"{name} (Linear)\ntoy.py:7" in every(first, 6)[0].decode()
    (initializer,) = every(found, 5)
    assert every(initializer, 1) == [4, 3] and every(initializer, 8) == every(first, 1)[1:]
    attributes = {every(each, 1)[0]: every(each, 3) for each in every(second, 5)}
    assert attributes == {b"overload": [], b"argument_1": [2**64 - 1]}
    assert [every(each, 1) for each in every(found, 11) + every(found, 12)] == [[b"x"], [b"soft"]]


def test_names_do_not_join_values():
    taken = graph()
    (parameter,) = taken.parameters
    clash = replace(taken, parameters=(replace(parameter, names=("linear",)),))
    (found,) = every(onnx.model(clash, {}, "1"), 7)
    assert every(every(found, 1)[0], 1) == [b"x", b"w"]
