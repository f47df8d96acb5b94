"""Results of parity runs: what is read of them, what is told, and what is refused."""

import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from pycandle.errors import ResultsError
from pycandle.verify import Run, as_json, junit, markdown, read_results, summary

HEAD = {
    "kind": "run", "schema_version": 3, "version": "0.1.0", "name": "toy", "mode": "isolated",
    "manifest": "toy_manifest.json", "digest": "sha256:", "device": "cpu", "cases": ["recorded"],
    "calls": 3,
}  # fmt: skip
HOSTILE = 'a|b`<script>"\n\x07'


def output(error: float | None, status: str) -> dict[str, object]:
    return {
        "name": "", "dtype": "f32", "shape": [2, 3], "status": status, "error": error,
        "torch_error": 1.0, "limit": 4.0, "max_error": 0.0, "max_limit": 10.0, "statistics": None,
        "golden": "recorded:fc#0.0", "needs": error, "over": 0.0,
    }  # fmt: skip


def call(path: str, outcome: str, error: float | None = 1.0, reason: str = "") -> dict[str, object]:
    compared = outcome in ("passed", "failed")
    return {
        "kind": "call", "case": "recorded", "path": path, "call": 0, "class": "Linear",
        "source": "toy.py:7", "site": "toy.py:9", "rust": "toy.rs:3", "outcome": outcome,
        "reason": reason, "outputs": [output(error, outcome)] if compared else [], "seconds": 0.5,
        "tensors": None,
    }  # fmt: skip


CALLS = [call("fc", "passed"), call("near", "passed", 3.0), call("drop", "elided")]
FAILED = [*CALLS, call(HOSTILE, "failed", 8.0, "its error is 8")]


def end(culprit: list[object] | None = None) -> dict[str, object]:
    weights = ["fc.weight holds other numbers than were recorded"] if culprit else []
    return {"kind": "end", "culprit": culprit, "weights": weights, "seconds": 2.0}


def read(folder: Path, *documents: object, after: str = "") -> Run:
    path = folder / "toy.isolated.jsonl"
    calls = sum(isinstance(d, dict) and d.get("kind") == "call" for d in documents)
    told = [d | {"calls": calls} if isinstance(d, dict) and "calls" in d else d for d in documents]
    path.write_text("".join(f"{json.dumps(d)}\n" for d in told) + after)
    return read_results(path)


def test_a_run_that_passed(tmp_path: Path):
    run = read(tmp_path, HEAD, *CALLS, end())
    assert (run.passed, run.compared, run.count("elided"), run.seconds) == (True, 2, 1, 2.0)
    assert summary([run]) == (
        "toy isolated: 2 module calls compared; 2 passed, 1 elided, on cpu in 2.0 s\n"
        "  nearest to its limit: near, 75% of what is allowed"
    )


def test_a_run_that_failed(tmp_path: Path):
    run = read(tmp_path, HEAD, *FAILED, end([HOSTILE, 0, "recorded"]))
    assert not run.passed
    assert "called at toy.py:9, in Rust toy.rs:3) in case recorded\n    its error is 8" in summary(
        [run]
    )
    assert "    another checkpoint? fc.weight holds other numbers" in summary([run])


def test_what_is_blamed_alone_is_looked_at_first(tmp_path: Path):
    alone = read(tmp_path, HEAD, *FAILED, end([HOSTILE, 0, "recorded"]))
    whole = replace(alone, mode="cumulative")
    assert summary([alone, whole]).count("look first at") == 1
    assert "the error shows first at" in summary([alone, whole])
    assert markdown([alone, whole]).count("toy.py:7") == 1
    # Where nothing fails alone, the whole model says it.
    assert "look first at" in summary([whole])


@pytest.mark.parametrize("after", ["", '{"kind": "ca'])
def test_a_run_that_goes_on_has_not_passed(tmp_path: Path, after: str):
    run = read(tmp_path, HEAD, *CALLS, after=after)
    assert (run.passed, run.ended, len(run.calls), run.seconds) == (False, False, 3, 0.5)
    assert "did not come to its end" in summary([run])
    assert 'errors="1"' in junit([run])


def test_nothing_compared_or_missing_is_no_pass(tmp_path: Path):
    assert not read(tmp_path, HEAD, CALLS[2], end()).passed
    assert not read(tmp_path, HEAD, *CALLS, call("lost", "missing"), end()).passed


def test_a_run_that_left_calls_out_is_no_pass(tmp_path: Path):
    run = replace(read(tmp_path, HEAD, *CALLS, end()), expected=4)
    assert not run.passed
    assert "told of 3 module calls, and 4 were recorded" in summary([run])


def test_what_commands_a_terminal_is_not_shown(tmp_path: Path):
    run = read(tmp_path, HEAD, call("fc\x1b[2J", "failed", 8.0, "a\nb"), end())
    assert "\x1b" not in summary([run]) and "a\nb" not in summary([run])
    json.dumps(as_json(read(tmp_path, HEAD, call("fc", "failed", None), end())), allow_nan=False)


def test_an_error_that_is_no_number_is_over_every_limit(tmp_path: Path):
    run = read(tmp_path, HEAD, call("fc", "failed", None), end())
    (found,) = run.calls[0].outputs
    assert not found.error <= found.limit


def test_names_are_text_and_no_markup(tmp_path: Path):
    run = read(tmp_path, HEAD, *FAILED, end([HOSTILE, 0, "recorded"]))
    suite = ElementTree.fromstring(junit([run]))[0]
    assert (suite.attrib["tests"], suite.attrib["failures"], suite.attrib["skipped"]) == (
        "4", "1", "1"
    )  # fmt: skip
    assert "<script>" in suite[3].attrib["name"]
    *_, row = markdown([replace(run, name="toy")]).splitlines()
    # The cells are those of the table: no bar of a name ends one.
    assert row.replace("\\|", "").count("|") == 6
    assert "`` a" in row


@pytest.mark.parametrize(
    ("documents", "words"),
    [
        ((), "does not begin with a run"),
        (([],), "it is not a JSON object"),
        ((HEAD | {"schema_version": 1},), "reads version 3"),
        ((HEAD, {"kind": "other"}, end()), "a line of kind 'other'"),
        ((HEAD, CALLS[0] | {"outputs": [{}]}, end()), "KeyError"),
        ((HEAD, 3), "it is not a JSON object"),
    ],
)
def test_what_is_no_result_is_refused(tmp_path: Path, documents: tuple[object, ...], words: str):
    with pytest.raises(ResultsError, match=words):
        read(tmp_path, *documents)
