"""Tiny crates with a build script, built by the real cargo with nothing else in `PATH`."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest

ROOT = Path(__file__).resolve().parents[2]
VERSION: str = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]["version"]

CARGO_TOML = """\
[package]
name = "{name}"
version = "1.0.0"
edition = "2024"

[build-dependencies]
pycandle-build = {{ path = {build} }}

[dev-dependencies]
pycandle-build = {{ path = {build} }}

[workspace]

[package.metadata.pycandle]
"""
MAIN = """\
mod toy {
    include!(concat!(env!("OUT_DIR"), "/pycandle/toy.rs"));

    #[cfg(test)]
    mod parity {
        include!(concat!(env!("OUT_DIR"), "/pycandle/toy_parity.rs"));
    }
}

fn main() {
    println!("{}", toy::ANSWER);
}
"""


@dataclass
class Crate:
    """A crate that prints the answer in its manifest, and a stub in place of Python."""

    path: Path
    name: str
    environment: dict[str, str]
    stub: Path
    manifests: ClassVar = 'manifests = ["models/toy_manifest.json"]\n'
    version: ClassVar = VERSION

    @property
    def python(self) -> Path:
        return self.stub / "python"

    @property
    def manifest(self) -> Path:
        return self.path / "models/toy_manifest.json"

    def metadata(self, table: str) -> None:
        """Write `Cargo.toml` with this `[package.metadata.pycandle]`."""
        build = json.dumps(str(ROOT / "crates/pycandle-build"))
        text = CARGO_TOML.format(name=self.name, build=build) + table
        (self.path / "Cargo.toml").write_text(text, encoding="utf-8")

    def record(self, answer: int) -> None:
        self.manifest.write_text(json.dumps({"answer": answer}), encoding="utf-8")

    def sync(self, manifest: str = "models/toy_manifest.json", **behaviour: str) -> None:
        """Check the generated files in, as `pycandle sync` would."""
        options = f"manifest={manifest}\nmodel=\nmodule=toy\n"
        self.behave(**behaviour)
        generated = self.path / "src/generated"
        command = [self.python, "-I", "-m", "pycandle.bridge", "--manifest", self.path / manifest]
        command += ["--module", "toy", "--options", options, "--out", generated]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        (self.stub / "starts.log").unlink()

    def behave(self, **behaviour: str) -> None:
        """How the stub behaves from now on: which versions it has and how it generates."""
        default = {"python": "3.12.1", "pycandle": VERSION, "generate": "all"}
        (self.stub / "behaviour.json").write_text(json.dumps({**default, **behaviour}))

    def starts(self) -> list[str]:
        """How the stub was started since the last call."""
        log = self.stub / "starts.log"
        if not log.exists():
            return []
        starts = log.read_text().split()
        log.unlink()
        return starts

    def cargo(
        self,
        *arguments: str,
        within: Sequence[str] = (),
        cwd: Path | None = None,
        **environment: str,
    ) -> subprocess.Popen[str]:
        """Start cargo in the crate; its own process group, so that a test can end all of it.

        `within` is a command that runs what follows it, as `unshare` does.
        """
        return subprocess.Popen(
            [*within, "cargo", *arguments],
            cwd=cwd or self.path,
            env={**self.environment, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            start_new_session=True,
        )


@pytest.fixture(scope="session")
def toolchain(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment in which cargo works and no Python can be found."""
    tools = tmp_path_factory.mktemp("tools")
    sysroot = subprocess.check_output(["rustc", "--print", "sysroot"], text=True).strip()
    for program in ("cargo", "rustc", "rustdoc", "cargo-clippy", "clippy-driver"):
        (tools / program).symlink_to(Path(sysroot) / "bin" / program)
    for program in ("cc", "ld"):
        found = shutil.which(program)
        assert found, f"{program} is needed to link"
        (tools / program).symlink_to(found)
    kept = {name: os.environ[name] for name in ("HOME", "CARGO_HOME") if name in os.environ}
    target = tmp_path_factory.mktemp("target")
    return {
        **kept,
        "PATH": str(tools),
        "CARGO_TARGET_DIR": str(target),
        "CARGO_TERM_COLOR": "never",
    }


@pytest.fixture(scope="session")
def numbers() -> Iterator[int]:
    """Crates share a target folder, in which a program's name must be its crate's alone."""
    return itertools.count()


@pytest.fixture
def new_crate(
    toolchain: dict[str, str], numbers: Iterator[int], tmp_path: Path
) -> Callable[[str], Crate]:
    """Make a crate in a folder of this name, with fresh checked-in code that answers 1."""

    def new(folder: str) -> Crate:
        stub = tmp_path / "stub"
        stub.mkdir()
        shutil.copy(Path(__file__).parent / "stub_python.py", stub / "stub.py")
        program = stub / "python"
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -I -S "{stub}/stub.py" "$@"\n')
        program.chmod(0o755)

        crate = Crate(tmp_path / folder, f"toy{next(numbers)}", dict(toolchain), stub)
        for path in ("models", "src/generated"):
            (crate.path / path).mkdir(parents=True)
        crate.metadata(Crate.manifests)
        (crate.path / "build.rs").write_text("fn main() {\n    pycandle_build::compile()\n}\n")
        (crate.path / "src/main.rs").write_text(MAIN)
        # The same versions of the dependencies as everywhere else, so that none is resolved anew.
        shutil.copy(ROOT / "Cargo.lock", crate.path / "Cargo.lock")
        crate.record(1)
        crate.sync()
        return crate

    return new
