"""What the command says: lines for a person, or one JSON document for a program.

Standard output carries data, standard error what a person reads. It must not know any command.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from pycandle.errors import Finding

if TYPE_CHECKING:
    from pycandle.project import Change


def as_data(finding: Finding) -> dict[str, str]:
    """A problem as data."""
    return {"what": finding.what, "where": finding.where, "fix": finding.fix}


def tell_changes(changes: list[Change], as_json: bool) -> None:
    """What became of the files of a crate, and what is advised of each."""
    if as_json:
        files = [{"path": str(c.path), "what": c.what, "advice": c.advice} for c in changes]
        answer({"files": files})
    elif not changes:
        say("nothing to add")
    for change in changes if not as_json else []:
        say(f"{change.what} {change.path}" + (f": {change.advice}" if change.advice else ""))


def within(path: Path, folder: Path) -> Path:
    """The path relative to the folder, if it is inside."""
    path, folder = path.resolve(), folder.resolve()
    return path.relative_to(folder) if path.is_relative_to(folder) else path


def tell_files(paths: list[str], verb: str, as_json: bool) -> None:
    """The files that were written, or that none had to be."""
    if as_json:
        answer({"files": [{"path": path, "what": verb} for path in paths]})
    elif not paths:
        say("up to date")
    for path in paths if not as_json else []:
        say(f"{verb} {path}")


def answer(document: Mapping[str, object]) -> None:
    """The one JSON document of a run."""
    print(json.dumps({"schema_version": 1, **document}))


def say(line: str) -> None:
    """A line for a person."""
    print(line, file=sys.stderr)
