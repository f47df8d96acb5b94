"""A terminal application over the results of parity runs, as they come in.

It needs the package textual, which only this part imports. It must not know how results are made,
nor load torch.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from pycandle.errors import Finding, ProjectError, ToolError
from pycandle.graph.files import stem
from pycandle.verify.running import results_folder


def open_dashboard(crate: Path, model: str = "", run: bool = False) -> None:
    """Show the results of the crate's models, or of one module's, until the user quits.

    `run` starts the tests at once. Raises `ProjectError` without a terminal or a crate,
    `ToolError` without textual.
    """
    streams = (sys.stdin, sys.stdout, sys.stderr)
    if not all(stream.isatty() for stream in streams) or os.environ.get("TERM") == "dumb":
        raise ProjectError(
            Finding("the dashboard needs a terminal", "", "run `pycandle verify` for a report")
        )
    folder = results_folder(crate)
    name = _name(crate, model) if model else ""
    if not folder.is_dir() and not (crate / "Cargo.toml").is_file():
        raise ProjectError(
            Finding("there is no Cargo.toml", str(crate), "name a crate with --crate")
        )
    try:
        from pycandle.dashboard.app import Dashboard
        from pycandle.dashboard.signs import signs_for
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("textual", "rich"):
            raise
        what = "the dashboard needs the Python package textual"
        raise ToolError(
            Finding(what, sys.executable, "pip install 'pycandle-rs[dashboard]'")
        ) from error
    signs = signs_for(sys.stderr.encoding, os.environ, sys.platform)
    colour = "NO_COLOR" not in os.environ
    Dashboard(crate, folder, name, model, run, signs, colour).run()


def _name(crate: Path, model: str) -> str:
    """The name that a module's recording has."""
    from pycandle.metadata import asked_models, crate_metadata

    (asked,) = asked_models(crate_metadata(crate), model)
    return stem(asked.manifest)
