"""The manifest of a crate that stands alone, with candle and the runtime as another resolves them.

It must not know what the crate holds.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from pycandle.errors import NO_CARGO, Finding, ProjectError, ToolError

_NEEDED = ("candle-core", "candle-nn", "pycandle-runtime")
_REGISTRY = "registry+https://github.com/rust-lang/crates.io-index"
_HEAD = """\
[package]
# Cargo tells crates of one target folder apart by their names.
name = "reproduce-{mark}"
version = "0.0.0"
edition = "2024"
publish = false

[lib]
name = "reproduce"

[dependencies]
"""
_TAIL = """
# An unoptimised Candle is slow.
[profile.dev.package."*"]
opt-level = 3

# It belongs to no workspace around it.
[workspace]
"""


def resolved(root: Path) -> Mapping[str, Any]:
    """What cargo says of the crate in `root` and its dependencies.

    Raises `ToolError` without cargo, `ProjectError` if it cannot tell.
    """
    host = next(
        (line.removeprefix("host: ") for line in _cargo(root, "-vV").stdout.splitlines()
         if line.startswith("host: ")), "",
    )  # fmt: skip
    # What is built for this machine is here already, and for others need not be.
    only = ["--filter-platform", host] if host else []
    done = _cargo(root, "metadata", "--format-version", "1", "--offline", *only)
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or ["nothing"]
        what = f"cargo does not tell the crate's dependencies: {last[0]}"
        raise ProjectError(Finding(what, str(root / "Cargo.toml"), "build the crate first"))
    return json.loads(done.stdout)


def _cargo(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            ["cargo", *arguments], cwd=root, capture_output=True, check=False, encoding="utf-8",
            errors="replace",
        )  # fmt: skip
    except OSError as error:
        raise ToolError(NO_CARGO) from error


def cargo_toml(metadata: Mapping[str, Any], mark: str) -> str:
    """The text of Cargo.toml; `mark` tells the crate from others of its kind.

    Raises `ProjectError` if a crate that is needed is not among them.
    """
    packages = {package["id"]: package for package in metadata["packages"]}
    nodes: list[Mapping[str, Any]] = metadata["resolve"]["nodes"]
    found = {packages[node["id"]]["name"]: node for node in nodes}
    lines: list[str] = []
    for name in _NEEDED:
        if name not in found:
            what = f"the crate does not depend on {name}"
            raise ProjectError(Finding(what, "Cargo.toml", "add it"))
        package, features = packages[found[name]["id"]], found[name]["features"]
        # What a patch put in the place of a published crate is patched here too.
        patched = name != "pycandle-runtime" and not _is_published(package)
        place = f'version = "={package["version"]}"' if patched else _place(package)
        listed = ", ".join(map(_text, sorted(features)))
        lines.append(f"{name} = {{ {place}, default-features = false, features = [{listed}] }}")
    patches = sorted(_patches(packages))
    if patches:
        lines += ["", "[patch.crates-io]", *patches]
    return _HEAD.format(mark=mark) + "\n".join(lines) + "\n" + _TAIL


def _patches(packages: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Crates from elsewhere that some crate asks for from the registry."""
    asked = {
        dependency["name"]
        for package in packages.values()
        for dependency in package["dependencies"]
        if dependency["source"] == _REGISTRY
    }
    asked |= {name for name in _NEEDED if name != "pycandle-runtime"}
    for package in packages.values():
        if package["name"] in asked and not _is_published(package):
            yield f"{package['name']} = {{ {_place(package)} }}"


def _is_published(package: Mapping[str, Any]) -> bool:
    return str(package["source"] or "").startswith(("registry+", "sparse+"))


def _place(package: Mapping[str, Any]) -> str:
    """Where a crate comes from, as the keys of a dependency."""
    source: str | None = package["source"]
    if source is None:
        return f"path = {_text(str(Path(package['manifest_path']).parent))}"
    if source.startswith("git+"):
        url = urlsplit(source.removeprefix("git+"))
        plain = url._replace(query="", fragment="").geturl()
        query = parse_qs(url.query)
        kept = next((f"{key} = {_text(query[key][0])}" for key in ("tag", "branch", "rev")
                     if key in query), f"rev = {_text(url.fragment)}")  # fmt: skip
        return f"git = {_text(plain)}, {kept}"
    return f'version = "={package["version"]}"'


def _text(text: str) -> str:
    """A string of TOML, which escapes as JSON does."""
    return json.dumps(text, ensure_ascii=False)
