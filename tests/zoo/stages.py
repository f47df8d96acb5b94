"""One entry of the zoo, from PyTorch to parity: its row says how far it came, and what stopped it.

`python -m tests.zoo.stages NAME FOLDER` prints the row as JSON; the folder takes the recording and
the generated crate.
"""

from __future__ import annotations

import dataclasses
import fcntl
import hashlib
import json
import re
import shutil
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pycandle.errors import PyCandleError
from pycandle.graph import Graph, every_node, manifest
from pycandle.ops import entries
from pycandle.passes import run_passes
from tests.parity.crate import TARGET, Crate, Module, cargo, compile_crate, write_crate
from tests.parity.reading import function_lengths, worst_error
from tests.zoo import faults, lively, timing
from tests.zoo.entries import ENTRIES
from tests.zoo.entry import Entry


@dataclass(frozen=True)
class Row:
    """What became of an entry; empty where a stage was not reached."""

    name: str
    exported: bool = False
    generated: bool = False
    compiled: bool = False
    clippy: bool = False
    isolated: bool = False
    cumulative: bool = False
    dynamic: str = ""  # "kept", "lost", or "none": no axis was meant to vary
    cases: int = 0  # sizes at which it was compared
    compared: int = 0  # module calls, in all cases
    expected: int = 0
    error: float | None = None  # the largest of an output, as a multiple of PyTorch's own
    moves: bool = False  # another input moves every output
    caught: str = ""  # the tensor whose reversed rows failed parity
    blame: str = ""  # the first thing that went wrong: what and where
    manifest: str = ""  # its SHA-256
    nodes: int = 0
    families: tuple[str, ...] = ()  # of the ops in it
    lines: int = 0
    longest: int = 0  # lines of the longest function
    record_seconds: float = 0.0
    compile_seconds: float = 0.0
    ratio: float | None = None  # time of one forward, Rust over PyTorch, on one thread

    @property
    def passed(self) -> bool:
        """Whether all that was to be compared agrees, and agreement says something."""
        agrees = self.isolated and self.cumulative and self.compared == self.expected > 0
        return agrees and self.dynamic != "lost" and self.proved

    @property
    def proved(self) -> bool:
        """Whether a wrong layer would have been seen."""
        return self.moves and bool(self.caught)


@dataclass
class _Progress:
    """The row so far."""

    row: Row
    entry: Entry
    stopped: bool = False
    crate: Crate | None = None  # once it is compiled

    def note(self, **found: Any) -> None:
        self.row = dataclasses.replace(self.row, **found)

    @contextmanager
    def stage(self, what: str) -> Iterator[None]:
        """What goes wrong within it ends the entry and becomes the row's blame."""
        try:
            yield
        except PyCandleError as error:
            self.stopped = True
            self.note(blame=str(error))
        except Exception as error:  # A defect of ours: the row says so, and others go on.
            self.stopped = True
            self.note(blame=f"{what}: {type(error).__name__}: {str(error)[:2000]}")


def go(name: str, entry: Entry, folder: Path) -> Row:
    """All stages, until one fails; the folder exists."""
    progress = _Progress(Row(name), entry)
    module = module_name(name)
    for what, stage in _STAGES.items():
        with progress.stage(what):
            stage(progress, module, folder)
        if progress.stopped:
            break
    return progress.row


def module_name(name: str) -> str:
    """The entry's name as a Rust module's."""
    return re.sub(r"\W+", "_", name).lower()


def _record(progress: _Progress, module: str, folder: Path) -> None:
    entry = progress.entry
    model = lively.build(entry)
    progress.note(moves=lively.moves(model, entry))
    start = time.monotonic()
    path, fallback = lively.record(model, entry, folder, module)
    seconds = time.monotonic() - start
    text = path.read_bytes()
    graph = manifest.load(text.decode(), str(path))
    progress.note(
        exported=True,
        record_seconds=seconds,
        manifest=hashlib.sha256(text).hexdigest(),
        nodes=len(graph.nodes),
        families=_families(graph),
        dynamic=lively.dynamic(entry, graph),
        blame=fallback,
    )
    (folder / "pytorch.json").write_text(json.dumps(timing.pytorch(model, lively.draw(entry))))


def _families(graph: Graph) -> tuple[str, ...]:
    """The families of the ops that are left to lower."""
    names = {node.op for node in every_node(run_passes(graph).nodes)}
    return tuple(sorted({entries()[name].family for name in names if name in entries()}))


def _generate(progress: _Progress, module: str, folder: Path) -> None:
    write_crate(folder, [Module(module, module, folder=".")], timing.SUPPORT, f"zoo_{module}")
    timing.add_test(folder / "src" / f"{module}_parity.rs")
    text = (folder / "src" / f"{module}.rs").read_text(encoding="utf-8")
    lengths = function_lengths(text)
    progress.note(generated=True, lines=text.count("\n"), longest=max(lengths, default=0))


def _compile(progress: _Progress, module: str, folder: Path) -> None:
    # Only the crate's own time counts: not that of what it stands on, nor waiting for another
    # cargo; and rustc must not find what it kept of an earlier run.
    with (folder.parent / "compiling").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        cargo(folder, "build", "--package", "pycandle-runtime")
        for kept in (TARGET / "debug" / "incremental").glob(f"zoo_{module}-*"):
            shutil.rmtree(kept)
        start = time.monotonic()
        progress.crate = compile_crate(folder)
        progress.note(compiled=True, compile_seconds=time.monotonic() - start)


def _compare(progress: _Progress, module: str, folder: Path) -> None:
    crate = progress.crate
    assert crate, "it was compiled before"
    runs = {mode: crate.run(module, mode) for mode in ("isolated", "cumulative")}
    for mode, found in runs.items():
        progress.note(**{mode: found.passed and found.compared == found.expected > 0})
    report = runs["cumulative"]
    progress.note(
        cases=report.output.count(f"{module} cumulative, case "),
        compared=report.compared,
        expected=report.expected,
        error=worst_error(report.output),
    )
    failed = [found for found in runs.values() if not found.passed]
    if failed:
        culprit = re.search(r"^(first culprit|Error): .*$", failed[0].output, re.MULTILINE)
        progress.note(blame=culprit[0] if culprit else failed[0].output[-600:])
        return
    progress.note(caught=faults.caught(crate, module, folder))
    mine = timing.rust(crate, module)
    theirs = json.loads((folder / "pytorch.json").read_text())
    progress.note(ratio=mine / theirs if mine else None)
    done = cargo(folder, "clippy", "--no-deps", "--all-targets", "--", "--deny", "warnings")
    progress.note(clippy=done.returncode == 0)
    if done.returncode:
        progress.note(blame=f"clippy: {done.stderr[:600]}")


_STAGES: Mapping[str, Callable[[_Progress, str, Path], None]] = {
    "record": _record,
    "generate": _generate,
    "compile": _compile,
    "parity": _compare,
}


def _give_way() -> None:
    """Where memory is short, an entry is killed before anything else."""
    score = Path("/proc/self/oom_score_adj")
    if score.exists():
        score.write_text("1000")


if __name__ == "__main__":
    _give_way()
    warnings.simplefilter("ignore")
    print(json.dumps(dataclasses.asdict(go(sys.argv[1], ENTRIES[sys.argv[1]], Path(sys.argv[2])))))
