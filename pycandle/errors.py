"""The exception tree and the findings that an error carries.

    PyCandleError
    ├── RecordError        the model could not be exported, or the recording differs from the model
    ├── UnsupportedError   ops or arguments without a lowering, all of them at once
    ├── ManifestError      a manifest or trace that is broken, too new or inconsistent
    ├── GraphError         a pass broke the graph: a defect of PyCandle itself
    ├── ProjectError       a crate's `[package.metadata.pycandle]` or a path is wrong
    ├── ResultsError       what a parity run wrote cannot be read
    ├── ToolError          a program or a package that is needed is missing
    └── StaleError         `pycandle sync --check` found a checked-in file that differs

Errors are data: what happened, where, and how to fix it. Rendering belongs to the command line.
This module must not import anything of PyCandle.
"""

from __future__ import annotations

from dataclasses import dataclass

MISFITS = (
    ArithmeticError, AssertionError, AttributeError, LookupError, RecursionError, SyntaxError,
    TypeError, ValueError,
)  # fmt: skip
"""What code runs into that is given something which no recording holds."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One problem: what (a sentence), where (module path, file:line), fix (an imperative)."""

    what: str
    where: str = ""
    fix: str = ""

    def __str__(self) -> str:
        lines = [self.what]
        if self.where:
            lines.append(f"  where: {self.where}")
        if self.fix:
            lines.append(f"  fix:   {self.fix}")
        return "\n".join(lines)


NO_CARGO = Finding("cargo was not found", "PATH", "install Rust, as https://rustup.rs says")


class PyCandleError(Exception):
    """A problem that the user can read and act on; `exit_code` is what the command returns."""

    exit_code = 3

    def __init__(self, *findings: Finding) -> None:
        self.findings = findings
        super().__init__("\n".join(str(finding) for finding in findings))


class RecordError(PyCandleError):
    """The model could not be recorded."""


class UnsupportedError(PyCandleError):
    """The graph holds ops or arguments that have no lowering; one finding for each."""


class ManifestError(PyCandleError):
    """A manifest or a trace cannot be used."""


class GraphError(PyCandleError):
    """A graph that breaks an invariant of the IR: a defect of PyCandle, please report it."""


class ProjectError(PyCandleError):
    """A crate or a path that a command was pointed at is not usable."""

    exit_code = 2


class ResultsError(PyCandleError):
    """The results of a parity run cannot be read."""


class ToolError(PyCandleError):
    """A program or a package that a command needs is missing, or does not work."""

    exit_code = 4


class StaleError(PyCandleError):
    """Checked-in generated code differs from what its manifest generates."""

    exit_code = 1
