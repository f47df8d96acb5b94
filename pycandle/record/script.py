"""Runs a user's recorder script.

It must not know what a recording is made of.
"""

from __future__ import annotations

import os
import runpy
import sys
import traceback
from collections.abc import Generator
from contextlib import chdir, contextmanager
from pathlib import Path

from pycandle.errors import Finding, PyCandleError, RecordError, ToolError
from pycandle.graph import Graph
from pycandle.record.recorder import GoldenRecorder


def record_script(
    script: Path, name: str | None, out: Path | None, time: bool = False
) -> list[Path]:
    """Run the script as Python would; returns the manifests it saved. Raises `RecordError`.

    A script in `.pycandle/scripts` runs in that folder, so that `../traces` is the crate's.
    `name` and `out` are what `GoldenRecorder()` and `save()` take where the script leaves them.
    With `time` it is measured, too, how long each module takes.
    """
    settings = {
        "PYCANDLE_NAME": name,
        "PYCANDLE_OUT": None if out is None else str(out.resolve()),
        "PYCANDLE_TIME": "1" if time else None,
    }
    saved: list[Path] = []
    with _environment(settings), GoldenRecorder.watching(lambda path: saved.append(path.resolve())):
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
    file = script.resolve()
    folder = file.parent
    sys.path[0], sys.argv = str(folder), [str(script)]
    managed = folder.parts[-2:] == (".pycandle", "scripts")
    try:
        with chdir(folder if managed else Path.cwd()):
            runpy.run_path(str(file), run_name="__main__")
    except PyCandleError:
        raise
    except SystemExit as error:
        # A script that says what is missing in it ends so.
        if error.code not in (None, 0):
            said = str(error.code).removeprefix("error: ")
            raise RecordError(Finding(f"the script ended: {said}", str(script))) from error
    except ModuleNotFoundError as error:
        if error.name not in ("torch", "safetensors"):
            raise _failed(error, script) from error
        raise ToolError(
            Finding(
                f"{error.name} is not installed beside PyCandle",
                _place(error, script),
                'run `pycandle init`, or `pip install "pycandle-rs[torch]"`',
            )
        ) from error
    except Exception as error:
        raise _failed(error, script) from error
    finally:
        sys.path[:], sys.argv[:] = path, arguments


def _failed(error: Exception, script: Path) -> RecordError:
    return RecordError(
        Finding(
            f"the script failed: {type(error).__name__}: {error}",
            _place(error, script),
            f"correct it; `python {script}` shows the whole traceback",
        )
    )


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
