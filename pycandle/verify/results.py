"""Reads what parity runs wrote: a line of JSON for the run, each module call, and the end.

A file may be of a run that goes on, or that was cut short: then its end is missing. It must not
know how tests are run, nor how results are shown.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pycandle.errors import Finding, ResultsError

SCHEMA_VERSION = 3
MODES = ("isolated", "cumulative")
"""In which blame is exact, and as in production; see the runtime's `parity`."""


@dataclass(frozen=True, slots=True)
class Output:
    """One output of a module call beside PyTorch's. Errors are RMS, against float64."""

    name: str
    golden: str  # the key of what PyTorch gave, in the trace; empty if it gave no tensor
    dtype: str
    shape: tuple[int, ...]
    status: str
    error: float
    torch_error: float
    limit: float
    max_error: float
    max_limit: float
    needs: float  # the smallest factor that would pass in place of the rule's 4
    over: float  # which part of the elements is wrong, from 0 to 1
    statistics: Mapping[str, Any]  # as the runtime's `Statistics` has them; empty without

    @property
    def used(self) -> float:
        """The part of what is allowed that its error is: over 1 fails."""
        pairs = ((self.error, self.limit), (self.max_error, self.max_limit))
        return max((error / limit for error, limit in pairs if limit > 0), default=0.0)


@dataclass(frozen=True, slots=True)
class Call:
    """A module call in one case, and what became of it."""

    case: str
    path: str
    call: int
    class_name: str
    source: str  # Python file and line of its forward
    site: str  # Python file and line of the call
    rust: str  # Rust file and line of its forward, or of where a layer is loaded
    outcome: str  # "passed", "failed", "uninformative", "elided" or "missing"
    reason: str
    outputs: tuple[Output, ...]
    tensors: Path | None = None  # a file of its outputs as Rust gave them, where they were kept
    seconds: float = 0.0  # since the run began

    @property
    def name(self) -> str:
        """The module's path, and which call of it, in words."""
        path = self.path or "(root)"
        return f"{path} (call {self.call})" if self.call else path


@dataclass(frozen=True, slots=True)
class Run:
    """The results of one model in one mode."""

    name: str
    mode: str  # "isolated" or "cumulative"
    device: str
    cases: tuple[str, ...]
    expected: int  # module calls, elided ones included
    calls: tuple[Call, ...]
    ended: bool  # False while it goes on, or where it was cut short
    culprit: Call | None  # what to look at first
    seconds: float
    weights: tuple[str, ...] = ()  # what is wrong with the checkpoint of what to look at first
    manifest: str = ""  # its path; the trace lies beside it

    def count(self, outcome: str) -> int:
        """How many module calls came to that."""
        return sum(call.outcome == outcome for call in self.calls)

    @property
    def compared(self) -> int:
        """How many module calls were compared."""
        return sum(map(self.count, ("passed", "failed", "uninformative")))

    @property
    def passed(self) -> bool:
        """Whether it told of every call, none failed or is missing, and something agreed."""
        bad = self.count("failed") + self.count("missing")
        whole = self.ended and len(self.calls) == self.expected
        return whole and not bad and self.count("passed") > 0

    @property
    def nearest(self) -> Call | None:
        """The call that passed and came nearest to its limit."""
        passed = [call for call in self.calls if call.outcome == "passed" and call.outputs]
        return max(passed, key=used, default=None)


def used(call: Call) -> float:
    """The largest part of what is allowed that an output's error is."""
    return max((output.used for output in call.outputs), default=0.0)


def not_run(name: str, mode: str) -> Run:
    """What stands for results that there are none of."""
    return Run(name, mode, "no device", (), 0, (), False, None, 0.0)


def read_results(path: Path) -> Run:
    """A file of results. Raises `ResultsError` if it is of another version, or none at all."""
    # What stands after the last line break is being written.
    return read_on(None, path.read_bytes().split(b"\n")[:-1], path)


def read_on(run: Run | None, lines: Sequence[bytes], path: Path, first: int = 1) -> Run:
    """The run with more lines of its file, of which `first` is the number of the first one.

    A run that is none yet begins with its head. Raises `ResultsError` as `read_results` does.
    """
    rest = [_document(line, path, number) for number, line in enumerate(lines, first)]
    run = run or _head(rest.pop(0) if rest else {}, path)
    if run.ended and rest:
        raise _broken("it goes on after its end", path, first)
    try:
        end = rest.pop() if rest and rest[-1]["kind"] == "end" else None
        calls = (*run.calls, *(_call(document, path.parent) for document in rest))
        last = end["seconds"] if end else rest[-1]["seconds"] if rest else run.seconds
        weights = tuple(map(str, end["weights"])) if end else run.weights
        culprit = run.culprit or _culprit(end, calls)
        return replace(
            run, calls=calls, ended=run.ended or end is not None, culprit=culprit, seconds=last,
            weights=weights,
        )  # fmt: skip
    except (KeyError, TypeError, ValueError) as error:
        raise _broken(f"{type(error).__name__}: {error}", path, 0) from error


def _head(head: Mapping[str, Any], path: Path) -> Run:
    """A run of which only the first line is known."""
    if head.get("kind") != "run":
        raise _broken("it does not begin with a run", path, 1)
    if head.get("schema_version") != SCHEMA_VERSION:
        raise ResultsError(
            Finding(
                f"the results have version {head.get('schema_version')!r}, this PyCandle reads"
                f" version {SCHEMA_VERSION}",
                str(path),
                "use the pycandle-runtime of the same version, and run the tests again",
            )
        )
    try:
        return Run(
            str(head["name"]), str(head["mode"]), str(head["device"]),
            tuple(map(str, head["cases"])), int(head["calls"]),
            (), False, None, 0.0, (), str(head["manifest"]),
        )  # fmt: skip
    except (KeyError, TypeError, ValueError) as error:
        raise _broken(f"{type(error).__name__}: {error}", path, 1) from error


def _culprit(end: Mapping[str, Any] | None, calls: tuple[Call, ...]) -> Call | None:
    if not end or not end["culprit"]:
        return None
    path, number, case = end["culprit"]
    found = (c for c in calls if (c.path, c.call, c.case) == (path, number, case))
    return next(found, None)


def _call(document: Mapping[str, Any], folder: Path) -> Call:
    if document["kind"] != "call":
        raise ValueError(f"a line of kind {document['kind']!r}")
    tensors = document["tensors"]

    def text(name: str) -> str:
        if isinstance(document[name], str):
            return document[name]
        raise TypeError(f"{name} is no text")

    return Call(
        text("case"), text("path"), int(document["call"]), text("class"),
        text("source"), text("site"), text("rust"), text("outcome"),
        text("reason"), tuple(map(output_of, document["outputs"])),
        folder / tensors if tensors else None, float(document["seconds"]),
    )  # fmt: skip


def output_of(document: Mapping[str, Any]) -> Output:
    """An output, or a line's value, from what the runtime wrote of it."""

    def number(name: str) -> float:
        # What JSON cannot say is no number, and no error that can be allowed.
        return float("nan") if document[name] is None else float(document[name])

    return Output(
        document["name"], document["golden"], document["dtype"], tuple(map(int, document["shape"])),
        document["status"], number("error"), number("torch_error"), number("limit"),
        number("max_error"), number("max_limit"), number("needs"), number("over"),
        document["statistics"] or {},
    )  # fmt: skip


def _document(line: bytes, path: Path, number: int) -> dict[str, Any]:
    try:
        document: Any = json.loads(line)
    except ValueError as error:
        raise _broken(f"it is not JSON: {error}", path, number) from error
    if not isinstance(document, dict):
        raise _broken("it is not a JSON object", path, number)
    return document  # type: ignore[reportUnknownVariableType]


def _broken(what: str, path: Path, line: int) -> ResultsError:
    where = f"{path}:{line}" if line else str(path)
    return ResultsError(
        Finding(f"the results cannot be read: {what}", where, "run `pycandle verify` again")
    )
