"""`[package.metadata.pycandle]` of a user's Cargo.toml, read strictly.

Every key has an environment variable that overrides it: `PYCANDLE_GENERATED`, and
`PYCANDLE_MODELS_TOY_MODULE` for `models.toy.module`. The crate `pycandle-build` reads the same with
the same rules; `tests/bridge/metadata.json` holds both to it.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from pycandle.emit.lowering import WEIGHT_DTYPES
from pycandle.emit.names import is_identifier
from pycandle.errors import Finding, ProjectError
from pycandle.graph.files import in_capitals, stem

_KEYS = ("manifests", "generated", "python", "models")
_MODEL_KEYS = ("model", "module", "features", "checker", "stateful", "dtype", "fuse")
_EXAMPLES = {
    "manifests": 'manifests = ["models/minilm_manifest.json"]',
    "generated": 'generated = "src/generated"',
    "python": 'python = "../.venv/bin/python"',
    "model": 'model = "MiniLm"',
    "module": 'module = "minilm"',
    "features": 'features = ["embeddings"]',
    "checker": "checker = false",
    "stateful": "stateful = true",
    "dtype": 'dtype = "f32"',
    "fuse": "fuse = false",
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
    stateful: bool = False
    dtype: str = ""  # what the weights are loaded in; empty for what the caller asks for
    fuse: bool = True

    @property
    def options(self) -> dict[str, str]:
        """What shapes the generated code, and is part of its digest."""
        return {
            **({} if self.checker else {"checker": "false"}),
            **({"dtype": self.dtype} if self.dtype else {}),
            **({} if self.fuse else {"fuse": "false"}),
            "manifest": self.manifest,
            "model": self.model,
            "module": self.module,
            **({"stateful": "true"} if self.stateful else {}),
        }


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
    if settings.get("manifests").value is None:
        raise ProjectError(
            Finding(
                "no manifest is listed",
                f"{where}, [{_TABLE}]",
                f"list one: `{_EXAMPLES['manifests']}`",
            )
        )
    settings.get("python").path()
    return Metadata(_models(settings), settings.get("generated").folder("src/generated"))


def asked_models(metadata: Metadata, module: str) -> tuple[Model, ...]:
    """The models of a crate, or the one of that module. Raises `ProjectError` without it."""
    asked = tuple(each for each in metadata.models if module in ("", each.module))
    if not asked:
        modules = ", ".join(each.module for each in metadata.models)
        raise ProjectError(
            Finding(f"the crate has no model {module!r}", "--model", f"name one of: {modules}")
        )
    return asked


def model_recorded(metadata: Metadata, name: str) -> Model:
    """The model of that recording. Raises `ProjectError` if the crate lists it no more."""
    for model in metadata.models:
        if stem(model.manifest) == name:
            return model
    what = f"the crate lists no recording {name!r}"
    raise ProjectError(Finding(what, "Cargo.toml", "run `pycandle verify` again"))


def crate_metadata(root: Path) -> Metadata:
    """What the Cargo.toml in `root` asks of PyCandle. Raises `ProjectError`."""
    path = root / "Cargo.toml"
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ProjectError(
            Finding("there is no Cargo.toml", str(root), "name a crate with --crate")
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ProjectError(
            Finding(f"Cargo.toml cannot be read: {error}", str(path), "correct it")
        ) from error
    return read_metadata(text, os.environ, str(path))


def check_dtype(dtype: str, where: str) -> None:
    """Raise `ProjectError` if no weights are loaded in this dtype."""
    if dtype not in WEIGHT_DTYPES:
        raise ProjectError(
            Finding(
                f"`{dtype}` is no dtype that weights are loaded in",
                where,
                f"write one of `{'`, `'.join(WEIGHT_DTYPES)}`",
            )
        )


@dataclass(frozen=True, slots=True)
class _Setting:
    """One setting; its methods name the key and the place if it is not what it should be."""

    key: str
    value: object  # None if it is nowhere
    where: str
    in_variable: bool  # where a list is separated by commas, and everything is text

    def string(self, default: str = "") -> str:
        if self.value is None:
            return default
        if not isinstance(self.value, str):
            raise _wrong_type(self.key, self.value, "a string", self.where)
        return self.value

    def strings(self) -> list[str]:
        if self.in_variable:
            return [item for part in self.string().split(",") if (item := part.strip())]
        items: object = [] if self.value is None else self.value
        if not isinstance(items, list):
            raise _wrong_type(self.key, items, "an array of strings", self.where)
        for item in cast("list[object]", items):
            if not isinstance(item, str):
                raise _wrong_type(self.key, item, "an array of strings", self.where)
        return cast("list[str]", items)

    def boolean(self, default: bool) -> bool:
        if self.value is None:
            return default
        texts = {"true": True, "false": False}
        value = texts.get(self.string()) if self.in_variable else self.value
        if not isinstance(value, bool):
            raise _wrong_type(self.key, self.value, "`true` or `false`", self.where)
        return value

    def path(self, default: str = "") -> str:
        path = self.string(default)
        if self.value is not None:
            _one_line(self.key, path, self.where)
        return path

    def folder(self, default: str) -> str:
        path = self.path(default)
        parts = path.split("/")
        if parts[0] in ("", ".") or ".." in parts:
            raise ProjectError(
                Finding(
                    f"`{self.key}` must be a folder inside the crate, and is `{path}`",
                    self.where,
                    "write a path such as `src/generated`",
                )
            )
        return path.rstrip("/\\")


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

    def get(self, key: str) -> _Setting:
        variable = f"{self.prefix}_{key.upper()}"
        if text := self.variables.get(variable):
            return _Setting(key, text, f"the environment variable {variable}", True)
        return _Setting(key, self.table.get(key), self.where, False)


def _models(settings: _Settings) -> tuple[Model, ...]:
    listed = settings.get("manifests")
    manifests, where = listed.strings(), listed.where
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
            f"PYCANDLE_MODELS_{in_capitals(name)}",
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


def _model(own: _Settings, manifest: str, name: str) -> Model:
    model, module = own.get("model"), own.get("module")
    if model.value is not None and not is_identifier(model.string()):
        raise ProjectError(
            Finding(
                f"`{model.value}` cannot be the name of a Rust struct",
                model.where,
                "use ASCII letters, digits and `_`, and no keyword",
            )
        )
    if not is_identifier(module.string(name)):
        raise ProjectError(
            Finding(
                f"`{module.string(name)}` cannot be the name of a Rust module",
                module.where,
                f"name one as in `module = \"minilm\"` in [{_TABLE}.models.'{name}']: ASCII "
                "letters, digits and `_`, and no keyword",
            )
        )
    features, checker = tuple(own.get("features").strings()), own.get("checker").boolean(True)
    stateful, dtype = own.get("stateful").boolean(False), own.get("dtype")
    fuse = own.get("fuse").boolean(True)
    if dtype.value is not None:
        check_dtype(dtype.string(), dtype.where)
    return Model(
        manifest, module.string(name), model.string(), features, checker, stateful, dtype.string(),
        fuse,
    )  # fmt: skip


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
