"""Files of results that are followed while they are written: only what is new is read."""

import json
from pathlib import Path

from pycandle.dashboard.following import Followed, follow, follow_folder
from tests.unit.test_verify import CALLS, FAILED, HEAD, end


def lines(*documents: object) -> str:
    return "".join(f"{json.dumps(each)}\n" for each in documents)


def check(
    path: Path, before: Followed | None, text: str | None, calls: int, *words: str, most=1024
):
    """The file has this text; after one step so many calls are known, and these words are told."""
    if text is not None:
        path.write_text(text)
    after = follow(path, before, most)
    assert after is not None
    assert (len(after.run.calls) if after.run else -1) == calls
    assert [word for word in words if not after.problem or word not in after.problem.what] == []
    assert bool(words) == bool(after.problem)
    return after


def test_a_run_that_goes_on(tmp_path: Path):
    path = tmp_path / "toy.isolated.jsonl"
    whole = lines(HEAD, *CALLS, end())
    assert follow(path) is None
    empty = check(path, None, "", -1)
    partial = check(path, empty, whole[:40], -1)
    head = check(path, partial, lines(HEAD) + '{"kind": "ca', 0)
    assert head.behind and head.run and not head.run.ended
    first = check(path, head, lines(HEAD, CALLS[0]), 1)
    assert first.run and first.run.calls[0].path == "fc"
    last = check(path, first, whole, 3, most=1 << 20)
    assert last.run and last.run.ended and not last.behind
    assert follow(path, last) is last


def test_steps_of_a_few_bytes_come_to_the_same(tmp_path: Path):
    path = tmp_path / "toy.isolated.jsonl"
    path.write_text(lines(HEAD, *FAILED, end(["fc", 0, "recorded"])))
    known, steps = follow(path, None, 10), 1
    while known is not None and known.behind:
        known, steps = follow(path, known, 10), steps + 1
    whole = follow(path)
    assert known is not None and whole is not None and steps == 6
    assert known.run == whole.run
    assert known.run is not None and known.run.culprit is known.run.calls[0]


def test_a_file_that_another_run_replaced_is_read_anew(tmp_path: Path):
    path = tmp_path / "toy.isolated.jsonl"
    old = check(path, None, lines(HEAD, *CALLS, end()), 3, most=1 << 20)
    new = [each | {"seconds": 0.25} for each in FAILED]
    # As long as it was, and longer; shorter; and nothing yet.
    check(path, old, lines(HEAD, *new), 4, most=1 << 20)
    check(path, old, lines(HEAD, *new[:3], end()), 3, most=1 << 20)
    check(path, old, lines(HEAD, new[0]), 1)
    assert check(path, old, "", -1).run is None


def test_what_is_broken_is_told_once_it_is_read_and_what_came_before_stays(tmp_path: Path):
    path = tmp_path / "toy.isolated.jsonl"
    broken = check(path, None, lines(HEAD, CALLS[0]) + "no json\n", 1, "not JSON")
    assert follow(path, broken) is broken
    mended = check(path, broken, lines(HEAD, *CALLS), 3, most=1 << 20)
    check(path, mended, lines(HEAD | {"schema_version": 2}), -1, "version 2", "reads version 3")
    check(path, None, lines(HEAD | {"mode": "other"}), -1, "no mode of a run")
    check(path, None, lines([1]), -1, "not a JSON object")
    check(path, None, lines(HEAD, CALLS[0] | {"path": 7}), 0, "path is no text")
    check(path, None, lines(HEAD, end(), CALLS[0]), 0, "goes on after its end", most=1 << 20)


def test_a_folder(tmp_path: Path):
    assert follow_folder(tmp_path / "none", {}) == {}
    for name in ("toy.isolated.jsonl", "toy.cumulative.jsonl", "other.jsonl"):
        (tmp_path / name).write_text(lines(HEAD))
    found = follow_folder(tmp_path, {})
    assert {path.name for path in found} == {"toy.isolated.jsonl", "toy.cumulative.jsonl"}
    again = follow_folder(tmp_path, found)
    assert all(again[path] is found[path] for path in found)
