"""What was found inside a module that differs: its lines, or the one op that a layer is.

It must not know how lines are run.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass

from pycandle.plain import finite, printable
from pycandle.verify.instrument import Line
from pycandle.verify.results import Call, Output

_MARKS = {"passed": "ok", "failed": "FAIL", "uninformative": "????"}


@dataclass(frozen=True, slots=True)
class Drilled:
    """A line of a module beside PyTorch, which started from the same numbers."""

    line: Line
    output: Output
    reason: str
    source: str  # the Python line that computes it
    ops: tuple[str, ...]  # what it computes since the lines before it
    nodes: tuple[str, ...] = ()  # the same with all arguments


@dataclass(frozen=True, slots=True)
class Drill:
    """What was found inside a module call."""

    call: Call
    file: str  # the Rust file, relative to the crate
    lines: tuple[Drilled, ...]  # in the order in which they ran; none for a layer
    code: str  # of a layer: the Rust that makes it, below the constants that it names
    nodes: tuple[str, ...]  # of a layer: what PyTorch computed
    error: str = ""  # why the module did not come to its end

    @property
    def culprit(self) -> Drilled | None:
        """The first line that differs."""
        return next((line for line in self.lines if line.output.status == "failed"), None)


def told(drill: Drill) -> str:
    """The drill in words, for a terminal."""
    return "\n".join(map(printable, _told(drill)))


def as_json(drill: Drill) -> dict[str, object]:
    """The drill as JSON has it, where what is no number is null."""
    culprit = drill.culprit
    number = culprit.line.number if culprit else None
    return finite(asdict(drill) | {"culprit": number})


def _told(drill: Drill) -> Iterator[str]:
    call = drill.call
    if drill.nodes:
        yield from _layer(drill)
        return
    yield f"inside {call.name} ({call.class_name}), each line on PyTorch's numbers:"
    for each in drill.lines:
        place = f"{_MARKS[each.output.status]:<4}  line {each.line.line:<5} {each.line.name}"
        yield f"  {place}  error {each.output.error:.1e}  limit {each.output.limit:.1e}"
    if drill.error:
        yield f"  then it stopped: {drill.error}"
    culprit = drill.culprit
    if culprit is None:
        yield "  every line that can be compared agrees: look at the lines between and after them"
        return
    ops = ", ".join(culprit.ops)
    yield f"look first at {drill.file}:{culprit.line.line}, which is to compute {ops}"
    yield (
        f"  as {culprit.source} does: {culprit.reason}" if culprit.source else f"  {culprit.reason}"
    )
    yield from (f"    {line}" for line in culprit.line.text.split("\n"))
    if culprit.nodes:
        yield "  PyTorch computes"
        yield from (f"    {node}" for node in culprit.nodes)


def _layer(drill: Drill) -> Iterator[str]:
    call = drill.call
    yield f"{call.name} ({call.class_name}) is a layer of the runtime, one op. PyTorch computes"
    yield from (f"    {node}" for node in drill.nodes)
    if drill.code:
        yield f"and {call.rust or drill.file} makes the layer:"
        yield from (f"    {line}" for line in drill.code.split("\n"))
