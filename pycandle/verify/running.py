"""Runs the parity tests of a crate with cargo, which writes their results, and reads those.

It must not know what results mean.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from pycandle.errors import NO_CARGO, Finding, ProjectError, ToolError
from pycandle.metadata import Model, crate_metadata
from pycandle.verify.results import Run, not_run, read_results

FOLDER = Path(".pycandle/results")
"""Where a crate's results lie, unless `PYCANDLE_RESULTS` names another folder."""

MODES = ("isolated", "cumulative")


def verify(root: Path, model: str = "", arguments: Sequence[str] = ()) -> list[Run]:
    """The results of the models of the crate in `root`, or of one module's, from tests run now.

    A model that the crate lists, and that no test compared, has a run without calls; one that
    needs features has none where it was left out with them. Results that were there before count
    only if a test has written them anew. `arguments` are cargo's own.

    Raises `ProjectError` if tests cannot be built or fail before they compare anything,
    `ToolError` without cargo, `ResultsError` for results that cannot be read.
    """
    metadata = crate_metadata(root)
    listed = metadata.models
    asked = [each for each in listed if model in ("", each.module)]
    if not asked:
        modules = ", ".join(each.module for each in listed)
        raise ProjectError(
            Finding(f"the crate has no model {model!r}", "--model", f"name one of: {modules}")
        )
    folder = Path(os.environ.get("PYCANDLE_RESULTS") or root / FOLDER).resolve()
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
    runs = [as_checked_in(run, root, metadata.generated) for run in new]
    if done.returncode and all(run.passed for run in runs):
        # Stale code or a missing checkpoint, of which results cannot tell.
        raise ProjectError(
            Finding(_last_words(done.stdout), " ".join(command), "correct what is said of it")
        )
    return [*runs, *_missing(asked, runs)]


def as_checked_in(run: Run, root: Path, generated: str) -> Run:
    """The run with Rust lines in the files that are checked in, of which cargo built copies."""

    def place(rust: str) -> str:
        file, _, line = rust.rpartition(":")
        checked_in = Path(generated) / Path(file).name
        return f"{checked_in.as_posix()}:{line}" if (root / checked_in).is_file() else rust

    calls = {id(call): replace(call, rust=place(call.rust)) for call in run.calls}
    culprit = calls[id(run.culprit)] if run.culprit else None
    return replace(run, calls=tuple(calls.values()), culprit=culprit)


def _missing(asked: Sequence[Model], runs: Sequence[Run]) -> Iterator[Run]:
    """What should have been compared, and has no results."""
    found = {(run.name, run.mode) for run in runs}
    for model in asked:
        name = Path(model.manifest).name.removesuffix("_manifest.json")
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
