"""Where prepared workloads lie: a folder for each state of what they are made by.

Recording a large model takes minutes and gigabytes of memory, so it is done once; several working
copies may share one folder.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.parity.crate import ROOT
from tests.zoo.running import digest

# What an entry's recording depends on; what is compiled of it is made anew each time.
_SOURCES = (
    "pycandle/record/*.py", "pycandle/graph/*.py", "requirements/dev.txt", "tests/bench/leaves.py",
    "tests/bench/preparing.py", "tests/bench/workloads.py", "tests/parity/lively.py",
    "tests/zoo/entry.py", "tests/zoo/layers.py", "tests/zoo/lively.py",
)  # fmt: skip


class Unprepared(Exception):
    """Why a workload's files cannot be made."""


def prepared(work: Path, name: str) -> Path:
    """The folder of a workload, with all that `preparing` writes."""
    state = hashlib.sha256(f"{digest(_SOURCES)} {name}".encode()).hexdigest()[:12]
    folder = work / f"{name}-{state}"
    for old in work.glob(f"{name}-*"):
        if old != folder and old.is_dir() and len(old.name) == len(folder.name):
            shutil.rmtree(old)
    folder.mkdir(parents=True, exist_ok=True)
    _once(folder, name, "recorded")
    return folder


def exported(folder: Path, name: str) -> Path:
    """The ONNX file of a prepared workload."""
    _once(folder, name, "onnx")
    return folder / "model.onnx"


def optimised(folder: Path, name: str) -> Path:
    """The same after ONNX Runtime's optimiser of transformers."""
    exported(folder, name)
    _once(folder, name, "optimised")
    return folder / "optimised.onnx"


def _once(folder: Path, name: str, what: str) -> None:
    """Do a step unless it is done already; raises `Unprepared` with its last words."""
    done = folder / f"{what}.done"
    with (folder / "lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if done.exists():
            return
        command = [sys.executable, "-m", "tests.bench.preparing", name, str(folder)]
        said = subprocess.run(
            command + ([] if what == "recorded" else [what]),
            cwd=ROOT, env=os.environ | {"OMP_NUM_THREADS": "1"},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if said.returncode:
            lines = said.stderr.strip().splitlines() or [f"it ended with {said.returncode}"]
            raise Unprepared(lines[-1][:300])
        done.touch()
