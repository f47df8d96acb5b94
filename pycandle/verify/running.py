"""Runs the parity tests of a crate with cargo, which writes their results, and reads those.

The last results can be read without a run, too.

It must not know what results mean.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pycandle.errors import NO_CARGO, Finding, ProjectError, ResultsError, ToolError
from pycandle.graph.files import stem
from pycandle.verify.results import MODES, Call, Run, not_run, read_results

if TYPE_CHECKING:
    from pycandle.metadata import Model

FOLDER = Path(".pycandle/results")
"""Where a crate's results lie, unless `PYCANDLE_RESULTS` names another folder."""


@dataclass(frozen=True, slots=True)
class Last:
    """The last results of a model in one mode."""

    run: Run
    written: float | None = None  # when, in seconds since 1970; None where there are none
    newer: str = ""  # a file of the model that was changed since


def verify(root: Path, model: str = "", arguments: Sequence[str] = ()) -> list[Run]:
    """The results of the models of the crate in `root`, or of one module's, from tests run now.

    A model that the crate lists, and that no test compared, has a run without calls; one that
    needs features has none where it was left out with them. Results that were there before count
    only if a test has written them anew. `arguments` are cargo's own.

    Raises `ProjectError` if tests cannot be built or fail before they compare anything,
    `ToolError` without cargo, `ResultsError` for results that cannot be read.
    """
    # Whoever only reads results need not wait for what reads Cargo.toml.
    from pycandle.metadata import asked_models, crate_metadata

    metadata = crate_metadata(root)
    asked = asked_models(metadata, model)
    folder = results_folder(root)
    before = _written(folder)
    tests = f"{model}::parity::" if model else "parity::"
    command = ["cargo", "test", "--no-fail-fast", *arguments, "--", tests]
    environment = os.environ | {"PYCANDLE_RESULTS": str(folder)}
    try:
        # What cargo says goes to the user as it says it; the tests' own words are in the results.
        done = subprocess.run(
            command, cwd=root, env=environment, stdout=subprocess.PIPE, check=False,
            encoding="utf-8", errors="replace",
        )  # fmt: skip
    except OSError as error:
        raise ToolError(NO_CARGO) from error
    after = _written(folder)
    new = [read_results(path) for path, when in after.items() if before.get(path) != when]
    runs = [_as_checked_in(run, root, metadata.generated) for run in new]
    if done.returncode and all(run.passed for run in runs):
        # Stale code or a missing checkpoint, of which results cannot tell.
        raise ProjectError(
            Finding(_last_words(done.stdout), " ".join(command), "correct what is said of it")
        )
    return [*runs, *_missing(asked, runs)]


def last_results(root: Path, model: str = "") -> list[Last]:
    """The results that lie in the crate in `root`, of all models or of one module's.

    A model or a mode without results has a run without calls.

    Raises `ResultsError` where there are none at all, or some cannot be read.
    """
    from pycandle.metadata import asked_models, crate_metadata

    metadata = crate_metadata(root)
    asked = asked_models(metadata, model)
    folder = results_folder(root)
    found: list[Last] = []
    for each in asked:
        for mode in MODES:
            path = folder / f"{stem(each.manifest)}.{mode}.jsonl"
            if path.is_file():
                run = _as_checked_in(read_results(path), root, metadata.generated)
                written = path.stat().st_mtime
                rust = Path(metadata.generated) / f"{each.module}.rs"
                files = (Path(each.manifest), rust)
                changed = (file for file in files if _changed(root / file) > written)
                found.append(Last(run, written, next((f.as_posix() for f in changed), "")))
    if not found:
        what = "there are no results of parity tests"
        raise ResultsError(Finding(what, str(folder), "run `pycandle verify` first"))
    return [*found, *map(Last, _missing(asked, [last.run for last in found]))]


def results_folder(root: Path) -> Path:
    """Where the tests of the crate in `root` write their results."""
    return Path(os.environ.get("PYCANDLE_RESULTS") or root / FOLDER).resolve()


def _changed(path: Path) -> float:
    return path.stat().st_mtime if path.is_file() else 0.0


def _as_checked_in(run: Run, root: Path, generated: str) -> Run:
    """The run with Rust lines in the files that are checked in, of which cargo built copies."""

    def checked_in(call: Call) -> Call:
        return replace(call, rust=checked_in_place(call.rust, root, generated))

    calls = {id(call): checked_in(call) for call in run.calls}
    culprit = calls[id(run.culprit)] if run.culprit else None
    return replace(run, calls=tuple(calls.values()), culprit=culprit)


def checked_in_place(rust: str, root: Path, generated: str) -> str:
    """A Rust line in the file of the crate, of which cargo built a copy, or as it is."""
    file, _, line = rust.rpartition(":")
    checked_in = Path(generated) / Path(file).name
    return f"{checked_in.as_posix()}:{line}" if (root / checked_in).is_file() else rust


def _missing(asked: Sequence[Model], runs: Sequence[Run]) -> Iterator[Run]:
    """What should have been compared, and has no results."""
    found = {(run.name, run.mode) for run in runs}
    for model in asked:
        name = stem(model.manifest)
        lacks = [mode for mode in MODES if (name, mode) not in found]
        if lacks != [*MODES] or not model.features:
            yield from (not_run(name, mode) for mode in lacks)


def _written(folder: Path) -> dict[Path, int]:
    """When each file of results was written."""
    files = (path for mode in MODES for path in sorted(folder.glob(f"*.{mode}.jsonl")))
    return {path: path.stat().st_mtime_ns for path in files}


def _last_words(said: str) -> str:
    """What the tests said of why they failed, in a line."""
    errors = [line for line in said.splitlines() if line.startswith("Error: ")]
    if errors:
        return f"a parity test failed: {errors[0]}"
    return "a parity test failed" if "test result: FAILED" in said else "cargo built no tests"
