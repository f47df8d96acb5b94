"""`pycandle gen-bench`: a benchmark for criterion in a user's crate.

It changes no Cargo.toml: it says which lines that lacks. It must not know what is in the file.
"""

from __future__ import annotations

import json
import tomllib
from pathlib import Path, PurePosixPath
from typing import Any

from pycandle.crate import rustfmt
from pycandle.emit.bench import MARK, print_bench
from pycandle.emit.compiled import Compiled
from pycandle.errors import Finding, ProjectError
from pycandle.graph import manifest as manifests
from pycandle.metadata import Model, crate_metadata
from pycandle.output import write_if_changed

_CRITERION = (
    'criterion = { version = "0.7", default-features = false, features = ["cargo_bench_support"] }'
)


def write_bench(manifest: Path, out: Path, force: bool = False) -> tuple[bool, str]:
    """Write the benchmark of a model of the crate that `out` is in.

    Returns whether the file changed, and the lines that the crate's Cargo.toml lacks for it.
    Raises `ProjectError` if the crate does not list the manifest or another file is there that this
    did not write, `ManifestError` or `UnsupportedError`; then nothing is written.
    """
    if out.suffix != ".rs" or out.is_dir():
        raise ProjectError(Finding("--out must be a Rust file", str(out), "name it bench.rs"))
    root = _crate(out)
    model = _model(root, manifest)
    text = (root / model.manifest).read_text(encoding="utf-8")
    made = Compiled(manifests.load(text, model.manifest), model.model, model.checker, model.fuse)
    table: Any = tomllib.loads((root / "Cargo.toml").read_text(encoding="utf-8"))
    code = rustfmt(print_bench(made, model.module, model.manifest, _runtime(table)))
    if out.is_file() and not force and not out.read_bytes().startswith(MARK.encode()):
        what = "there is a file that `pycandle gen-bench` did not write"
        raise ProjectError(Finding(what, str(out), "name another one, or add --force"))
    out.parent.mkdir(parents=True, exist_ok=True)
    path = out.resolve().relative_to(root).as_posix()
    return write_if_changed(out, code.encode()), _lacking(table, path, model)


def _crate(out: Path) -> Path:
    """The folder of the crate that a file is in."""
    for folder in out.resolve().parents:
        if (folder / "Cargo.toml").is_file():
            return folder
    raise ProjectError(
        Finding("--out is in no crate", str(out), "name a file such as benches/inference.rs in one")
    )


def _model(root: Path, manifest: Path) -> Model:
    for model in crate_metadata(root).models:
        if (root / model.manifest).resolve() == manifest.resolve() and manifest.is_file():
            return model
    if not manifest.is_file():
        fix = "correct the path, or record the model with `pycandle record`"
        raise ProjectError(Finding("there is no such manifest", str(manifest), fix))
    what = "the crate of the benchmark does not list this manifest"
    fix = "add it to `manifests` in [package.metadata.pycandle]"
    raise ProjectError(Finding(what, f"{root / 'Cargo.toml'}: {manifest}", fix))


def _runtime(table: Any) -> str:
    """What the crate calls the runtime, which it may have through `pycandle`."""
    dependencies: dict[str, Any] = table.get("dependencies", {})
    named: dict[str, str] = {}
    for key, asked in dependencies.items():
        package: str = key if isinstance(asked, str) else asked.get("package", key)
        named[package] = key.replace("-", "_")
    return named.get("pycandle-runtime") or named.get("pycandle") or "pycandle_runtime"


def _lacking(table: Any, path: str, model: Model) -> str:
    """The lines that make cargo build the file at that path; empty if they are there."""
    lines: list[str] = []
    tables = ("dependencies", "dev-dependencies")
    if not any("criterion" in table.get(each, {}) for each in tables):
        lines += ["[dev-dependencies]", _CRITERION, ""]
    named = [each for each in table.get("bench", []) if _path_of(each) == path]
    if not any(each.get("harness") is False for each in named):
        name = PurePosixPath(path).stem
        lines += ["[[bench]]", f"name = {json.dumps(name)}"]
        lines += [] if path == f"benches/{name}.rs" else [f"path = {json.dumps(path)}"]
        lines += ["harness = false"]
        if model.features:
            features = ", ".join(f'"{feature}"' for feature in model.features)
            lines += [f"required-features = [{features}]"]
    return "\n".join(lines).strip()


def _path_of(bench: Any) -> str:
    return bench.get("path") or f"benches/{bench.get('name', '')}.rs"
