"""A user's crate: what its `[package.metadata.pycandle]` says, and its checked-in generated code.

It must not know how code is generated; the bridge does.
"""

from __future__ import annotations

import difflib
import os
import subprocess
import tempfile
from pathlib import Path

from pycandle.bridge import digest, generate_files
from pycandle.errors import Finding, ProjectError, PyCandleError, StaleError, ToolError
from pycandle.metadata import Metadata, Model, crate_metadata
from pycandle.output import write_if_changed


def sync(root: Path, check: bool = False) -> list[Path]:
    """Write the checked-in Rust of every model of a crate; returns the files that changed.

    With `check` nothing is written, and `StaleError` has a diff of each file that would change.
    Raises `ProjectError`, `ManifestError` or `UnsupportedError`; then nothing is written either.
    """
    metadata = crate_metadata(root)
    files: dict[Path, str] = {}
    folder = root / metadata.generated
    for model in metadata.models:
        made = generate_files(root / model.manifest, model.module, model.options)
        files |= {folder / name: rustfmt(text) for name, text in made.items()}
    if check:
        stale = [finding for path, text in files.items() if (finding := _difference(path, text))]
        if stale:
            raise StaleError(*stale)
        return []
    folder.mkdir(parents=True, exist_ok=True)
    return [path for path, text in files.items() if write_if_changed(path, text.encode())]


def compiled(root: Path, metadata: Metadata, model: Model) -> dict[str, str]:
    """The files of a model as a build takes them: those checked in, unless they are stale.

    Raises what generating them raises.
    """
    manifest, folder = root / model.manifest, root / metadata.generated
    mark = f"// pycandle-digest: {digest(manifest.read_bytes(), model.options)}\n"
    paths = [folder / f"{model.module}{kind}.rs" for kind in ("", "_parity")]
    found = {path.name: path.read_text(encoding="utf-8") for path in paths if path.is_file()}
    if len(found) == len(paths) and all(mark in text for text in found.values()):
        return found
    made = generate_files(manifest, model.module, model.options)
    return {name: rustfmt(text) for name, text in made.items()}


def changed(root: Path) -> list[str]:
    """The checked-in files that are not what their manifests generate, if that can be told."""
    try:
        sync(root, check=True)
    except StaleError as stale:
        return [finding.where for finding in stale.findings]
    except PyCandleError:
        return []
    return []


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
            raise ToolError(
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
