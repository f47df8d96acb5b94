"""Runs a user's recorder script.

It must not know what a recording is made of.
"""

from __future__ import annotations

import os
import runpy
import sys
import traceback
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from pycandle.errors import Finding, PyCandleError, RecordError
from pycandle.graph import Graph
from pycandle.record.recorder import GoldenRecorder


def record_script(script: Path, name: str | None, out: Path | None) -> list[Path]:
    """Run the script as Python would; returns the manifests it saved. Raises `RecordError`.

    `name` and `out` are what `GoldenRecorder()` and `save()` take where the script leaves them.
    """
    settings = {"PYCANDLE_NAME": name, "PYCANDLE_OUT": None if out is None else str(out.resolve())}
    saved: list[Path] = []
    with _environment(settings), GoldenRecorder.watching(saved.append):
        _run(script)
    if not saved:
        raise RecordError(
            Finding(
                "the script saved no recording",
                str(script),
                "end it with GoldenRecorder().record(model, inputs).save(name)",
            )
        )
    return saved


def graphs_of_script(script: Path) -> list[Graph]:
    """The graphs of the models that the script records, without making any golden."""
    with GoldenRecorder.graphs_only() as graphs:
        _run(script)
    if not graphs:
        raise RecordError(
            Finding("the script recorded no model", str(script), "call GoldenRecorder().record")
        )
    return graphs


def _run(script: Path) -> None:
    if not script.is_file():
        raise RecordError(Finding("there is no such script", str(script), "correct the path"))
    path, arguments = list(sys.path), list(sys.argv)
    sys.path[0] = str(script.resolve().parent)
    sys.argv = [str(script)]
    try:
        runpy.run_path(str(script), run_name="__main__")
    except PyCandleError:
        raise
    except Exception as error:
        raise RecordError(
            Finding(
                f"the script failed: {type(error).__name__}: {error}",
                _place(error, script),
                _way_out(error, script),
            )
        ) from error
    finally:
        sys.path[:], sys.argv[:] = path, arguments


def _way_out(error: Exception, script: Path) -> str:
    if isinstance(error, ModuleNotFoundError) and error.name in ("torch", "safetensors"):
        return 'install PyTorch beside PyCandle: pip install "pycandle-rs[torch]"'
    return f"correct it; `python {script}` shows the whole traceback"


def _place(error: Exception, script: Path) -> str:
    """The script's own line that the error came through."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if Path(f.filename).resolve() == script.resolve()]
    if isinstance(error, SyntaxError):
        return f"{error.filename or script}:{error.lineno or 1}"
    return f"{script}:{own[-1].lineno}" if own else str(script)


@contextmanager
def _environment(settings: dict[str, str | None]) -> Generator[None]:
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update({name: value for name, value in settings.items() if value is not None})
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
