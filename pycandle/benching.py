"""`pycandle gen-bench`: a benchmark for criterion in a user's crate.

It changes no Cargo.toml: it says which lines that lacks. It must not know what is in the file.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from pycandle.crate import rustfmt
from pycandle.emit.bench import MARK, print_bench
from pycandle.emit.compiled import Compiled
from pycandle.errors import Finding, ProjectError
from pycandle.graph import manifest as manifests
from pycandle.metadata import Model, crate_metadata
from pycandle.output import write_if_changed

_CRITERION = (
    'criterion = { version = "0.8", default-features = false, features = ["cargo_bench_support"] }'
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
    made = Compiled(manifests.load(text, model.manifest), model.model, model.checker)
    code = rustfmt(print_bench(made, model.module, model.manifest))
    if out.is_file() and not force and not out.read_bytes().startswith(MARK.encode()):
        what = "there is a file that `pycandle gen-bench` did not write"
        raise ProjectError(Finding(what, str(out), "name another one, or add --force"))
    out.parent.mkdir(parents=True, exist_ok=True)
    return write_if_changed(out, code.encode()), _lacking(root, out, model)


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


def _lacking(root: Path, out: Path, model: Model) -> str:
    """The lines that make cargo build the file; empty if they are there."""
    table: Any = tomllib.loads((root / "Cargo.toml").read_text(encoding="utf-8"))
    path = out.resolve().relative_to(root.resolve()).as_posix()
    lines: list[str] = []
    tables = ("dependencies", "dev-dependencies")
    if not any("criterion" in table.get(each, {}) for each in tables):
        lines += ["[dev-dependencies]", _CRITERION, ""]
    named = [each for each in table.get("bench", []) if _path_of(each) == path]
    if not any(each.get("harness") is False for each in named):
        lines += ["[[bench]]", f'name = "{out.stem}"']
        lines += [] if path == f"benches/{out.stem}.rs" else [f'path = "{path}"']
        lines += ["harness = false"]
        if model.features:
            features = ", ".join(f'"{feature}"' for feature in model.features)
            lines += [f"required-features = [{features}]"]
    return "\n".join(lines).strip()


def _path_of(bench: Any) -> str:
    return bench.get("path") or f"benches/{bench.get('name', '')}.rs"
