"""Who runs beside PyCandle: what each needs, and the command that starts it.

It must not know how runs are measured.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.bench.recordings import Unprepared, exported, optimised
from tests.bench.workloads import Workload
from tests.parity.crate import TARGET

BENCH = Path(__file__).resolve().parent
MACHINE = "machine"


class Missing(Exception):
    """Why a rival cannot run here."""


@dataclass(frozen=True)
class Prepared:
    """A workload whose recording and checkpoint lie in a folder."""

    name: str
    workload: Workload
    folder: Path
    scratch: Path  # for what runners write


@dataclass(frozen=True)
class Rival:
    """Something else that runs the same model."""

    # The command that runs it with so many threads and writes its outputs; raises `Missing`.
    command: Callable[[Prepared, int, Path], Sequence[str]]
    # Whether it has a version of the workload at all.
    has: Callable[[Workload], bool] = lambda workload: True


@cache
def program(name: str) -> Path:
    """The compiled runner of this name; raises `Missing`."""
    features = [] if name == MACHINE else ["--features", name]
    crate = BENCH / ("protocol" if name == MACHINE else "rivals")
    command = ["cargo", "build", "--release", "--locked", "--bin", name, *features]
    environment = os.environ | {"CARGO_TARGET_DIR": str(TARGET / "rivals")}
    done = subprocess.run(
        command, cwd=crate, env=environment, stderr=subprocess.PIPE, text=True, check=False
    )
    if done.returncode:
        raise Missing(f"it cannot be built: {done.stderr.strip()[-300:]}")
    return TARGET / "rivals" / "release" / name


def _python(kind: str) -> Callable[[Prepared, int, Path], Sequence[str]]:
    def command(prepared: Prepared, threads: int, output: Path) -> Sequence[str]:
        arguments = [kind, str(prepared.folder), str(output), str(threads)]
        return [sys.executable, "-m", "tests.bench.python_runner", *arguments]

    return command


def _compiled(prepared: Prepared, threads: int, output: Path) -> Sequence[str]:
    if not any(map(shutil.which, ("c++", "g++", "clang++"))):
        raise Missing("PyTorch's compiler needs one of C++, and there is none")
    return _python("compiled")(prepared, threads, output)


def _onnx(prepared: Prepared, threads: int, output: Path) -> Sequence[str]:
    _needs("onnxruntime")
    _file(exported, prepared)
    return _python("onnx")(prepared, threads, output)


def _optimised(prepared: Prepared, threads: int, output: Path) -> Sequence[str]:
    _needs("onnxruntime")
    _file(exported, prepared)
    _file(optimised, prepared)
    return _python("optimised")(prepared, threads, output)


def _tract(prepared: Prepared, threads: int, output: Path) -> Sequence[str]:
    return [*_of_onnx("tract", prepared), str(output), str(threads)]


def _rten(prepared: Prepared, threads: int, output: Path) -> Sequence[str]:
    return [*_of_onnx("rten", prepared), str(output)]


def _of_onnx(name: str, prepared: Prepared) -> list[str]:
    model = _file(exported, prepared)
    return [str(program(name)), str(model), str(prepared.folder / "inputs.safetensors")]


def _candle(prepared: Prepared, threads: int, output: Path) -> Sequence[str]:
    weights = prepared.folder / f"{prepared.name}.safetensors"
    inputs = prepared.folder / "inputs.safetensors"
    return [str(program("candle")), prepared.name, str(weights), str(inputs), str(output)]


def _needs(*modules: str) -> None:
    for module in modules:
        if importlib.util.find_spec(module) is None:
            raise Missing(f"{module} is not installed: requirements/bench.txt has it")


def _file(make: Callable[[Path, str], Path], prepared: Prepared) -> Path:
    """An ONNX file, once it is made."""
    _needs("onnx", "onnxscript")
    try:
        return make(prepared.folder, prepared.name)
    except Unprepared as reason:
        raise Missing(f"its ONNX file cannot be made: {reason}") from None


# By the names that `results.LABELS` has.
RIVALS: Mapping[str, Rival] = {
    "eager": Rival(_python("eager")),
    "compiled": Rival(_compiled),
    "onnxruntime": Rival(_onnx),
    "optimised": Rival(_optimised, lambda w: bool(w.optimiser)),
    "tract": Rival(_tract),
    "rten": Rival(_rten),
    "candle": Rival(_candle, lambda w: w.candle),
}
