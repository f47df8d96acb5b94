"""`[package.metadata.pycandle]` of a user's Cargo.toml, read strictly.

Every key has an environment variable that overrides it: `PYCANDLE_GENERATED`, and
`PYCANDLE_MODELS_TOY_MODULE` for `models.toy.module`. The crate `pycandle-build` reads the same with
the same rules; `tests/bridge/metadata.json` holds both to it.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from pycandle.emit.names import is_identifier
from pycandle.errors import Finding, ProjectError

_KEYS = ("manifests", "generated", "python", "models")
_MODEL_KEYS = ("model", "module", "features", "checker")
_EXAMPLES = {
    "manifests": 'manifests = ["models/minilm_manifest.json"]',
    "generated": 'generated = "src/generated"',
    "python": 'python = "../.venv/bin/python"',
    "model": 'model = "MiniLm"',
    "module": 'module = "minilm"',
    "features": 'features = ["embeddings"]',
    "checker": "checker = false",
}
_TABLE = "package.metadata.pycandle"


@dataclass(frozen=True, slots=True)
class Model:
    """One model of a crate."""

    manifest: str  # its path, relative to the crate
    module: str
    model: str = ""  # the name of the root struct; empty for the class's own
    features: tuple[str, ...] = ()
    checker: bool = True

    @property
    def options(self) -> dict[str, str]:
        """What shapes the generated code, and is part of its digest."""
        checker = {} if self.checker else {"checker": "false"}
        return {**checker, "manifest": self.manifest, "model": self.model, "module": self.module}


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a crate asks of PyCandle."""

    models: tuple[Model, ...]
    generated: str  # the folder of the checked-in files, relative to the crate


def read_metadata(text: str, variables: Mapping[str, str], where: str = "Cargo.toml") -> Metadata:
    """The metadata in the text of a Cargo.toml. Raises `ProjectError`."""
    try:
        table: Any = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ProjectError(
            Finding(f"Cargo.toml is not valid TOML: {error}", where, "correct it")
        ) from error
    for key in ("package", "metadata", "pycandle"):
        table = _table(table[key], key, where) if key in table else {}
    settings = _Settings(table, variables, where, "PYCANDLE", _TABLE)
    settings.only(_KEYS)
    if "manifests" not in table and not variables.get("PYCANDLE_MANIFESTS"):
        raise ProjectError(
            Finding(
                "no manifest is listed",
                f"{where}, [{_TABLE}]",
                f"list one: `{_EXAMPLES['manifests']}`",
            )
        )
    settings.path("python")
    return Metadata(_models(settings), settings.folder("generated", "src/generated"))


def stem(manifest: str) -> str:
    """What a manifest is called: its file name without `_manifest.json`."""
    name = re.split(r"[/\\]", manifest)[-1]
    return name.removesuffix(".json").removesuffix("_manifest")


@dataclass(frozen=True, slots=True)
class _Settings:
    """A table, and the variables that override it."""

    table: Mapping[str, Any]
    variables: Mapping[str, str]
    where: str
    prefix: str
    name: str

    def only(self, known: Sequence[str]) -> None:
        for key in self.table:
            if key not in known:
                raise _unknown(key, self.name, known, self.where)

    def get(self, key: str) -> tuple[Any, str]:
        """The value, and where it stands; None if it is nowhere."""
        variable = f"{self.prefix}_{key.upper()}"
        if text := self.variables.get(variable):
            return _Text(text), f"the environment variable {variable}"
        return self.table.get(key), self.where

    def string(self, key: str, default: str = "") -> str:
        value, where = self.get(key)
        if value is None:
            return default
        if not isinstance(value, str):
            raise _wrong_type(key, value, "a string", where)
        return str(value)

    def strings(self, key: str) -> list[str]:
        value, where = self.get(key)
        if value is None:
            return []
        if isinstance(value, _Text):
            return [item for part in value.split(",") if (item := part.strip())]
        if not isinstance(value, list):
            raise _wrong_type(key, value, "an array of strings", where)
        for item in cast("list[object]", value):
            if not isinstance(item, str):
                raise _wrong_type(key, item, "an array of strings", where)
        return cast("list[str]", value)

    def boolean(self, key: str, default: bool) -> bool:
        value, where = self.get(key)
        if value is None:
            return default
        value = {"true": True, "false": False}.get(value, value) if _is_text(value) else value
        if not isinstance(value, bool):
            raise _wrong_type(key, value, "`true` or `false`", where)
        return value

    def path(self, key: str, default: str = "") -> str:
        value, where = self.string(key, default), self.get(key)[1]
        if self.get(key)[0] is not None:
            _one_line(key, value, where)
        return value

    def folder(self, key: str, default: str) -> str:
        value, where = self.path(key, default), self.get(key)[1]
        parts = value.split("/")
        if parts[0] in ("", ".") or ".." in parts:
            raise ProjectError(
                Finding(
                    f"`{key}` must be a folder inside the crate, and is `{value}`",
                    where,
                    "write a path such as `src/generated`",
                )
            )
        return value.rstrip("/\\")


class _Text(str):
    """The value of a variable, in which a list is separated by commas."""

    __slots__ = ()


def _is_text(value: object) -> bool:
    return isinstance(value, _Text)


def _models(settings: _Settings) -> tuple[Model, ...]:
    manifests = settings.strings("manifests")
    where = settings.get("manifests")[1]
    tables = _table(settings.table.get("models", {}), "models", settings.where)
    stems = [stem(manifest) for manifest in manifests]
    for name in tables:
        if name not in stems:
            raise _unknown(name, f"{_TABLE}.models", stems, settings.where)
    models: list[Model] = []
    files: dict[str, str] = {}
    for manifest, name in zip(manifests, stems, strict=True):
        _one_line("manifests", manifest, where)
        own = _Settings(
            _table(tables.get(name, {}), name, settings.where),
            settings.variables,
            settings.where,
            f"PYCANDLE_MODELS_{re.sub('[^A-Z0-9]', '_', _upper(name))}",
            f"{_TABLE}.models.{name}",
        )
        own.only(_MODEL_KEYS)
        model = _model(own, manifest, name)
        for file in (f"{model.module}.rs", f"{model.module}_parity.rs"):
            # Folders of macOS and Windows take `A.rs` and `a.rs` for the same file.
            if other := files.get(file.lower()):
                raise ProjectError(
                    Finding(
                        f"`{other}` and `{manifest}` would both generate `{file}`",
                        where,
                        "rename one of them",
                    )
                )
            files[file.lower()] = manifest
        models.append(model)
    return tuple(models)


def _upper(name: str) -> str:
    """ASCII letters in capitals; others stay, and are replaced."""
    return re.sub("[a-z]", lambda letter: letter[0].upper(), name)


def _model(own: _Settings, manifest: str, name: str) -> Model:
    model = own.string("model")
    if own.get("model")[0] is not None and not is_identifier(model):
        raise ProjectError(
            Finding(
                f"`{model}` cannot be the name of a Rust struct",
                own.get("model")[1],
                "use ASCII letters, digits and `_`, and no keyword",
            )
        )
    module = own.string("module", name)
    if not is_identifier(module):
        raise ProjectError(
            Finding(
                f"`{module}` cannot be the name of a Rust module",
                own.get("module")[1],
                f"name one as in `module = \"minilm\"` in [{_TABLE}.models.'{name}']: ASCII "
                "letters, digits and `_`, and no keyword",
            )
        )
    features = tuple(own.strings("features"))
    return Model(manifest, module, model, features, own.boolean("checker", True))


def _table(value: object, key: str, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise _wrong_type(key, value, "a table", where)
    return cast("Mapping[str, Any]", value)


def _one_line(key: str, path: str, where: str) -> None:
    """Raise if the path cannot be written into one line for cargo."""
    if not path or any(ord(char) < 32 or 127 <= ord(char) < 160 for char in path):
        raise ProjectError(
            Finding(
                f"`{key}` holds a path that is empty or has a control character: "
                f"`{path.encode('unicode_escape').decode()}`",
                where,
                "rename the file",
            )
        )


_TOML_TYPES = {str: "a string", bool: "a boolean", int: "an integer", float: "a float",
               list: "an array", dict: "a table"}  # fmt: skip


def _wrong_type(key: str, value: object, expected: str, where: str) -> ProjectError:
    found = next((name for kind, name in _TOML_TYPES.items() if isinstance(value, kind)), "a date")
    example = _EXAMPLES.get(key, f"[{_TABLE}.models.minilm]")
    return ProjectError(
        Finding(f"`{key}` must be {expected}, and is {found}", where, f"write `{example}`")
    )


def _unknown(key: str, table: str, known: Sequence[str], where: str) -> ProjectError:
    near = difflib.get_close_matches(key, known, 1)
    fix = f"did you mean `{near[0]}`?" if near else f"known are `{'`, `'.join(known)}`"
    return ProjectError(Finding(f"unknown key `{key}`", f"{where}, [{table}]", fix))
