"""Adds to a user's Cargo.toml and .cargo/config.toml what a recorded model needs.

What is there already stays as it is, to the letter: comments, order, versions, keys. It must not
know what else a crate consists of.
"""

# tomlkit's containers are typed as dictionaries of anything.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pycandle import __version__
from pycandle.errors import Finding, ProjectError

CANDLE = "0.11"
"""The version of Candle that the runtime of this version works with."""

_EXCLUDED = [".pycandle/venv", ".pycandle/traces/*.safetensors",
             "!.pycandle/traces/*_constants.safetensors",
             ".pycandle/traces/*_times.json"]  # fmt: skip


def read_package(text: str, path: Path) -> Mapping[str, Any]:
    """The `[package]` of a Cargo.toml. Raises `ProjectError` if it has none."""
    package = _parse(text, path).get("package")
    if not (hasattr(package, "setdefault") and "name" in package):
        raise ProjectError(
            Finding(
                "Cargo.toml has no package" if text else "there is no crate here",
                str(path),
                "make a crate with `pycandle new NAME --model MODEL`, or name one with --crate",
            )
        )
    return package


def with_model(
    text: str, path: Path, manifest: str, module: str, options: Mapping[str, Any], root: bool
) -> str:
    """A Cargo.toml with what a model needs; `root` if profiles are read from it.

    Raises `ProjectError` if the text is no TOML or holds something else where a table belongs.
    """
    import tomlkit

    document = _parse(text, path)
    package = _table(document, path, "package")
    if "include" not in package:
        package.setdefault("exclude", _EXCLUDED)
    for name, version in (("candle-core", CANDLE), ("candle-nn", CANDLE),
                          ("pycandle-runtime", __version__)):  # fmt: skip
        _table(document, path, "dependencies").setdefault(name, version)
    _table(document, path, "build-dependencies").setdefault("pycandle-build", __version__)
    features = _table(document, path, "features")
    for name in ("cuda", "flash-attn", "metal"):
        features.setdefault(name, [f"pycandle-runtime/{name}"])
    metadata = _table(document, path, "package", "metadata", "pycandle")
    manifests: Any = metadata.setdefault("manifests", [])
    if not hasattr(manifests, "append"):
        raise _wrong(path, "`manifests` in [package.metadata.pycandle] is no list")
    if manifest not in manifests:
        manifests.append(manifest)
        models = _table(document, path, "package", "metadata", "pycandle", "models", module)
        for key, value in options.items():
            models.setdefault(key, value)
        models.add(tomlkit.nl())
    if root:
        profile = _table(document, path, "profile", "dev", "package", "*")
        if not profile:
            profile.comment("An unoptimised Candle is slow.")
            profile["opt-level"] = 3
    return document.as_string()


def with_allocator(text: str, path: Path) -> str:
    """A Cargo.toml of a new crate, whose programs keep the memory of freed tensors by default."""
    document = _parse(text, path)
    features = _table(document, path, "features")
    features["default"] = ["caching-allocator"]
    features["caching-allocator"] = ["pycandle-runtime/caching-allocator"]
    features["default"].comment("without it, a program can have another #[global_allocator]")
    return document.as_string()


def with_python(
    text: str, path: Path, python: Mapping[str, object] | str, clone: Path | None
) -> str:
    """A .cargo/config.toml that names the Python of builds, and the crates of a clone, if any."""
    document = _parse(text, path)
    value = python if isinstance(python, str) else _inline(python)
    _table(document, path, "env").setdefault("PYCANDLE_PYTHON", value)
    if clone:
        patched = _table(document, path, "patch", "crates-io")
        for name in ("pycandle-build", "pycandle-runtime"):
            patched.setdefault(name, _inline({"path": str(clone / "crates" / name)}))
    return document.as_string()


def _inline(content: Mapping[str, object]) -> Any:
    import tomlkit

    table: Any = tomlkit.inline_table()
    table.update(content)
    return table


def _parse(text: str, path: Path) -> Any:
    import tomlkit
    from tomlkit.exceptions import ParseError

    try:
        return tomlkit.parse(text)
    except ParseError as error:
        raise _wrong(path, f"it is not valid TOML: {error}") from error


def _table(document: Any, path: Path, *keys: str) -> Any:
    """The table at these keys, made where it is missing."""
    import tomlkit

    table = document
    for depth, key in enumerate(keys):
        if key not in table:
            # Tables that only hold tables need no header of their own.
            table[key] = tomlkit.table(is_super_table=depth + 1 < len(keys))
        table = table[key]
        if not hasattr(table, "setdefault"):
            raise _wrong(path, f"`{'.'.join(keys[: depth + 1])}` is no table")
    return table


def _wrong(path: Path, what: str) -> ProjectError:
    return ProjectError(Finding(what, str(path), "correct it, and run the command again"))
