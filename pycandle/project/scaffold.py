"""Makes a crate for a recorded model, or adds to an existing crate what it lacks.

What is there already is the user's and stays, so running it again changes nothing. All texts are
made before the first is written.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pycandle.emit.names import is_identifier, type_identifier
from pycandle.errors import NO_CARGO, Finding, ProjectError, ToolError
from pycandle.output import write_if_changed
from pycandle.project import crate_files
from pycandle.project.architectures import Architecture, find_architecture
from pycandle.project.cargo_toml import (
    read_package,
    with_allocator,
    with_model,
    with_python,
)
from pycandle.project.environment import clone_folder, make_environment, managed_python
from pycandle.project.recorder import recorder_script

MANIFEST = ".pycandle/traces/{}_manifest.json"


@dataclass(frozen=True, slots=True)
class Change:
    """What became of a file: `made`, `changed`, or `kept` with what the user has to do to it."""

    path: Path
    what: str
    advice: str = ""


def new(path: Path, model: str | None) -> list[Change]:
    """Make a library crate at `path`, as `cargo new` does, for a model that `--model` names.

    Raises `ProjectError` if the model is unknown or cargo refuses the path, `ToolError` without
    cargo; then nothing is there.
    """
    module = _module(path.name)
    architecture = find_architecture(model) if model else None
    _cargo("new", "--lib", "--quiet", "--edition", "2024", "--", str(path))
    title = architecture.title if architecture else "A PyTorch model"
    struct = type_identifier(module)
    stateful = struct if architecture and architecture.state else ""
    files = {
        "src/lib.rs": crate_files.library(module, struct, title),
        "tests/load.rs": crate_files.test(module, path.name.replace("-", "_")),
        "README.md": crate_files.readme(path.name, module, title, stateful),
    }
    (path / "src/lib.rs").unlink()
    made = _write(path, files)
    return made + _add(path, module, architecture, managed_python(path), is_new=True)


def init(
    root: Path,
    model: str | None,
    name: str | None,
    python: Path | None,
    say: Callable[[str], None],
    environment: bool = True,
) -> list[Change]:
    """Add a model to the crate in `root`, called as the crate unless `name` says so.

    Without `python` and with `environment`, `.pycandle/venv` is made. Raises `ProjectError` or
    `ToolError`; then no file of the crate has changed.
    """
    cargo_toml = root / "Cargo.toml"
    module = _module(name or read_package(_text(cargo_toml), cargo_toml)["name"])
    architecture = find_architecture(model) if model else None
    if environment and python is None:
        libraries = (architecture.library,) if architecture and architecture.library else ()
        python = make_environment(root, libraries, say)
    return _add(root, module, architecture, python)


def _add(
    root: Path,
    module: str,
    architecture: Architecture | None,
    python: Path | None,
    is_new: bool = False,
) -> list[Change]:
    cargo_toml, config = root / "Cargo.toml", root / ".cargo/config.toml"
    text, manifest = _text(cargo_toml), MANIFEST.format(module)
    package = read_package(text, cargo_toml)
    top = _is_workspace_root(root)
    options: dict[str, object] = {"model": type_identifier(module)}
    if architecture and architecture.state:
        options["stateful"] = True
    text = with_model(text, cargo_toml, manifest, module, options, top)
    texts = {
        "Cargo.toml": with_allocator(text, cargo_toml) if is_new else text,
        ".cargo/config.toml": with_python(
            _text(config), config, _interpreter(root, python), clone_folder()
        ),
        ".gitignore": _with_lines(_text(root / ".gitignore"), crate_files.IGNORED),
    }
    library = next((p for p in ("src/lib.rs", "src/main.rs") if (root / p).exists()), "src/lib.rs")
    code = _text(root / library)
    if f'include_model!("{module}")' not in code:
        texts[library] = f"{code}\n{crate_files.include(module)}".lstrip("\n")
    kept: list[Change] = []
    build = str(package.get("build") or "build.rs")
    if not (root / build).exists():
        texts[build] = crate_files.BUILD
    elif "pycandle_build::compile" not in _text(root / build):
        kept.append(Change(Path(build), "kept", "call `pycandle_build::compile()` in its main"))
    script = ".pycandle/scripts/recorder.py"
    if not (root / script).exists():
        texts[script] = recorder_script(module, architecture)
    elif architecture and architecture.build[-1] not in _text(root / script):
        kept.append(Change(Path(script), "kept", f"record {architecture.title} in it"))
    return _write(root, texts) + kept


def _interpreter(root: Path, python: Path | None) -> dict[str, object] | str:
    """What builds should run, so that an editor with another PATH runs the same."""
    if python is not None and python == managed_python(root):
        return {"value": python.relative_to(root).as_posix(), "relative": True}
    return str(python or sys.executable)


def _with_lines(text: str, lines: tuple[str, ...]) -> str:
    known = text.splitlines()
    missing = [line for line in lines if line not in known]
    start = text if not text or text.endswith("\n") else f"{text}\n"
    return start + "".join(f"{line}\n" for line in missing)


def _write(root: Path, texts: dict[str, str]) -> list[Change]:
    changes: list[Change] = []
    for name, text in texts.items():
        path = root / name
        existed = path.exists()
        path.parent.mkdir(parents=True, exist_ok=True)
        if write_if_changed(path, text.encode()):
            changes.append(Change(Path(name), "changed" if existed else "made"))
    return changes


def _module(name: str) -> str:
    """The Rust module of a model. Raises `ProjectError` if Rust cannot have that name."""
    module = name.replace("-", "_")
    if not (is_identifier(module) and module == module.lower()):
        raise ProjectError(
            Finding(f"`{name}` cannot name a model", "the crate's name", "use a name as in my_llm")
        )
    return module


def _is_workspace_root(root: Path) -> bool:
    """Whether cargo reads profiles from this crate's Cargo.toml."""
    found = _cargo("locate-project", "--workspace", "--message-format", "plain", "--manifest-path",
                   str(root / "Cargo.toml"))  # fmt: skip
    return Path(found.strip()).resolve() == (root / "Cargo.toml").resolve()


def _cargo(*arguments: str) -> str:
    try:
        done = subprocess.run(["cargo", *arguments], capture_output=True, text=True, check=False)
    except OSError as error:
        raise ToolError(NO_CARGO) from error
    if done.returncode:
        said = done.stderr.strip().removeprefix("error: ")
        raise ProjectError(Finding(f"cargo refuses: {said}", f"cargo {arguments[0]}", "correct it"))
    return done.stdout


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError as error:
        raise ProjectError(Finding("the file is not UTF-8", str(path), "correct it")) from error
