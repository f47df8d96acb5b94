"""Runs entries in processes of their own, and keeps their rows under cargo's target folder.

A row is kept with digests of everything that it depends on, so that a run resumes where the last
one stopped, and repeats what has changed since.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import cache
from pathlib import Path

from pycandle.output import write_if_changed
from tests.parity.crate import ROOT, TARGET, Module, generate
from tests.zoo.stages import Row, module_name

FOLDER = TARGET / "zoo"
# Bytes that the largest entries take while they are exported and compared.
_MEMORY = 6 * 2**30
_SECONDS = 3600
_KILLED = "its process was killed: there is too little memory for it"
_FULL = "No space left on device"


def run(names: Sequence[str], jobs: int, again: bool = False) -> Iterator[Row]:
    """The row of each entry, as they are done; what the machine was short for runs alone, last."""
    refused: list[str] = []
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        for done in as_completed([pool.submit(_row, name, again) for name in names]):
            row = done.result()
            if jobs > 1 and short(row):
                refused.append(row.name)
            else:
                yield row
    yield from (_row(name, again=True) for name in refused)


def read(name: str) -> Row | None:
    """The row of an entry, if there is one and nothing that it depends on has changed since."""
    path = _folder(name) / "row.json"
    if not path.exists():
        return None
    kept = json.loads(path.read_text(encoding="utf-8"))
    row = Row(**kept["row"])
    if kept.get("sources") == digest(_RECORDING, _COMPILING, _COMPARING):
        return row
    # What is recorded and how it is compared is the same: so is the row, if the code is.
    same = row.passed and kept.get("settled") == digest(_RECORDING, _COMPARING)
    return row if same and kept.get("code") == _code(name) else None


_RECORDING = ("pycandle/*.py", "pycandle/record/*.py", "pycandle/graph/*.py", "pycandle/ops/*.py")
_COMPILING = ("pycandle/passes/*.py", "pycandle/emit/*.py")
_COMPARING = ("crates/**/*.rs", "tests/zoo/*.py", "tests/parity/[clr]*.py", "Cargo.lock",
              "requirements/*.txt")  # fmt: skip


@cache
def digest(*sources: tuple[str, ...]) -> str:
    """A digest of these files' content as they are when it is first asked for."""
    found = hashlib.sha256()
    for pattern in (pattern for patterns in sources for pattern in patterns):
        for path in sorted(ROOT.glob(pattern)):
            found.update(path.read_bytes())
    return found.hexdigest()


def _code(name: str) -> str:
    """A digest of what the compiler makes of the entry's recording now."""
    module = module_name(name)
    files = generate(_folder(name), Module(module, module, folder="."))
    return hashlib.sha256(json.dumps(files).encode()).hexdigest()


def jobs() -> int:
    """As many at once as there are processors and memory for."""
    free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return max(1, min(os.cpu_count() or 1, free // _MEMORY))


def _row(name: str, again: bool) -> Row:
    if not again and (row := read(name)):
        return row
    folder = _folder(name)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    kept: dict[str, object] = {
        "sources": digest(_RECORDING, _COMPILING, _COMPARING),
        "settled": digest(_RECORDING, _COMPARING),
    }
    row = _in_a_process(name, folder)
    if short(row):
        # The next run may find more room.
        shutil.rmtree(folder)
        return row
    kept |= {"code": _code(name) if row.passed else "", "row": dataclasses.asdict(row)}
    # What passed needs no second look, and takes gigabytes.
    for path in folder.glob("*.safetensors") if row.passed else ():
        path.unlink()
    write_if_changed(folder / "row.json", json.dumps(kept, indent=1).encode())
    return row


def short(row: Row) -> bool:
    """Whether the machine was short of something, which says nothing of the entry."""
    return _KILLED in row.blame or _FULL in row.blame


def _in_a_process(name: str, folder: Path) -> Row:
    command = [sys.executable, "-m", "tests.zoo.stages", name, str(folder)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "RAYON_NUM_THREADS": "1"}
    try:
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
            timeout=_SECONDS,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return Row(name, blame=f"it took more than {_SECONDS} seconds")
    if done.returncode == -signal.SIGKILL:
        return Row(name, blame=_KILLED)
    if done.returncode:
        return Row(name, blame=f"its process ended with {done.returncode}: {done.stderr[-600:]}")
    return Row(**json.loads(done.stdout.splitlines()[-1]))


def _folder(name: str) -> Path:
    return FOLDER / name.replace("/", "_")
