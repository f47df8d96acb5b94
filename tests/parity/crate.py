"""The generated crate: the Rust of many recordings, compiled once by the real cargo, and its runs.

It lies under cargo's own target folder and changes only where its content does, so that a second
session compiles nothing.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pycandle.bridge import generate_files
from pycandle.crate import rustfmt
from pycandle.output import write_if_changed

ROOT = Path(__file__).resolve().parents[2]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve()

CARGO_TOML = """\
[package]
name = "{name}"
version = "0.1.0"
edition = "2024"
publish = false

[dependencies]
candle-core = "{candle-core}"
candle-nn = "{candle-nn}"
pycandle-runtime = {runtime}
{more}
[lints]
workspace = true

[workspace]

"""


@dataclass(frozen=True)
class Edit:
    """A textual change of generated code; the old text must stand there `times` times."""

    file: str  # "" for the model itself, "_parity" for its tests
    old: str
    new: str
    times: int = 1


@dataclass(frozen=True)
class Module:
    """One Rust module of the crate: a recording's code, possibly changed."""

    name: str
    recording: str
    folder: str = "models"  # where the recording lies, relative to the crate
    edits: Sequence[Edit] = ()
    change: Callable[[str], str] | None = None  # of the model's code, after its edits


@dataclass(frozen=True)
class Crate:
    """A compiled crate."""

    path: Path
    binary: Path

    def run(self, module: str, test: str, environment: Mapping[str, str] | None = None) -> Run:
        """Run one test of one module and read its report."""
        command = [self.binary, "--exact", f"{module}::parity::{test}", "--nocapture"]
        done = subprocess.run(
            command, cwd=self.path, env=environment, capture_output=True, text=True, check=False,
            encoding="utf-8",
        )  # fmt: skip
        assert "running 1 test\n" in done.stdout, f"{module} has no test {test}"
        return read_run(done.returncode == 0, done.stdout + done.stderr)


@dataclass(frozen=True)
class Run:
    """One test run: whether it passed, and what its report says."""

    passed: bool
    output: str
    compared: int = 0
    expected: int = 0
    culprit: str = ""  # path and call, as the report prints them
    failed: Sequence[str] = field(default=())  # every module call that differs, once per case


def read_run(passed: bool, output: str) -> Run:
    """The numbers and names in a report's text."""
    summary = re.search(r": (\d+) of (\d+) module calls compared; ", output)
    culprit = re.search(r"^first culprit: (.+?) \([A-Z]\w*[,)]", output, re.MULTILINE)
    return Run(
        passed,
        output,
        int(summary[1]) if summary else 0,
        int(summary[2]) if summary else 0,
        culprit[1] if culprit else "",
        re.findall(r"^  FAIL  (.+?)  ", output, re.MULTILINE),
    )


def write_crate(
    path: Path, modules: Sequence[Module], support: str = "", name: str = "parity"
) -> None:
    """Generate every module from its recording; `support` is Rust that edited modules call."""
    (path / "src").mkdir(parents=True, exist_ok=True)
    _write(path / "Cargo.toml", crate_toml(name))
    # The workspace's own versions, so that nothing is resolved anew; cargo drops the rest.
    shutil.copy(ROOT / "Cargo.lock", path)
    shutil.copy(ROOT / "clippy.toml", path)
    for module in modules:
        for name, text in generate(path, module).items():
            _write(path / "src" / name, text)
    _write(path / "src" / "lib.rs", "\n".join([*map(_declaration, modules), support]))


def generate(path: Path, module: Module) -> dict[str, str]:
    """The module's files by name, as `pycandle sync` checks them in, with its edits."""
    manifest = f"{module.folder}/{module.recording}_manifest.json"
    options = {"manifest": manifest, "model": "", "module": module.name}
    made = generate_files(path / manifest, module.name, options)
    files = {name: rustfmt(text) for name, text in made.items()}
    for edit in module.edits:
        name = f"{module.name}{edit.file}.rs"
        found = files[name].count(edit.old)
        assert found == edit.times, f"{name} has {edit.old!r} {found} times, not {edit.times}"
        files[name] = files[name].replace(edit.old, edit.new)
    if module.change:
        files[f"{module.name}.rs"] = module.change(files[f"{module.name}.rs"])
    return files


def compile_crate(path: Path) -> Crate:
    """Compile the crate's tests once."""
    arguments = ["test", "--no-run", "--message-format=json-render-diagnostics"]
    done = cargo(path, *arguments)
    assert done.returncode == 0, done.stderr
    messages = [json.loads(line) for line in done.stdout.splitlines()]
    (binary,) = [m["executable"] for m in messages if m.get("executable")]
    return Crate(path, Path(binary))


def cargo(path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run cargo in the crate, with the repository's target folder."""
    environment = {**os.environ, "CARGO_TARGET_DIR": str(TARGET), "CARGO_TERM_COLOR": "never"}
    return subprocess.run(
        ["cargo", *arguments],
        cwd=path, env=environment, capture_output=True, text=True, check=False, encoding="utf-8",
    )  # fmt: skip


def crate_toml(
    name: str, more: Sequence[str] = (), candle: str = "", features: Sequence[str] = ()
) -> str:
    """The crate's own tables, then the workspace's lints and profiles, word for word.

    `more` names dependencies beyond Candle and the runtime; `candle` is the one version of Candle
    to build with, instead of those that the workspace takes; `features` are the runtime's.
    """
    text = (ROOT / "Cargo.toml").read_text(encoding="utf-8")
    versions = tomllib.loads(text)["workspace"]["dependencies"]
    runtime: dict[str, object] = {"path": str(ROOT / "crates" / "pycandle-runtime")}
    if features:
        runtime["features"] = [*features]
    tables: Mapping[str, str] = {
        table[1]: table[0] for table in re.finditer(r"^\[(.+)\]\n(?:(?!\[).*\n?)*", text, re.M)
    }
    kept = [
        text for name, text in tables.items() if name.startswith(("workspace.lints", "profile"))
    ]
    assert kept, "the workspace states no lints and no profile"
    lines = "".join(f"{crate} = {_dependency(versions[crate])}\n" for crate in more)
    if candle:
        versions |= {"candle-core": f"={candle}", "candle-nn": f"={candle}"}
    tables_of = versions | {"runtime": _dependency(runtime), "name": name, "more": lines}
    return CARGO_TOML.format(**tables_of) + "".join(kept)


def locked_version(crate: str) -> str:
    """The version of a crate that the workspace is built with."""
    packages = tomllib.loads((ROOT / "Cargo.lock").read_text(encoding="utf-8"))["package"]
    return next(package["version"] for package in packages if package["name"] == crate)


def _dependency(spec: str | Mapping[str, object]) -> str:
    """A dependency of the workspace, as TOML."""
    if isinstance(spec, str):
        return json.dumps(spec)
    return f"{{ {', '.join(f'{key} = {json.dumps(value)}' for key, value in spec.items())} }}"


def _declaration(module: Module) -> str:
    """The module with its tests; one that was edited on purpose is of no interest to lints."""
    allowed = (
        "#[cfg(test)]\n#[allow(warnings, clippy::all)]\n" if module.edits or module.change else ""
    )
    return (
        f"{allowed}pub mod {module.name} {{\n"
        f'    include!("{module.name}.rs");\n'
        f'    #[cfg(test)] mod parity {{ include!("{module.name}_parity.rs"); }}\n'
        "}\n"
    )


def _write(path: Path, text: str) -> None:
    write_if_changed(path, text.encode())
