"""Puts the folder together, which takes the place of an earlier one when all of it is there.

.pycandle/repro/NAME/
debug_layer.py         replays the call in PyTorch, and draws where Rust differs
snippet.safetensors    what it read, and what each side made of it
Cargo.toml, src, tests    a crate that does that call alone in Rust
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from pycandle.crate import compiled, rustfmt
from pycandle.emit.alone import Alone, Numbers
from pycandle.emit.compiled import Compiled
from pycandle.emit.names import string_literal
from pycandle.errors import Finding, ManifestError, ResultsError
from pycandle.graph import Graph, manifest
from pycandle.graph.files import constants_path
from pycandle.metadata import Metadata, crate_metadata, model_recorded
from pycandle.repro import script, snippet
from pycandle.repro.cargo import cargo_toml, resolved
from pycandle.verify.results import MODES, Call, Run
from pycandle.verify.tensors import write_raw

FOLDER = Path(".pycandle/repro")
"""Where a crate's repros lie, a folder for each model."""


def write_repros(root: Path, runs: Sequence[Run]) -> list[Path]:
    """A folder for each model of the crate in `root` that differs in these runs.

    Raises `PyCandleError` for what is missing; what was there before is then as it was.
    """
    metadata = crate_metadata(root)
    return [
        _write(root, metadata, run, call)
        for name in dict.fromkeys(run.name for run in runs)
        if (found := _chosen([run for run in runs if run.name == name]))
        for run, call in [found]
    ]


def _chosen(runs: Sequence[Run]) -> tuple[Run, Call] | None:
    """The call to look at. An isolated one was given what PyTorch gave it, as a repro is; where
    only the whole model differs, it is the whole model's.
    """
    for run in sorted(runs, key=lambda run: MODES.index(run.mode)):
        call = run.culprit
        if call is None or call.outcome != "failed":
            continue
        if run.mode != "isolated" and call.path:
            whole = (c for c in run.calls if (c.path, c.case) == ("", call.case))
            call = next((c for c in whole if c.outcome == "failed"), call)
        return run, call
    return None


def _write(root: Path, metadata: Metadata, run: Run, call: Call) -> Path:
    graph = _graph(run)
    model = model_recorded(metadata, run.name)
    places = [(region.path, region.call) for region in graph.regions]
    if (call.path, call.call) not in places:
        what = f"the manifest has no module call {call.name}"
        raise ResultsError(Finding(what, run.manifest, "run `pycandle verify` again"))
    region = places.index((call.path, call.call))
    alone = Alone(Compiled(graph, model.model, model.checker, model.fuse), region)
    cases = (dict(case.symbols) for case in graph.cases if case.name == call.case)
    sizes = next(cases, dict[str, int]())
    files = {
        script.NAME: script.debug_script(alone, _title(run, call), _notes(run, call, sizes), sizes),
        "tests/reproduce.rs": rustfmt(alone.test(_title(run, call), sizes, _numbers(call))),
    }
    constants = model.manifest.rpartition("/")[0] + f"/{graph.name}_constants.safetensors"
    constants = constants.removeprefix("/")
    code = compiled(root, metadata, model)[f"{model.module}.rs"]
    if graph.constants:
        # The folder holds all that it needs, wherever the manifest is.
        code = code.replace(string_literal(f"/{constants}"), string_literal("/constants"))
    files["src/lib.rs"] = code
    mark = hashlib.sha256("".join(files.values()).encode()).hexdigest()[:8]
    files["Cargo.toml"] = cargo_toml(said := resolved(root), mark)
    tensors = snippet.tensors_of(alone, run, call)
    lock = Path(said["workspace_root"]) / "Cargo.lock"
    folder = root / FOLDER / graph.name
    with _replaced(folder) as made:
        for name, content in files.items():
            (made / name).parent.mkdir(exist_ok=True)
            (made / name).write_text(content, encoding="utf-8")
        write_raw(made / snippet.NAME, tensors)
        if lock.is_file():
            shutil.copyfile(lock, made / "Cargo.lock")
        if graph.constants:
            shutil.copyfile(constants_path(Path(run.manifest)), made / "constants")
    return folder


def _graph(run: Run) -> Graph:
    try:
        text = Path(run.manifest).read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        what = f"the manifest cannot be read: {error}"
        raise ManifestError(Finding(what, run.manifest, "run `pycandle verify` again")) from error
    return manifest.load(text, run.manifest)


def _title(run: Run, call: Call) -> str:
    return f"{run.name}: {call.name} ({call.class_name}), case {call.case}"


def _notes(run: Run, call: Call, sizes: Mapping[str, int]) -> list[str]:
    told = ", ".join(f"{name} = {size}" for name, size in sizes.items())
    lines = [
        f"Its parity test, {run.mode}: {call.reason}",
        f"Python: {call.source}" + (f", called at {call.site}" if call.site else ""),
        f"Rust: {call.rust}" if call.rust else "",
        f"Sizes: {told}" if told else "",
        *(f"Another checkpoint? {line}" for line in run.weights),
    ]
    return [line for line in lines if line]


def _numbers(call: Call) -> Numbers:
    """Of the output that is furthest from its limit, the failed ones first."""
    outputs = sorted(call.outputs, key=lambda output: (output.status == "failed", output.used))
    if not outputs:
        return Numbers(float("nan"), float("nan"), float("nan"))
    return Numbers(outputs[-1].error, outputs[-1].torch_error, outputs[-1].limit)


@contextmanager
def _replaced(path: Path) -> Generator[Path]:
    """A new folder, which takes the path's place when it is whole; left by an exception, it goes.

    What cargo built for the earlier one stays, as all else in it goes.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}."))
    old = made.with_name(f"{made.name}.old")
    try:
        yield made
        # Like any other folder of the project, and unlike a private one.
        made.chmod(0o755)
        if (path / "target").is_dir():
            (path / "target").rename(made / "target")
        if path.exists():
            path.rename(old)
        made.rename(path)
    finally:
        shutil.rmtree(made, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
