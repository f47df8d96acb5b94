"""PyCandle's side of a workload: its code, generated and compiled as a user's release is."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pycandle.output import write_if_changed
from tests.parity.crate import ROOT, TARGET, Module, Run, crate_toml, generate, read_run

BENCH = Path(__file__).resolve().parent
CRATES = TARGET / "bench"
# What makes a program fast and small; a trial asks for neither, and should not wait for it.
RELEASE = """
[profile.release]
codegen-units = 1
lto = "fat"
opt-level = 3
panic = "abort"
strip = true
"""


class Unbuilt(Exception):
    """Why a workload has no binary."""


@dataclass(frozen=True)
class Binary:
    """A compiled workload."""

    path: Path
    compile_seconds: float

    def parity(self) -> str:
        """Runs the recording's parity tests; the first thing that differs, or nothing."""
        for test in ("isolated", "cumulative", "digest"):
            done = subprocess.run(
                [self.path, test], env=os.environ | {"RAYON_NUM_THREADS": "1"},
                capture_output=True, text=True, check=False, encoding="utf-8",
            )  # fmt: skip
            run = read_run(done.returncode == 0, done.stdout + done.stderr)
            if test != "digest" and run.passed and not run.compared == run.expected > 0:
                return f"{test}: {run.compared} of {run.expected} module calls compared"
            if not run.passed:
                return f"{test}: {_told(run)}"
        return ""


def build(name: str, recording: Path, trial: bool) -> Binary:
    """Generate the crate of a workload and compile it; raises `Unbuilt`."""
    path = CRATES / name
    (path / "src").mkdir(parents=True, exist_ok=True)
    _link(path / "recording", recording)
    write_if_changed(path / "Cargo.toml", _crate_toml(f"bench_{name}").encode())
    # The workspace's own versions, so that nothing is resolved anew.
    shutil.copy(ROOT / "Cargo.lock", path)
    for file, text in _sources(name, path).items():
        write_if_changed(path / "src" / file, text.encode())
    profile = [] if trial else ["--release"]
    made, seconds = _compile(path, profile)
    known = path / "compile_seconds"
    if not made["fresh"] or not known.exists():
        known.write_text(str(seconds), encoding="utf-8")
    return Binary(Path(made["executable"]), float(known.read_text(encoding="utf-8")))


def _compile(path: Path, profile: Sequence[str]) -> tuple[dict[str, Any], float]:
    """Cargo's message of the program, and the seconds since all that it stands on was there."""
    command = ["cargo", "build", *profile, "--message-format=json-render-diagnostics"]
    environment = os.environ | {"CARGO_TARGET_DIR": str(TARGET), "CARGO_TERM_COLOR": "never"}
    with (path / "cargo.log").open("w+") as log:
        building = subprocess.Popen(
            command, cwd=path, env=environment, stdout=subprocess.PIPE, stderr=log, text=True
        )
        assert building.stdout
        seconds, last = 0.0, time.monotonic()
        made: dict[str, Any] = {}
        for line in building.stdout:
            seconds, last = time.monotonic() - last, time.monotonic()
            message = json.loads(line)
            if message.get("executable"):
                made = message
                break
        building.communicate()
        if building.returncode:
            log.seek(0)
            raise Unbuilt(log.read().strip()[-600:])
    return made, seconds


def _crate_toml(name: str) -> str:
    protocol = f"bench-protocol = {{ path = {json.dumps(str(BENCH / 'protocol'))} }}"
    # The runtime's feature is on by default in crates that `pycandle new` makes.
    text = crate_toml(name, features=["caching-allocator"])
    return text.replace("[dependencies]\n", f"[dependencies]\n{protocol}\n", 1) + RELEASE


def _sources(name: str, path: Path) -> dict[str, str]:
    """The files of the crate: the generated ones, and what runs them."""
    files = generate(path, Module("model", name, folder="recording"))
    declared = (
        '\nmod model {\n    include!("model.rs");\n'
        '    pub mod parity {\n        include!("model_parity.rs");\n    }\n}\n'
    )
    main = (BENCH / "runner.rs").read_text(encoding="utf-8") + declared
    files["model_parity.rs"] = _callable(files["model_parity.rs"])
    return files | {"main.rs": main}


def _callable(text: str) -> str:
    """A model's parity tests as functions of the program, and one that serves its forward."""
    found = re.search(r"parity::cumulative\(\s*&SPEC,\s*(\w+)::load,(.*?)\n\}\n", text, re.DOTALL)
    assert found, "there is no cumulative test"
    call = (
        f"crate::serve_model([weights, inputs, output], |vb| {found[1]}::load(vb, None),{found[2]}"
    )
    arguments = "weights: &str, inputs: &str, output: &str"
    serve = f"pub fn serve({arguments}) -> std::result::Result<(), String> {{\n    {call}\n}}\n"
    return text.replace("#[test]\nfn ", "pub fn ") + "\n" + serve


def _link(link: Path, target: Path) -> None:
    """A symbolic link, to wherever the recording lies this time."""
    if link.is_symlink() and link.readlink() == target:
        return
    link.unlink(missing_ok=True)
    link.symlink_to(target, target_is_directory=True)


def _told(run: Run) -> str:
    """The line of a report that says what is wrong."""
    culprit = re.search(r"^(first culprit|Error): .*$", run.output, re.MULTILINE)
    return culprit[0] if culprit else run.output.strip()[-300:]
