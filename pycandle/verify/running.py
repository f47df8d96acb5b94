"""Runs the parity tests of a crate with cargo, which writes their results, and reads those.

It must not know what results mean.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from pycandle.errors import Finding, ProjectError, ToolError
from pycandle.verify.results import Run, read_results

FOLDER = Path(".pycandle/results")
"""Where a crate's results lie, unless `PYCANDLE_RESULTS` names another folder."""

MODES = ("isolated", "cumulative")


def verify(root: Path, model: str = "", arguments: Sequence[str] = ()) -> list[Run]:
    """The results of the models of the crate in `root`, or of one module's, from tests run now.

    `arguments` are cargo's own. Results that were there before count only if a test has written
    them anew. Raises `ProjectError` if tests cannot be built or fail before they compare anything,
    `ToolError` without cargo, `ResultsError` for results that cannot be read.
    """
    if not (root / "Cargo.toml").is_file():
        raise ProjectError(
            Finding("there is no Cargo.toml", str(root), "name a crate with --crate")
        )
    folder = Path(os.environ.get("PYCANDLE_RESULTS") or root / FOLDER).resolve()
    before = _written(folder)
    tests = f"{model}::parity::" if model else "parity::"
    command = ["cargo", "test", "--no-fail-fast", *arguments, "--", tests]
    environment = os.environ | {"PYCANDLE_RESULTS": str(folder)}
    try:
        # What cargo says goes to the user as it says it; the tests' own words are in the results.
        done = subprocess.run(
            command, cwd=root, env=environment, stdout=subprocess.PIPE, text=True, check=False
        )
    except OSError as error:
        raise ToolError(
            Finding("cargo was not found", "PATH", "install Rust, as https://rustup.rs says")
        ) from error
    after = _written(folder)
    runs = [read_results(path) for path, when in after.items() if before.get(path) != when]
    if done.returncode and all(run.passed for run in runs):
        # Stale code or a missing checkpoint, of which results cannot tell.
        raise ProjectError(
            Finding(_last_words(done.stdout), " ".join(command), "correct what is said of it")
        )
    return runs


def _written(folder: Path) -> dict[Path, int]:
    """When each file of results was written."""
    files = (path for mode in MODES for path in sorted(folder.glob(f"*.{mode}.jsonl")))
    return {path: path.stat().st_mtime_ns for path in files}


def _last_words(said: str) -> str:
    """What the tests said of why they failed, in a line."""
    errors = [line for line in said.splitlines() if line.startswith("Error: ")]
    return f"a parity test failed: {errors[0]}" if errors else "cargo could not build the tests"
