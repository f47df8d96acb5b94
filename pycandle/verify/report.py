"""Tells of results: for a terminal, for a pull request, and for a CI's table of tests.

Names from a model are text in each of them, never markup. It must not know how results are made.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from xml.etree import ElementTree

from pycandle.plain import finite, printable
from pycandle.verify.results import Call, Run, used

_MARKS = {"passed": "ok", "failed": "FAIL", "missing": "MISS", "uninformative": "????"}
_MOST = 10  # calls that are told one by one


def summary(runs: Sequence[Run]) -> str:
    """A paragraph for each run: the counts, what is wrong first, and what came nearest to it."""
    return "\n".join(printable(line) for run in runs for line in _run(run, _inherits(run, runs)))


def _inherits(run: Run, runs: Sequence[Run]) -> bool:
    """Whether what differs first there may only inherit it, and another run says what is to blame.

    The whole model shows a wrong value where it is first compared, as in a part that takes it.
    """
    others = (each for each in runs if each.name == run.name and each.mode == "isolated")
    return run.mode != "isolated" and any(each.culprit for each in others)


def _run(run: Run, inherits: bool) -> Iterator[str]:
    yield f"{run.name} {run.mode}: {_counts(run)}, on {run.device} in {run.seconds:.1f} s"
    if run.culprit:
        words = "the error shows first at" if inherits else "look first at"
        yield f"  {words} {_place(run.culprit)}"
        yield f"    {run.culprit.reason}"
    for line in run.weights:
        yield f"    another checkpoint? {line}"
    bad = [call for call in run.calls if call.outcome in ("failed", "missing", "uninformative")]
    for call in bad[:_MOST]:
        yield f"  {_MARKS[call.outcome]:<4}  {call.name} ({call.class_name}), case {call.case}"
    if len(bad) > _MOST:
        yield f"  and {len(bad) - _MOST} more"
    if not run.cases:
        yield "  no test compared it: is `include_model!` in the crate?"
    elif not run.ended:
        yield "  the run did not come to its end"
    elif len(run.calls) != run.expected:
        yield f"  it told of {len(run.calls)} module calls, and {run.expected} were recorded"
    if run.passed and (nearest := run.nearest):
        yield f"  nearest to its limit: {nearest.name}, {used(nearest):.0%} of what is allowed"


def _counts(run: Run) -> str:
    counts = {outcome: run.count(outcome) for outcome in (*_MARKS, "elided")}
    told = [f"{count} {outcome}" for outcome, count in counts.items() if count]
    return f"{run.compared} module calls compared; {', '.join(told) or 'none'}"


def _place(call: Call) -> str:
    """A module call with its Python lines."""
    called = f"called at {call.site}" if call.site else ""
    parts = [call.class_name, call.source, called, f"in Rust {call.rust}" if call.rust else ""]
    return f"{call.name} ({', '.join(filter(None, parts))}) in case {call.case}"


def as_json(run: Run) -> dict[str, object]:
    """The run as JSON has it, where what is no number is null."""
    return finite(asdict(run)) | {"passed": run.passed}


def markdown(runs: Sequence[Run]) -> str:
    """A summary for a pull request."""
    lines = ["| Model | Mode | Compared | Passed | Look first at |", "|---|---|---|---|---|"]
    for run in runs:
        blamed = run.culprit if not _inherits(run, runs) else None
        first = _code(_place(blamed)) if blamed else ""
        passed = f"{run.count('passed')}" if run.passed else f"**{run.count('passed')}**"
        lines.append(f"| {_code(run.name)} | {run.mode} | {run.compared} | {passed} | {first} |")
    return "\n".join(lines) + "\n"


def _code(text: str) -> str:
    """Text of any letters as code in a table's cell."""
    plain = printable(text)
    fence = "`" * (1 + max(map(len, re.findall("`+", plain)), default=0))
    space = " " if "`" in plain else ""
    return f"{fence}{space}{plain}{space}{fence}".replace("|", "\\|")


def junit(runs: Sequence[Run]) -> str:
    """JUnit's XML: a suite for each run, a test for each module call."""
    root = ElementTree.Element("testsuites")
    for run in runs:
        suite = ElementTree.SubElement(
            root, "testsuite", name=printable(f"{run.name}.{run.mode}"), tests=str(len(run.calls)),
            failures=str(run.count("failed") + run.count("missing")),
            skipped=str(run.count("elided") + run.count("uninformative")),
            errors=str(int(not run.ended)), time=f"{run.seconds:.3f}",
        )  # fmt: skip
        for call in run.calls:
            _case(suite, run, call)
        if not run.ended:
            name = printable(run.name)
            case = ElementTree.SubElement(suite, "testcase", classname=name, name="the run")
            ElementTree.SubElement(case, "error", message="the run did not come to its end")
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _case(suite: ElementTree.Element, run: Run, call: Call) -> None:
    name = printable(f"{call.case}: {call.name}")
    classname = printable(f"{run.name}.{run.mode}")
    case = ElementTree.SubElement(suite, "testcase", classname=classname, name=name)
    match call.outcome:
        case "failed" | "missing":
            message = call.reason or "it was recorded, and not compared"
            failure = ElementTree.SubElement(case, "failure", message=printable(message))
            failure.text = printable(_place(call))
        case "elided" | "uninformative":
            message = call.reason or "it computes nothing"
            ElementTree.SubElement(case, "skipped", message=printable(message))
        case _:
            pass
