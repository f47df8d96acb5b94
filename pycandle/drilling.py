"""`pycandle verify --drill`: which line of a module that differs is to blame.

A copy of the generated code, as it stands in the crate, compares what each `let` of the module
gives with PyTorch, and goes on with PyTorch's numbers. A layer of the runtime has no such lines: it
is shown beside the op that PyTorch computed. It must not know how findings are shown.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pycandle.crate import compiled
from pycandle.emit.bindings import bindings
from pycandle.emit.compiled import Compiled
from pycandle.errors import NO_CARGO, Finding, ProjectError, ToolError
from pycandle.graph import Node
from pycandle.graph.text import print_node
from pycandle.metadata import crate_metadata, model_recorded
from pycandle.plain import printable
from pycandle.verify import Call, Run
from pycandle.verify.drilled import Drill, Drilled
from pycandle.verify.instrument import Line, instrument
from pycandle.verify.results import output_of
from pycandle.verify.tensors import trace_path

if TYPE_CHECKING:
    from pycandle.record.inside import Inside

FOLDER = Path(".pycandle/drill")
_CONSTANT = re.compile(r"\b[A-Z][A-Z0-9_]+\b")
_DEFINED = re.compile(r" *(?:pub )?const ([A-Z0-9_]+):")
_MAKES = re.compile(r"\bnn::\w+\(|::load\(")


def drills(
    root: Path, runs: Sequence[Run], arguments: Sequence[str], say: Callable[[str], None]
) -> list[Drill]:
    """A look inside what each model's run says to look at first; see `drill`.

    That is what an isolated run found, in which nothing is inherited.
    """
    found: list[Drill] = []
    for run in runs:
        if run.mode == "isolated" and run.culprit:
            where = printable(f"{run.name} that compares the lines of {run.culprit.name}")
            say(f"building a copy of {where} ...")
            found.append(drill(root, run, run.culprit, arguments))
    return found


def drill(root: Path, run: Run, call: Call, arguments: Sequence[str] = ()) -> Drill:
    """Look inside a module call of a run of the crate in `root`; `arguments` are cargo's own.

    Raises `ProjectError` if the crate cannot be built so, `ManifestError` for a recording or a
    checkpoint that cannot be used, `ToolError` without cargo.
    """
    from pycandle.record.inside import golden_inputs, values_inside, write_inside
    from pycandle.record.reload import reload

    metadata = crate_metadata(root)
    model = model_recorded(metadata, run.name)
    if not model.checker:
        what = "its code has no checks, behind which lines could be compared"
        raise ProjectError(Finding(what, model.manifest, "leave `checker = false` out for it"))
    recording = reload(root / model.manifest)
    graph, made = recording.graph, Compiled(recording.graph, model.model, fuse=model.fuse)
    file = Path(metadata.generated) / f"{model.module}.rs"
    files = compiled(root, metadata, model)
    code = files[file.name]
    region = [(r.path, r.call) for r in graph.regions].index((call.path, call.call))
    bound = bindings(made, region)
    if bound is None:
        nodes = tuple(_plain(node) for node in graph.nodes if node.region == region)
        return Drill(call, file.as_posix(), (), _making(code, call), nodes)
    given = recording.weights | golden_inputs(trace_path(run), call.case, graph, region)
    sizes = next(dict(case.symbols) for case in graph.cases if case.name == call.case)
    wanted = [value for let in bound.lets for value in let.values if value]
    after = made.tree.graph
    found = values_inside(graph, after, region, given, sizes, wanted)
    lets = [(let.names, [v if v in found else "" for v in let.values]) for let in bound.lets]
    changed, lines = instrument(code, bound.struct, bound.method, lets)
    folder = root / FOLDER
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(root / metadata.generated, folder / "generated")
    for name, text in (files | {file.name: changed}).items():
        (folder / "generated" / name).write_text(text, encoding="utf-8")
    write_inside(folder / "drill.safetensors", {line.number: found[line.value] for line in lines})
    target = {"name": run.name, "case": call.case, "path": call.path, "call": call.call}
    (folder / "drill.json").write_text(json.dumps(target), encoding="utf-8")
    answer = _answer(root, folder, arguments)
    steps: list[dict[str, Any]] = answer["steps"]
    if lines and not steps and not answer["error"]:
        what = f"no line of {call.name} ran in the copy that compares them"
        raise ProjectError(Finding(what, str(folder), "report this with the manifest"))
    ran = [(lines[int(step["step"])], step) for step in steps]
    kept = {out.name for node in after.nodes for out in node.outs}
    drilled = tuple(_drilled(line, step, found[line.value], kept) for line, step in ran)
    return Drill(call, file.as_posix(), drilled, "", (), answer["error"])


def _answer(root: Path, folder: Path, arguments: Sequence[str]) -> dict[str, Any]:
    """What the lines gave, from a test of the changed copy."""
    command = ["cargo", "test", *arguments, "--", "parity::isolated"]
    environment = os.environ | {
        "PYCANDLE_DRILL": str(folder.resolve()),
        "PYCANDLE_GENERATED": (FOLDER / "generated").as_posix(),
        "PYCANDLE_RESULTS": "",
    }
    try:
        done = subprocess.run(
            command, cwd=root, env=environment, capture_output=True, check=False,
            encoding="utf-8", errors="replace",
        )  # fmt: skip
    except OSError as error:
        raise ToolError(NO_CARGO) from error
    found = folder / "found.json"
    if not found.is_file():
        errors = [line for line in (done.stderr + done.stdout).splitlines() if "rror" in line]
        what = f"the lines cannot be looked at: {errors[0] if errors else 'no test ran'}"
        raise ProjectError(Finding(what, " ".join(command), "look at it without --drill"))
    return json.loads(found.read_bytes())


def _drilled(line: Line, step: Mapping[str, Any], inside: Inside, kept: set[str]) -> Drilled:
    """A line's result; of what PyTorch computes Rust has no more than the passes `kept`."""
    source = inside.nodes[-1].statement if inside.nodes else ""
    computed = [node for node in inside.nodes if any(out.name in kept for out in node.outs)]
    ops = tuple(dict.fromkeys(node.op for node in computed))
    nodes = tuple(map(_plain, inside.nodes))
    return Drilled(line, output_of(step), step["reason"], source, ops, nodes)


def _plain(node: Node) -> str:
    """The node without where it is from."""
    return print_node(replace(node, region=0, source="", targets=(), functions=(), named=()))


def _making(code: str, call: Call) -> str:
    """The Rust that makes a layer, below the constants that it names."""
    number = call.rust.rpartition(":")[2]
    lines = code.split("\n")
    if not number.isdecimal() or not 0 < int(number) <= len(lines):
        return ""
    first = last = int(number) - 1
    # The checker that it is given may stand on a line of its own, below what it is an argument of.
    while first and not _MAKES.search(lines[first]) and _depth(lines[first : last + 1]) < 1:
        first -= 1
    while last + 1 < len(lines) and _depth(lines[first : last + 1]) > 0:
        last += 1
    text = lines[first : last + 1]
    named = {*_CONSTANT.findall("\n".join(text))}
    constants = [line.strip() for line in lines if (m := _DEFINED.match(line)) and m[1] in named]
    return "\n".join([*constants, textwrap.dedent("\n".join(text))])


def _depth(lines: Sequence[str]) -> int:
    text = "".join(lines)
    return text.count("(") - text.count(")")
