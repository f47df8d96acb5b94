"""A user's crate: what its `[package.metadata.pycandle]` says, and its checked-in generated code.

It must not know how code is generated; the bridge does. The crate `pycandle-build` reads the same
table with the same rules.
"""

from __future__ import annotations

import difflib
import os
import subprocess
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from pycandle.bridge import generate_files
from pycandle.errors import Finding, ProjectError, StaleError
from pycandle.output import write_if_changed

_KEYS = ("generated", "manifests", "models", "python")
_MODEL_KEYS = ("model",)


@dataclass(frozen=True, slots=True)
class Model:
    """One model of a crate."""

    manifest: Path  # relative to the crate
    module: str
    options: dict[str, str]


@dataclass(frozen=True, slots=True)
class Crate:
    """A crate that lists models."""

    root: Path
    generated: Path  # relative to the crate
    models: tuple[Model, ...]


def sync(root: Path, check: bool = False) -> list[Path]:
    """Write the checked-in Rust of every model of a crate; returns the files that changed.

    With `check` nothing is written, and `StaleError` has a diff of each file that would change.
    Raises `ProjectError`, `ManifestError` or `UnsupportedError`; then nothing is written either.
    """
    crate = read_crate(root)
    files: dict[Path, str] = {}
    for model in crate.models:
        made = generate_files(crate.root / model.manifest, model.module, model.options)
        files |= {crate.root / crate.generated / name: rustfmt(text) for name, text in made.items()}
    if check:
        stale = [finding for path, text in files.items() if (finding := _difference(path, text))]
        if stale:
            raise StaleError(*stale)
        return []
    (crate.root / crate.generated).mkdir(parents=True, exist_ok=True)
    return [path for path, text in files.items() if write_if_changed(path, text.encode())]


def read_crate(root: Path) -> Crate:
    """The crate whose Cargo.toml lies in `root`. Raises `ProjectError`."""
    path = root / "Cargo.toml"
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ProjectError(
            Finding("there is no Cargo.toml", str(root), "name a crate with --crate")
        ) from None
    except (OSError, ValueError) as error:
        raise ProjectError(
            Finding(f"Cargo.toml cannot be read: {error}", str(path), "correct it")
        ) from error
    table: dict[str, Any] = document
    for key in ("package", "metadata", "pycandle"):
        inner = table.get(key)
        table = cast("dict[str, Any]", inner) if isinstance(inner, dict) else {}
    if not table.get("manifests"):
        raise ProjectError(
            Finding(
                "the crate lists no models",
                str(path),
                'add [package.metadata.pycandle] with manifests = ["models/NAME_manifest.json"]',
            )
        )
    return _crate(root, table, str(path))


def path_in_crate(manifest: Path, out: Path) -> str:
    """The manifest's path from the crate that a file belongs to, as its parity tests need it."""
    for folder in out.resolve().parents:
        if (folder / "Cargo.toml").is_file():
            return Path(os.path.relpath(manifest.resolve(), folder)).as_posix()
    return manifest.name


def rustfmt(text: str) -> str:
    """The code as rustfmt lays it out, whatever rustfmt.toml lies about."""
    command = [os.environ.get("RUSTFMT", "rustfmt"), "--edition", "2024", "--quiet"]
    with tempfile.TemporaryDirectory() as folder:
        try:
            done = subprocess.run(
                command, input=text, capture_output=True, text=True, cwd=folder, check=False
            )
        except FileNotFoundError:
            raise ProjectError(
                Finding("rustfmt was not found", "PATH", "run `rustup component add rustfmt`")
            ) from None
    if done.returncode != 0:
        raise ProjectError(
            Finding(
                f"rustfmt refuses the generated code: {done.stderr.strip()[:500]}",
                "rustfmt",
                "report this with the manifest: generated code must always parse",
            )
        )
    return done.stdout


def _crate(root: Path, table: dict[str, Any], where: str) -> Crate:
    _known(table, _KEYS, where, "package.metadata.pycandle")
    options = table.get("models", {})
    manifests = table.get("manifests", [])
    if not isinstance(manifests, list) or not isinstance(options, dict):
        raise _wrong("manifests must be a list of paths, models a table", where)
    models: list[Model] = []
    for entry in manifests:  # type: ignore[reportUnknownVariableType]
        if not isinstance(entry, str):
            raise _wrong("manifests must be a list of paths", where)
        module = Path(entry).stem.removesuffix("_manifest")
        own = options.get(module, {})  # type: ignore[reportUnknownVariableType]
        _known(own, _MODEL_KEYS, where, f"package.metadata.pycandle.models.{module}")  # type: ignore[reportUnknownArgumentType]
        model = str(own.get("model", ""))  # type: ignore[reportUnknownArgumentType]
        models.append(
            Model(Path(entry), module, {"manifest": entry, "model": model, "module": module})
        )
    listed = {model.module for model in models}
    for name in options:  # type: ignore[reportUnknownVariableType]
        if name not in listed:
            raise _wrong(f"models.{name} has no manifest of that name", where)
    if not isinstance(table.get("python", ""), str):
        raise _wrong("python must be a path", where)
    generated = table.get("generated", "src/generated")
    if (
        not isinstance(generated, str)
        or Path(generated).is_absolute()
        or ".." in Path(generated).parts
    ):
        raise _wrong("generated must be a folder inside the crate", where)
    # Folders of macOS and Windows take `A.rs` and `a.rs` for the same file.
    modules = [model.module.lower() for model in models]
    for module in modules:
        if modules.count(module) > 1:
            raise _wrong(f"two manifests give the module {module}", where)
    return Crate(root, Path(generated), tuple(models))


def _known(table: object, keys: tuple[str, ...], where: str, name: str) -> None:
    if not isinstance(table, dict):
        raise _wrong(f"{name} must be a table", where)
    for key in table:  # type: ignore[reportUnknownVariableType]
        if key not in keys:
            near = difflib.get_close_matches(str(key), keys, 1)  # type: ignore[reportUnknownArgumentType]
            raise ProjectError(
                Finding(
                    f"unknown key `{key}` in [{name}]",
                    where,
                    f"write `{near[0]}`" if near else f"use one of {', '.join(keys)}",
                )
            )


def _wrong(what: str, where: str) -> ProjectError:
    return ProjectError(Finding(what, where, "correct [package.metadata.pycandle]"))


def _difference(path: Path, text: str) -> Finding | None:
    try:
        current = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Finding("a generated file is missing", str(path), "run `pycandle sync`")
    if current == text:
        return None
    lines = difflib.unified_diff(
        current.splitlines(), text.splitlines(), "checked in", "generated", n=1, lineterm=""
    )
    shown = "\n".join(list(lines)[:40])
    return Finding(f"a generated file is stale\n{shown}", str(path), "run `pycandle sync`")
