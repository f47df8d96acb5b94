"""The managed Python of a crate, `.pycandle/venv`, and where this PyCandle came from.

It must not know what the Python is for.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from pycandle import __version__
from pycandle.errors import Finding, ToolError

FOLDER = Path(".pycandle/venv")
_PYTHON = Path("Scripts/python.exe") if sys.platform == "win32" else Path("bin/python")


def managed_python(root: Path) -> Path | None:
    """The interpreter of the crate's own environment, if there is one."""
    python = root / FOLDER / _PYTHON
    return python if python.exists() else None


def make_environment(root: Path, libraries: tuple[str, ...], say: Callable[[str], None]) -> Path:
    """Make the environment, or complete it, and return its interpreter. Raises `ToolError`."""
    python = root / FOLDER / _PYTHON
    if not _runs([str(python), "-m", "pip", "--version"]):
        say(f"making {FOLDER}")
        _run([sys.executable, "-m", "venv", "--clear", str(root / FOLDER)])
    modules = ", ".join(("pycandle", "torch", *libraries))
    question = f"import {modules}; assert pycandle.__version__ == '{__version__}'"
    if not _runs([str(python), "-I", "-c", question]):
        clone = clone_folder()
        wanted = f"{clone}[torch]" if clone else f"pycandle-rs[torch]=={__version__}"
        say(f"installing {', '.join((wanted, *libraries))}; PyTorch takes gigabytes")
        _run([str(python), "-m", "pip", "install", "--quiet", wanted, *libraries])
    return python


def clone_folder() -> Path | None:
    """The clone that this PyCandle was installed from, if it was not a package registry."""
    beside = Path(__file__).resolve().parents[2]
    if (beside / "crates/pycandle-runtime/Cargo.toml").is_file():
        return beside
    try:
        text = distribution("pycandle-rs").read_text("direct_url.json")
    except PackageNotFoundError:
        return None
    url = urlsplit(json.loads(text)["url"] if text else "")
    folder = Path(url2pathname(url.path))
    found = url.scheme == "file" and (folder / "crates/pycandle-runtime/Cargo.toml").is_file()
    return folder if found else None


def _runs(command: list[str]) -> bool:
    try:
        done = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, check=False)
    except OSError:
        return False
    return done.returncode == 0


def _run(command: list[str]) -> None:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False
        )
    except OSError as error:
        raise _failed(command, str(error)) from error
    if done.returncode:
        raise _failed(command, done.stderr.strip()[-500:] or done.stdout.strip()[-500:])


def _failed(command: list[str], said: str) -> ToolError:
    return ToolError(
        Finding(
            f"the environment could not be made: {said}",
            " ".join(command),
            "correct it, or name a Python that has PyCandle and PyTorch with --python",
        )
    )
